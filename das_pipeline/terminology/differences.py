"""What a changed mapping set changes: the records in force whose concept would be another, before the set is accepted (rule T07)."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from das_pipeline import engine
from das_pipeline.lake import Draft, Version
from das_pipeline.run import Run
from das_pipeline.stages import reads_of
from das_pipeline.terminology.columns import ConceptColumn, concept_columns
from das_pipeline.terminology.concepts import mapping_files
from das_pipeline.terminology.judging import Change, Compared
from das_pipeline.terminology.lookup import look_up, with_concepts
from das_pipeline.terminology.readers import live


@dataclass(frozen=True)
class Difference:
    """The mapping set of the files against the records that are live."""

    accepted: str  # the version of the mapping set that the live records were made with
    proposed: str
    columns: Sequence[Compared]


def difference(run: Run) -> Difference:
    """Compare the mapping set as it is in the files now with the live records. Changes nothing."""
    run = replace(run, jurisdiction=run.jurisdiction.limited_to(reads_of("terminology")))
    records = live(run, "terminology/records")
    with tempfile.TemporaryDirectory() as name, run.connect(confidential=True) as connection:
        draft = Draft("terminology/concepts", Path(name), Path(name), None)
        proposed = mapping_files(run, draft, connection)
        return Difference(records.facts["mapping_version"], proposed, compare(run, connection, records, draft))


def compare(run: Run, connection: duckdb.DuckDBPyConnection, records: Version, concepts: Version | Draft) -> list[Compared]:
    """Compare the concepts in `records` with those that the mapping set `concepts` gives the same values, column by column.

    `connection` may not have been used for `look_up`. A column or file that `records` does not have is left out: it has no concept yet.
    """
    views: dict[tuple[str, str], str] = {}
    columns: list[ConceptColumn] = []
    for column in concept_columns(run.jurisdiction):
        file = f"{column.partner}/{column.file}.parquet"
        if file not in records.files:
            continue
        source = engine.parquet([records.path(file)])
        names = {name for name, *_ in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        if {f"{column.column}_concept", column.at or column.column} <= names:
            columns.append(column)
            views[column.partner, column.file] = engine.identifier(f"accepted_{column.partner}_{column.file}")
    for (partner, file), view in views.items():
        coded = [c for c in columns if (c.partner, c.file) == (partner, file)]
        renamed = ", ".join(f"{engine.identifier(c.column + '_concept')} AS {_was(c)}" for c in coded)
        source = engine.parquet([records.path(f"{partner}/{file}.parquet")])
        connection.execute(f"CREATE TEMP VIEW {view} AS SELECT * RENAME ({renamed}) FROM {source} WHERE known_until = DATE '9999-12-31'")
    look_up(connection, run, concepts, columns, views)
    return [_compared(connection, run, views[column.partner, column.file], column) for column in columns]


def _compared(connection: duckdb.DuckDBPyConnection, run: Run, view: str, column: ConceptColumn) -> Compared:
    query, parameters = with_concepts(run, view, [column])
    name, becomes = engine.identifier(column.column), engine.identifier(f"{column.column}_concept")
    month = f"SUBSTR(CAST(COALESCE({engine.identifier(column.at)}, known_from) AS VARCHAR), 1, 7)" if column.at else "NULL"
    rows = connection.execute(
        f"""
        SELECT TRIM(CAST({name} AS VARCHAR)) AS code, {_was(column)} AS was, {becomes} AS becomes, COUNT(*) AS rows,
            COALESCE(MIN({month}), '') AS first_month, COALESCE(MAX({month}), '') AS last_month
        FROM ({query})
        WHERE NULLIF(TRIM(CAST({name} AS VARCHAR)), '') IS NOT NULL
        GROUP BY code, was, becomes
        ORDER BY rows DESC, code, was, becomes
        """,
        parameters,
    ).fetchall()
    changes = [Change(column, *row) for row in rows if row[1] != row[2]]
    return Compared(column, sum(row[3] for row in rows), changes)


def _was(column: ConceptColumn) -> str:
    return engine.identifier(f"{column.column}_was")
