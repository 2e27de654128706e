"""What a changed mapping set changes, before it is accepted: records, the meaning of concepts, and figures of others (rule T07)."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from das_pipeline import engine
from das_pipeline.deliveries import external_sources, load_external, normal_form
from das_pipeline.lake import Draft, Version
from das_pipeline.run import Run
from das_pipeline.stages import reads_of
from das_pipeline.terminology.columns import ConceptColumn, concept_columns
from das_pipeline.terminology.concepts import mapping_files
from das_pipeline.terminology.external import write_figures
from das_pipeline.terminology.file_faults import require_sound
from das_pipeline.terminology.judging import CodeRows, Compared, Redefined
from das_pipeline.terminology.lookup import look_up, with_concepts
from das_pipeline.terminology.readers import live, records_of

CONCEPTS = "terminology/concepts"


@dataclass(frozen=True)
class Figures:
    """One table of another publisher's figures: how many of its cells would be there, and how many would have another figure or be new."""

    table: str
    cells: int
    cells_changed: int


@dataclass(frozen=True)
class Difference:
    """The mapping set of the files against the records, the concepts and the external figures that are live."""

    accepted: str  # the version of the mapping set that the live records were made with
    proposed: str
    columns: Sequence[Compared]
    redefined: Sequence[Redefined]
    external: Sequence[Figures] = ()
    before: Mapping[tuple[str, str, str], str] = field(
        default_factory=dict
    )  # scheme, concept, level -> the node that the live records count it in


def difference(run: Run) -> Difference:
    """Compare the terminology in the files now with what is live; change nothing. ConfigurationError names rows that break a rule."""
    run = replace(run, jurisdiction=run.jurisdiction.limited_to(reads_of("terminology")))
    require_sound(run.jurisdiction)
    records = live(run, "terminology/records")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draft = Draft(CONCEPTS, folder, folder, None)
        with run.connect(confidential=True) as connection:
            mapping_files(run, draft, connection)
            compared = compare(run, connection, records, draft)
        return replace(compared, external=_external(run, draft, folder / "external"))


