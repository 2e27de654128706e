"""Draws: named streams, balanced shares, odds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.draws import Coded, happens, mix, mix_by, odds, stream, uniforms


@given(st.integers(1, 500), st.integers(1, 7), st.floats(0, 1))
def test_within_strata_a_chance_is_met_to_one_row(n: int, strata: int, chance: float) -> None:
    within = stream(1, "strata").integers(0, strata, n)
    happened = happens(stream(1, "happens"), chance, n, within)
    for stratum in range(strata):
        rows = within == stratum
        assert abs(happened[rows].sum() - chance * rows.sum()) <= 1


def test_two_balanced_draws_of_the_same_rows_are_independent() -> None:
    within = np.zeros(10_000, dtype=np.int64)
    first, second = (uniforms(stream(1, name), 10_000, within) for name in ("first", "second"))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03


def test_shares_of_a_balanced_mix_are_met() -> None:
    found = mix(stream(1, "mix"), {"a": 1, "b": 2, "c": 7}, 1_000, np.zeros(1_000, dtype=np.int64))
    assert np.bincount(found.codes).tolist() == pytest.approx([100, 200, 700], abs=1)


def test_a_factor_changes_the_share_of_its_word_row_by_row() -> None:
    group = Coded(("x",), np.zeros(20_000, dtype=np.int64))
    factor = np.repeat([0.0, 3.0], 10_000)
    found = mix_by(stream(1, "mix"), group, {"x": {"a": 1, "b": 1}}, {"a": factor})
    assert (found.codes[:10_000] == 1).all()
    assert (found.codes[10_000:] == 0).mean() == pytest.approx(0.75, abs=0.02)


@given(st.floats(0, 1), st.floats(0.01, 100))
def test_odds_keep_certainty_and_stay_chances(chance: float, factor: float) -> None:
    changed = odds(chance, factor)
    assert 0 <= changed <= 1
    assert odds(0.0, factor) == 0
    assert odds(1.0, factor) == 1
    assert (changed >= chance - 1e-12) == (factor >= 1) or changed == pytest.approx(chance)


def test_a_stream_has_its_own_numbers_whatever_else_is_drawn() -> None:
    assert stream(1, "a").random() == stream(1, "a").random()
    assert stream(1, "a").random() != stream(1, "b").random()
