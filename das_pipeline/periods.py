"""Periods as text (`2024-03`, `2024-Q1`, `2024`): what they belong to, when they end, and when they are provisional."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal

Kind = Literal["month", "quarter", "year"]
KINDS: tuple[Kind, ...] = ("month", "quarter", "year")  # from fine to coarse
SHORTEST = {"month": 28, "quarter": 90, "year": 365}  # days
# The period of the SQL expression `day`, as text. Statistics counts by these, so they are the same words as below.
SQL_TEXT = {
    "month": "SUBSTR(CAST({day} AS VARCHAR), 1, 7)",
    "quarter": "CONCAT_WS('-Q', CAST(EXTRACT(YEAR FROM {day}) AS VARCHAR), CAST(EXTRACT(QUARTER FROM {day}) AS VARCHAR))",
    "year": "SUBSTR(CAST({day} AS VARCHAR), 1, 4)",
}


def kind_of(period: str) -> str:
    """Which kind of period the text names."""
    return "year" if len(period) == 4 else "quarter" if "Q" in period else "month"


def enclosing(period: str) -> dict[str, str]:
    """The periods that `period` lies in, itself included, by kind."""
    kind = kind_of(period)
    found = {kind: period, "year": period[:4]}
    if kind == "month":
        found["quarter"] = f"{period[:4]}-Q{(int(period[5:]) + 2) // 3}"
    return found


def year_before(period: str) -> str:
    """The same period of the year before."""
    return f"{int(period[:4]) - 1}{period[4:]}"


def first_day(period: str) -> date:
    """The first day of `period`."""
    kind = kind_of(period)
    return date(int(period[:4]), 1 if kind == "year" else int(period[6:]) * 3 - 2 if kind == "quarter" else int(period[5:]), 1)


def last_day(period: str) -> date:
    """The last day of `period`."""
    year = int(period[:4])
    kind = kind_of(period)
    month = 12 if kind == "year" else int(period[6:]) * 3 if kind == "quarter" else int(period[5:])
    return date(year, month, monthrange(year, month)[1])


def is_complete(period: str, as_of: date) -> bool:
    """Whether `period` was over when the figures were made."""
    return last_day(period) <= as_of


def is_provisional(period: str, as_of: date, provisional_months: int | None) -> bool:
    """Whether corrections to `period` are still expected.

    They are when it ends within the last `provisional_months`; where none are given, in the year of `as_of` or later.
    """
    if provisional_months is None:
        return last_day(period).year >= as_of.year
    months = as_of.year * 12 + as_of.month - 1 - provisional_months
    year, month = divmod(months, 12)
    return last_day(period) > date(year, month + 1, min(as_of.day, monthrange(year, month + 1)[1]))


def months_since(period: str, day: date) -> int:
    """How many months after the end of `period` the month of `day` lies; 0 while the period is not over."""
    end = last_day(period)
    return max(0, 12 * (day.year - end.year) + day.month - end.month)


def last_month_end(day: date) -> date:
    """`day` when a month ends on it, else the day on which the month before ended."""
    return day if (day + timedelta(days=1)).day == 1 else day.replace(day=1) - timedelta(days=1)


def last_ended(kind: str, as_of: date) -> date:
    """The last day of the last month, quarter or year that had ended on `as_of`."""
    period = period_of(as_of, kind)
    return as_of if is_complete(period, as_of) else first_day(period) - timedelta(days=1)


def period_of(day: date, kind: str) -> str:
    """The month, quarter or year of `day`."""
    return {"month": f"{day:%Y-%m}", "quarter": f"{day.year}-Q{(day.month + 2) // 3}", "year": f"{day.year}"}[kind]


def months(first: date, last: date) -> Iterator[date]:
    """The first days of the months from that of `first` to that of `last`."""
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = month_after(month)


def month_after(day: date) -> date:
    """The first day of the month after that of `day`."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def months_later(day: date, months: int) -> date:
    """The first day of the month that lies `months` after that of `day`, or before it when negative."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, 1)
