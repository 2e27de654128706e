"""What a reader who knows the algorithm, but not the key, learns about small counts from rounded leaves and their totals.

The reader even knows how large every count is expected to be. Of a leaf he sees the value, and since all totals lie near their true counts,
the other leaves of each of its cells tell him how far this one is off. How values come from counts he learns from worlds of his own (or, as
in the gate, from the true world itself, which no reader has). By Bayes' rule he gives each count a probability.

Counts below the base are *small*. One is *sure and right* when he takes it for what it is with a probability over `SURE`; this is compared
with a reader who does not see the leaf. It is asked twice: of a reader who knows nothing else, and of one who was told that the count is
small. *Named* is the share of small counts that the second one would guess.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from das_pipeline.disclosure.cell_key import Perturbation
from das_pipeline.disclosure.grid import Grid
from das_pipeline.disclosure.rounding import Ints

Floats = NDArray[np.float64]
View = Literal["without", "with"]
SURE = 0.8
_BANDS = np.array([0.1, 0.3, 1.0, 3.0, 10.0])  # of expected counts: within one, values are taken to come from counts alike
_SHOWN = 9  # the last class of values: this many bases less one, or more
_BEFORE = 5.0  # leaves of each count that he takes as drawn without bias, beside those that he sees
_PER_WEIGHT = 30  # leaves that a weight must be learned from


@dataclass(frozen=True)
class World:
    """The leaves of one cube: expected and true count, published value, and for each (row) its cell in every table (column)."""

    expected: Floats
    true: Ints
    value: Ints
    cells: NDArray[np.int32]
    base: int

    @property
    def band(self) -> Ints:
        return np.digitize(self.expected, _BANDS).astype(np.int64)

    @property
    def shown(self) -> Ints:
        return np.minimum(self.value // self.base, _SHOWN - 1)

    @property
    def off(self) -> Floats:
        return (self.value - self.true).astype(np.float64)

    @property
    def low(self) -> Ints:
        """The leaves shown as zero or one base: every small count is among them."""
        return np.flatnonzero(self.value <= self.base)


@dataclass(frozen=True)
class Gain:
    """Percentages of the small counts: sure and right without the leaf and with it, told that they are small or not; and named."""

    small: int
    sure: tuple[float, float]
    sure_told: tuple[float, float]
    named: tuple[float, float]

    @property
    def points(self) -> float:
        """What seeing the leaf adds to the sure and right, in percentage points: the larger of the two."""
        return max(self.sure[1] - self.sure[0], self.sure_told[1] - self.sure_told[0])

    @property
    def more(self) -> int:
        """The number of small counts that these points are."""
        return round(self.points / 100 * self.small)


@dataclass(frozen=True)
class _Clue:
    """How the other leaves tell what a leaf of one band, with one value, is off: the weights of the tables, and the estimate's own line."""

    weights: Floats
    slope: float
    intercept: float
    spread: float

    def likelihood(self, around: Floats, off: Floats) -> Floats:
        """The logarithm of how well each of the errors `off` (columns) goes with what lies `around` a leaf (row)."""
        gap = (around @ self.weights)[:, None] - (self.slope * off + self.intercept)
        return -0.5 * (gap / self.spread) ** 2


