"""Tables of percentages and rates: a protected count divided by another one, or by another publisher's figures such as inhabitants.

They cost no privacy, since whoever has the counts can compute them; what too few cases would decide is not shown all the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa

from das_pipeline import engine
from das_pipeline.lake import Lake
from das_pipeline.periods import enclosing
from das_pipeline.policy import Figures
from das_pipeline.publication.definitions import Dimension, Table
from das_pipeline.publication.durations import percent
from das_pipeline.publication.metadata import NOT_SHOWN
from das_pipeline.publication.rollup import rolled_up
from das_pipeline.statistics import Rate, Share
from das_pipeline.terminology import ALL

PART = 999  # stands for the part of a count in names: the cubes of a table have numbers of their own


def ratio_cells(connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table, limits: Figures) -> pa.Table:
    """Return the cells of `table`: whole percentages, or rates rounded to a whole. Sources: leaves_0, hierarchies, periods_0.

    A cell has the status `not_shown`, and 0, when the count of the table's cube is too low or the other publisher has no figure.
    """
    measure, *dimensions = table.dimensions
    keys = [*(d.name for d in dimensions), "period_kind", "period"]
    counted, bound = rolled_up(0, dimensions)
    tables = []
    for code, ratio in table.ratios.items():
        if isinstance(ratio, Rate):
            other, shared = _figures(connection, lake, ratio, dimensions)
        else:
            _create_part(connection, lake, ratio)
            part, _ = rolled_up(PART, dimensions)  # binds the same values
            other, shared = f"SELECT * EXCLUDE (status) FROM ({part})", keys
        cells = connection.execute(
            f"SELECT {_listed(keys)}, c.n AS n, o.n AS other, c.status AS status FROM ({counted}) AS c"
            f" LEFT JOIN ({other}) AS o USING ({_listed(shared)}) ORDER BY {_listed(keys)}",
            bound,
        ).to_arrow_table()
        counts, others = (np.nan_to_num(cells[name].to_numpy().astype(np.float64)) for name in ("n", "other"))
        is_shown = (counts >= limits.cases) & cells["other"].is_valid().to_numpy()  # the other has no figure for every period
        figures = _rates(counts, others, ratio) if isinstance(ratio, Rate) else percent(others / np.maximum(counts, 1), counts, limits)
        status = [s if shown else NOT_SHOWN for s, shown in zip(cells["status"].to_pylist(), is_shown, strict=True)]
        columns = {"n": pa.array(np.where(is_shown, figures, 0).astype(np.int64)), "status": pa.array(status)}
        named = {measure.name: pa.repeat(code, cells.num_rows)} | {key: cells[key] for key in keys}
        tables.append(pa.table(named | columns))
    return pa.concat_tables(tables).sort_by([(name, "ascending") for name in table.keys])


def _rates(counts: np.ndarray, others: np.ndarray, rate: Rate) -> np.ndarray:
    return np.rint(rate.per * counts / np.maximum(others, 1))


def _create_part(connection: duckdb.DuckDBPyConnection, lake: Lake, share: Share) -> None:
    """Create `leaves_<PART>` and `periods_<PART>`: of the part that a share has of the table's count."""
    leaves = "leaves_0"
    if share.cube:
        leaves = engine.parquet([lake.live("disclosure/leaves").path(f"{engine.identifier(share.cube)}.parquet")])
    kept = {f"kept_{n}": codes for n, codes in enumerate(share.where.values())}
    conditions = [f"list_contains($kept_{n}, {engine.identifier(dimension)})" for n, dimension in enumerate(share.where)]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE leaves_{PART} AS SELECT * FROM {leaves} WHERE {' AND '.join(conditions) or 'TRUE'}", kept
    )
    leaf_periods = [row[0] for row in connection.execute(f"SELECT DISTINCT period FROM leaves_{PART} ORDER BY period").fetchall()]
    rows = [(leaf, kind, node, "") for leaf in leaf_periods for kind, node in enclosing(leaf).items()]
    engine.create_table(connection, f"periods_{PART}", "leaf VARCHAR, kind VARCHAR, node VARCHAR, status VARCHAR", rows)


def _figures(connection: duckdb.DuckDBPyConnection, lake: Lake, rate: Rate, dimensions: Sequence[Dimension]) -> tuple[str, list[str]]:
    """Return a query for the figures of a rate's source by year and by those of `dimensions` that it has, with totals; and its keys."""
    source = engine.parquet([lake.live("terminology/external").path(f"{engine.identifier(rate.source)}.parquet")])
    columns = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    levels = {d.name: f'"{engine.identifier(d.level)}"' for d in dimensions if d.level in columns}
    nodes = "".join(f"COALESCE({level}, '{ALL}') AS {engine.identifier(name)}, " for name, level in levels.items())
    grouped = f"CUBE ({', '.join(levels.values())}), year" if levels else "year"
    query = f"SELECT {nodes}CAST(year AS VARCHAR) AS period, SUM({engine.identifier(rate.measure)}) AS n FROM {source} GROUP BY {grouped}"
    return query, [*levels, "period"]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(engine.identifier(name) for name in names)
