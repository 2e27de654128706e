"""The interval logic against days counted one by one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from das_pipeline.terminology.validity import gaps, overlaps

START = date(2024, 1, 1)


@dataclass(frozen=True)
class Stretch:
    valid_from: date
    valid_until: date

    def days(self) -> set[date]:
        return {self.valid_from + timedelta(days=n) for n in range((self.valid_until - self.valid_from).days + 1)}


stretches = st.builds(
    lambda first, length: Stretch(START + timedelta(days=first), START + timedelta(days=first + length)),
    st.integers(0, 30),
    st.integers(0, 12),
)


@given(st.lists(stretches, max_size=6))
def test_overlaps_are_found_exactly_when_a_day_is_covered_twice(rows: list[Stretch]) -> None:
    days = [day for row in rows for day in row.days()]
    pairs = list(overlaps(rows))
    assert bool(pairs) == (len(days) > len(set(days)))
    assert all(first.days() & second.days() for first, second in pairs)


@given(stretches, st.lists(stretches, max_size=6))
def test_gaps_are_the_days_in_use_that_nothing_covers(use: Stretch, rows: list[Stretch]) -> None:
    covered = {day for row in rows for day in row.days()}
    uncovered = [Stretch(first, last) for first, last in gaps(use, rows)]
    assert {day for gap in uncovered for day in gap.days()} == use.days() - covered
    assert not list(overlaps(uncovered))


def test_the_end_of_time_is_a_last_day_like_any_other() -> None:
    open_ended = Stretch(START, date.max)
    assert list(gaps(open_ended, [open_ended])) == []
    assert list(gaps(open_ended, [Stretch(START, date(2024, 6, 30))])) == [(date(2024, 7, 1), date.max)]
