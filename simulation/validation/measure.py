"""Measurements of a world: tables of sums by year, so that the blocks of a large world are measured one by one and added up."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from das_pipeline.errors import ConfigurationError
from simulation.draws import Bools, Coded, Days, Floats, Ints
from simulation.validation.declared import Measure, Word
from simulation.world.tables import ONE, Table, age
from simulation.world.world import World

LONGEST = 5000  # days in the histogram of durations; longer ones count as this
PEOPLE, GROUP = "person", "group"  # the parts of a path that mean the person of a row, and the main group of an offence or class
GROWN_UP = 18  # years


@dataclass(frozen=True)
class Measured:
    """Sums by year for one measure: number of rows, sum of the measured values, sum of their squares, and rows by duration."""

    n: Floats
    total: Floats
    squares: Floats
    lengths: Floats | None = None  # years × days, for medians only

    def plus(self, other: Measured) -> Measured:
        """The sums of two worlds without a person in common."""
        lengths = None if self.lengths is None or other.lengths is None else self.lengths + other.lengths
        return Measured(self.n + other.n, self.total + other.total, self.squares + other.squares, lengths)


def measure(world: World, groups: Mapping[str, str], measures: Iterable[Measure], years: Sequence[int]) -> list[Measured]:
    """Measure a world: each measure in each of the consecutive years `years`."""
    reader = _Reader(world, groups)
    return [_measured(reader, m, years) for m in measures]


def added(blocks: Iterable[Sequence[Measured]]) -> list[Measured]:
    """The measurements of a world, as the sums over its blocks."""
    whole: list[Measured] = []
    for block in blocks:
        whole = [a.plus(b) for a, b in zip(whole, block, strict=True)] if whole else list(block)
    return whole


def value(measure: Measure, measured: Measured, at: int, scale: float) -> float:
    """The figure of the year at position `at`, scaled to the real chain: `scale` is the number of simulated crimes per registered one."""
    if measure.is_scaled:
        return float(measured.total[at]) / scale
    if measured.n[at] == 0:
        return math.nan
    if measure.kind == "median_days":
        assert measured.lengths is not None
        return float(np.searchsorted(np.cumsum(measured.lengths[at]), measured.n[at] / 2))
    return float(measured.total[at] / measured.n[at]) * (100 if measure.kind == "share" else 1)


class _Reader:
    """Reads fields of a world's tables by path."""

    def __init__(self, world: World, groups: Mapping[str, str]) -> None:
        self.world, self.groups = world, groups

    def table(self, name: str) -> Table:
        return self.world.tables[name]

    def matches(self, table: Table, where: Mapping[str, Sequence[Word]], where_not: Mapping[str, Sequence[Word]]) -> Bools:
        """The rows with one of the words for every field in `where`, and none of those in `where_not`."""
        keep = np.ones(len(table), dtype=bool)
        for field, words in where.items():
            keep &= self._has(table, field, words)
        for field, words in where_not.items():
            keep &= ~self._has(table, field, words)
        return keep

    def days(self, table: Table, field: str) -> Days:
        column = self.field(table, field)
        assert isinstance(column, np.ndarray)
        return column.astype("datetime64[D]")

    def field(self, table: Table, path: str) -> Any:
        """A column by its path; rows without a linked row have no word, day or number."""
        first, _, rest = path.partition(".")
        if rest == GROUP:
            return table.coded(first).translated(self.groups)
        if first == PEOPLE:
            return self._of_person(table, rest)
        if not rest:
            return table.columns[first]
        rows, above = table.links[first], self.table(first)
        column = self.field(above, rest)
        if isinstance(column, Coded):
            return Coded(column.words, np.where(rows < 0, -1, column.codes[rows]) if len(above) else rows)
        missing = np.datetime64("NaT") if np.issubdtype(column.dtype, np.datetime64) else np.nan
        return np.where(rows < 0, missing, column[rows])

    def _of_person(self, table: Table, what: str) -> Any:
        people = self.world.people
        if what == "sex":
            return people.sex.at(table.person)
        if what == "minor":
            return age(people.born_on[table.person], table.days("offence_on")) < GROWN_UP
        raise ConfigurationError(f"A person has no field {what} in the back-test.")

    def _has(self, table: Table, field: str, words: Sequence[Word]) -> Bools:
        column = self.field(table, field)
        if isinstance(column, Coded):
            return column.is_in([str(w) for w in words])
        return np.isin(column, words)


