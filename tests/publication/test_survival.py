"""The estimate of how long something takes, beside what lifelines 0.30.3 and statsmodels 0.15.0 say of the same counts.

Recorded with `KaplanMeierFitter().fit(weeks, ended)` and `SurvfuncRight(weeks, ended)`, a row for each case; both gave the same shares.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from das_pipeline.publication import survival

LIBRARIES = [  # ended and still open by week; the share still open after each week; quartiles, on which both libraries agree
    (
        [5, 8, 0, 12, 3, 20, 7, 4, 9, 1, 2, 0, 0],
        [0, 2, 1, 0, 6, 3, 0, 5, 4, 8, 2, 1, 0],
        [
            *(0.951456311, 0.873786408, 0.873786408, 0.753264145, 0.723133579, 0.504002191, 0.421955323, 0.375071398, 0.250047599),
            *(0.232187056, 0.139312234, 0.139312234, 0.139312234),
        ],
        (4, 6, 9),
    ),
    ([1, 0, 2, 0, 0, 0], [0, 5, 0, 9, 0, 0], [0.941176471, 0.941176471, *[0.770053476] * 4], (survival.NEVER,) * 3),
    ([0, 0, 60, 0, 40, 0, 0], [10, 0, 0, 30, 0, 5, 0], [1, 1, 0.555555556, 0.555555556, *[0.061728395] * 3], (2, 4, 4)),
]


def share(ended: list[int], censored: list[int]) -> survival.Shares:
    return survival.still_open(np.array(ended), np.array(censored))


@pytest.mark.parametrize(("ended", "censored", "expected", "quartiles"), LIBRARIES)
def test_shares_and_quartiles_are_those_of_two_libraries(
    ended: list[int], censored: list[int], expected: list[float], quartiles: tuple[int, ...]
) -> None:
    ours = share(ended, censored)
    assert ours == pytest.approx(expected, abs=1e-9)
    assert tuple(int(survival.quantile(ours, q)) for q in (0.25, 0.5, 0.75)) == quartiles


def test_the_median_of_1_2_3_4_is_2_as_in_lifelines() -> None:
    """Statsmodels says 3, and R 2.5: see the convention in the module."""
    weeks = np.array([0, 1, 1, 1, 1, 0])
    assert survival.quantile(share(list(weeks), [0] * 6), 0.5) == 2
    assert survival.quantile(survival.ended_by(weeks), 0.5) == 2


def test_what_is_open_makes_the_median_longer_than_that_of_what_has_ended() -> None:
    ended, censored = np.array([10, 10, 10, 10, 0, 0]), np.array([0, 0, 15, 15, 15, 0])
    assert survival.quantile(survival.ended_by(ended), 0.5) == 1
    assert survival.quantile(survival.still_open(ended, censored), 0.5) == 3


def test_a_quantile_in_the_last_week_is_not_known() -> None:
    assert survival.quantile(share([10, 0, 90], [0, 0, 0]), 0.5) == survival.NEVER


counts = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=2, max_size=20)


@given(counts)
def test_shares_are_the_product_of_exact_fractions(by_week: list[tuple[int, int]]) -> None:
    ended, censored = (list(column) for column in zip(*by_week, strict=True))
    exact, expected = Fraction(1), []
    for week in range(len(ended)):
        if at_risk := sum(ended[week:]) + sum(censored[week:]):
            exact *= 1 - Fraction(ended[week], at_risk)
        expected.append(float(exact))
    assert share(ended, censored) == pytest.approx(expected, abs=1e-12)


def test_a_share_is_known_for_as_long_as_something_was_followed() -> None:
    """Of the first ten 4 have been open for two weeks and nothing longer, of the last ten all have ended in two weeks."""
    ended, censored = np.array([[3, 3, 0, 0], [5, 5, 0, 0]]), np.array([[0, 4, 0, 0], [0, 0, 0, 0]])
    assert survival.is_known(ended, censored).tolist() == [[True, True, False, False], [True] * 4]
