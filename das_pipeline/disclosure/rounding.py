"""Sticky controlled rounding: from true counts of leaves to multiples of a base, whose sums are the published cells.

Every leaf stays within one base of its true count, a zero stays zero, and a leaf that nothing touched since its last decision keeps its
value: deciding again on untouched leaves would let a reader average the noise away. Method: controlled random rounding with keyed draws,
then a descent on the squared errors of all published cells.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
UNKNOWN = -1  # no earlier value
_FREE = np.int64(1) << 60


@dataclass(frozen=True)
class Decisions:
    """What the ledger says about every leaf: published value (UNKNOWN: none), true count at that decision, whether its period is closed."""

    value: Ints
    true: Ints
    frozen: Bools

    @classmethod
    def none(cls, leaves: int) -> Decisions:
        return cls(np.full(leaves, UNKNOWN), np.full(leaves, UNKNOWN), np.zeros(leaves, dtype=bool))


@dataclass(frozen=True)
class Draws:
    """The keyed draws of every leaf: `uniform` below 2³², `order` below 2⁶³. Zero where nothing can ever be decided."""

    uniform: Ints
    order: Ints


def draw(key: bytes, names: Iterable[str | None], leaves: int) -> Draws:
    """The draws of the leaves called `names` (None: not needed), from HMAC-SHA256 under the rounding key.

    A name holds coordinates and period, not what is counted: cubes about the same people get the same draws, so that several of
    them tell no more than one.
    """
    uniform, order = np.zeros(leaves, dtype=np.int64), np.zeros(leaves, dtype=np.int64)
    for leaf, name in enumerate(names):
        if name is not None:
            digest = hmac.digest(key, b"rounding\0" + name.encode(), hashlib.sha256)
            uniform[leaf] = int.from_bytes(digest[:4], "big")
            order[leaf] = int.from_bytes(digest[4:12], "big") >> 1
    return Draws(uniform, order)


@dataclass(frozen=True)
class Leaves:
    """The leaves of one cube before rounding. `cells` and `totals` are those of its grid."""

    true: Ints  # as counted today; of a closed period as at its closing
    cells: NDArray[np.int32]
    totals: Sequence[int]
    previous: Decisions
    draws: Draws
    base: int

    @classmethod
    def of(cls, counted: Ints, cells: NDArray[np.int32], totals: Sequence[int], previous: Decisions, draws: Draws, base: int) -> Leaves:
        return cls(np.where(previous.frozen, previous.true, counted), cells, totals, previous, draws, base)

    @property
    def touched(self) -> Bools:
        """New leaves, and those of open periods whose true count changed since their last decision."""
        return ~self.previous.frozen & ((self.previous.value == UNKNOWN) | (self.true != self.previous.true))

    @property
    def floor(self) -> Ints:
        return self.true // self.base * self.base

    @property
    def ceiling(self) -> Ints:
        return -(-self.true // self.base) * self.base

    def start(self) -> Ints:
        """The first value of every leaf: kept where it may be, else drawn so that its expectation is the true count."""
        previous = self.previous.value
        fresh = self.touched & ((previous == UNKNOWN) | (np.abs(self.true - previous) >= self.base))
        raised = self.draws.uniform * self.base < (self.true % self.base) << 32
        return np.where(fresh, self.floor + self.base * raised, previous)

    def sums(self, amounts: Ints) -> Ints:
        """The sum of `amounts` over the leaves of every cell."""
        sums = np.zeros(int(self.cells.max()) + 1)
        for column in self.cells.T:
            sums[: column.max() + 1] += np.bincount(column, weights=amounts)
        return np.rint(sums).astype(np.int64)

    def reach(self) -> tuple[Ints, Ints]:
        """The lowest and highest sum that each cell can get when only touched leaves move."""
        start, touched = self.start(), self.touched
        return self.sums(np.where(touched, self.floor, start)), self.sums(np.where(touched, self.ceiling, start))


@dataclass(frozen=True)
class Limit:
    """The range in which the published values of `cells`, all those of one table (column), must lie because another cube has them too."""

    table: int
    cells: Ints
    low: Ints
    high: Ints
    is_fixed: bool  # the other cube's values are final: reaching them goes before staying within one base


def protect(leaves: Leaves, limits: Sequence[Limit] = ()) -> Ints:
    """The rounded value of every leaf.

    Where the leaves touched cannot reach a limit within one base of their true counts, they may go below two bases, and in the end so
    may the other leaves of open periods: cells that cubes share must agree. A leaf of zero is never moved.
    """
    value = leaves.start()
    error = leaves.sums(value - leaves.true)
    floor, ceiling = _error_range(leaves, limits)
    touched = leaves.touched
    low, high = np.where(touched, leaves.floor, value), np.where(touched, leaves.ceiling, value)
    movement = _Movement(leaves, value, error, floor, ceiling)
    movement.descend(low, high)
    movement.repair(low, high, [limit.table for limit in limits])
    fixed = [limit for limit in limits if limit.is_fixed]
    for may_move in (touched, ~leaves.previous.frozen):
        wide = may_move & (leaves.true > 0)
        wide_low = np.where(wide, np.maximum(leaves.floor - leaves.base, 0), value)
        wide_high = np.where(wide, leaves.ceiling + leaves.base, value)
        movement.repair(wide_low, wide_high, [limit.table for limit in fixed])
    movement.repair(low, high, leaves.totals)
    movement.swap(low, high, [limit.table for limit in fixed])
    return value


def _error_range(leaves: Leaves, limits: Sequence[Limit]) -> tuple[Ints, Ints]:
    """The lowest and highest error allowed for every cell: of limits, and one base for national totals."""
    true = leaves.sums(leaves.true)
    floor, ceiling = np.full(len(true), -_FREE), np.full(len(true), _FREE)
    for table in leaves.totals:
        cells = leaves.cells[:, table]
        floor[cells], ceiling[cells] = -leaves.base, leaves.base
    for limit in limits:
        floor[limit.cells] = np.maximum(floor[limit.cells], limit.low - true[limit.cells])
        ceiling[limit.cells] = np.minimum(ceiling[limit.cells], limit.high - true[limit.cells])
    return floor, ceiling


@dataclass(frozen=True)
class _Movement:
    """The values and errors that the compiled loops change in place."""

    leaves: Leaves
    value: Ints
    error: Ints
    floor: Ints
    ceiling: Ints

    def _order(self, low: Ints, high: Ints) -> Ints:
        """The leaves that can move, in keyed order."""
        movable = np.flatnonzero(low < high)
        return movable[np.argsort(self.leaves.draws.order[movable], kind="stable")]

    def _groups(self, low: Ints, high: Ints, table: int) -> tuple[Ints, Ints]:
        """The leaves that can move, by their cell of `table` and in keyed order inside it, and where each cell's begin."""
        order = self._order(low, high)
        cell = self.leaves.cells[order, table]
        members = order[np.argsort(cell, kind="stable")]
        changes = np.flatnonzero(np.diff(self.leaves.cells[members, table], prepend=-1))
        return members, np.append(changes, len(members))

    def descend(self, low: Ints, high: Ints) -> None:
        from das_pipeline.disclosure import descent

        descent.descend(self.leaves.cells, self.error, self.value, low, high, self._order(low, high), self.leaves.base)

    def repair(self, low: Ints, high: Ints, tables: Iterable[int]) -> None:
        from das_pipeline.disclosure import descent

        for table in tables:
            members, starts = self._groups(low, high, table)
            descent.repair(
                self.leaves.cells, self.error, self.value, low, high, self.floor, self.ceiling, members, starts, table, self.leaves.base
            )

    def swap(self, low: Ints, high: Ints, tables: Iterable[int]) -> None:
        from das_pipeline.disclosure import descent

        for table in tables:
            members, starts = self._groups(low, high, table)
            descent.swap(self.leaves.cells, self.error, self.value, low, high, members, starts, self.leaves.base)
