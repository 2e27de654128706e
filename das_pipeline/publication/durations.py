"""Tables derived from protected counts by week: medians, quartiles, and the share that is still open.

They cost no privacy, since whoever has the counts can compute them; a figure that few cases would decide is not shown all the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa

from das_pipeline import engine
from das_pipeline.policy import Figures
from das_pipeline.publication import survival
from das_pipeline.publication.definitions import Dimension, Table
from das_pipeline.publication.metadata import NOT_SHOWN
from das_pipeline.publication.rollup import rolled_up
from das_pipeline.statistics import ENDED, STILL_OPEN, WEEKS
from das_pipeline.terminology import ALL

SHARES = {"first_quartile": 0.25, "median": 0.5, "third_quartile": 0.75}


def duration_cells(connection: duckdb.DuckDBPyConnection, table: Table, limits: Figures) -> pa.Table:
    """Return the cells of `table`: whole weeks or percentages, for each of its measures. Sources: leaves_0, hierarchies, periods_0.

    A cell has the status `not_shown`, and 0, when it is about too few spells, its quantile is beyond the last week, or nothing has been
    followed for as many weeks as its percentage is about.
    """
    measure, *dimensions = table.dimensions
    cube = next(iter(table.cubes.values()))
    of_week = [Dimension(name, f"{cube}_{name}", level) for name, level in ((WEEKS, "week"), (ENDED, "ended"))]
    query, bound = rolled_up(0, [*dimensions, *of_week])
    keys = [*(d.name for d in dimensions), "period_kind", "period"]
    cell = ", ".join(engine.identifier(key) for key in keys)
    by_week = f"SELECT {cell}, CAST({WEEKS} AS BIGINT) AS week, {ENDED} = 'closed' AS is_closed, n, status FROM ({query})"
    kept = f"{by_week} WHERE {WEEKS} <> '{ALL}' AND {ENDED} <> '{ALL}'"
    counts = connection.execute(
        f"SELECT {cell}, MIN(status) AS status, LIST(n ORDER BY week) FILTER (is_closed) AS closed, LIST(n ORDER BY week)"
        f" FILTER (NOT is_closed) AS still_open FROM ({kept}) GROUP BY {cell} ORDER BY {cell}",
        bound,
    ).to_arrow_table()
    closed, still = (np.array(counts[name].to_pylist(), dtype=np.int64) for name in ("closed", "still_open"))
    tables = [
        counts.select(keys).append_column("n", pa.array(n)).append_column("status", _status(counts, is_shown))
        for n, is_shown in (_measured(code, closed, still, limits) for code in table.codes[measure.name])
    ]
    rows = [t.add_column(0, measure.name, pa.repeat(code, t.num_rows)) for code, t in zip(table.codes[measure.name], tables, strict=True)]
    return pa.concat_tables(rows).sort_by([(name, "ascending") for name in table.keys])


def _measured(code: str, closed: survival.Counts, still: survival.Counts, limits: Figures) -> tuple[survival.Counts, np.ndarray]:
    """Return a measure of every cell, 0 where it is not shown, and where it is shown."""
    spells = closed.sum(-1) + still.sum(-1)
    if code.startswith(STILL_OPEN):
        last = int(code.removeprefix(STILL_OPEN)) - 1
        is_shown = (spells >= limits.cases) & survival.is_known(closed, still)[:, last]
        return np.where(is_shown, percent(survival.still_open(closed, still)[:, last], spells, limits), 0), is_shown
    if code == "plain_median":
        weeks, of = survival.quantile(survival.ended_by(closed), 0.5), closed.sum(-1)
    else:
        weeks, of = survival.quantile(survival.still_open(closed, still), SHARES[code]), spells
    is_shown = (of >= limits.cases) & (weeks != survival.NEVER)
    return np.where(is_shown, weeks, 0), is_shown


def percent(share: survival.Shares, of: survival.Counts, limits: Figures) -> survival.Counts:
    """Return shares as percentages: whole ones or steps of 5, by how much they are of, and of little never below 5 or above 95."""
    step = np.where(of >= limits.whole_from, 1, 5)
    whole = np.rint(100 * share / step).astype(np.int64) * step
    edge = np.where(of >= limits.edges_from, 1, 5)
    return np.where(of >= limits.cases, np.clip(whole, edge, 100 - edge), 0)


def _status(counts: pa.Table, is_shown: Sequence[bool] | np.ndarray) -> pa.Array:
    return pa.array([status if shown else NOT_SHOWN for status, shown in zip(counts["status"].to_pylist(), is_shown, strict=True)])
