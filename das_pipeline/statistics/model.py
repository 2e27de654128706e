"""What is counted and published: base cubes and tables, every dimension with its scheme and level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from das_pipeline.jurisdiction import Text
from das_pipeline.periods import Kind
from das_pipeline.statistics.declarations import Stack


@dataclass(frozen=True)
class Cube:
    """A confidential base cube: the number of events of `kinds` in each leaf and period, of each unit `each`, the `first` or the `last`.

    `unit_of_count` says what 1 is. For each dimension: `leaf`, the column of the events and the level; `scheme`; `levels`, from the leaf's
    up to the total; `unknown`, the concept for what is not known. `adds_up_to` is the cube with which shared cells must be equal.
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


@dataclass(frozen=True)
class Table:
    """A table to publish: a roll-up of `cube`, or a `stack` of totals of cubes. `by`: dimension -> level."""

    name: str
    title: Text
    description: Text
    notes: Text
    theme: str
    cube: str | None
    stack: Stack | None
    by: Mapping[str, str]
    periods: Sequence[str]

    @property
    def cubes(self) -> list[str]:
        """The cubes that the table is made of."""
        return [self.cube] if self.cube else list(self.stack.rows.values()) if self.stack else []


@dataclass(frozen=True)
class Statistics:
    """The cubes and tables of a jurisdiction; a cube comes after the one that it adds up to."""

    cubes: Sequence[Cube]
    tables: Sequence[Table]

    def cube(self, name: str) -> Cube:
        return next(cube for cube in self.cubes if cube.name == name)
