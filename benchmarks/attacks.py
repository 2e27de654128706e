"""Measure what a reader who knows the algorithm, but not the key, learns about small counts from rounded leaves and all their totals.

    python -m benchmarks.attacks                 # made-up cubes, from large leaves to ones far smaller than the design wants
    python -m benchmarks.attacks FOLDER          # cubes with the expected counts of tables, as benchmarks.bench_disclosure reads them
    python -m benchmarks.attacks FOLDER J80,L    # some of them

For each cube and each size of the exchange (policy.yaml, disclosure.exchange; 0: none): the share of non-zero leaves that are small; what
`das_pipeline.disclosure.attacks` measures, in percent without the leaf → with it; and the error that the exchange lowers. The reader learns
from three worlds with the same expected counts, and attacks a fourth, rounded with another key. Then what follows for ten small counts when
sources publish all totals by at most one dimension exactly, by linear programming, and the CPU time that takes; and of how many leaves one
more record moves the value.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from time import process_time

import numpy as np

from benchmarks.bench_disclosure import BASE, made_up, read_table
from das_pipeline.disclosure.attacks import Floats, Reader, World, expected_counts
from das_pipeline.disclosure.deduction import deduce
from das_pipeline.disclosure.differencing import one_more_moves
from das_pipeline.disclosure.family import Protected
from das_pipeline.disclosure.grid import Grid
from das_pipeline.disclosure.ledger import Past, leaf_period_names
from das_pipeline.disclosure.rounding import Decisions, Leaves, draw, protect
from das_pipeline.terminology import TOTAL

TRAINING = 3
SAMPLE = 10  # small counts
EXCHANGES = (0, 16)


def world(grid: Grid, expected: Floats, seed: int, exchange: int) -> tuple[World, Leaves]:
    """Counts drawn about `expected`, rounded with a key of their own."""
    true = np.random.default_rng(seed).poisson(expected).astype(np.int64)
    names = (leaf if n else None for leaf, n in zip(leaf_period_names(grid), true, strict=True))
    drawn = draw(seed.to_bytes(32, "big"), names, grid.size)
    leaves = Leaves.of(true, grid.cells(), grid.totals, Decisions.none(grid.size), drawn, BASE, exchange)
    return World(expected, true, protect(leaves), leaves.cells, BASE), leaves


def measure(name: str, grid: Grid, expected: Floats) -> None:
    for exchange in EXCHANGES:
        reader = Reader([world(grid, expected, seed, exchange)[0] for seed in range(TRAINING)])
        target, leaves = world(grid, expected, TRAINING, exchange)
        gain = reader.gain(target)
        assert gain is not None
        error, size = np.abs(leaves.sums(target.value - target.true)), leaves.sums(target.true)
        shares = "  ".join(
            f"{of} {without:5.2f} → {seen:5.2f}"
            for of, (without, seen) in (("sure and right", gain.sure), ("if told", gain.sure_told), ("named", gain.named))
        )
        print(
            f"{name:10} exchange {exchange:2}  small {100 * gain.small / (target.true > 0).sum():3.0f} %  {shares}"
            f"  +{gain.points:.2f} points  MAD {error[size > 0].mean():.3f}  max {error.max()}",
            flush=True,
        )
        if exchange == EXCHANGES[-1]:
            deduce_from_totals(name, grid, target, leaves)


def deduce_from_totals(name: str, grid: Grid, target: World, leaves: Leaves) -> None:
    """Print what exact totals of others add."""
    nothing = np.zeros(grid.size, dtype=bool)
    cube = Protected(name, None, grid, leaves, nothing, nothing, target.value)
    known = [table.cells for table in grid.tables[1:] if sum(level != TOTAL for level in table.levels[:-1]) <= 1]
    began = process_time()
    found = deduce({name: cube}, {name: Past.none(grid.size)}, {name: np.concatenate(known)}, SAMPLE, width=4)[name]
    moved, counting = one_more_moves(cube)
    print(
        f"{name:10} with exact totals: of {found.tried} small counts {found.exact} exact, {found.narrow} narrow;"
        f" least squares right for {100 * found.estimated / found.small:.1f} %,"
        f" one guess for all {100 * found.guessed / found.small:.1f} %;"
        f" {process_time() - began:.1f} CPU s; one more record moves {100 * moved / counting:.1f} % of the leaves",
        flush=True,
    )


def cubes(folder: Path | None, names: list[str]) -> Iterator[tuple[str, Grid, Floats]]:
    if folder is None:
        for mean in (30.0, 8.0, 2.0, 0.5):
            grid, true = made_up(1, mean)
            yield f"mean {mean:g}", grid, expected_counts(grid, true)
    for path in sorted(folder.glob("*_inner.parquet")) if folder else ():
        name = path.name.removesuffix("_inner.parquet")
        if not names or name in names:
            grid, true = read_table(path.parent, name)
            yield name, grid, expected_counts(grid, true)


if __name__ == "__main__":
    for cube in cubes(Path(sys.argv[1]) if len(sys.argv) > 1 else None, sys.argv[2].split(",") if len(sys.argv) > 2 else []):
        measure(*cube)
