"""Periods as text."""

from __future__ import annotations

from datetime import date

import pytest

from das_pipeline.periods import enclosing, first_day, is_complete, is_provisional, last_day, last_month_end


def test_a_month_lies_in_its_quarter_and_year() -> None:
    assert enclosing("2024-03") == {"month": "2024-03", "quarter": "2024-Q1", "year": "2024"}
    assert enclosing("2024-Q4") == {"quarter": "2024-Q4", "year": "2024"}
    assert enclosing("2024") == {"year": "2024"}


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2023-Q3", date(2023, 7, 1), date(2023, 9, 30)),
        ("2023", date(2023, 1, 1), date(2023, 12, 31)),
    ],
)
def test_first_and_last_day(period: str, first: date, last: date) -> None:
    assert (first_day(period), last_day(period)) == (first, last)
    assert is_complete(period, last)
    assert not is_complete(period, first)


@pytest.mark.parametrize(
    ("period", "months", "expected"),
    [
        ("2025-12", 24, True),
        ("2024-01", 24, True),
        ("2023-12", 24, False),
        ("2023", 24, False),
        ("2025-01", None, True),
        ("2024-12", None, False),
    ],
)
def test_a_period_is_provisional_as_long_as_corrections_are_expected(period: str, months: int | None, expected: bool) -> None:
    assert is_provisional(period, date(2025, 12, 31), months) is expected


def test_the_last_month_end() -> None:
    assert last_month_end(date(2025, 12, 31)) == date(2025, 12, 31)
    assert last_month_end(date(2025, 12, 30)) == date(2025, 11, 30)
