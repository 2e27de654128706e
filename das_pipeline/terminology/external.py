"""The table `terminology/external`: other publishers' exact figures by our concepts, one file per source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from das_pipeline import engine
from das_pipeline.deliveries import ExternalSource, external_sources, load_external
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft, Version
from das_pipeline.run import Run
from das_pipeline.terminology import judging
from das_pipeline.terminology.columns import source_columns
from das_pipeline.terminology.crosswalks import WHOLE
from das_pipeline.terminology.lookup import look_up, with_concepts
from das_pipeline.terminology.readers import live, live_concepts
from das_pipeline.terminology.schemes import TOTAL, UNKNOWN, Scheme, load_schemes


def build_external(run: Run, draft: Draft) -> list[Verdict]:
    """Write the figures of every external source to `draft`, under the name of its table; return the verdicts T02 and F05.

    A row is a cell of the publisher's table: a column for every level of a coded column's scheme below the total, one for every
    crosswalk, the rest of the source's key, the measure, `is_estimate`: whether weights of a crosswalk split a figure of the cell, and
    `is_provisional`: whether its publisher may still revise one.
    All other figures are exact as published, and so is the sum of those that were split. Figures are never added to ours.
    """
    concepts = live_concepts(run)
    draft.facts["mapping_version"] = concepts.facts["mapping_version"]
    return write_figures(run, draft, concepts)


def write_figures(run: Run, draft: Draft, concepts: Version | Draft) -> list[Verdict]:
    """Write the figures of every external source to `draft` with the concepts of the mapping set `concepts`; return T02 and F05."""
    schemes = load_schemes(run.jurisdiction)
    sources = [load_external(run.jurisdiction, name) for name in external_sources(run.jurisdiction)]
    unmapped = differing = 0
    with run.connect() as connection:
        views = {(source.source, source.name): _figures(connection, run, source) for source in sources}
        look_up(connection, run, concepts, [c for source in sources for c in source_columns(source)], views)
        for name in ("hierarchies", "crosswalks"):
            connection.execute(f"CREATE TEMP VIEW {name} AS SELECT * FROM {engine.parquet([concepts.path(f'{name}.parquet')])}")
        for source in sources:
            cells = _cells(run, source, views[source.source, source.name], schemes)
            file = f"{source.table}.parquet"
            draft.rows[file] = engine.write_parquet(
                connection, cells.query, draft.path(file), order_by=", ".join(cells.dimensions), parameters=cells.parameters
            )
            written = engine.parquet([draft.path(file)])
            unknown = " OR ".join(f"{name} = '{UNKNOWN}'" for name in cells.words) or "FALSE"
            unmapped += int(engine.scalar(connection, f"SELECT COUNT(*) FROM {written} WHERE {unknown}"))
            sums = dict(connection.execute(f"SELECT {source.period}, SUM({source.measure}) FROM {written} GROUP BY 1").fetchall())
            differing += sum(sums.get(period) != source.totals.get(period) for period in sums.keys() | source.totals.keys())
    return [
        judging.figures_are_mapped(unmapped, sum(draft.rows.values())),
        judging.figures_add_up(differing, sum(len(s.totals) for s in sources)),
    ]


def _figures(connection: duckdb.DuckDBPyConnection, run: Run, source: ExternalSource) -> str:
    """Create a view of the figures of a source with the dates that records have, known since its vintage; return the view's name."""
    view = engine.identifier(f"figures_{source.source}")
    path = live(run, f"deliveries/{source.source}").path(f"{source.name}.parquet")
    known = f"DATE '{source.vintage}' AS known_from, DATE '9999-12-31' AS known_until"
    connection.execute(f"CREATE TEMP VIEW {view} AS SELECT *, {known} FROM {engine.parquet([path])}")
    return view


@dataclass(frozen=True)
class _Cells:
    """A query with one row per cell, the columns that name a cell, those of them that hold concepts, and its parameters."""

    query: str
    dimensions: list[str]
    words: list[str]
    parameters: dict[str, object]


