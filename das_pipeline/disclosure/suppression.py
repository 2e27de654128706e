"""Suppression, for tables that keep exact counts: which cells are not shown, so that none of these can be computed from the others.

Primary cells may not be shown: small counts, and a category that has almost all of its group. Others, the secondary ones, are left out with
them. A linear program finds which: of all counts that differ from the true ones by a given width in some primary cells it takes those that
differ in the fewest and smallest other cells, and what differs is not shown. What is shown then fits both (after controlled tabular
adjustment, Dandekar and Cox 2002). Zeros are shown, and a reader knows it: a cell that is not shown counts 1 or more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from das_pipeline.errors import DasError

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
_NEAR = 1e-6
_GROUPS = 32  # of primary cells that are raised together: fewer are faster and leave out more
_LOOKS = 12  # programs with prices at random, which show at once that most ranges are wide
_MANY = 3000  # leaves from which on an interior point finds the optimum sooner


@dataclass(frozen=True)
class Linked:
    """The cells of tables that share counts: `rows` @ counts of their leaves, a row for each table that has a cell; `cell_of` has its cell.

    Zeros are left out: they are shown, and so is every part of them.
    """

    rows: Any  # scipy.sparse.csr_array of zeros and ones
    cell_of: Ints
    true: Ints  # the counts of the leaves, 1 or more

    @classmethod
    def of(cls, rows: Any, cell_of: Ints, true: Ints) -> Linked:
        return cls(rows.tocsr(), cell_of, true)

    @cached_property
    def counts(self) -> Ints:
        """The count of every cell."""
        counts = np.zeros(int(self.cell_of.max(initial=-1)) + 1, dtype=np.int64)
        counts[self.cell_of] = np.rint(self.rows @ self.true).astype(np.int64)
        return counts

    @cached_property
    def first(self) -> Ints:
        """The first row of every cell."""
        return np.unique(self.cell_of, return_index=True)[1]

    @cached_property
    def links(self) -> Any:
        """Rows that are 0 whatever the counts: a cell in one table less the same cell in another."""
        others = np.setdiff1d(np.arange(len(self.cell_of)), self.first)
        return self.rows[others] - self.rows[self.first[self.cell_of[others]]]


def suppress(linked: Linked, primary: Bools, width: int) -> Bools:
    """The cells that are not shown: the `primary` ones, and others, until each of them may have counts that are `width` apart."""
    hidden, wanted = primary.copy(), primary
    while wanted.any():
        low, high = np.zeros(len(primary)), np.zeros(len(primary))
        place = np.cumsum(wanted) - 1
        for group in range(_GROUPS):
            raised = wanted & (place % _GROUPS == group) & (high - low < width)
            if raised.any():
                change = _nearest(linked, raised, hidden, width)
                hidden = hidden | (np.abs(change) > _NEAR)
                low, high = np.minimum(low, change), np.maximum(high, change)
        narrow = too_narrow(linked, hidden, width)
        if not (narrow & ~wanted).any():
            if narrow.any():
                raise DasError("No pattern of cells was found that protects a table by suppression: pool its categories, or count by year.")
            break
        wanted = narrow
    return hidden


def _nearest(linked: Linked, raised: Bools, hidden: Bools, width: int) -> Floats:
    """The changes of all cells in the counts nearest to the true ones in which the `raised` cells are `width` higher."""
    from scipy import sparse

    counts, shown = linked.counts, np.flatnonzero(~hidden)
    place = np.full(len(counts), -1)
    place[shown] = np.arange(len(shown))
    of_shown = np.flatnonzero(place[linked.cell_of] >= 0)
    by = sparse.csr_array(
        (np.ones(len(of_shown)), (np.arange(len(of_shown)), place[linked.cell_of[of_shown]])), (len(of_shown), len(shown))
    )
    equal = sparse.vstack(
        [
            sparse.hstack([linked.rows[of_shown], -by, by]),
            sparse.hstack([linked.links, sparse.csr_array((linked.links.shape[0], 2 * len(shown)))]),
        ],
        format="csr",
    )
    kept = np.flatnonzero(hidden)
    least = np.where(raised[kept], width, 1 - counts[kept])
    above = sparse.hstack([linked.rows[linked.first[kept]], sparse.csr_array((len(kept), 2 * len(shown)))], format="csr")
    price = np.sqrt(counts[shown].astype(np.float64))
    free = np.full(len(linked.true) + len(shown), np.inf)
    found = _solved(
        np.concatenate([np.zeros(len(linked.true)), price, price]),
        equal,
        above,
        least.astype(np.float64),
        np.concatenate([-linked.true.astype(np.float64), np.zeros(2 * len(shown))]),
        np.concatenate([free, counts[shown] - 1]),
    )
    return linked.rows[linked.first] @ found[: len(linked.true)]


def too_narrow(linked: Linked, hidden: Bools, width: int) -> Bools:
    """The hidden cells whose possible counts, by linear programming from all that is shown, are less than `width` apart."""
    reader = _Reader.of(linked, hidden, width)
    low, high = np.zeros(len(reader.kept)), np.zeros(len(reader.kept))

    def look(price: Floats) -> None:
        change = reader.cheapest(price)
        np.minimum(low, change, out=low)
        np.maximum(high, change, out=high)

    def is_narrow() -> Bools:
        return np.floor(high + _NEAR) - np.ceil(low - _NEAR) < width

    random = np.random.default_rng(0)
    for _ in range(_LOOKS):
        if is_narrow().any():
            look(random.choice([-1.0, 1.0], len(reader.kept)) * is_narrow())
    for number in np.flatnonzero(is_narrow()):
        for sign in (-1.0, 1.0):
            if is_narrow()[number]:
                look(np.where(np.arange(len(reader.kept)) == number, sign, 0.0))
    narrow = np.zeros(len(hidden), dtype=bool)
    narrow[reader.kept] = is_narrow()
    return narrow


def ranges(linked: Linked, hidden: Bools, cells: Ints, width: int, told_below: int = 0) -> Ints:
    """The least and the most (columns) that each of the hidden `cells` (rows) can be, `width` above all counts at most.

    A reader may be told of every hidden cell whether it is `told_below` that count.
    """
    reader = _Reader.of(linked, hidden, width, told_below)
    ends = np.zeros((len(cells), 2), dtype=np.int64)
    for place, cell in enumerate(cells):
        here = reader.kept == cell
        for side, sign in enumerate((1.0, -1.0)):
            change = float(reader.cheapest(np.where(here, sign, 0.0))[here][0])
            ends[place, side] = linked.counts[cell] + (np.ceil(change - _NEAR) if sign > 0 else np.floor(change + _NEAR))
    return ends


@dataclass(frozen=True)
class _Reader:
    """What a reader knows: all cells but those in `kept`, that these are 1 or more, and perhaps which of them are small."""

    kept: Ints
    first: Any  # the rows of the cells in `kept`
    equal: Any
    above: Any
    least: Floats
    below: Floats
    most: Floats

    @classmethod
    def of(cls, linked: Linked, hidden: Bools, width: int, told_below: int = 0) -> _Reader:
        from scipy import sparse

        shown, kept = np.flatnonzero(~hidden[linked.cell_of]), np.flatnonzero(hidden)
        counts, first = linked.counts[kept], linked.rows[linked.first[kept]]
        small = counts < told_below
        above = sparse.vstack([first, -first[np.flatnonzero(small)]], format="csr")
        least = np.concatenate([np.where(small, 1, max(told_below, 1)) - counts, counts[small] - told_below + 1]).astype(np.float64)
        most = float(linked.counts.max(initial=0) + width)  # no count needs to be larger to show that a range is wide
        equal = sparse.vstack([linked.rows[shown], linked.links], format="csr")
        return cls(kept, first, equal, above, least, -linked.true.astype(np.float64), np.full(len(linked.true), most))

    def cheapest(self, price: Floats) -> Floats:
        """The changes of the cells in `kept`, of counts that he may take for the true ones, for which `price` @ changes is least."""
        return self.first @ _solved(price @ self.first, self.equal, self.above, self.least, self.below, self.most)


def _solved(price: Floats, equal: Any, above: Any, least: Floats, low: Floats, high: Floats) -> Floats:
    """The cheapest x between `low` and `high` with `equal` @ x = 0 and `above` @ x ≥ `least`."""
    from scipy.optimize import linprog

    solved = linprog(
        price,
        A_eq=equal,
        b_eq=np.zeros(equal.shape[0]),
        A_ub=-above,
        b_ub=-least,
        bounds=np.column_stack([low, high]),
        method="highs-ipm" if len(price) > _MANY else "highs-ds",
    )
    if solved.x is None:
        raise DasError(f"The linear program of suppression was not solved: {solved.message}")
    return solved.x
