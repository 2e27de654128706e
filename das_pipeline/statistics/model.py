"""What is counted and published: base cubes and tables, every dimension with its scheme and level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from das_pipeline.jurisdiction import Text
from das_pipeline.periods import Kind
from das_pipeline.statistics.declarations import Method, Rate, Share, Type

INFLOW, OUTFLOW, CLOSING, WAITING = "inflow", "outflow", "closing", "waiting"  # the parts of a balance
OPENING, CORRECTIONS = "opening", "corrections"  # the other lines of its table, which follow from the parts
LINES: tuple[str, ...] = (OPENING, INFLOW, OUTFLOW, CORRECTIONS, CLOSING)
MOVEMENT, FOLLOW_UP = "movement", "months"  # the dimensions of balance and cohort tables that tell their parts apart
STATE, WEEKS, ENDED = "state", "weeks", "ended"
MEASURE, MEDIAN, STILL_OPEN = "measure", "median", "after_week_"  # of tables that are derived from a duration
HALF = "half_up_to"
AMOUNTS = {"quarter_up_to": 0.25, HALF: 0.5, "three_quarters_up_to": 0.75}  # of tables that are derived from classes of an amount


@dataclass(frozen=True)
class Cube:
    """A confidential base cube: a number of units in each leaf and period that adds up over leaves.

    A cube of type flow counts events, each, the first or the last of a unit; one of type persons the persons with such events, once a
    period. The other types are counted in several cubes, one for each `part` of the `statistic`: the inflow, outflow and closing stock of
    a balance, the stock by the months it waits; the spells of a duration; the states of a cohort after so many months, in the periods
    all of whose units have had them.

    `unit_of_count` says what 1 is. For each dimension: `leaf`, its column and level; `scheme`; `levels`, from the leaf's up to the total;
    `unknown`, the concept for what is not known. `own` has the levels of dimensions that no terminology has, such as weeks: dimension ->
    level -> code -> node. `adds_up_to` is the cube with which shared cells must be equal.
    """

    name: str
    unit_of_count: str
    unit: str
    partners: Sequence[str]  # those that report the unit
    kinds: Sequence[str]
    leave_out: Mapping[str, Sequence[str]]
    which: Literal["each", "first", "last"]
    period: Kind
    leaf: Mapping[str, tuple[str, str]]
    scheme: Mapping[str, str]
    levels: Mapping[str, tuple[str, ...]]
    unknown: Mapping[str, str]
    is_age: frozenset[str]
    adds_up_to: str | None
    type: Type = "flow"
    statistic: str = ""  # as declared: the cube's own name where it has no parts
    part: str = ""
    spell: str = ""
    is_partial: bool = False  # whether some events of its kinds count and others do not, as those that may reopen a spell
    bounds: Sequence[int] = ()  # months of a stock, weeks of a duration, amounts of events
    follow_up: int = 0  # months
    states: Mapping[str, Sequence[str]] = field(default_factory=dict)
    linked_by: str | None = None  # the event of the unit itself without which those of other units do not count
    sent_to: str | None = None  # the partner that receives the units of a cohort
    own: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)

    @property
    def is_stock(self) -> bool:
        """Whether it counts what is there at the end of a period, so that a leaf is the same through time."""
        return self.part in {CLOSING, WAITING}

    @property
    def adds_over_time(self) -> bool:
        """Whether the counts of periods sum to those of longer ones."""
        return not self.is_stock and self.type != "persons"

    @property
    def population(self) -> str:
        """What is counted, as text: cubes with the same text have the same value in cells that they share."""
        left_out = ", ".join(f"{column} {' '.join(sorted(values))}" for column, values in sorted(self.leave_out.items()) if values)
        counted = f"{self.which} {' '.join(sorted(self.kinds))}{f' without {left_out}' if left_out else ''}"
        if self.type == "flow" or (self.part in {INFLOW, OUTFLOW} and not self.is_partial):
            return counted
        part = CLOSING if self.is_stock else self.part
        return " ".join(filter(None, [self.type, self.spell, part, counted if self.type in {"persons", "cohort"} else ""]))


@dataclass(frozen=True)
class Table:
    """A table to publish: a roll-up of one cube, or of several, each under its own code of the dimension `stacked`.

    The totals of cubes of a stack, the lines of a balance, the follow-ups of a cohort. `of`: code -> cube, "" for a single one.
    `by`: dimension -> level. `method` is how its counts are protected.
    """

    name: str
    title: Text
    description: Text
    notes: Text
    theme: str
    of: Mapping[str, str]
    stacked: str | None
    by: Mapping[str, str]
    periods: Sequence[str]
    derived: str | None = None  # what its figures are when they are no counts: "week", "percent", "per_100000", or the name of amounts
    ratios: Mapping[str, Share | Rate] = field(default_factory=dict)  # code -> what its count is divided by, or the other way round
    method: Method = "rounding"

    @property
    def cubes(self) -> list[str]:
        """The cubes that the table is made of."""
        return list(dict.fromkeys(self.of.values()))


@dataclass(frozen=True)
class Statistics:
    """The cubes and tables of a jurisdiction; a cube comes after the one that it adds up to."""

    cubes: Sequence[Cube]
    tables: Sequence[Table]

    def cube(self, name: str) -> Cube:
        return next(cube for cube in self.cubes if cube.name == name)

    def table(self, name: str) -> Table:
        return next(table for table in self.tables if table.name == name)

    def anchor(self, cube: Cube) -> str:
        """The cube that `cube` adds up to in the end: cubes of one anchor count the same things."""
        while cube.adds_up_to is not None:
            cube = self.cube(cube.adds_up_to)
        return cube.name

    def method_of(self, cube: Cube) -> Method:
        """How the tables of `cube`, and of those that count the same things, are protected."""
        anchor = self.anchor(cube)
        for table in self.tables:
            if any(self.anchor(self.cube(name)) == anchor for name in table.cubes):
                return table.method
        return "rounding"

    @property
    def rounded(self) -> list[Cube]:
        """The cubes that are protected by rounding their leaves."""
        return [cube for cube in self.cubes if self.method_of(cube) == "rounding"]

    def own_codes(self, table: Table) -> dict[str, list[str]]:
        """Return the codes of the dimensions of `table` that no terminology has, in order."""
        codes: dict[str, list[str]] = {table.stacked: list(LINES) if OPENING in table.of else list(table.of)} if table.stacked else {}
        own = self.cube(table.cubes[0]).own
        return codes | {d: list(dict.fromkeys(own[d][level].values())) for d, level in table.by.items() if d in own}

    def own_levels(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield (scheme, level, leaf, node) of the dimensions that no terminology has."""
        rows = {
            (cube.scheme[dimension], level, leaf, node): None
            for cube in self.cubes
            for dimension, levels in cube.own.items()
            for level, node_of in levels.items()
            for leaf, node in node_of.items()
        }
        yield from rows


def counts_of(derived: Table, tables: Iterable[Table]) -> Table | None:
    """Return the table of counts with the cells that the figures of `derived` are about; None when there is none."""
    for table in tables:
        is_fine = table.by.items() >= derived.by.items() and set(table.periods) >= set(derived.periods)
        if table.of == {"": derived.cubes[0]} and is_fine:
            return table
    return None
