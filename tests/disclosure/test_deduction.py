"""What follows from all cells together: ranges by hand and by trying all counts, and estimates that must not name small counts."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from das_pipeline.disclosure import differencing
from das_pipeline.disclosure.cubes import period_ladder
from das_pipeline.disclosure.deduction import Deduced, Sums, deduce, possible
from das_pipeline.disclosure.differencing import one_more_moves, told_apart, twins
from das_pipeline.disclosure.family import Protected, protect_cubes
from das_pipeline.disclosure.grid import Grid
from das_pipeline.disclosure.judging import other_counts_look_the_same, small_counts_cannot_be_computed
from das_pipeline.disclosure.ledger import Past
from das_pipeline.disclosure.rounding import UNKNOWN, Decisions, Ints
from das_pipeline.gate import blocking
from das_pipeline.policy import Deduction
from tests.disclosure.worlds import BASE, FIRST, family, flat, prepared

LIMIT = Deduction(reason="a test")
RECORDS = np.random.default_rng(11).poisson(1.5, (5, 2, 18)).astype(np.int64)
YEARS = ["year"]


def regions(true: list[int], value: list[int]) -> Protected:
    """One year of a cube by region, with these counts and values."""
    grid = Grid.of([flat("region", [f"{n:02}" for n in range(len(true))])], period_ladder(YEARS, FIRST, FIRST))
    return replace(prepared(grid, np.array(true), "crimes", None), value=np.array(value))


def deduced(cube: Protected, before: list[int] | None = None, public: Ints | None = None) -> Deduced:
    past = Past.none(cube.grid.size)
    if before is not None:
        past = Past(np.array(before), np.maximum(before, 0), (np.array(before) != UNKNOWN).astype(np.int64))
    told = {} if public is None else {cube.name: public}
    return deduce({cube.name: cube}, {cube.name: past}, told, sample=20, width=4)[cube.name]


def total(cube: Protected) -> Ints:
    return cube.grid.tables[cube.grid.totals[0]].cells


def test_leaves_alone_leave_five_counts() -> None:
    found = deduced(regions([4, 4, 30, 0], [0, 5, 30, 0]))
    assert (found.small, found.tried, found.exact, found.narrow) == (2, 2, 0, 0)


@pytest.mark.breaks("D22")
def test_an_exact_total_that_only_one_set_of_counts_has() -> None:
    """Of two leaves shown as 0 each is 4 at most; whoever knows that there are 8 knows both."""
    cube = regions([4, 4, 0], [0, 0, 0])
    found = deduced(cube, public=total(cube)[:1])
    assert found.exact == 0, "the third may count up to 4 too"
    cube = regions([4, 4], [0, 0])
    found = deduced(cube, public=total(cube))
    assert (found.tried, found.exact) == (2, 2)
    verdict = small_counts_cannot_be_computed({"crimes": found}, LIMIT, is_simulated=False)
    assert not verdict.passed
    assert blocking([verdict])
    assert not blocking([small_counts_cannot_be_computed({"crimes": found}, LIMIT, is_simulated=True)])


def test_what_a_source_publishes_itself_is_no_secret() -> None:
    cube = regions([4, 4], [0, 0])
    assert deduced(cube, public=cube.grid.tables[0].cells).small == 0


def test_a_leaf_that_moved_has_left_the_reach_of_its_old_value() -> None:
    assert deduced(regions([4, 4], [5, 5]), before=[10, 10]).narrow == 0, "from 1 to 5"
    assert deduced(regions([3, 4], [5, 5]), before=[9, 9]).narrow == 2, "if the base had been smaller, from 1 to 4"


def test_cubes_of_one_family_are_put_together() -> None:
    """What the cubes by month and by year tell together, of all their small counts."""
    made = family(RECORDS)
    found = deduce(made, {name: Past.none(c.grid.size) for name, c in made.items()}, {}, sample=500, width=4)
    assert found["crimes"].tried == found["crimes"].small > 20
    assert sum(cube.exact + cube.narrow for cube in found.values()) == 0


def test_ranges_are_those_of_all_possible_counts() -> None:
    random = np.random.default_rng(5)
    from scipy import sparse

    for _ in range(30):
        true = random.integers(0, 5, 4)
        low, high = np.zeros(4), np.full(4, 4.0)
        rows = np.array([[1, 1, 0, 0], [0, 1, 1, 1], [1, 0, -1, 0]])[random.permutation(3)[: random.integers(1, 4)]]
        spare = random.integers(0, 2, len(rows))
        ends = [(rows @ true + sign * spare).astype(np.float64) for sign in (-1, 1)]
        sums = Sums(sparse.csr_array(rows.astype(np.float64)), *ends)
        worlds = np.array([w for w in product(range(5), repeat=4) if (np.abs(rows @ np.array(w) - rows @ true) <= spare).all()])
        ranges = possible(np.arange(4), true, low, high, sums)
        assert ranges == list(zip(worlds.min(axis=0), worlds.max(axis=0), strict=True))


@pytest.mark.breaks("D22")
def test_values_that_are_drawn_anew_in_every_release_are_averaged() -> None:
    """Two hundred unbiased draws name the count; a value that stays names nothing."""
    random = np.random.default_rng(3)
    true = random.integers(1, 5, 300)
    times = 200
    draws = BASE * random.binomial(times, true / BASE)
    cube = regions(true.tolist(), (BASE * random.binomial(1, true / BASE)).tolist())
    past = Past(np.full(300, UNKNOWN), draws, np.full(300, times))
    averaged = deduce({"crimes": cube}, {"crimes": past}, {}, 20, 4)["crimes"]
    assert averaged.estimated > 0.9 * averaged.small
    assert not small_counts_cannot_be_computed({"crimes": averaged}, LIMIT, is_simulated=False).passed
    sticky = replace(past, total=times * cube.value)
    kept = deduce({"crimes": cube}, {"crimes": sticky}, {}, 20, 4)["crimes"]
    assert kept.estimated <= kept.guessed
    assert small_counts_cannot_be_computed({"crimes": kept}, LIMIT, is_simulated=False).passed


def test_one_more_record_moves_what_is_four_above_its_value() -> None:
    assert one_more_moves(regions([9, 8, 4, 0, 3], [5, 5, 0, 0, 5])) == (2, 4)


@pytest.mark.parametrize("leaf", [0, 7, 20, 40])
def test_one_more_record_moves_its_leaf_as_predicted(leaf: int) -> None:
    first = family(RECORDS)["crimes"]
    more = first.leaves.true.copy()
    more[leaf] += 1
    previous = Decisions(first.value, first.leaves.true, np.zeros(first.grid.size, dtype=bool))
    second = protect_cubes({"crimes": prepared(first.grid, more, "crimes", None, previous)})["crimes"]
    expected = abs(first.leaves.true[leaf] + 1 - first.value[leaf]) >= BASE
    assert (second.value[leaf] != first.value[leaf]) == expected


def test_a_twin_has_other_counts_and_the_same_values() -> None:
    made = family(RECORDS)
    others = twins(made)
    for name, cube in made.items():
        true, other = cube.leaves.true, others[name].leaves.true
        assert (other != true).sum() > 0.5 * (true > 0).sum()
        assert ((other == 0) == (true == 0)).all()
    assert set(told_apart(made, others).values()) == {0}


@pytest.mark.breaks("D23")
def test_a_protection_that_decides_anew_tells_the_twin_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(cubes: dict[str, Protected]) -> dict[str, Protected]:
        anew = {n: replace(c, leaves=replace(c.leaves, previous=Decisions.none(c.grid.size))) for n, c in cubes.items()}
        return protect_cubes(anew)

    monkeypatch.setattr(differencing, "protect_cubes", forgetful)
    made = family(RECORDS)
    assert not other_counts_look_the_same(told_apart(made, twins(made))).passed