def compare(run: Run, connection: duckdb.DuckDBPyConnection, records: Version, concepts: Version | Draft) -> Difference:
    """Compare the concepts in `records` with those that the mapping set `concepts` gives the same values, column by column.

    `connection` may not have been used for `look_up`. A column or file that `records` does not have is left out: it has no concept yet.
    """
    views: dict[tuple[str, str], str] = {}
    columns: list[ConceptColumn] = []
    for column in concept_columns(run.jurisdiction):
        source = records_of(records, column.partner, column.file)
        if source is None:
            continue
        names = {name for name, *_ in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        if {f"{column.column}_concept", column.at or column.column} <= names:
            columns.append(column)
            views[column.partner, column.file] = engine.identifier(f"accepted_{column.partner}_{column.file}")
    for (partner, file), view in views.items():
        coded = [c for c in columns if (c.partner, c.file) == (partner, file)]
        renamed = ", ".join(f"{engine.identifier(c.column + '_concept')} AS {_was(c)}" for c in coded)
        source = records_of(records, partner, file)
        connection.execute(f"CREATE TEMP VIEW {view} AS SELECT * RENAME ({renamed}) FROM {source} WHERE known_until = DATE '9999-12-31'")
    look_up(connection, run, concepts, columns, views)
    compared = [_compared(connection, run, views[column.partner, column.file], column) for column in columns]
    accepted = run.lake.version(CONCEPTS, records.inputs[CONCEPTS])
    hierarchy = engine.parquet([accepted.path("hierarchies.parquet")])
    return Difference(
        accepted=records.facts["mapping_version"],
        proposed=concepts.facts["mapping_version"],
        columns=compared,
        redefined=_redefined(connection, accepted, concepts, compared),
        before={tuple(place): node for *place, node in connection.execute(f"SELECT scheme, leaf, level, node FROM {hierarchy}").fetchall()},
    )


def _compared(connection: duckdb.DuckDBPyConnection, run: Run, view: str, column: ConceptColumn) -> Compared:
    query, parameters = with_concepts(run, view, [column])
    name, becomes = engine.identifier(column.column), engine.identifier(f"{column.column}_concept")
    month = f"SUBSTR(CAST(COALESCE({engine.identifier(column.at)}, known_from) AS VARCHAR), 1, 7)" if column.at else "NULL"
    rows = connection.execute(
        f"""
        SELECT {normal_form(f"CAST({name} AS VARCHAR)")} AS code, {_was(column)} AS was, {becomes} AS becomes, COUNT(*) AS rows,
            COALESCE(MIN({month}), '') AS first_month, COALESCE(MAX({month}), '') AS last_month
        FROM ({query})
        WHERE NULLIF({normal_form(f"CAST({name} AS VARCHAR)")}, '') IS NOT NULL
        GROUP BY code, was, becomes
        ORDER BY rows DESC, code, was, becomes
        """,
        parameters,
    ).fetchall()
    return Compared(column, [CodeRows(column, *row) for row in rows])


def _was(column: ConceptColumn) -> str:
    return engine.identifier(f"{column.column}_was")


def _redefined(
    connection: duckdb.DuckDBPyConnection, accepted: Version, proposed: Version | Draft, compared: Sequence[Compared]
) -> list[Redefined]:
    """Return the concepts of both sets whose parent or definition differs, with the rows that would be of them or of a narrower one."""
    old, new = (engine.parquet([version.path("concepts.parquet")]) for version in (accepted, proposed))
    columns = [{name for name, *_ in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()} for source in (old, new)]
    told = ["parent", *sorted(name for name in columns[0] & columns[1] if name.startswith("definition_"))]
    changed = " UNION ALL ".join(
        f"SELECT scheme, concept, '{name}' AS what, COALESCE(o.{name}, '') AS was, COALESCE(n.{name}, '') AS becomes"
        f" FROM {old} AS o JOIN {new} AS n USING (scheme, concept) WHERE o.{name} IS DISTINCT FROM n.{name}"
        for name in map(engine.identifier, told)
    )
    rows = [(c.column.scheme, code.becomes, code.rows) for c in compared for code in c.codes]
    engine.create_table(connection, "in_force", "scheme VARCHAR, leaf VARCHAR, rows BIGINT", rows)
    hierarchy = engine.parquet([proposed.path("hierarchies.parquet")])
    return [
        Redefined(*row)
        for row in connection.execute(
            f"""
            SELECT c.*, COALESCE(SUM(f.rows), 0)::BIGINT AS rows
            FROM ({changed}) AS c
            LEFT JOIN {hierarchy} AS h ON h.scheme = c.scheme AND h.node = c.concept
            LEFT JOIN in_force AS f ON f.scheme = h.scheme AND f.leaf = h.leaf
            GROUP BY ALL ORDER BY rows DESC, c.scheme, c.concept, c.what
            """
        ).fetchall()
    ]


def _external(run: Run, concepts: Draft, folder: Path) -> list[Figures]:
    """Compare the figures of external sources as `concepts` would have them with those that are live."""
    accepted = run.lake.current("terminology/external")
    if accepted is None:
        return []
    draft = Draft("terminology/external", folder, folder, None)
    write_figures(run, draft, concepts)
    figures = []
    with run.connect() as connection:
        for source in (load_external(run.jurisdiction, name) for name in external_sources(run.jurisdiction)):
            file = f"{source.table}.parquet"
            if file in accepted.files:
                old, new = (engine.parquet([version.path(file)]) for version in (accepted, draft))
                there = {name for name, *_ in connection.execute(f"DESCRIBE SELECT * FROM {old}").fetchall()}
                shared = [name for name, *_ in connection.execute(f"DESCRIBE SELECT * FROM {new}").fetchall() if name in there]
                columns = ", ".join(f'"{engine.identifier(name)}"' for name in shared)  # quoted: a level may be called group
                query = f"SELECT COUNT(*) FROM (SELECT {columns} FROM {new} EXCEPT ALL SELECT {columns} FROM {old})"
                changed = int(engine.scalar(connection, query))
                figures.append(Figures(source.table, draft.rows[file], changed))
    return figures