def _measured(reader: _Reader, m: Measure, years: Sequence[int]) -> Measured:
    table = reader.table(m.table)
    rows = np.flatnonzero(reader.matches(table, m.where, m.where_not))
    if m.kind in ("stock", "average_stock", "present"):
        return _counted(_in_stock(reader, table, rows, m, years))
    year = reader.days(table, m.day)[rows].astype("datetime64[Y]").astype(np.int64) + 1970 - years[0]
    inside = (year >= 0) & (year < len(years))  # NaT becomes a year far in the past
    rows, year = rows[inside], year[inside]
    if m.kind == "rows":
        return _counted(np.bincount(year, minlength=len(years)).astype(np.float64))
    if m.kind == "persons":
        return _counted(_persons(table.person[rows], year, len(years)))
    if m.kind == "share":
        return _summed(year, reader.matches(table, m.part, m.part_not)[rows].astype(np.float64), len(years))
    if m.kind == "mean":
        return _summed(year, reader.field(table, m.of)[rows].astype(np.float64), len(years))
    lasted = reader.days(table, m.until)[rows] - reader.days(table, m.since)[rows]
    days = np.where(np.isnat(lasted), np.nan, lasted.astype("timedelta64[D]").astype(np.float64))
    return _summed(year, days, len(years), by_length=m.kind == "median_days")


def _counted(numbers: Floats) -> Measured:
    return Measured(numbers, numbers, numbers)


def _summed(year: Ints, values: Floats, years: int, *, by_length: bool = False) -> Measured:
    known = ~np.isnan(values)
    year, values = year[known], values[known]
    n, total, squares = (np.bincount(year, weights=w, minlength=years) for w in (np.ones(len(values)), values, values**2))
    if not by_length:
        return Measured(n, total, squares)
    place = year * LONGEST + np.clip(values, 0, LONGEST - 1).astype(np.int64)
    return Measured(n, total, squares, np.bincount(place, minlength=years * LONGEST).reshape(years, LONGEST).astype(np.float64))


def _persons(person: Ints, year: Ints, years: int) -> Floats:
    """The number of different persons in each year."""
    pairs = np.unique(person * years + year)
    return np.bincount(pairs % years, minlength=years).astype(np.float64)


def _in_stock(reader: _Reader, table: Table, rows: Ints, m: Measure, years: Sequence[int]) -> Floats:
    """Rows begun and not ended on a day of each year, or on average at its month ends; or persons present on any day of the year."""
    since, until = reader.days(table, m.since)[rows], reader.days(table, m.until)[rows]
    first = np.array([f"{y}-01-01" for y in years], dtype="datetime64[D]")
    if m.kind == "present":
        present = [(since < start + np.timedelta64(_length(start), "D")) & ~(until < start) for start in first]
        return np.array([len(np.unique(table.person[rows[p]])) for p in present], dtype=np.float64)
    if m.kind == "stock":
        return _open(since, until, np.array([f"{y}-{m.month_day}" for y in years], dtype="datetime64[D]"))
    ends = (first.astype("datetime64[M]")[:, None] + np.arange(1, 13)).astype("datetime64[D]") - ONE
    return _open(since, until, ends.reshape(-1)).reshape(len(years), 12).mean(axis=1)


def _open(since: Days, until: Days, days: NDArray[Any]) -> Floats:
    """The number of rows begun on or before each day and not ended by then."""
    begun = np.searchsorted(np.sort(since[~np.isnat(since)]), days, side="right")
    ended = np.searchsorted(np.sort(until[~np.isnat(until) & ~np.isnat(since)]), days, side="right")
    return (begun - ended).astype(np.float64)


def _length(start: np.datetime64) -> int:
    """The number of days of the year that begins on `start`."""
    return int(((start.astype("datetime64[Y]") + 1).astype("datetime64[D]") - start).astype(np.int64))
