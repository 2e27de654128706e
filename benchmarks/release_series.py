"""Measure what a series of releases tells: which leaves move, why, and how often one record moves the leaf that it is counted in.

    python -m benchmarks.release_series monthly      # 36 releases, one at the end of each month
    python -m benchmarks.release_series daily        # 60 releases, one a day: faster than any policy allows
    python -m benchmarks.release_series monthly 1    # the same if no correction waited (least leaves: 1)
    python -m benchmarks.release_series monthly 50 0.05    # with 5 % of the records late instead of 1 %

Families of cubes with the shape of the Dutch ones, made-up records of which some come late or change their category. For each family: in
how many windows corrections waited, and in how many exactly one published leaf moved; moves, and the share of them in which the old value
still lay within one base; of how many published leaves that count something one more record moved the value, each tried by itself in
every window that did not wait, and over all windows, since in one that waits it moves nothing; the same of some leaves for a record
that is alone in a window that does not wait; and the mean absolute error of the published cells that are not zero against the counts
of the day, beside that of a first release of the same counts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from das_pipeline.disclosure.cubes import period_ladder
from das_pipeline.disclosure.family import Protected, hold_few_corrections, protect_cubes
from das_pipeline.disclosure.grid import Dimension, Grid, ladder
from das_pipeline.disclosure.ledger import leaf_period_names
from das_pipeline.disclosure.rounding import UNKNOWN, Decisions, Leaves, draw
from das_pipeline.periods import month_after

Ints = NDArray[np.int64]
KEY = bytes(32)
BASE = 5
EXCHANGE = 16
OPENING = date(2023, 1, 1)
RECODED_SHARE, LATER_DAYS = 0.01, 60.0  # records that get another category; and after how many days they do, or come late, on average
YEARS = 3
MONTHS = {"month": 1, "quarter": 3, "year": 12}
NEVER = 1 << 40
ALONE = 800  # records added one at a time and alone, per family


@dataclass(frozen=True)
class Family:
    """Records a year of one unit of count, the size of its anchor's dimension, and how fine the anchor's period is."""

    name: str
    records: int
    categories: int
    period: str


FAMILIES = (
    Family("crimes", 60_000, 10, "month"),
    Family("suspects", 20_000, 10, "month"),
    Family("inflow", 12_000, 4, "month"),
    Family("decisions", 12_000, 8, "month"),
    Family("verdicts", 6_000, 6, "month"),
    Family("sanctions", 5_000, 12, "quarter"),
    Family("appeals", 1_500, 6, "year"),
)


@dataclass(frozen=True)
class Records:
    """The category and month of every record, and the days from OPENING on which it is registered and coded otherwise."""

    category: Ints
    month: Ints
    known: Ints
    recoded: Ints  # the day on which the category becomes `category_then`
    category_then: Ints


def records_of(family: Family, years: int, late_share: float) -> Records:
    """Made-up records, categories of very different size, some registered long after the event."""
    random = np.random.default_rng([7, *family.name.encode()])
    size = family.records * years
    weights = random.lognormal(0, 1.3, family.categories)
    day = random.integers(0, 365 * years, size)
    late = day + (random.exponential(LATER_DAYS, size) * (random.random(size) < late_share)).astype(np.int64)
    recoded = np.where(random.random(size) < RECODED_SHARE, late + random.exponential(LATER_DAYS, size).astype(np.int64), NEVER)
    first_days = np.array([(d - OPENING).days for d in _months(years)])
    month = np.searchsorted(first_days, day, side="right") - 1
    category, category_then = (random.choice(family.categories, size, p=weights / weights.sum()) for _ in range(2))
    return Records(category, month, late, recoded, category_then)


def _months(years: int) -> Iterator[date]:
    month = OPENING
    for _ in range(12 * years):
        yield month
        month = month_after(month)


def grid_of(family: Family, as_of: date) -> Grid:
    codes = [f"{n:02}" for n in range(family.categories)]
    category: Dimension = ladder("category", [("category", {c: c for c in codes}), ("total", dict.fromkeys(codes, "all"))])
    kinds = ["month", "quarter", "year"]
    after = as_of + timedelta(days=1)
    last = date(after.year, (after.month - 1) // MONTHS[family.period] * MONTHS[family.period] + 1, 1) - timedelta(days=1)
    return Grid.of([category], period_ladder(kinds[kinds.index(family.period) :], OPENING, last))


def counted(family: Family, records: Records, grid: Grid, as_of: date) -> Ints:
    """The true counts as known on `as_of`."""
    step = MONTHS[family.period]
    true = np.zeros(grid.shape, dtype=np.int64)
    day = (as_of - OPENING).days
    known = (records.known <= day) & (records.month // step < grid.shape[1])
    category = np.where(records.recoded <= day, records.category_then, records.category)
    np.add.at(true, (category[known], records.month[known] // step), 1)
    return true.ravel()


def released(grid: Grid, true: Ints, before: Protected | None, least: int = 0) -> Protected:
    """One release of an anchor, after the release `before` on a grid of the same or fewer periods; fewer than `least` corrections wait."""
    previous = Decisions.none(grid.size)
    if before is not None:
        width = before.grid.shape[1]
        for mine, theirs in ((previous.value, before.value), (previous.true, before.leaves.true)):
            mine.reshape(grid.shape)[:, :width] = theirs.reshape(before.grid.shape)
    leaves = Leaves.of(true, grid.cells(), grid.totals, previous, draw(KEY, leaf_period_names(grid), grid.size), BASE, EXCHANGE)
    nothing = np.zeros(grid.size, dtype=bool)
    anchor = {"anchor": Protected("anchor", None, grid, leaves, nothing, nothing, previous.value)}
    return protect_cubes(hold_few_corrections(anchor, least))["anchor"]


def one_more_moves(release: Protected, before: Protected, counts: Ints, leaf: int) -> bool:
    """Whether one more record in `leaf` moves it, in the window of `release`, whose counts are `counts`."""
    more = counts.copy()
    more[leaf] += 1
    return bool(released(release.grid, more, before).value[leaf] != release.value[leaf])


def mean_error(release: Protected, counts: Ints) -> float:
    """The mean absolute error of the published cells that are not zero, against today's counts."""
    true = release.leaves.sums(counts)
    return float(np.abs(release.leaves.sums(release.value) - true)[true > 0].mean())


