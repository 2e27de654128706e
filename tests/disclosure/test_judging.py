"""Every rule of the stage fails when its fault is planted, and only then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from das_pipeline.disclosure.attacks import Gain
from das_pipeline.disclosure.cubes import period_ladder, protected_table
from das_pipeline.disclosure.deduction import Deduced
from das_pipeline.disclosure.family import Protected, protect_cubes
from das_pipeline.disclosure.grid import Grid
from das_pipeline.disclosure.judging import (
    insiders_are_not_alone,
    judge,
    no_leaf_moves_alone,
    one_record_stays_hidden,
    small_counts_cannot_be_computed,
    small_counts_stay_hidden,
)
from das_pipeline.disclosure.ledger import Past
from das_pipeline.disclosure.report import Outcomes, attack
from das_pipeline.disclosure.rounding import Decisions
from das_pipeline.gate import Verdict, blocking
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.policy import Block, load_policy
from tests.conftest import TOY
from tests.disclosure.worlds import FIRST, LAST, family, flat, prepared

POLICY = load_policy(Jurisdiction(TOY)).disclosure.model_copy(update={"attack": Block(block=0.05, min_rows=5, reason="a test")})

WIDE = Grid.of([flat("region", [f"{n:03}" for n in range(150)])], period_ladder(["month", "year"], FIRST, LAST))

Family = dict[str, Protected]
RECORDS = np.random.default_rng(11).poisson(4.0, (5, 2, 18)).astype(np.int64)


@pytest.fixture(scope="module")
def second() -> Family:
    """The second release of a family whose first year is closed; nothing was counted since the first release."""
    first = family(RECORDS)
    frozen = {}
    for name, one in first.items():
        closed = one.grid.coordinates()[-1] < (12 if name == "crimes" else 1)
        frozen[name] = replace(one, leaves=replace(one.leaves, previous=Decisions(one.value, one.leaves.true, closed)))
    return family(RECORDS, frozen)


def attacked(made: Family) -> Outcomes:
    return attack(made, {name: Past.none(one.grid.size) for name, one in made.items()}, {}, POLICY)


def failed(made: Family, folder: Path, values: Family | None = None) -> set[str]:
    """The rules that fail when the values of `values` were written instead of those of `made`."""
    for name, one in (values or made).items():
        pq.write_table(protected_table(one.grid, one.value, one.leaves.base, one.structural), folder / f"{name}.parquet")
    return {v.rule for v in judge(made, folder, POLICY, attacked(made)) if not v.passed}


def moved(made: Family, cube: str, step: int, leaves: Callable[[Protected], np.ndarray]) -> Family:
    """The family with `step` added to some leaves of one cube."""
    one = made[cube]
    return made | {cube: replace(one, value=one.value + step * leaves(one))}


def first_open(one: Protected) -> np.ndarray:
    """One leaf of an open period that is not zero."""
    found = np.zeros(one.grid.size, dtype=bool)
    found[np.flatnonzero(~one.leaves.previous.frozen & (one.value > 0))[0]] = True
    return found


def test_what_the_stage_makes_passes(second: Family, tmp_path: Path) -> None:
    assert failed(second, tmp_path) == set()


@pytest.mark.breaks("D01")
def test_a_value_that_is_no_multiple(second: Family, tmp_path: Path) -> None:
    assert failed(second, tmp_path, moved(second, "crimes", 1, first_open)) == {"D01", "D03"}


@pytest.mark.breaks("D01")
def test_a_column_with_true_counts(second: Family, tmp_path: Path) -> None:
    failed(second, tmp_path)
    one = second["crimes"]
    table = protected_table(one.grid, one.value, one.leaves.base, one.structural)
    pq.write_table(table.append_column("n", [one.leaves.true]), tmp_path / "crimes.parquet")
    assert [v.rule for v in judge(second, tmp_path, POLICY, attacked(second)) if not v.passed] == ["D01"]


@pytest.mark.breaks("D16")
def test_a_leaf_left_out_of_the_grid(second: Family, tmp_path: Path) -> None:
    failed(second, tmp_path)
    path = tmp_path / "crimes.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    assert [v.rule for v in judge(second, tmp_path, POLICY, attacked(second)) if not v.passed] == ["D16"]


@pytest.mark.breaks("D09")
def test_a_leaf_more_than_one_base_off(second: Family, tmp_path: Path) -> None:
    assert "D09" in failed(second, tmp_path, moved(second, "crimes", 10, first_open))


@pytest.mark.breaks("D09")
def test_a_zero_that_is_no_longer_zero(tmp_path: Path) -> None:
    records = RECORDS.copy()
    records[0] = 0
    made = family(records)

    def zero(one: Protected) -> np.ndarray:
        found = np.zeros(one.grid.size, dtype=bool)
        found[np.flatnonzero(one.leaves.true == 0)[0]] = True
        return found

    assert "D09" in failed(made, tmp_path, moved(made, "crimes_year", 5, zero))


@pytest.mark.breaks("D05")
def test_a_closed_leaf_that_moved(second: Family, tmp_path: Path) -> None:
    found = failed(second, tmp_path, moved(second, "crimes", 5, lambda one: one.leaves.previous.frozen & (one.value > 0)))
    assert "D05" in found


@pytest.mark.breaks("D05")
def test_many_untouched_leaves_that_moved(tmp_path: Path) -> None:
    again = family(RECORDS, family(RECORDS))
    assert failed(again, tmp_path) == set()
    assert "D05" in failed(again, tmp_path, moved(again, "crimes", 5, lambda one: one.value > 0))


@pytest.mark.breaks("D03")
def test_cubes_that_disagree_on_a_shared_cell(second: Family, tmp_path: Path) -> None:
    assert failed(second, tmp_path, moved(second, "crimes_year", -5, first_open)) >= {"D03"}


@pytest.mark.breaks("D03")
def test_siblings_that_share_what_their_parent_lacks(tmp_path: Path) -> None:
    made = family(RECORDS)
    child = made["crimes_year"]
    twin = replace(child, name="twin", value=np.roll(child.value.reshape(child.grid.shape), 1, axis=1).ravel())
    assert "D03" in failed(made | {"twin": twin}, tmp_path)


@pytest.mark.slow
@pytest.mark.breaks("D21")
def test_leaves_that_are_mostly_empty(tmp_path: Path) -> None:
    """As rounded, within all bounds: but of a leaf that is hardly ever two, a value above zero says that it is one."""
    for mean, rules in ((3.0, set()), (0.1, {"D21", "D24"})):
        true = np.random.default_rng(12).poisson(mean, WIDE.size).astype(np.int64)
        made = protect_cubes({"crimes": prepared(WIDE, true, "crimes", None)})
        assert failed(made, tmp_path) == rules
        verdicts = judge(made, tmp_path, POLICY, attacked(made), is_simulated=True)
        assert {v.rule for v in verdicts if not v.passed} == rules
        assert not blocking(verdicts)


@pytest.mark.breaks("D23")
def test_values_so_far_below_that_one_more_record_moves_them(tmp_path: Path) -> None:
    true = np.full(WIDE.size, 9, dtype=np.int64)
    made = {"crimes": replace(prepared(WIDE, true, "crimes", None), value=np.full(WIDE.size, 5, dtype=np.int64))}
    assert "D23" in failed(made, tmp_path)


@pytest.mark.breaks("D24")
def test_cells_shown_as_zero_in_which_most_are_alone(tmp_path: Path) -> None:
    """Of leaves of one and of two, all shown as 0: an insider is alone in two thirds of the former records, more than in six of ten."""
    ones = np.where(np.arange(WIDE.size) % 5 < 4, 1, 2)
    made = {"crimes": replace(prepared(WIDE, ones.astype(np.int64), "crimes", None), value=np.zeros(WIDE.size, dtype=np.int64))}
    assert "D24" in failed(made, tmp_path)
    assert "D24" not in failed(protect_cubes({"crimes": prepared(WIDE, 4 * ones.astype(np.int64), "crimes", None)}), tmp_path)


def test_of_a_sensitive_cube_insiders_may_know_more_records(tmp_path: Path) -> None:
    twos = np.where(np.arange(WIDE.size) % 5 < 4, 2, 3).astype(np.int64)
    made = {"crimes": replace(prepared(WIDE, twos, "crimes", None), value=np.zeros(WIDE.size, dtype=np.int64))}
    insider = attacked(made).insider
    sensitive = POLICY.model_copy(update={"sensitive_cubes": ["crimes"]})
    assert insiders_are_not_alone(insider, POLICY, is_simulated=False).passed
    assert not insiders_are_not_alone(insider, sensitive, is_simulated=False).passed


@pytest.mark.breaks("D23")
def test_a_leaf_that_moved_alone(second: Family) -> None:
    past = {name: Past.none(one.grid.size) for name, one in second.items()}
    for name, one in second.items():
        past[name].before[:] = one.value

    def alone(waiting: int = 0, *, is_simulated: bool = False) -> Verdict:
        return no_leaf_moves_alone(second, attack(second, past, {}, POLICY).moved, waiting, is_simulated=is_simulated)

    assert alone().passed
    past["crimes"].before[3] += 5
    assert blocking([alone()])
    for shown in (alone(is_simulated=True), alone(50)):  # the other 49 corrections moved no leaf
        assert not shown.passed
        assert not blocking([shown])
    past["crimes"].before[7] += 5
    assert alone().passed


@pytest.mark.breaks("D21", "D22", "D23", "D24")
def test_what_small_counts_tell_stops_real_figures_and_is_shown_of_simulated_ones() -> None:
    """Of 100 small counts 50 are known because of the leaves, of 100 leaves one more record moves 50; 50 of 60 insiders are alone."""
    gain = Gain(100, (0.0, 50.0), (0.0, 0.0), (0.0, 0.0))
    deduced = Deduced(tried=20, exact=1, narrow=1, small=100, guessed=40, estimated=40)
    for is_simulated in (False, True):
        verdicts = [
            small_counts_stay_hidden({"crimes": gain}, POLICY.attack, is_simulated=is_simulated),
            small_counts_cannot_be_computed({"crimes": deduced}, POLICY.deduction, is_simulated=is_simulated),
            one_record_stays_hidden({"crimes": (50, 100)}, POLICY.one_record, is_simulated=is_simulated),
            insiders_are_not_alone({"crimes": [(50, 60)]}, POLICY, is_simulated=is_simulated),
        ]
        assert not any(v.passed for v in verdicts)
        assert [v.rule for v in blocking(verdicts)] == ([] if is_simulated else ["D21", "D22", "D23", "D24"])
