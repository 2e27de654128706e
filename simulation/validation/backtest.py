"""The back-test: published figures held against the same figures of a simulated world.

`backtest.yaml` of a jurisdiction says for every row of its `calibration.csv` how the world is measured, or why it cannot be. A measurement
is a table of sums, so that the blocks of a large world are measured one by one and added up; no block is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from multiprocessing import get_context
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, model_validator

from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from simulation.deliveries.registers import main_groups
from simulation.draws import Bools, Coded, Days, Floats, Ints
from simulation.parameters import Parameters
from simulation.world.tables import ONE, Table, age
from simulation.world.world import Extent, World, simulate_world

Word = str | bool | int
Kind = Literal["rows", "persons", "share", "mean", "days", "median_days", "stock", "average_stock", "present"]
COLUMNS = ["year", "partner", "indicator", "breakdown", "value", "unit", "is_provisional", "source", "verified"]
CLASSES = "geregistreerde misdrijven per klasse"
LONGEST = 5000  # days that a histogram of durations knows; what lasts longer counts as this
PEOPLE, GROUP = "person", "group"  # first and last words of a path: who the row is about, and the main group of an offence or class
GROWN_UP = 18  # years
SPREAD = 2.0  # standard errors of a figure of a small world that are allowed beside the tolerance


class Measure(BaseModel, extra="forbid"):
    """One figure of a world for each year.

    A field is a column of the table, `link.column` of the row that it follows from, `person.sex`, `person.minor` (under 18 on
    `offence_on`), or any of these with `.group` behind: the main group of an offence or police class.
    """

    kind: Kind = "rows"
    table: str = ""
    day: str = ""  # the day whose year counts
    where: dict[str, list[Word]] = {}  # field: words, one of which each counted row has
    where_not: dict[str, list[Word]] = {}
    part: dict[str, list[Word]] = {}  # of a share: the rows above the line
    part_not: dict[str, list[Word]] = {}
    of: str = ""  # the number a mean is taken of
    since: str = ""  # the day on which a duration, a stay or a stock begins
    until: str = ""  # the day on which it ends
    month_day: str = "12-31"  # the day of a stock

    @property
    def is_scaled(self) -> bool:
        """Whether the figure grows with the world."""
        return self.kind in ("rows", "persons", "stock", "average_stock", "present")

    @property
    def judged_as(self) -> Literal["total", "share", "duration"]:
        """Which tolerance it has."""
        return "share" if self.kind == "share" else "total" if self.is_scaled else "duration"


class Breakdown(Measure):
    """A published breakdown: how it is measured, or why it is not."""

    not_modelled: str = ""
    known_gap: str = ""  # why the simulated figure is outside the tolerance, where it is
    share_of: str = ""  # the published value is compared as a percentage of this other breakdown of the same year


class Indicator(Breakdown):
    """A published indicator: the definition that its figures follow, and its breakdowns; what they share is said once, above them."""

    partner: str
    indicator: str
    definition: str = Field(min_length=10)
    breakdowns: dict[str, dict[str, Any]]


class Classes(Measure):
    """The police's own figures by class and year."""

    definition: str
    field: str
    figures: str  # a file of class code, year and number
    prefix: str  # what a concept has before the class code


class Tolerance(BaseModel, extra="forbid"):
    """How far a simulated figure may be from the published one, apart from the sampling error of a small world."""

    total: float  # percent of the published figure
    share: float  # percentage points
    duration: float  # percent


class Fit(BaseModel, extra="forbid"):
    """One factor of the alignment and the published figures that it is fitted to; the first one that a year has counts."""

    factor: str
    figures: list[tuple[str, str, str]]  # partner, indicator, breakdown
    assumed: dict[int, float] = {}  # year: what the first of them shall be where nothing is published
    gain: float = 1.0  # relative change of the factor for one of a number; negative when it makes the number smaller


