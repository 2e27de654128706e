"""Amounts from counts by class: exact where a class begins, even in between, unknown beyond the last bound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from das_pipeline.publication.amounts import quantile

BOUNDS = (250, 500, 1000)


@pytest.mark.parametrize(
    ("in_class", "share", "amount"),
    [
        ([100, 0, 0, 0], 0.5, 125.0),
        ([50, 50, 0, 0], 0.5, 250.0),
        ([0, 40, 0, 0], 0.25, 312.5),
        ([40, 40, 40, 40], 0.75, 1000.0),
        ([10, 0, 30, 0], 0.5, 500 + 10 / 30 * 500),
        ([40, 0, 0, 60], 0.5, None),  # in the class without an end
        ([0, 0, 0, 0], 0.5, None),
    ],
)
def test_an_amount_lies_where_its_place_in_the_class_is(in_class: list[int], share: float, amount: float | None) -> None:
    found = quantile(np.array(in_class), share, BOUNDS)
    assert np.isnan(found) if amount is None else found == pytest.approx(amount)


@given(st.lists(st.integers(0, 1000), min_size=4, max_size=4), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_a_larger_share_has_no_smaller_amount_and_lies_in_its_class(in_class: list[int], one: float, other: float) -> None:
    counts = np.array(in_class)
    low, high = (quantile(counts, share, BOUNDS) for share in sorted((one, other)))
    assert np.isnan(high) or low <= high + 1e-9
    if not np.isnan(high):
        at_most = np.interp(high, [0, *BOUNDS], [0, *np.cumsum(counts)[:3]])  # as many have this amount at most
        assert at_most == pytest.approx(max(one, other) * counts.sum(), rel=1e-6, abs=1e-6)


def test_rows_are_computed_together() -> None:
    both = quantile(np.array([[100, 0, 0, 0], [0, 40, 0, 0]]), 0.5, BOUNDS)
    assert both.tolist() == [125.0, 375.0]
