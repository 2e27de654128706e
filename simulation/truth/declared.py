"""The model of `truth.yaml`: what is true, declared in fields of the simulated world, where the pipeline has columns of the partners."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Literal

from pydantic import BaseModel, Field, model_validator

Period = Literal["month", "quarter", "year"]


class Part(BaseModel, extra="forbid"):
    """A part of the file."""


class Happening(Part):
    """An event on the day in the field `day`, of the unit's own table or of one whose rows belong to it."""

    kind: str
    table: str | None = None
    day: str
    outcome: str | None = None  # the field with its outcome
    amount: dict[str, str] = {}  # outcome: the field with its amount
    where: dict[str, list[str]] = {}  # field: the words with which the row reports it
    to: str | dict[str, str] = {}  # the partner that the unit goes to: always the same, or by outcome


class Principal(Part):
    """The row of `table` that a unit's attributes are taken from: of the rows that belong to it, the first with the highest number."""

    table: str
    highest: str
    first: str
    attributes: dict[str, str]
    age_on: str | None = None


class Unit(Part):
    """A unit of count: a row of `table`. Attributes are its fields, or what the register records of the person (`sex`)."""

    table: str
    attributes: dict[str, str] = {}
    age_on: str | None = None  # the day on which the person's age is taken
    principal: Principal | None = None
    events: list[Happening]


class Again(Part):
    """The event that opens a spell again after it ended with one of these outcomes."""

    by: str
    after: list[str]


class Spell(Part):
    """The time between two kinds of event, during which other events may change the state."""

    unit: str
    start: str
    change: str | None = None
    end: str
    again: Again | None = None


class Dimension(Part):
    """An attribute or the outcome of events, at a level of its scheme."""

    of: str
    scheme: str
    level: str


class Cube(Part):
    """The number of events of one kind, or of spells that began, ended or are open, by dimensions and period."""

    counts: str | None = None
    without: list[str] = []  # outcomes
    bands: dict[str, list[int]] = {}  # dimension: the lower bounds of the classes of the amount
    inflow: str | None = None  # spell
    outflow: str | None = None
    closing: str | None = None
    older_than: list[int] = []  # months: the classes of dimension `waiting` of a closing stock
    duration: str | None = None  # spell: those that began, by `weeks` and whether they have `ended`
    weeks: list[int] = []  # the bounds of the classes of weeks; the last one stands for all longer ones
    persons: str | None = None  # the persons with events of this kind, in the cell of the first in the period
    cohort: str | None = None  # the units with events of this kind, by the `state` that they reached
    states: dict[str, list[str]] = {}  # state: kinds of event, furthest last
    linked_by: str | None = None  # the unit's own event without which those of its case do not count
    months: int = 0  # after which the state is looked at
    period: Period
    by: dict[str, Dimension]

    @property
    def counted(self) -> str:
        """What it counts of events."""
        return "persons" if self.persons else "cohort" if self.cohort else "counts"

    @property
    def spell(self) -> str | None:
        return self.inflow or self.outflow or self.closing or self.duration

    @model_validator(mode="before")
    @classmethod
    def _in_short(cls, written: dict[str, object]) -> dict[str, object]:
        by = written.get("by")
        if isinstance(by, dict):
            written = written | {"by": {name: dict(zip(("of", "scheme", "level"), words, strict=True)) for name, words in by.items()}}
        return written


class Table(Part):
    """A published table: a cube at these levels with all totals, or the totals of several cubes as the values of one dimension.

    A table of a `balance` has its opening, inflow, outflow and closing, and what is between them.
    """

    cube: str | None = None
    balance: str | None = None
    cohort: dict[str, str] = {}  # code of the follow-up: cube
    by: dict[str, str] = {}
    stack: dict[str, dict[str, str]] = Field(default={}, max_length=1)
    periods: list[Period]

    @model_validator(mode="after")
    def _has_one_source(self) -> Table:
        if [self.cube is None, self.balance is None, not self.cohort, not self.stack].count(False) != 1:
            raise ValueError("a table has a cube, a balance, a cohort or a stack")
        return self


class Truth(Part):
    """The whole file."""

    opening_month: date
    units: dict[str, Unit]
    spells: dict[str, Spell]
    cubes: dict[str, Cube]
    tables: dict[str, Table]

    @model_validator(mode="after")
    def _names_are_one(self) -> Truth:
        if twice := [name for name, n in Counter([*self.cubes, *self.tables]).items() if n > 1]:
            raise ValueError(f"{twice[0]} is the name of a cube and of a table")
        kinds = Counter(event.kind for unit in self.units.values() for event in unit.events)
        if twice := [kind for kind, n in kinds.items() if n > 1]:
            raise ValueError(f"{twice[0]} is declared twice")
        used = {cube.counts for cube in self.cubes.values() if cube.counts} | {
            word for s in self.spells.values() for word in (s.start, s.end)
        }
        if strange := sorted(used - kinds.keys()):
            raise ValueError(f"no unit has events of kind {', '.join(strange)}")
        return self