class Backtest(BaseModel, extra="forbid"):
    """The whole file."""

    source: str
    years: tuple[int, int]  # of the report
    tolerance: Tolerance
    classes: Classes
    indicators: list[Indicator]
    fit: list[Fit]

    @classmethod
    def read(cls, jurisdiction: Jurisdiction) -> Backtest:
        """The back-test of a jurisdiction; ConfigurationError names the place of a mistake."""
        return jurisdiction.load("simulation/backtest.yaml", cls)

    @model_validator(mode="after")
    def _says_each_thing_once(self) -> Backtest:
        names = [(i.partner, i.indicator) for i in self.indicators]
        if len(names) != len(set(names)):
            raise ValueError(f"indicators said twice: {sorted({n for n in names if names.count(n) > 1})}")
        known = {(*name, b) for name, i in zip(names, self.indicators, strict=True) for b in i.breakdowns}
        if unknown := [f for fit in self.fit for f in fit.figures if f not in known]:
            raise ValueError(f"fitted to figures that are not there: {unknown}")
        return self


@dataclass(frozen=True)
class Figure:
    """One published figure and how a world is measured for it."""

    year: int
    partner: str
    indicator: str
    breakdown: str
    published: float  # as it is compared
    unit: str
    source: str
    definition: str
    measure: Breakdown

    @property
    def name(self) -> tuple[str, str, str]:
        return self.partner, self.indicator, self.breakdown

    @property
    def is_modelled(self) -> bool:
        return not self.measure.not_modelled

    @property
    def is_of_class(self) -> bool:
        """Whether it is one of the police's own figures by class, of which there are hundreds."""
        return self.indicator == CLASSES


def figures(jurisdiction: Jurisdiction, backtest: Backtest) -> list[Figure]:
    """Every row of calibration.csv, then every class and year of the police; ConfigurationError for a row that backtest.yaml forgets."""
    rows = jurisdiction.csv("simulation/calibration.csv", COLUMNS)
    measures = {(i.partner, i.indicator, b): _merged(i, said) for i in backtest.indicators for b, said in i.breakdowns.items()}
    definitions = {(i.partner, i.indicator): i.definition for i in backtest.indicators}
    values = {(r["year"], r["partner"], r["indicator"], r["breakdown"]): float(r["value"]) for r in rows}
    published = {(r["partner"], r["indicator"], r["breakdown"]) for r in rows}
    if forgotten := sorted(published - set(measures)):
        raise ConfigurationError(f"backtest.yaml says nothing about these rows of calibration.csv: {forgotten}")
    if invented := sorted(set(measures) - published):
        raise ConfigurationError(f"calibration.csv has no rows for these breakdowns of backtest.yaml: {invented}")
    made = []
    for row in rows:
        partner, indicator, breakdown, value = row["partner"], row["indicator"], row["breakdown"], float(row["value"])
        measure, unit = measures[partner, indicator, breakdown], row["unit"]
        if measure.share_of:
            value, unit = 100 * value / values[row["year"], partner, indicator, measure.share_of], "%"
        definition = definitions[partner, indicator]
        made.append(Figure(int(row["year"]), partner, indicator, breakdown, value, unit, row["source"], definition, measure))
    return made + _class_figures(jurisdiction, backtest.classes)


def _class_figures(jurisdiction: Jurisdiction, classes: Classes) -> list[Figure]:
    made = []
    for row in jurisdiction.csv(classes.figures, ["class_code", "year", "recorded_crimes"]):
        concept = classes.prefix + row["class_code"].replace(".", "_")
        said = classes.model_dump(include=set(Measure.model_fields), exclude_defaults=True)
        measure = Breakdown.model_validate(said | {"where": {**classes.where, classes.field: [concept]}})
        name = "politie", CLASSES, row["class_code"]
        year, number = int(row["year"]), float(row["recorded_crimes"])
        made.append(Figure(year, *name, number, "misdrijf", classes.figures, classes.definition, measure))
    return made


