"""Stretches of days on which a code or a mapping is valid; the first and the last day both count, as in the files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date, timedelta
from typing import Protocol, TypeVar


class Dated(Protocol):
    """Something that is valid from one day to another."""

    @property
    def valid_from(self) -> date: ...

    @property
    def valid_until(self) -> date: ...


Row = TypeVar("Row", bound=Dated)


def overlaps(rows: Iterable[Row]) -> Iterator[tuple[Row, Row]]:
    """Yield pairs of rows that are valid on the same day; none exactly when at most one row is valid on any day."""
    longest: Row | None = None
    for row in sorted(rows, key=lambda r: (r.valid_from, r.valid_until)):
        if longest is not None and row.valid_from <= longest.valid_until:
            yield longest, row
        if longest is None or row.valid_until > longest.valid_until:
            longest = row


def turns(rows: Collection[Dated]) -> list[date]:
    """Return the days on which a row begins to be valid or another has ended the day before: between two of them nothing changes."""
    days = {row.valid_from for row in rows}
    return sorted(days | {row.valid_until + timedelta(days=1) for row in rows if row.valid_until < date.max})


def gaps(use: Dated, rows: Iterable[Dated]) -> Iterator[tuple[date, date]]:
    """Yield the stretches of days within `use` on which none of `rows` is valid."""
    day = use.valid_from
    for row in sorted(rows, key=lambda r: r.valid_from):
        if row.valid_until < day:
            continue
        if row.valid_from > use.valid_until:
            break
        if row.valid_from > day:
            yield day, row.valid_from - timedelta(days=1)
        if row.valid_until >= use.valid_until:
            return
        day = row.valid_until + timedelta(days=1)
    yield day, use.valid_until
