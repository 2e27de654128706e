"""A series of releases of one family, by month, quarter and year, with records that come late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from das_pipeline.disclosure.cubes import period_ladder
from das_pipeline.disclosure.family import Protected, hold_few_corrections, protect_cubes, shared_cells
from das_pipeline.disclosure.grid import Grid, ladder
from das_pipeline.disclosure.ledger import leaf_period_names
from das_pipeline.disclosure.rounding import UNKNOWN, Decisions, Leaves, draw
from das_pipeline.periods import last_day, last_ended
from tests.disclosure.worlds import BASE, CLASSES, EXCHANGE, KEY, flat

START = date(2023, 1, 1)
MONTHS = [f"{year}-{month:02}" for year in (2023, 2024) for month in range(1, 13)][:16]
GROUPS = sorted(set(CLASSES.values()))
LEAST = 12
STEP = {"month": 1, "quarter": 3, "year": 12}
Ints = NDArray[np.int64]


def counted(late: float) -> Iterator[tuple[date, Ints]]:
    """For each release, at the end of a month, what is known by then: counts by class and month, a share of them later than the month."""
    random = np.random.default_rng(21)
    size = 6000
    month = random.integers(0, len(MONTHS), size)
    offence = random.choice(len(CLASSES), size, p=[0.4, 0.3, 0.2, 0.07, 0.03])
    known = month + np.where(random.random(size) < late, random.integers(1, 6, size), 0)
    for number, text in enumerate(MONTHS):
        counts = np.zeros((len(CLASSES), len(MONTHS)), dtype=np.int64)
        np.add.at(counts, (offence[known <= number], month[known <= number]), 1)
        yield last_day(text), counts


def grid(level: str, kind: str, as_of: date) -> Grid:
    steps = [("group", CLASSES), ("total", dict.fromkeys(CLASSES, "all"))]
    offence = ladder("offence", [("class", {c: c for c in CLASSES}), *steps]) if level == "class" else flat("offence", GROUPS)
    if level == "group":
        offence = ladder("offence", [("group", {g: g for g in GROUPS}), ("total", dict.fromkeys(GROUPS, "all"))])
    kinds = ["month", "quarter", "year"]
    return Grid.of([offence], period_ladder(kinds[kinds.index(kind) :], START, last_ended(kind, as_of)))


def cube(name: str, adds_up_to: str | None, level: str, kind: str, as_of: date, counts: Ints, before: Protected | None) -> Protected:
    of = grid(level, kind, as_of)
    periods = counts[:, : of.shape[1] * STEP[kind]].reshape(len(CLASSES), of.shape[1], STEP[kind]).sum(axis=2)
    true = periods
    if level == "group":
        classes = sorted(CLASSES)
        true = np.array([sum(periods[n] for n, c in enumerate(classes) if CLASSES[c] == group) for group in GROUPS])
    previous = Decisions.none(of.size)
    if before is not None:
        width = before.grid.shape[1]
        for mine, theirs in ((previous.value, before.value), (previous.true, before.leaves.true)):
            mine.reshape(of.shape)[:, :width] = theirs.reshape(before.grid.shape)
    drawn = draw(KEY, leaf_period_names(of), of.size)
    leaves = Leaves.of(true.ravel(), of.cells(), of.totals, previous, drawn, BASE, EXCHANGE)
    nothing = np.zeros(of.size, dtype=bool)
    return Protected(name, adds_up_to, of, leaves, nothing, nothing, previous.value)


@pytest.fixture(scope="module", params=[0.01, 0.05])
def releases(request: pytest.FixtureRequest) -> list[dict[str, Protected]]:
    made: list[dict[str, Protected]] = []
    for as_of, counts in counted(request.param):
        before = made[-1] if made else {}
        family = {"month": cube("month", None, "group", "month", as_of, counts, before.get("month"))}
        for kind in ("quarter", "year"):
            if last_ended(kind, as_of) > START:
                family[kind] = cube(kind, "month", "class", kind, as_of, counts, before.get(kind))
        made.append(protect_cubes(hold_few_corrections(family, LEAST)))
    return made


def moved(release: dict[str, Protected]) -> dict[str, int]:
    """The number of leaves published before that have another value now, by cube."""
    return {name: int(((c.value != c.leaves.previous.value) & (c.leaves.previous.value != UNKNOWN)).sum()) for name, c in release.items()}


def test_a_cube_by_quarter_or_year_has_what_has_ended(releases: list[dict[str, Protected]]) -> None:
    periods = [{name: c.grid.shape[1] for name, c in release.items()} for release in releases]
    assert periods[1] == {"month": 2}
    assert periods[2] == {"month": 3, "quarter": 1}
    assert periods[11] == {"month": 12, "quarter": 4, "year": 1}
    assert periods[15] == {"month": 16, "quarter": 5, "year": 1}


def test_cubes_agree_in_the_periods_that_both_have(releases: list[dict[str, Protected]]) -> None:
    for release in releases:
        for child in (release[kind] for kind in ("quarter", "year") if kind in release):
            _, mine, theirs = shared_cells(child, release["month"])
            assert len(mine) == len(GROUPS) * child.grid.shape[1]
            parent = release["month"]
            assert (child.leaves.sums(child.value)[mine] == parent.leaves.sums(parent.value)[theirs]).all()
            assert (np.abs(child.value - child.leaves.true) < 2 * BASE).all()


def test_a_year_moves_only_by_corrections(releases: list[dict[str, Protected]]) -> None:
    """Not because it goes on, as it did when it was counted from its first day on."""
    for release in releases[12:]:
        year = release["year"]
        assert moved(release)["year"] <= int(year.leaves.corrected.sum()) + int(release["month"].leaves.corrected.sum())
    assert sum(moved(release)["year"] for release in releases[12:]) <= 10


def test_few_corrections_wait(releases: list[dict[str, Protected]]) -> None:
    """Nothing that was published moves in their window, unless a new quarter or year has to agree with its months."""
    for before, release in pairwise(releases):
        assert all(c.leaves.corrected.sum() >= LEAST or not c.leaves.corrected.any() for c in release.values())
        is_same = all(name in before and c.grid.shape == before[name].grid.shape for name, c in release.items() if name != "month")
        if is_same and not release["month"].leaves.corrected.any():
            assert not any(moved(release).values())


def test_a_new_period_counts_what_its_months_count_without_the_corrections_that_wait() -> None:
    """Of a year of few leaves, 60 records came late, of which the months wait: its leaves are counted without them, and both agree."""
    as_of, after = date(2023, 11, 30), date(2023, 12, 31)
    counts = np.full((len(CLASSES), len(MONTHS)), 20, dtype=np.int64)
    before = protect_cubes({"month": cube("month", None, "group", "month", as_of, counts, None)})
    late = counts.copy()
    late[:, 0] += 12
    month = cube("month", None, "group", "month", after, late, before["month"])
    year = cube("year", "month", "group", "year", after, late, None)
    held = hold_few_corrections({"month": month, "year": year}, 50)
    assert month.leaves.true.sum() == year.leaves.true.sum() == 20 * 12 * len(CLASSES) + 60
    assert held["month"].leaves.true.sum() == held["year"].leaves.true.sum() == 20 * 12 * len(CLASSES)
    made = protect_cubes(held)
    table, mine, theirs = shared_cells(made["year"], made["month"])
    assert table >= 0
    values = [made[name].leaves.sums(made[name].value) for name in ("year", "month")]
    assert (values[0][mine] == values[1][theirs]).all()
    assert (np.abs(made["year"].value - made["year"].leaves.true) < BASE).all()


def test_in_no_window_exactly_one_leaf_moves_in_every_cube(releases: list[dict[str, Protected]]) -> None:
    assert not [release for release in releases if set(moved(release).values()) == {1}]