def _merged(indicator: Indicator, said: Mapping[str, Any]) -> Breakdown:
    """What a breakdown says over what its indicator says; conditions of both hold."""
    shared = indicator.model_dump(include=set(Breakdown.model_fields), exclude_defaults=True)
    both = {key: {**shared.get(key, {}), **said.get(key, {})} for key in ("where", "where_not", "part", "part_not")}
    return Breakdown.model_validate({**shared, **said, **both})


@dataclass(frozen=True)
class Measured:
    """Sums by year for one measure, or more: how many rows, the sum of what is measured, the sum of its squares, and days by length."""

    n: Floats
    total: Floats
    squares: Floats
    lengths: Floats | None = None  # years × days, for medians only

    def plus(self, other: Measured) -> Measured:
        """The sums of two worlds that have nobody in common."""
        lengths = None if self.lengths is None or other.lengths is None else self.lengths + other.lengths
        return Measured(self.n + other.n, self.total + other.total, self.squares + other.squares, lengths)


@dataclass(frozen=True)
class Result:
    """A published figure and the simulated one."""

    figure: Figure
    simulated: float
    deviation: float  # percent, or percentage points for a share
    allowed: float  # the same unit

    @property
    def is_within(self) -> bool:
        return abs(self.deviation) <= self.allowed


def measure(world: World, groups: Mapping[str, str], measures: Iterable[Measure], years: Sequence[int]) -> list[Measured]:
    """Each measure in each of the years `years`, which follow each other."""
    reader = _Reader(world, groups)
    return [_measured(reader, m, years) for m in measures]


def added(blocks: Iterable[Sequence[Measured]]) -> list[Measured]:
    """The measurements of several blocks as those of the world that they make."""
    whole: list[Measured] = []
    for block in blocks:
        whole = [a.plus(b) for a, b in zip(whole, block, strict=True)] if whole else list(block)
    return whole


def value(measure: Measure, measured: Measured, at: int, scale: float) -> float:
    """The figure of the year at position `at`, brought to the size of the real chain: `scale` simulated crimes for a registered one."""
    if measure.is_scaled:
        return float(measured.total[at]) / scale
    if measured.n[at] == 0:
        return math.nan
    if measure.kind == "median_days":
        assert measured.lengths is not None
        return float(np.searchsorted(np.cumsum(measured.lengths[at]), measured.n[at] / 2))
    return float(measured.total[at] / measured.n[at]) * (100 if measure.kind == "share" else 1)


def _result(figure: Figure, simulated: float, measured: Measured, at: int, scale: float, tolerance: Tolerance) -> Result:
    """With the sampling error of the world: √(published · scale) rows and one at least, √(p(1 − p)/n) of a share, s/√n of a mean."""
    published, n = figure.published, max(float(measured.n[at]), 1.0)
    if figure.measure.kind == "share":
        p = published / 100
        return Result(figure, simulated, simulated - published, tolerance.share + SPREAD * 100 * math.sqrt(p * (1 - p) / n))
    if published == 0:
        return Result(figure, simulated, math.inf if simulated else 0.0, tolerance.total)
    deviation = 100 * (simulated - published) / published
    if figure.measure.is_scaled:
        expected = published * scale
        return Result(figure, simulated, deviation, tolerance.total + 100 * max(SPREAD / math.sqrt(expected), 1 / expected))
    mean = float(measured.total[at]) / n
    spread = math.sqrt(max(float(measured.squares[at]) / n - mean**2, 0.0) / n)
    return Result(figure, simulated, deviation, tolerance.duration + SPREAD * 100 * spread / published)


