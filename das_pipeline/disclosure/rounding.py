"""Sticky controlled rounding: turns the true count of every leaf into a multiple of a base; sums of these are the published cells.

Every leaf stays within one base of its true count, a zero stays zero, and a leaf whose value is still within one base of its count keeps
it: deciding again would let a reader average the noise away, and show which leaf one new record touched. The method is controlled random
rounding with keyed draws, followed by a descent on the squared errors of all published cells, by flips and by exchanges. `protect` rounds;
the compiled loops are in descent.py.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
UNKNOWN = -1  # no earlier value
_FREE = np.int64(1) << 60


@dataclass(frozen=True)
class Decisions:
    """The ledger's decision on every leaf: published value (UNKNOWN: none), true count at that time, whether its period is closed."""

    value: Ints
    true: Ints
    frozen: Bools

    @classmethod
    def none(cls, leaves: int) -> Decisions:
        return cls(np.full(leaves, UNKNOWN), np.full(leaves, UNKNOWN), np.zeros(leaves, dtype=bool))


@dataclass(frozen=True)
class Draws:
    """The keyed draws of every leaf: `uniform` below 2³², `order` below 2⁶³. Zero for leaves that can never change."""

    uniform: Ints
    order: Ints


def draw(key: bytes, names: Iterable[str | None], leaves: int) -> Draws:
    """The draws of the leaves called `names` (None: not needed), from HMAC-SHA256 under the rounding key.

    A name consists of coordinates and period, not of what is counted: cubes about the same people get the same draws, so that several
    of them reveal no more than one.
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
    """The leaves of one cube before rounding; `cells` and `totals` come from its grid."""

    true: Ints  # as counted today; in a closed period, as counted at its closing
    cells: NDArray[np.int32]
    totals: Sequence[int]
    previous: Decisions
    draws: Draws
    base: int
    exchange: int  # within cells of up to so many leaves, these may exchange a base; 0: nowhere

    @classmethod
    def of(
        cls,
        counted: Ints,
        cells: NDArray[np.int32],
        totals: Sequence[int],
        previous: Decisions,
        draws: Draws,
        base: int,
        exchange: int,
    ) -> Leaves:
        return cls(np.where(previous.frozen, previous.true, counted), cells, totals, previous, draws, base, exchange)

    @property
    def touched(self) -> Bools:
        """New leaves, and those of open periods whose true count changed since their last decision."""
        return ~self.previous.frozen & ((self.previous.value == UNKNOWN) | (self.true != self.previous.true))

    @property
    def corrected(self) -> Bools:
        """The leaves of open periods that were published before, with another count."""
        return self.touched & (self.previous.value != UNKNOWN)

    def before_corrections(self) -> Leaves:
        """The same leaves with the count at their last decision, where they have one."""
        return replace(self, true=np.where(self.corrected, self.previous.true, self.true))

    @property
    def fresh(self) -> Bools:
        """The leaves to decide anew: new ones, and touched ones whose value is no longer within one base of their count."""
        previous = self.previous.value
        return self.touched & ((previous == UNKNOWN) | (np.abs(self.true - previous) >= self.base))

    @property
    def floor(self) -> Ints:
        return self.true // self.base * self.base

    @property
    def ceiling(self) -> Ints:
        return -(-self.true // self.base) * self.base

    def start(self) -> Ints:
        """The initial value of every leaf: the previous one if allowed, otherwise drawn with the true count as expectation."""
        raised = self.draws.uniform * self.base < (self.true % self.base) << 32
        return np.where(self.fresh, self.floor + self.base * raised, self.previous.value)

    @property
    def exchanging(self) -> list[int]:
        """The table within whose cells leaves may exchange a base: the one with the most leaves a cell, up to `exchange`; or none.

        It takes the descent further down, at a cost that grows with the leaves a cell.
        """
        sizes = len(self.true) / (np.ptp(self.cells, axis=0) + 1)
        few = np.flatnonzero((sizes > 1) & (sizes <= self.exchange))
        return [int(few[np.argmax(sizes[few])])] if len(few) else []

    def sums(self, amounts: Ints) -> Ints:
        """The sum of `amounts` over the leaves of every cell."""
        sums = np.zeros(int(self.cells.max()) + 1)
        for column in self.cells.T:
            sums[: column.max() + 1] += np.bincount(column, weights=amounts)
        return np.rint(sums).astype(np.int64)

    def room(self, may_move: Bools, value: Ints, beyond: int = 0) -> tuple[Ints, Ints]:
        """The lowest and highest value of every leaf if only `may_move` may change, up to `beyond` past one base. Zeros stay zero."""
        moves = may_move & (self.true > 0)
        return np.where(moves, np.maximum(self.floor - beyond, 0), value), np.where(moves, self.ceiling + beyond, value)


@dataclass(frozen=True)
class Limit:
    """What another cube requires of the published values of `cells`, all cells of one table (column), because it has them too.

    They should lie in `wanted` and must lie in `needed`, both (lowest, highest); if its values are final, all four are equal.
    """

    table: int
    cells: Ints
    wanted: tuple[Ints, Ints]
    needed: tuple[Ints, Ints]
    is_final: bool


def protect(leaves: Leaves, limits: Sequence[Limit] = ()) -> Ints:
    """Round the leaves of one cube; return the value of every leaf.

    Only fresh leaves are decided: a touched one whose value is still within one base keeps it, since flipping it for the sake of a total
    would show which leaf a single record touched. All stay within one base of their true count, as far as cubes that share cells can agree.
    Where they cannot, a cube that must adopt final values may go up to two bases off, first in its touched leaves, then in others of open
    periods; a cube that others follow also moves untouched leaves of open periods. A leaf of zero never moves.
    """
    value, touched, still_open = leaves.start(), leaves.touched, ~leaves.previous.frozen
    movement = _Movement(leaves, value, leaves.sums(value - leaves.true))
    tables = [limit.table for limit in limits]
    final = [limit.table for limit in limits if limit.is_final]
    true = leaves.sums(leaves.true)
    wanted = _Range.around(true, [(limit.cells, *limit.wanted) for limit in limits])
    needed = _Range.around(true, [(limit.cells, *limit.needed) for limit in limits])
    room = leaves.room(leaves.fresh, value)
    movement.descend(*room)
    if not final:
        movement.swap(*room, leaves.exchanging)
        movement.descend(*room)
    movement.repair(*room, wanted, tables)
    for may_move, beyond in ((touched, leaves.base), (still_open, leaves.base)) if final else ((still_open, 0),):
        movement.repair(*leaves.room(may_move, value, beyond), needed, tables)
    if final:
        movement.swap(*room, final)
    else:  # a cube that adopts values must not adjust its totals
        for place in reversed(range(len(leaves.totals))):  # months before their year, which can then choose among them
            totals = leaves.totals[place:]
            movement.repair(*room, wanted.also(leaves.cells[:, totals], leaves.base), totals[:1])
    return value


@dataclass(frozen=True)
class _Range:
    """The lowest and highest allowed error of every published cell."""

    floor: Ints
    ceiling: Ints

    @classmethod
    def around(cls, true: Ints, ranges: Iterable[tuple[Ints, Ints, Ints]]) -> _Range:
        """Convert ranges of published values, (cells, lowest, highest), to ranges of errors; other cells are free."""
        allowed = cls(np.full(len(true), -_FREE), np.full(len(true), _FREE))
        for cells, lowest, highest in ranges:
            allowed.floor[cells] = np.maximum(allowed.floor[cells], lowest - true[cells])
            allowed.ceiling[cells] = np.minimum(allowed.ceiling[cells], highest - true[cells])
        return allowed

    def also(self, cells: NDArray[np.int32], width: int) -> _Range:
        """The same range, with the errors of `cells` limited to `width` in either direction."""
        limited = _Range(self.floor.copy(), self.ceiling.copy())
        limited.floor[cells] = np.maximum(limited.floor[cells], -width)
        limited.ceiling[cells] = np.minimum(limited.ceiling[cells], width)
        return limited


@dataclass(frozen=True)
class _Movement:
    """The values and errors that the compiled loops change in place."""

    leaves: Leaves
    value: Ints
    error: Ints

    def _order(self, low: Ints, high: Ints) -> Ints:
        """The leaves that can move, in keyed order."""
        movable = np.flatnonzero(low < high)
        return movable[np.argsort(self.leaves.draws.order[movable], kind="stable")]

    def _groups(self, low: Ints, high: Ints, table: int) -> tuple[Ints, Ints]:
        """The leaves that can move, grouped by their cell of `table`, in keyed order within it; and the start of each group."""
        order = self._order(low, high)
        members = order[np.argsort(self.leaves.cells[order, table], kind="stable")]
        changes = np.flatnonzero(np.diff(self.leaves.cells[members, table], prepend=-1))
        return members, np.append(changes, len(members))

    def descend(self, low: Ints, high: Ints) -> None:
        from das_pipeline.disclosure import descent

        descent.descend(self.leaves.cells, self.error, self.value, low, high, self._order(low, high), self.leaves.base)

    def repair(self, low: Ints, high: Ints, allowed: _Range, tables: Iterable[int]) -> None:
        from das_pipeline.disclosure import descent

        for table in tables:
            members, starts = self._groups(low, high, table)
            limits = allowed.floor, allowed.ceiling
            descent.repair(self.leaves.cells, self.error, self.value, low, high, *limits, members, starts, table, self.leaves.base)

    def swap(self, low: Ints, high: Ints, tables: Iterable[int]) -> None:
        from das_pipeline.disclosure import descent

        for table in tables:
            members, starts = self._groups(low, high, table)
            descent.swap(self.leaves.cells, self.error, self.value, low, high, members, starts, self.leaves.base)