def measure(family: Family, days: Sequence[date], least: int, late_share: float) -> str:
    """One line: moves, those within one base, leaves that an added record moved, error of the series and of a first release."""
    records = records_of(family, YEARS, late_share)
    random = np.random.default_rng(11)
    before: Protected | None = None
    moves = early = added = moved = published = waited = alone = tried = single = 0
    errors, fresh = [], []
    for day in days:
        grid = grid_of(family, day)
        if not grid.size:
            continue
        true = counted(family, records, grid, day)
        release = released(grid, true, before, least)
        previous = release.leaves.previous.value
        changed = (previous != UNKNOWN) & (release.value != previous)
        moves += int(changed.sum())
        single += int(changed.sum() == 1)
        early += int((changed & (np.abs(release.leaves.true - previous) < BASE)).sum())
        waits = (release.leaves.true != true).any()
        waited += int(waits)
        leaves = np.flatnonzero((previous != UNKNOWN) & (true > 0))
        published += len(leaves)
        if before is not None and not waits:
            added += len(leaves)
            moved += sum(one_more_moves(release, before, true, int(leaf)) for leaf in leaves)
        leaves = random.choice(grid.size, ALONE // len(days) + 1)
        tried += len(leaves)
        alone += sum(one_more_moves(release, release, release.leaves.true, int(leaf)) for leaf in leaves)
        errors.append(mean_error(release, true))
        fresh.append(mean_error(released(grid, true, None), true))
        before = release
    return (
        f"{family.name:10} {waited:3} of {len(days)} windows waited, {single} moved one leaf; {moves:4} moves,"
        f" {100 * early / max(moves, 1):4.1f} % within one base;"
        f" one more record moves {100 * moved / max(added, 1):4.1f} % of the leaves in the other windows,"
        f" {100 * moved / max(published, 1):3.1f} % in all, and {100 * alone / tried:4.1f} % alone;"
        f" MAD {np.mean(errors):.3f}, decided anew {np.mean(fresh):.3f}"
    )


def main(cadence: str, least: int, late_share: float) -> None:
    if cadence == "daily":
        days = [OPENING + timedelta(days=365 + n) for n in range(60)]
    else:
        days = [month_after(month) - timedelta(days=1) for month in _months(YEARS)]
    for family in FAMILIES:
        print(measure(family, days, least, late_share))


if __name__ == "__main__":
    cadence, least, late_share = [*sys.argv[1:], *("monthly", "50", "0.01")[len(sys.argv) - 1 :]]
    main(cadence, int(least), float(late_share))
