"""The cell-key method, for a table that cannot be a roll-up of rounded leaves: every count is changed by a keyed draw of its own.

Each record has a key, from what it is called at its source (statistics/counting); the key of a cell is the sum of those of its records, so
that the same records get the same change in every table. The change is drawn from a transition row of the count: of all distributions with
mean 0 and at most a given variance on the allowed values, the one of maximum entropy (Marley & Leaver 2011; Giessing 2016). Totals are
changed by themselves, so that tables do not add up. A cell is never published in this way and as a sum of rounded leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from das_pipeline.errors import ConfigurationError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]
_STEPS, _EXACT = 200, 1e-12


@dataclass(frozen=True)
class Perturbation:
    """How counts may change: by at most `distance`, with a variance of `variance`, to no value from 1 to `not_published`.

    `stay` fixes the share of counts that keep their value; with `is_monotonic` no larger change is likelier than a smaller one.
    """

    distance: int
    variance: float
    not_published: int = 0
    stay: float | None = None
    is_monotonic: bool = True

    @property
    def last_row(self) -> int:
        """The least count that can change by `distance` in either direction: larger ones have the same changes."""
        return self.distance + (self.not_published + 1 if self.not_published else 0)

    def targets(self, count: int) -> Ints:
        """The values that `count` may become; from `last_row` on, all have the same changes."""
        values = np.arange(max(0, count - self.distance), count + self.distance + 1)
        return values[(values == 0) | (values > self.not_published)]

    def row(self, count: int) -> Floats:
        """The probability of every value of `targets(count)`. ConfigurationError when no distribution has this variance."""
        changes = self.targets(count) - count
        if count == 0:
            return (changes == 0).astype(np.float64)
        fixed = [(np.ones(len(changes)), 1.0), (changes.astype(np.float64), 0.0)]
        if self.stay is not None and 0 in changes:
            fixed.append(((changes == 0).astype(np.float64), self.stay))
        squares = changes.astype(np.float64) ** 2
        ties: list[tuple[Floats, float]] = []
        for _ in range(2 * len(changes)):
            shares = _most_even([*fixed, *ties]) if ties else None
            if shares is None or squares @ shares > self.variance:  # with ties, the most even distribution may vary less than allowed
                shares = _most_even([*fixed, *ties, (squares, self.variance)])
            if shares is None:
                break
            order = self._worst_order(changes, shares) if self.is_monotonic else None
            if order is None:
                return shares
            ties.append((order, 0.0))
        raise ConfigurationError(f"No distribution of changes of a count of {count} by up to {self.distance} has variance {self.variance}.")

    def rows(self) -> list[Floats]:
        """The row of every count up to `last_row`."""
        return [self.row(count) for count in range(self.last_row + 1)]

    def _worst_order(self, changes: Ints, shares: Floats) -> Floats | None:
        """The pair of neighbouring changes of which the larger is likelier by most, as a row of their difference; None if there is none."""
        worst, row = 1e-9, None
        for n in range(len(changes) - 1):
            near, far = (n + 1, n) if changes[n] < 0 else (n, n + 1)
            if (
                changes[near] * changes[far] >= 0
                and shares[far] - shares[near] > worst
                and not (self.stay is not None and changes[near] == 0)
            ):
                worst = shares[far] - shares[near]
                row = np.zeros(len(changes))
                row[[near, far]] = 1.0, -1.0
        return row


def _most_even(constraints: list[tuple[Floats, float]]) -> Floats | None:
    """The distribution of maximum entropy that meets all (row · shares = target), by Newton's method on its dual; None if there is none."""
    rows = np.array([row for row, _ in constraints])
    targets = np.array([target for _, target in constraints])
    weights = np.zeros(len(constraints))
    weights[0] = -np.log(rows.shape[1])

    def value(of: Floats) -> float:
        with np.errstate(over="ignore"):
            return float(np.exp(rows.T @ of).sum() - targets @ of)

    for _ in range(_STEPS):
        shares = np.exp(rows.T @ weights)
        gap = rows @ shares - targets
        if np.abs(gap).max() < _EXACT:
            return shares
        step = np.linalg.lstsq((rows * shares) @ rows.T, gap, rcond=None)[0]
        size = 1.0
        while value(weights - size * step) > value(weights) - 1e-4 * size * float(gap @ step) and size > 1e-10:
            size /= 2
        weights = weights - size * step
    return None


@dataclass(frozen=True)
class Table:
    """The transition rows of the counts from 0 on, the last for all larger ones: upper ends of the intervals of a cell key, and changes."""

    rows: tuple[tuple[Floats, Ints], ...]

    @classmethod
    def of(cls, perturbation: Perturbation) -> Table:
        return cls(tuple((np.cumsum(row), perturbation.targets(n) - n) for n, row in enumerate(perturbation.rows())))

    def perturbed(self, counts: Ints, cell_keys: Floats) -> Ints:
        """The published counts; a cell key is a fraction from 0 to 1, and lies in (lower, upper] of its interval."""
        row_of = np.minimum(counts, len(self.rows) - 1)
        published = counts.copy()
        for number, (upper, changes) in enumerate(self.rows):
            here = row_of == number
            place = np.minimum(np.searchsorted(upper, cell_keys[here], side="left"), len(changes) - 1)
            published[here] += changes[place]
        return published


def fractions(keys: Keys, cell_of: Ints, cells: int) -> Floats:
    """The key of every cell as a fraction: the sum of the 64-bit `keys` of what it counts, modulo 2**64, in any order the same."""
    sums = np.zeros(cells, dtype=np.uint64)
    np.add.at(sums, cell_of, keys)
    return sums.astype(np.float64) / 2.0**64
