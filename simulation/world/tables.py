"""The tables of the simulated world, and what the steps that fill them share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from das_pipeline.errors import ConfigurationError
from simulation.draws import Bools, Coded, Column, Days, Floats, Ints, Spans, joined, padded, position_within, stream, take
from simulation.parameters import Parameters
from simulation.world.persons import People

ONE = np.timedelta64(1, "D")
YEAR = 365.2425
NATURAL, ENTITY = "natural", "legal_entity"


@dataclass
class Table:
    """Rows of one kind. `person` and `case` are their true numbers, -1 for none."""

    columns: dict[str, Column]
    entry: Days  # the day on which the row enters its register
    person: Ints
    case: Ints
    links: dict[str, Ints] = field(default_factory=dict)  # the rows of other tables that these rows result from; -1 for none
    belongs_to: str | None = None  # the linked table in the same register whose rows these are part of
    known_with: dict[str, tuple[str, str | None]] = field(default_factory=dict)  # field: (day it is known from, word before that)
    last: Days | None = None  # the day on which the unit was closed; None when units stay open

    def days(self, name: str) -> Days:
        """A column of days."""
        column = self.columns[name]
        assert isinstance(column, np.ndarray)
        return column.astype("datetime64[D]")

    def numbers(self, name: str) -> Floats:
        """A column of numbers, or of true and false."""
        column = self.columns[name]
        assert isinstance(column, np.ndarray)
        return column

    def texts(self, name: str) -> pa.Array:
        """A column of texts."""
        column = self.columns[name]
        assert isinstance(column, pa.Array)
        return column

    def coded(self, name: str) -> Coded:
        """A column of words."""
        column = self.columns[name]
        assert isinstance(column, Coded)
        return column

    def at(self, rows: Ints, *names: str) -> dict[str, Column]:
        """Some columns of some rows."""
        return {name: take(self.columns[name], rows) for name in names}

    def __len__(self) -> int:
        return len(self.entry)


@dataclass
class Steps:
    """What the steps of the simulation share: the parameters, the tables and people so far, and streams of random numbers."""

    parameters: Parameters
    groups: Mapping[str, str]  # the main group of each offence and police class
    seed: int  # of this block
    block: int  # of `blocks`: an independent part of the world
    blocks: int
    scale: float  # simulated crimes, in all blocks together, for each crime registered in reality
    days: Days  # all days of the world
    start: np.datetime64  # the first day that is delivered
    tables: dict[str, Table] = field(default_factory=dict)
    known_people: People | None = None

    @property
    def people(self) -> People:
        """The people, who are drawn together with the suspects."""
        assert self.known_people is not None
        return self.known_people

    def stream(self, name: str) -> np.random.Generator:
        """The random numbers of one step."""
        return stream(self.seed, name)

    def part(self, totals: Floats) -> Ints:
        """This block's part of each total, in whole numbers. The parts of all blocks add up to the totals, which are rounded without
        changing their sum.
        """
        place = np.diff(np.round(np.cumsum(totals)), prepend=0.0) / self.blocks
        return (np.floor(place * (self.block + 1) + 1e-6) - np.floor(place * self.block + 1e-6)).astype(np.int64)

    def aligned(self, transition: str, on: Days) -> Floats:
        """The alignment factor of a transition in the year of each day; days before the first or after the last year get that year's."""
        alignment = self.parameters.alignment
        factors = np.array(alignment.factors.get(transition, [1.0] * len(alignment.years)))
        year = np.clip(on.astype("datetime64[Y]").astype(np.int64) + 1970 - alignment.years[0], 0, len(factors) - 1)
        return factors[np.where(np.isnat(on), 0, year)]

    def own(self, numbers: Ints) -> Ints:
        """Numbers from 0 up, turned into numbers that no other block has."""
        return np.where(numbers < 0, numbers, numbers * self.blocks + self.block)

    def number(self, kind: str, on: Days, **parts: pa.Array) -> pa.Array:
        """A register's own numbers: the pattern of `kind`, filled with the year, `parts`, and a serial number within those."""
        year = on.astype("datetime64[Y]").astype(np.int64) + 1970
        series = year
        for part in parts.values():
            offices = part.dictionary_encode()
            series = series * len(offices.dictionary) + offices.indices.to_numpy()
        fills = {"year": padded(year, 4), "yy": padded(year % 100, 2), **parts}
        pieces: list[pa.Array | str] = []
        for text in self.parameters.registers.numbers[kind].replace("}", "{").split("{"):
            name, _, width = text.partition(":")
            pieces.append(self._serials(kind, series, int(width)) if name == "serial" else fills.get(name, text))
        return joined(pieces)

    def _serials(self, kind: str, series: Ints, width: int) -> pa.Array:
        serials = self.own(position_within(series) - 1) + 1
        if serials.max(initial=0) >= 10**width:
            raise ConfigurationError(f"simulation/parameters.yaml: registers.numbers.{kind} has too few digits for a world of this size.")
        return padded(serials, width)


def age(born_on: Days, day: Days) -> Ints:
    """Age in whole years, accurate enough for drawing; 30 for a legal entity, which has no birth date."""
    years = (day - born_on).astype("timedelta64[D]").astype(np.float64) / YEAR
    return np.where(np.isnat(born_on), 30, np.floor(np.where(np.isnat(born_on), 0, years))).astype(np.int64)


def calendar_year(days: Days) -> Ints:
    """The year of each day."""
    return days.astype("datetime64[Y]").astype(np.int64) + 1970


def whole_days(numbers: Floats) -> Spans:
    """Numbers as whole days."""
    return numbers.astype("timedelta64[D]")


def amounts(numbers: Ints, to: int) -> Floats:
    """Amounts as they are imposed: rounded to multiples of `to`, at least one of them."""
    return np.maximum(np.round(numbers / to), 1) * to


def extremes(group: Ints, day: Days) -> tuple[Days, Days]:
    """The first and the last day of each group."""
    order = np.lexsort((day, group))
    starts = np.unique(group[order], return_index=True)[1]
    ends = np.r_[starts[1:], len(order)] - 1
    return day[order][starts], day[order][ends]


def repeated(*keys: Ints) -> Bools:
    """The rows whose key occurs more than once."""
    combined = np.unique(np.stack(keys), axis=1, return_inverse=True)[1].reshape(-1)
    return np.bincount(combined)[combined] > 1