class Reader:
    """What a reader has learned from `worlds`."""

    def __init__(self, worlds: Sequence[World]) -> None:
        self.counts = 2 * worlds[0].base  # a leaf shown as zero or one base has fewer
        self._moments = np.zeros((3, len(_BANDS) + 1, _SHOWN))
        below, rest = np.divmod(np.arange(self.counts + 1), worlds[0].base)  # what he expects before he has seen any: an unbiased draw
        seen = np.zeros((len(_BANDS) + 1, self.counts + 1, _SHOWN))
        seen[:, np.arange(self.counts + 1), below] += _BEFORE * (1 - rest / worlds[0].base)
        seen[:, np.arange(self.counts + 1), below + 1] += _BEFORE * rest / worlds[0].base
        for world in worlds:
            np.add.at(seen, (world.band, np.minimum(world.true, self.counts), world.shown), 1)
            for power, sums in enumerate(self._moments):
                np.add.at(sums, (world.band, world.shown), world.off**power)
        self._shown = seen / seen.sum(axis=2, keepdims=True)  # the probability of a value, by band and count
        self._clues = dict(self._learn([(world, self._around(world)) for world in worlds]))

    def _around(self, world: World) -> Floats:
        """For every low leaf and table, how far the other leaves of its cell are expected to be off together, over how sure that is."""
        count, total, squares = self._moments
        mean = total / np.maximum(count, 1)
        spread = squares / np.maximum(count, 1) - mean**2
        off, doubt = mean[world.band, world.shown], spread[world.band, world.shown]
        low = world.low
        columns = [np.ones(len(low))]
        for column in world.cells.T:
            place = column - column.min()
            if place.max() + 1 < len(place):
                others, unsure = (np.bincount(place, of)[place[low]] - of[low] for of in (off, doubt))
                columns.append(others / (unsure + world.base**2 / 3))
        return np.column_stack(columns)

    def _learn(self, worlds: Sequence[tuple[World, Floats]]) -> Iterator[tuple[tuple[int, int], _Clue]]:
        for band in range(len(_BANDS) + 1):
            for shown in (0, 1):
                chosen = [(world.band[world.low] == band) & (world.shown[world.low] == shown) for world, _ in worlds]
                around = np.concatenate([features[at] for (_, features), at in zip(worlds, chosen, strict=True)])
                off = np.concatenate([world.off[world.low][at] for (world, _), at in zip(worlds, chosen, strict=True)])
                if len(off) < _PER_WEIGHT * around.shape[1] or np.ptp(off) == 0:
                    continue
                weights = np.linalg.lstsq(around, off - off.mean(), rcond=None)[0]
                estimate = around @ weights
                slope, intercept = np.polyfit(off, estimate, 1)
                spread = float(np.std(estimate - slope * off - intercept))
                if spread > 0:
                    yield (band, shown), _Clue(weights, float(slope), float(intercept), spread)

    def posterior(self, world: World, view: View) -> Floats:
        """The probability of every count (column) of the low leaves of `world` (rows)."""
        low, counts = world.low, np.arange(self.counts)
        logarithms = np.concatenate([[0.0], np.cumsum(np.log(np.maximum(counts[1:], 1)))])
        expected = np.maximum(world.expected[low, None], 1e-12)
        chances = counts * np.log(expected) - expected - logarithms
        if view == "with":
            band, shown = world.band[low], world.shown[low]
            with np.errstate(divide="ignore"):
                chances += np.log(self._shown[band, : self.counts, shown])
            around = self._around(world)
            for (of_band, of_shown), clue in self._clues.items():
                here = (band == of_band) & (shown == of_shown)
                chances[here] += clue.likelihood(around[here], of_shown * world.base - counts.astype(np.float64))
        shares = np.exp(chances - chances.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)

    def gain(self, world: World) -> Gain | None:
        """What the reader learns about the small counts of `world`; None if there are none."""
        true = world.true[world.low]
        small = (true > 0) & (true < world.base)
        if not small.any():
            return None
        sure, told, named = [], [], []
        for view in ("without", "with"):
            shares = self.posterior(world, view)[small]
            among = shares[:, 1 : world.base] / shares[:, 1 : world.base].sum(axis=1, keepdims=True)
            right = 1 + among.argmax(axis=1) == true[small]
            sure.append(100 * float(((shares.max(axis=1) > SURE) & (shares.argmax(axis=1) == true[small])).mean()))
            told.append(100 * float(((among.max(axis=1) > SURE) & right).mean()))
            named.append(100 * float(right.mean()))
        return Gain(int(small.sum()), (sure[0], sure[1]), (told[0], told[1]), (named[0], named[1]))


def gain_of_changed(true: Ints, value: Ints, changes: Perturbation, base: int) -> Gain:
    """What a reader learns about counts below `base` from their `value` by cell key.

    He knows with what probability each count becomes each value, and even how many cells have each count.
    """
    counts = int(true.max(initial=0)) + 1
    cells = np.bincount(true, minlength=max(counts, base + 1)).astype(np.float64)
    chances = np.zeros((int(value.max(initial=0)) + 1, len(cells)))
    for count in np.flatnonzero(cells).tolist():
        row = min(count, changes.last_row)
        reached = changes.targets(row) + count - row
        seen = reached < len(chances)
        chances[reached[seen], count] = changes.row(row)[seen]
    small = (true > 0) & (true < base)
    without = np.tile(cells, (int(small.sum()), 1))
    sure, told, named = [], [], []
    for shares in (without, without * chances[value[small]]):
        among = shares[:, 1:base] / shares[:, 1:base].sum(axis=1, keepdims=True)
        right = 1 + among.argmax(axis=1) == true[small]
        all_right = shares.argmax(axis=1) == true[small]
        sure.append(_percent((shares.max(axis=1) > SURE * shares.sum(axis=1)) & all_right))
        told.append(_percent((among.max(axis=1) > SURE) & right))
        named.append(_percent(right))
    return Gain(int(small.sum()), (sure[0], sure[1]), (told[0], told[1]), (named[0], named[1]))


def _percent(true: NDArray[np.bool_]) -> float:
    return 100 * float(true.mean()) if len(true) else 0.0


def expected_counts(grid: Grid, true: Ints) -> Floats:
    """Expected counts from which `true` may have come: the mean of every leaf over its periods, drawn to what its totals suggest."""
    by_period = true.reshape(grid.shape)
    return np.repeat(_drawn_in(by_period, by_period.sum(axis=-1, keepdims=True), grid.shape[-1]), grid.shape[-1], axis=-1).ravel()


def expected_from_other_periods(grid: Grid, true: Ints) -> Floats:
    """The same, of every leaf from its other periods alone: the most that a reader can know who does not know its own count."""
    by_period = true.reshape(grid.shape)
    return _drawn_in(by_period, by_period.sum(axis=-1, keepdims=True) - by_period, grid.shape[-1] - 1).ravel()


def _drawn_in(by_period: Ints, counted: Ints, periods: int) -> Floats:
    """The mean of what was `counted` in so many periods, weighed against one count of the size that the totals of `by_period` suggest."""
    mean = by_period.mean(axis=-1, keepdims=True)
    suggested = np.full(mean.shape, mean.sum())
    for axis in range(mean.ndim - 1):
        others = tuple(a for a in range(mean.ndim) if a != axis)
        suggested = suggested * mean.sum(axis=others, keepdims=True) / max(mean.sum(), 1e-9)
    return (counted + 1) / (periods + 1 / np.maximum(suggested, 1e-9))