def _cells(run: Run, source: ExternalSource, view: str, schemes: Mapping[str, Scheme]) -> _Cells:
    coded = source_columns(source)
    figures, parameters = with_concepts(run, view, coded)
    dimensions = {_quoted(name): f"f.{name}" for name in source.key if name not in {c.column for c in coded}}
    joins = ""
    for column in coded:
        for level in schemes[column.scheme].levels:
            if level == TOTAL:
                continue
            n = len(dimensions)
            dimensions[_quoted(level)] = f"h{n}.node"
            joins += f"""
    JOIN hierarchies AS h{n} ON h{n}.scheme = $scheme{n} AND h{n}.level = $level{n} AND h{n}.leaf = f.{column.column}_concept"""
            parameters |= {f"scheme{n}": column.scheme, f"level{n}": level}
    provisional = "false"
    if source.status:
        parameters["provisional"] = list(source.status.provisional)
        provisional = f"COALESCE({engine.identifier(source.status.column)} IN (SELECT UNNEST($provisional)), false)"
    figures = f"SELECT *, false AS is_estimate, {provisional} AS is_provisional FROM ({figures})"
    for n, walk in enumerate(source.crosswalks):
        figures = _split(source, figures, n)
        dimensions[_quoted(walk.column)] = f"f.walk{n}"
        parameters[f"crosswalk{n}"] = walk.crosswalk
    named = ", ".join(f"{value} AS {name}" for name, value in dimensions.items())
    measure = engine.identifier(source.measure)
    query = f"""SELECT {named}, CAST(SUM(f.{measure}) AS BIGINT) AS {measure}, BOOL_OR(f.is_estimate) AS is_estimate,
        BOOL_OR(f.is_provisional) AS is_provisional
    FROM ({figures}) AS f{joins}
    GROUP BY {", ".join(dimensions.values())}"""
    words = [name for name, value in dimensions.items() if value.startswith(("h", "f.walk"))]
    return _Cells(query, list(dimensions), words, parameters)


def _split(source: ExternalSource, figures: str, n: int) -> str:
    """Return a query of `figures` with a column `walk<n>`: each figure split among its concepts by the weights of 1 January of its year.

    Every concept gets its share rounded down; the units that are left go to the largest remainders, so that the parts add up to the
    figure, exactly. A figure without a part goes whole to `unknown`.
    """
    measure, walk = engine.identifier(source.measure), source.crosswalks[n]
    figure = ", ".join(map(engine.identifier, (*source.key, *(f"walk{m}" for m in range(n)))))
    return f"""
        WITH parts AS (
            SELECT
                f.*,
                COALESCE(x.concept, '{UNKNOWN}') AS walk{n},
                COALESCE(x.millionths, {WHOLE}) AS millionths,
                f.{measure} * COALESCE(x.millionths, {WHOLE}) // {WHOLE} AS share,
                f.{measure} * COALESCE(x.millionths, {WHOLE}) % {WHOLE} AS remainder
            FROM ({figures}) AS f
            LEFT JOIN crosswalks AS x ON x.crosswalk = $crosswalk{n} AND x.code = f.{engine.identifier(walk.of)}_concept
                AND MAKE_DATE(CAST(f.{engine.identifier(source.period)} AS INTEGER), 1, 1) BETWEEN x.valid_from AND x.valid_until
        )
        SELECT
            * EXCLUDE (millionths, share, remainder) REPLACE (
                is_estimate OR millionths < {WHOLE} AS is_estimate,
                share + CASE WHEN ROW_NUMBER() OVER (PARTITION BY {figure} ORDER BY remainder DESC, walk{n})
                    <= {measure} - SUM(share) OVER (PARTITION BY {figure}) THEN 1 ELSE 0 END AS {measure}
            )
        FROM parts"""


def _quoted(name: str) -> str:
    """A level or crosswalk as a column: its name may be a word of SQL, such as group."""
    return f'"{engine.identifier(name)}"'
