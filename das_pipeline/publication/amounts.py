"""Tables of amounts, such as the length of a sentence or the height of a fine: what a quarter, half and three quarters are at most.

They follow from protected counts by class of amount, so they cost no privacy. Nothing finer than a class is counted: within one the amounts
are taken to lie evenly, so that of 40 fines of 250 to 500 euros the tenth is a quarter of the way. What lies in the last class, which has
no end, is not shown, nor what fewer cases than the limit decide.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

from das_pipeline import engine
from das_pipeline.policy import Figures
from das_pipeline.publication.definitions import Dimension, Table
from das_pipeline.publication.metadata import NOT_SHOWN
from das_pipeline.publication.rollup import rolled_up
from das_pipeline.publication.survival import Counts, Shares
from das_pipeline.statistics import AMOUNTS

UNKNOWN = -1


def amount_cells(connection: duckdb.DuckDBPyConnection, table: Table, limits: Figures) -> pa.Table:
    """Return the cells of `table`: whole amounts, for each of its measures. Sources: leaves_0, hierarchies, periods_0.

    An amount that is not known has no place among the others: it is left out, here and in the limit.
    """
    measure, *dimensions = table.dimensions
    cube = next(iter(table.cubes.values()))
    query, bound = rolled_up(0, [*dimensions, Dimension(table.unit, f"{cube}_{table.unit}", "band")])
    keys = [*(d.name for d in dimensions), "period_kind", "period"]
    cell, amount = ", ".join(map(engine.identifier, keys)), engine.identifier(table.unit)
    place = " ".join(f"WHEN '{table.unit}_{bound}' THEN {place}" for place, bound in enumerate((0, *table.bounds)))
    by_class = f"SELECT *, CASE {amount} {place} ELSE {UNKNOWN} END AS place FROM ({query})"
    counts = connection.execute(
        f"SELECT {cell}, MIN(status) AS status, LIST(n ORDER BY place) AS counts FROM ({by_class}) WHERE place <> {UNKNOWN}"
        f" GROUP BY {cell} ORDER BY {cell}",
        bound,
    ).to_arrow_table()
    in_class = np.array(counts["counts"].to_pylist(), dtype=np.int64)
    tables = []
    for code in table.codes[measure.name]:
        amounts = quantile(in_class, AMOUNTS[code], table.bounds)
        is_shown = (in_class.sum(-1) >= limits.cases) & ~np.isnan(amounts)
        status = [s if shown else NOT_SHOWN for s, shown in zip(counts["status"].to_pylist(), is_shown, strict=True)]
        figures = {"n": np.where(is_shown, np.rint(amounts), 0).astype(np.int64), "status": status}
        tables.append(pa.table({measure.name: pa.repeat(code, counts.num_rows)} | {key: counts[key] for key in keys} | figures))
    return pa.concat_tables(tables).sort_by([(name, "ascending") for name in table.keys])


def quantile(in_class: Counts, share: float, bounds: tuple[int, ...]) -> Shares:
    """Return the amount that `share` of each row's cases have at most; NaN where that is beyond the last bound, or there are none.

    `in_class` is (..., classes): from 0 to the first of `bounds`, and so on; the last class has no end.
    """
    edges = np.array([0, *bounds], dtype=np.float64)
    until = np.cumsum(in_class, -1)
    wanted = share * until[..., -1:]
    place = np.argmax(until >= wanted, axis=-1)[..., None]
    inside = np.take_along_axis(in_class, place, -1)
    before = np.take_along_axis(until, place, -1) - inside
    is_known = (inside > 0) & (place < len(bounds))
    low, high = edges[np.minimum(place, len(bounds) - 1)], edges[np.minimum(place + 1, len(bounds))]
    return np.where(is_known, low + (wanted - before) / np.maximum(inside, 1) * (high - low), np.nan)[..., 0]
