"""Measure sticky controlled rounding: CPU seconds and error on full grids of the size of a national cube.

    python -m benchmarks.bench_disclosure             # made-up cubes, Poisson counts
    python -m benchmarks.bench_disclosure FOLDER      # tables: inner cells (<t>_inner.parquet), hierarchies (<t>_hier_<dim>.csv)

Beside M and L stands what other implementations took for the same tables, as measured once on another machine of two cores, and how many
times as long that is; beside S, M and L the error that rounding should not exceed. For S and M, what suppression would leave out follows;
of M that takes minutes.

CPU seconds count everything from true counts to values: incidence, keyed draws and descent, but not compiling the loops once.
"""

from __future__ import annotations

import csv
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy import sparse

from das_pipeline.disclosure.cubes import period_ladder, positions
from das_pipeline.disclosure.grid import PERIOD, TOTAL, Grid, ladder
from das_pipeline.disclosure.ledger import leaf_period_names
from das_pipeline.disclosure.rounding import Decisions, Leaves, draw, protect
from das_pipeline.disclosure.suppression import Linked, suppress

KEY = bytes(32)
PEERS = {  # table -> R package and version, CPU seconds
    "M": ("GaussSuppression 1.2.3", 98.6),
    "L": ("SmallCountRounding 1.2.5", 11.3),
}
MAD_LIMITS = {"S": 1.91, "M": 2.15, "L": 2.70}
BASE = 5
EXCHANGE = 16
MINIMUM, WIDTH = 5, 4  # of suppression


def measure(name: str, grid: Grid, true: NDArray[np.int64], key: bytes = KEY) -> None:
    """One line: size, CPU seconds, and the error over the published cells that are not zero."""
    started = time.process_time()
    names = (leaf if n else None for leaf, n in zip(leaf_period_names(grid), true, strict=True))
    leaves = Leaves.of(true, grid.cells(), grid.totals, Decisions.none(grid.size), draw(key, names, grid.size), BASE, EXCHANGE)
    value = protect(leaves)
    seconds = time.process_time() - started
    error, size = np.abs(leaves.sums(value - true)), leaves.sums(true)
    seen = error[size > 0]
    limit = f" (limit {MAD_LIMITS[name]:.2f})" if name in MAD_LIMITS else ""
    national = [int(error[grid.tables[t].cells].max()) for t in grid.totals]
    print(
        f"{name:12} {grid.size:9,} leaves x {len(grid.tables):3} tables {len(error):9,} cells {seconds:6.2f} CPU s"
        f"   MAD {seen.mean():.3f}{limit}  RMSD {np.sqrt((seen.astype(float) ** 2).mean()):.3f}  max {seen.max()}  national {national}"
    )
    if name in PEERS:
        package, theirs = PEERS[name]
        print(f"{'':12} {package} took {theirs} CPU s: {theirs / seconds:.1f} times as long")


def suppressed(name: str, grid: Grid, true: NDArray[np.int64]) -> None:
    """One line: cells that are not 0, those below MINIMUM, what is left out with them so that every range is WIDTH wide, CPU seconds."""
    leaf, cells = np.flatnonzero(true), grid.cells()
    used, cell = np.unique(cells[leaf], return_inverse=True)
    column = np.repeat(np.arange(len(leaf)), cells.shape[1])
    linked = Linked.of(sparse.csr_array((np.ones(len(column)), (cell.ravel(), column))), np.arange(len(used)), true[leaf])
    small = linked.counts < MINIMUM
    started = time.process_time()
    hidden = suppress(linked, small, WIDTH)
    seconds = time.process_time() - started
    print(
        f"{name:12} by suppression: {len(used):,} cells, {small.sum()} small, {(hidden & ~small).sum()} more left out, {seconds:.1f} CPU s"
    )


def made_up(years: int, mean: float) -> tuple[Grid, NDArray[np.int64]]:
    """month x 58 classes in 9 groups x 11 regions x 6 ages x 2 sexes, classes of very different size."""
    classes = {f"c{n:02}": f"g{n % 9}" for n in range(58)}
    offence = ladder("offence", [("class", {c: c for c in classes}), ("group", classes), (TOTAL, dict.fromkeys(classes, "all"))])
    flat = [
        ladder(d, [(d, {f"{n:02}": f"{n:02}" for n in range(size)}), (TOTAL, {f"{n:02}": "all" for n in range(size)})])
        for d, size in (("region", 11), ("age", 6), ("sex", 2))
    ]
    grid = Grid.of([offence, *flat], period_ladder(["month", "year"], date(2012, 1, 1), date(2011 + years, 12, 31)))
    random = np.random.default_rng(3)
    weights = random.lognormal(0, 2, grid.shape[2])  # age, class (offence), … by name: the third axis is `region`
    return grid, random.poisson(mean * weights[None, None, :, None, None] / weights.mean(), grid.shape).ravel().astype(np.int64)


def read_table(folder: Path, name: str) -> tuple[Grid, NDArray[np.int64]]:
    """A table of inner cells with its hierarchies; without a period of its own it gets a single year."""
    cells = pq.read_table(folder / f"{name}_inner.parquet")
    columns = [c for c in cells.column_names if c not in {"freq", "month"}]
    dimensions = []
    for column in columns:
        hierarchy = folder / f"{name[0]}_hier_{column}.csv"
        values = sorted(cells[column].unique().to_pylist())
        steps = _steps(hierarchy) if hierarchy.exists() else [(column, {v: v for v in values}), (TOTAL, dict.fromkeys(values, "all"))]
        dimensions.append(ladder(column, steps))
    if "month" in cells.column_names:
        months = cells["month"].unique().to_pylist()
        period = ladder(PERIOD, [("month", {m: m for m in months}), ("year", {m: m[:4] for m in months})])
        at_period = positions(cells["month"], period.concepts)
    else:
        period = ladder(PERIOD, [("year", {"2024": "2024"})])
        at_period = np.zeros(cells.num_rows, dtype=np.int64)
    grid = Grid.of(dimensions, period)
    true = np.zeros(grid.shape, dtype=np.int64)
    np.add.at(true, (*(positions(cells[d.name], d.concepts) for d in grid.dimensions[:-1]), at_period), cells["freq"].to_numpy())
    return grid, true.ravel()


def _steps(path: Path) -> list[tuple[str, dict[str, str]]]:
    """The levels of a hierarchy file: either leaf,<level> or levels,codes with one @ for each depth."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if "leaf" in rows[0]:
        steps = [(level, {r["leaf"]: r[level] for r in rows}) for level in rows[0]]
        return [*steps, (TOTAL, dict.fromkeys((r["leaf"] for r in rows), "all"))]
    paths: dict[str, list[str]] = {}
    above: list[str] = []
    for row in rows:
        above = [*above[: len(row["levels"]) - 1], row["codes"]]
        paths[row["codes"]] = above[::-1]
    leaves = {code: path for code, path in paths.items() if not any(path[1:2] == [code] for path in paths.values())}
    depth = max(map(len, leaves.values()))
    return [(TOTAL if n == depth - 1 else f"level {n}", {code: path[n] for code, path in leaves.items()}) for n in range(depth)]


def main(folder: Path | None) -> None:
    measure("(compile)", *made_up(1, 0.01))
    if folder is None:
        for years in (1, 2, 13):
            measure(f"{years} years", *made_up(years, 1.0))
    else:
        for path in sorted(folder.glob("*_inner.parquet")):
            name = path.name.removesuffix("_inner.parquet")
            measure(name, *read_table(folder, name))
            if name in ("S", "M"):
                suppressed(name, *read_table(folder, name))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
