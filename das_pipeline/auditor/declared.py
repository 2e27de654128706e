"""What the writer of a release declares about it, and what the policy allows: everything that the auditor does not read from the folder."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

Remake = Callable[[Path, Sequence[Path]], Mapping[str, bytes]]
"""The folder of a release and those of earlier ones, oldest first → path and content of every file that follows from their tables."""


@dataclass(frozen=True)
class Forms:
    """How a language writes numbers, dates and periods. `date` has {day}, {month} and {year}; `quarter` has {quarter} and {year}."""

    thousands: str
    decimal: str
    date: str
    months: tuple[str, ...]
    quarter: str

    def number(self, n: float, decimals: int = 0) -> str:
        """`n` as written in this language, without its sign."""
        whole, _, part = f"{abs(n):,.{decimals}f}".partition(".")
        return whole.replace(",", self.thousands) + (self.decimal + part if part else "")

    def day(self, iso: str) -> str:
        """A date such as "2024-03-31", in full."""
        year, month, day = map(int, iso.split("-"))
        return self.date.format(day=day, month=self.months[month - 1], year=year)

    def period(self, period: str) -> str:
        """A period such as "2024", "2024-Q1" or "2024-03"."""
        year, _, part = period.partition("-")
        if not part:
            return year
        return self.quarter.format(quarter=part[1:], year=year) if part[0] == "Q" else f"{self.months[int(part) - 1]} {year}"


@dataclass(frozen=True)
class Groups:
    """When a group of persons or cases counts as one category: of `categories`, the dimensions that say something about them.

    It has `least` to `most` of them, and the category has a `share` of it, which is so much `above` that in the larger groups around it.
    `is_real` when some of what was delivered is about real people, whatever the tables say: simulated deliveries beside it mark them all.
    """

    categories: tuple[str, ...] = ()
    share: float = 0.95
    above: float = 0.10
    least: int = 10
    most: int = 500
    is_real: bool = False


@dataclass(frozen=True)
class Limits:
    """The limits of the policy file that the auditor judges by.

    Periods of a year are closed `closing_months` after its end; None: never. A table whose shortest period is one of the kinds `when_ended`
    has only periods that have ended.
    """

    bases: tuple[int, ...]
    least_cells: int
    least_cases: int  # that a median, percentage or rate must be about
    closing_months: int | None = None
    groups: Groups = Groups()
    when_ended: tuple[str, ...] = ()
    suppression: tuple[int, int] | None = None  # the least count that is shown, and the least width of what a count may be
    not_published: int = 0  # of tables by cell key: no count from 1 to this one

    def is_closed(self, period: str, as_of: str) -> bool:
        """Whether the year of `period` was closed on the day `as_of`, so that nothing in it changes any more."""
        if self.closing_months is None:
            return False
        year, month = int(period[:4]) + 1 + self.closing_months // 12, self.closing_months % 12 + 1
        return date.fromisoformat(as_of) >= date(year, month, 1) - timedelta(days=1)


@dataclass(frozen=True)
class Declared:
    """What wrote a release declares that the release itself cannot prove.

    `tables`: name → kind, protected or external. `texts`: every text that may be shown, with `{…}` where something is filled in.
    `files`: path → SHA-256 of the files that are the same in every release, or that an earlier stage made. `codes`: names of concepts,
    tables, columns and rules, which are parts of addresses and keys. `languages`: the first is at the root of the site.
    `formats`: extension → media type of the files of tables. `concept_uri`: what the addresses of schemes begin with. `methods`: table →
    how its counts are protected, if not by rounding. `remake`: the files that follow from the tables, made again; None when other code
    made the release, which would make others.
    """

    tables: Mapping[str, str]
    texts: Collection[str]
    codes: Collection[str]
    languages: Mapping[str, Forms]
    formats: Mapping[str, str]
    concept_uri: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    methods: Mapping[str, str] = field(default_factory=dict)
    remake: Remake | None = None