class _Reader:
    """Reads fields of a world's tables by path."""

    def __init__(self, world: World, groups: Mapping[str, str]) -> None:
        self.world, self.groups = world, groups

    def table(self, name: str) -> Table:
        return self.world.tables[name]

    def matches(self, table: Table, where: Mapping[str, Sequence[Word]], where_not: Mapping[str, Sequence[Word]]) -> Bools:
        """The rows that have one of the words of every field of `where`, and none of `where_not`."""
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
        """A column by its path; rows that follow from none have no word, no day and no number."""
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
    inside = (year >= 0) & (year < len(years))  # a day that is none lies far before
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
    """Different persons in each year."""
    pairs = np.unique(person * years + year)
    return np.bincount(pairs % years, minlength=years).astype(np.float64)


def _in_stock(reader: _Reader, table: Table, rows: Ints, m: Measure, years: Sequence[int]) -> Floats:
    """Rows that have begun and not ended on a day of each year, or on average over its month ends; or persons with any day in the year."""
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
    """How many have begun on or before each day and not ended on or before it."""
    begun = np.searchsorted(np.sort(since[~np.isnat(since)]), days, side="right")
    ended = np.searchsorted(np.sort(until[~np.isnat(until) & ~np.isnat(since)]), days, side="right")
    return (begun - ended).astype(np.float64)


def _length(start: np.datetime64) -> int:
    """Days of the year that begins on `start`."""
    return int(((start.astype("datetime64[Y]") + 1).astype("datetime64[D]") - start).astype(np.int64))


@dataclass(frozen=True)
class Ruler:
    """What the worlds of a jurisdiction are measured with: figures that are measured alike are measured once."""

    backtest: Backtest
    known: Sequence[Figure]
    groups: Mapping[str, str]
    years: Sequence[int]

    @classmethod
    def read(cls, jurisdiction: Jurisdiction, years: Sequence[int]) -> Ruler:
        """The declared measures, for the years `years`, which follow each other."""
        backtest = Backtest.read(jurisdiction)
        return cls(backtest, figures(jurisdiction, backtest), main_groups(jurisdiction), years)

    @property
    def judged(self) -> range:
        """The years of the back-test."""
        return range(self.backtest.years[0], self.backtest.years[1] + 1)

    @cached_property
    def _measures(self) -> dict[str, Measure]:
        measures = [Measure.model_validate(f.measure.model_dump(include=set(Measure.model_fields))) for f in self.known if f.is_modelled]
        return {m.model_dump_json(): m for m in measures}

    def world(self, parameters: Parameters, extent: Extent, seed: int, processes: int) -> dict[int, Measured]:
        """The sums of a whole world, by the position of their figure. Its blocks are made one by one, in as many processes, and dropped."""
        blocks = range(extent.blocks(parameters))
        todo = partial(self.block, parameters, extent, seed)
        if processes == 1 or len(blocks) == 1:
            return self.placed(added(map(todo, blocks)))
        with ProcessPoolExecutor(min(processes, len(blocks)), mp_context=get_context("forkserver")) as pool:
            return self.placed(added(pool.map(todo, blocks)))

    def block(self, parameters: Parameters, extent: Extent, seed: int, block: int) -> list[Measured]:
        """The sums of one block, by measure."""
        world = simulate_world(parameters, self.groups, extent, seed, block)
        return measure(world, self.groups, self._measures.values(), self.years)

    def placed(self, sums: Sequence[Measured]) -> dict[int, Measured]:
        """Sums by the position of their figure."""
        by_measure = dict(zip(self._measures, sums, strict=True))
        keys = {i: f.measure.model_dump_json(include=set(Measure.model_fields)) for i, f in enumerate(self.known) if f.is_modelled}
        return {i: by_measure[key] for i, key in keys.items()}

    def results(self, measured: Mapping[int, Measured], scale: float, years: Sequence[int]) -> list[Result]:
        """The modelled figures of `years`, published and simulated."""
        found = []
        for place, m in measured.items():
            figure = self.known[place]
            if figure.year in years and figure.year in self.years:
                at = self.years.index(figure.year)
                found.append(_result(figure, value(figure.measure, m, at, scale), m, at, scale, self.backtest.tolerance))
        return found
