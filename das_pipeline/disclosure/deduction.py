"""What follows about small counts from all published cells together: with certainty, and by the best estimate of least squares.

The reader knows how leaves are rounded, every release so far, which cells several cubes share, and the exact figures that sources publish
themselves. For certain he knows that a leaf lies within one base of its value, that one which moved had left the reach of its old value,
and that cubes of one family have the same counts in the cells they share. What he would only suppose he is told where it is true: that
national totals lie within a base, and which leaves lie beyond one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from das_pipeline.disclosure.family import Protected, anchor_of, shared_cells
from das_pipeline.disclosure.ledger import Past
from das_pipeline.disclosure.rounding import UNKNOWN, Bools, Ints

Floats = NDArray[np.float64]
_NEAR = 1e-6  # how exactly the programs are solved
_MANY = 5_000  # leaves of one program


@dataclass(frozen=True)
class Deduced:
    """Of the `small` counts of a cube: how many were `tried`, are known `exact` or within a `narrow` range, and are `estimated` right.

    A reader who takes every small count for the same one is right `guessed` times.
    """

    small: int
    tried: int
    exact: int
    narrow: int
    estimated: int
    guessed: int


@dataclass(frozen=True)
class Sums:
    """Signed sums of leaves, a row each, that lie between `least` and `most`."""

    rows: Any  # a sparse matrix: scipy has no types
    least: Floats
    most: Floats


@dataclass(frozen=True)
class Part:
    """Leaves that sums connect with each other and with no other leaf: each lies between `low` and `high`."""

    leaves: Ints
    low: Floats
    high: Floats
    sums: Sums


def deduce(
    protected: Mapping[str, Protected], past: Mapping[str, Past], public: Mapping[str, Ints], sample: int, width: int
) -> dict[str, Deduced]:
    """What the reader deduces about every cube. `public`: the cells of a cube whose exact counts a source publishes itself.

    Ranges are computed by linear programming for a `sample` of the small counts of every cube; narrow is one whose ends are less than
    `width` apart.
    """
    families: dict[str, list[Protected]] = {}
    for cube in protected.values():
        families.setdefault(anchor_of(protected, cube), []).append(cube)
    return {name: found for family in families.values() for name, found in _deduced(family, past, public, sample, width)}


def _deduced(
    family: Sequence[Protected], past: Mapping[str, Past], public: Mapping[str, Ints], sample: int, width: int
) -> Iterator[tuple[str, Deduced]]:
    true = np.concatenate([cube.leaves.true for cube in family])
    ranges = [_ranges(cube, past[cube.name].before, public.get(cube.name, np.empty(0, dtype=np.int64))) for cube in family]
    low, high = (np.concatenate([r[side] for r in ranges]).astype(np.float64) for side in (0, 1))
    sums = _sums(family, public)
    mean = np.concatenate([(past[c.name].total + c.value) / (past[c.name].releases + 1) for c in family])
    estimate = _estimate(mean, low, high, sums)
    first = 0
    for cube in family:
        own = np.arange(first, first + cube.grid.size)
        first += cube.grid.size
        small = own[
            (true[own] > 0) & (true[own] < cube.leaves.base) & (low[own] < high[own])
        ]  # what a source publishes itself is no secret
        chosen = small[np.unique(np.linspace(0, len(small) - 1, min(sample, len(small))).astype(np.int64))] if len(small) else small
        spans = np.array([most - least for least, most in possible(chosen, true, low, high, sums)])
        counts = np.bincount(true[small], minlength=1)
        yield (
            cube.name,
            Deduced(
                small=len(small),
                tried=len(chosen),
                exact=int((spans == 0).sum()),
                narrow=int((spans < width).sum()),
                estimated=int((estimate[small] == true[small]).sum()),
                guessed=int(counts.max()),
            ),
        )


def _ranges(cube: Protected, before: Ints, public: Ints) -> tuple[Ints, Ints]:
    """The lowest and highest count that every leaf may have, by itself."""
    leaves, value = cube.leaves, cube.value
    reach = np.where(np.abs(value - leaves.true) < leaves.base, leaves.base, 2 * leaves.base)
    low, high = np.maximum(value - reach + 1, np.minimum(value, 1)), np.where(cube.structural, 0, value + reach - 1)
    left_up, left_down = (
        (before != UNKNOWN) & (sign * (value - before) > 0) & (sign * (leaves.true - before) >= leaves.base) for sign in (1, -1)
    )
    low = np.where(left_up, np.maximum(low, before + leaves.base), low)
    high = np.where(left_down, np.minimum(high, before - leaves.base), high)
    alone = np.isin(leaves.cells[:, 0], public)  # the first table has the leaves themselves
    low, high = np.minimum(low, leaves.true), np.maximum(high, leaves.true)  # of a leaf that is wrong, which other rules find
    return np.where(alone, leaves.true, low), np.where(alone, leaves.true, high)


def _sums(family: Sequence[Protected], public: Mapping[str, Ints]) -> Sums:
    """The sums that the reader knows something about: shared cells, national totals, cells that sources publish."""
    from scipy import sparse

    starts = dict(zip((c.name for c in family), np.cumsum([0, *(c.grid.size for c in family)])[:-1].tolist(), strict=True))
    size = sum(cube.grid.size for cube in family)
    rows, least, most = [], [], []

    def of(cube: Protected, table: int, cells: Ints) -> Any:
        """A row for each of `cells` of a table."""
        place = np.full(int(cube.leaves.cells.max()) + 1, -1)
        place[cells] = np.arange(len(cells))
        row = place[cube.leaves.cells[:, table]]
        leaf = np.flatnonzero(row >= 0)
        return sparse.csr_array((np.ones(len(leaf)), (row[leaf], starts[cube.name] + leaf)), shape=(len(cells), size))

    def know(matrix: Any, kept: Bools, lowest: Ints, highest: Ints) -> None:
        rows.append(matrix[np.flatnonzero(kept)])
        least.append(lowest[kept])
        most.append(highest[kept])

    for cube, other in combinations(family, 2):
        table, mine, theirs = shared_cells(cube, other)
        apart = cube.leaves.sums(cube.leaves.true)[mine] - other.leaves.sums(other.leaves.true)[theirs]
        know(of(cube, table, mine) - of(other, other.grid.shared_table(cube.grid), theirs), apart == 0, apart, apart)
    for cube in family:
        shown, true = cube.leaves.sums(cube.value), cube.leaves.sums(cube.leaves.true)
        for number, table in enumerate(cube.grid.tables):
            cells = table.cells
            if cube.adds_up_to is None and number in cube.leaves.totals:
                near = np.abs(shown - true)[cells] <= cube.leaves.base
                know(of(cube, number, cells), near, shown[cells] - cube.leaves.base, shown[cells] + cube.leaves.base)
            told = np.intersect1d(cells, public.get(cube.name, cells[:0]))
            if len(told) and number:
                know(of(cube, number, told), np.ones(len(told), dtype=bool), true[told], true[told])
    return Sums(sparse.vstack(rows, format="csr"), *(np.concatenate(side).astype(np.float64) for side in (least, most)))


def possible(leaves: Ints, true: Ints, low: Floats, high: Floats, sums: Sums) -> list[tuple[int, int]]:
    """The lowest and the highest count that each of `leaves` can have, when every leaf and sum keeps to its range as the `true` ones do.

    The sums connect few leaves with each other, such as those of one year: the programs are of these alone.
    """
    from scipy import sparse

    graph = sparse.block_array([[None, sums.rows.T], [sums.rows, None]], format="csr")  # leaves, then sums
    part_of = sparse.csgraph.connected_components(graph, directed=False)[1]
    of_leaf, of_sum = part_of[: len(low)], part_of[len(low) :]
    counted, of_column = sums.rows @ true, sums.rows.tocsc()
    parts: dict[int, Part] = {}
    ends = np.column_stack([low[leaves], -high[leaves]])  # of a leaf, and of its negative
    sought, places = [], []
    for number, leaf in enumerate(leaves.tolist()):
        own = slice(of_column.indptr[leaf], of_column.indptr[leaf + 1])
        rows, signs = of_column.indices[own], of_column.data[own]
        for side, (sign, end) in enumerate(((1.0, low[leaf]), (-1.0, high[leaf]))):
            moved = counted[rows] + signs * (end - true[leaf])
            if ((sums.least[rows] <= moved) & (moved <= sums.most[rows])).all():  # with all others as they are
                continue
            if (key := int(of_leaf[leaf])) not in parts:
                part, joined = np.flatnonzero(of_leaf == key), np.flatnonzero(of_sum == key)
                within = Sums(sums.rows[joined][:, part], sums.least[joined], sums.most[joined])
                parts[key] = Part(part, low[part], high[part], within)
            sought.append((parts[key], leaf, sign))
            places.append((number, side))
    for place, lowest in zip(places, _lowest(sought), strict=True):
        ends[place] = lowest
    return [(int(np.ceil(least - _NEAR)), int(np.floor(-most + _NEAR))) for least, most in ends]


def _lowest(sought: Sequence[tuple[Part, int, float]]) -> Iterator[float]:
    """The lowest that `sign` times `leaf` can be, for each part, leaf and sign.

    Small programs are solved side by side, as one: to hand one over takes longer than to solve it.
    """
    together: list[tuple[Part, int, float]] = []
    size = 0
    for one in sought:
        if together and size + len(one[0].leaves) > _MANY:
            yield from _solved(together)
            together, size = [], 0
        together.append(one)
        size += len(one[0].leaves)
    if together:
        yield from _solved(together)


def _solved(sought: Sequence[tuple[Part, int, float]]) -> Sequence[float]:
    """The same from one program in which every part has leaves of its own. An interior point solves it sooner where there are many."""
    from scipy import sparse
    from scipy.optimize import linprog

    parts = [part for part, _, _ in sought]
    aim = np.concatenate([np.where(part.leaves == leaf, sign, 0.0) for part, leaf, sign in sought])
    least, most = (np.concatenate(side) for side in ([p.sums.least for p in parts], [p.sums.most for p in parts]))
    rows = sparse.block_diag([part.sums.rows for part in parts], format="csr")
    exact = least == most
    known, ranges = rows[np.flatnonzero(exact)], rows[np.flatnonzero(~exact)]
    solution = linprog(
        aim,
        A_eq=known,
        b_eq=least[exact],
        A_ub=sparse.vstack([ranges, -ranges]),
        b_ub=np.concatenate([most[~exact], -least[~exact]]),
        bounds=np.column_stack([np.concatenate(side) for side in ([p.low for p in parts], [p.high for p in parts])]),
        method="highs-ipm" if len(aim) > _MANY else "highs-ds",
    )
    return np.add.reduceat(aim * solution.x, np.cumsum([0, *(len(p.leaves) for p in parts)])[:-1]).tolist()


def _estimate(mean: Floats, low: Floats, high: Floats, sums: Sums) -> Ints:
    """The counts nearest to the `mean` published values that have the sums which are known exactly, each within its range and whole."""
    from scipy.sparse.linalg import lsqr

    known = np.flatnonzero(sums.least == sums.most)
    matrix = sums.rows[known]
    off = lsqr(matrix, sums.least[known] - matrix @ mean)[0] if len(known) else 0.0
    return np.rint(np.clip(mean + off, low, high)).astype(np.int64)
