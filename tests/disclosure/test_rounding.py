"""Sticky controlled rounding: what must hold whatever is counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from das_pipeline.disclosure.cubes import period_ladder
from das_pipeline.disclosure.family import Protected, protect_cubes, shared_cells
from das_pipeline.disclosure.grid import Grid, ladder
from das_pipeline.disclosure.rounding import Decisions, Leaves, draw
from das_pipeline.errors import ConfigurationError
from tests.disclosure.worlds import BASE, FIRST, KEY, LAST, counts_of, family, month_grid, prepared

SHAPE = (5, 2, 18)  # class, sex, month
records = arrays(np.int64, SHAPE, elements=st.one_of(st.integers(0, 6), st.integers(0, 60)), fill=st.just(0))
quick = settings(max_examples=25, deadline=None)


def some_records(seed: int, mean: float = 3.0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(mean, SHAPE).astype(np.int64)


@quick
@given(records)
def test_a_leaf_is_a_multiple_within_one_base_and_a_zero_stays_zero(counted: np.ndarray) -> None:
    crimes = family(counted)["crimes"]
    assert (crimes.value % BASE == 0).all()
    assert (np.abs(crimes.value - crimes.leaves.true) < BASE).all()
    assert (crimes.value[crimes.leaves.true == 0] == 0).all()


@quick
@given(records)
def test_a_cube_that_adds_up_to_another_has_its_values_in_the_cells_they_share(counted: np.ndarray) -> None:
    made = family(counted)
    parent, child = made["crimes"], made["crimes_year"]
    table, mine, theirs = shared_cells(child, parent)
    assert child.grid.tables[table].levels == ("group", "total", "year")
    assert (child.leaves.sums(child.value)[mine] == parent.leaves.sums(parent.value)[theirs]).all()
    assert (np.abs(child.value - child.leaves.true) < 2 * BASE).all()
    assert (child.value[child.leaves.true == 0] == 0).all()


@quick
@given(records)
def test_a_national_total_is_within_one_base(counted: np.ndarray) -> None:
    crimes = family(counted)["crimes"]
    error = crimes.leaves.sums(crimes.value - crimes.leaves.true)
    years = crimes.grid.tables[crimes.grid.totals[0]]
    assert years.levels == ("total", "year")
    assert (np.abs(error[years.cells]) <= BASE).all()


@quick
@given(records, st.integers(0, 4), st.integers(0, 1), st.integers(0, 17), st.integers(1, 3))
def test_after_one_more_record_only_what_it_touched_can_move(counted: np.ndarray, offence: int, sex: int, month: int, more: int) -> None:
    before = family(counted)
    later = counted.copy()
    later[offence, sex, month] += more
    after = family(later, before)
    for name in before:
        moved = before[name].value != after[name].value
        assert not (moved & (before[name].leaves.true == after[name].leaves.true)).any()
    _, mine, theirs = shared_cells(after["crimes_year"], after["crimes"])
    year, crimes = after["crimes_year"], after["crimes"]
    assert (year.leaves.sums(year.value)[mine] == crimes.leaves.sums(crimes.value)[theirs]).all()


@quick
@given(records, records)
def test_cubes_agree_after_any_revision(counted: np.ndarray, revised: np.ndarray) -> None:
    after = family(revised, family(counted))
    crimes, year = after["crimes"], after["crimes_year"]
    _, mine, theirs = shared_cells(year, crimes)
    assert (year.leaves.sums(year.value)[mine] == crimes.leaves.sums(crimes.value)[theirs]).all()
    assert (np.abs(crimes.value - crimes.leaves.true) < BASE).all()
    assert (np.abs(year.value - year.leaves.true) < 2 * BASE).all()


def test_the_same_counts_released_again_move_nothing() -> None:
    first = family(some_records(1))
    second = family(some_records(1), first)
    assert all((first[name].value == second[name].value).all() for name in first)
    assert not any(one.decided.any() for one in second.values())


def test_a_leaf_of_a_closed_period_keeps_its_value_whatever_is_counted_later() -> None:
    grid = month_grid()
    true = some_records(2).sum(axis=(0, 1)).repeat(3).reshape(-1, 3).T.ravel()
    first = protect_cubes({"crimes": prepared(grid, true, "crimes", None)})["crimes"]
    frozen = grid.coordinates()[-1] < 12
    closed = Decisions(first.value, true, frozen)
    second = protect_cubes({"crimes": prepared(grid, true + 7, "crimes", None, closed)})["crimes"]
    assert (second.value[frozen] == first.value[frozen]).all()
    assert (second.leaves.true[frozen] == true[frozen]).all()
    assert (second.value[~frozen] != first.value[~frozen]).any()


def test_a_leaf_is_drawn_again_only_when_its_count_left_its_value_behind() -> None:
    grid = month_grid()
    true = np.full(grid.size, 12)
    first = protect_cubes({"crimes": prepared(grid, true, "crimes", None)})["crimes"]
    one = replace(
        first, leaves=replace(first.leaves, true=true + 1, previous=Decisions(first.value, true, np.zeros(grid.size, dtype=bool)))
    )
    assert (one.leaves.start() == first.value).all()
    far = replace(one.leaves, true=true + 9)
    assert set(far.start()) <= {20, 25}


@quick
@given(records, records)
def test_a_published_leaf_moves_only_when_its_value_is_a_base_away(counted: np.ndarray, revised: np.ndarray) -> None:
    before = family(counted)
    after = protect_cubes({"crimes": replace(before["crimes"], leaves=with_counts(before["crimes"], revised))})["crimes"]
    moved = after.value != before["crimes"].value
    assert (np.abs(after.leaves.true - before["crimes"].value)[moved] >= BASE).all()


def with_counts(released: Protected, revised: np.ndarray) -> Leaves:
    """The leaves of the anchor for the release after `released`, counted from the `revised` records."""
    true = counts_of(revised)[0]
    return replace(released.leaves, true=true, previous=Decisions(released.value, released.leaves.true, released.leaves.previous.frozen))


def test_one_record_moves_its_leaf_in_few_cases() -> None:
    """At most one in ten: the others keep a value that is still within one base, whatever totals would gain."""
    crimes = family(some_records(5, mean=20.0))["crimes"]
    grid, moved = crimes.grid, 0
    for leaf in range(grid.size):
        true = crimes.leaves.true.copy()
        true[leaf] += 1
        one = prepared(grid, true, "crimes", None, Decisions(crimes.value, crimes.leaves.true, crimes.leaves.previous.frozen))
        moved += int((protect_cubes({"crimes": one})["crimes"].value != crimes.value).any())
    assert grid.size == 54
    assert moved <= grid.size // 10


def test_a_family_with_few_corrections_waits_with_all_its_cubes() -> None:
    before = family(some_records(7))
    later = some_records(7)
    later[0, 0, 0] += 5
    after = family(later, before, least_corrected=2)
    for name in before:
        assert (after[name].value == before[name].value).all()
        assert not after[name].decided.any()
    later[1:, 0, 0] += 5
    corrected = family(later, after, least_corrected=2)["crimes"].leaves.corrected
    assert corrected.sum() == 3  # the first month of every group: the correction that waited is one of them


def test_draws_do_not_depend_on_what_is_counted_and_change_with_the_key() -> None:
    names = ["offence=theft|2024-01", "offence=theft|2024-02", None]
    drawn = draw(KEY, names, 3)
    assert (draw(KEY, names, 3).uniform == drawn.uniform).all()
    assert drawn.uniform[2] == drawn.order[2] == 0
    assert (draw(b"\x08" * 32, names, 3).uniform[:2] != drawn.uniform[:2]).all()


def test_values_are_unbiased_over_keys_before_the_descent() -> None:
    grid = month_grid()
    true = np.full(grid.size, 7)
    starts = [prepared(grid, true, "crimes", None, key=bytes([k]) * 32).leaves.start().mean() for k in range(60)]
    assert np.mean(starts) == pytest.approx(7, abs=0.15)


def test_the_descent_lowers_the_error_of_totals() -> None:
    crimes = family(some_records(3, mean=1.5))["crimes"]
    before, after = (crimes.leaves.sums(v - crimes.leaves.true) for v in (crimes.leaves.start(), crimes.value))
    assert (after**2).sum() < (before**2).sum() / 2


def test_cubes_of_one_family_need_one_base() -> None:
    made = family(some_records(4))
    other = replace(made["crimes_year"], leaves=replace(made["crimes_year"].leaves, base=10))
    with pytest.raises(ConfigurationError, match="need one base"):
        protect_cubes(made | {"crimes_year": other})


def test_a_group_with_nothing_below_it_is_named() -> None:
    made = family(some_records(6))
    groups = ladder("offence", [("group", {g: g for g in ("other", "property")}), ("total", dict.fromkeys(("other", "property"), "all"))])
    grid = Grid.of([groups], period_ladder(["month", "year"], FIRST, LAST))
    few = prepared(grid, np.ones(grid.size, dtype=np.int64), "crimes", None)
    with pytest.raises(ConfigurationError, match="needs one below it"):
        protect_cubes(made | {"crimes": few})
