"""What the rows of all partners mean for the chain: units, their attributes and events, and the state machines of their spells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from das_pipeline.chain.declarations import Spell

Role = Literal["entry", "move", "exit"]


@dataclass(frozen=True)
class Column:
    """A column of content: its SQL type, the scheme of its concepts, and for an age in whole years the date column at which it is taken."""

    name: str
    type: str
    scheme: str | None = None
    age_at: str | None = None


@dataclass(frozen=True)
class Attribute:
    """Where a unit's attribute is read: a column of the row of `file` that comes first in the order `pick`."""

    name: str
    file: str
    column: Column
    pick: Sequence[str]  # columns, `-` before one means descending; empty in a file with one row a unit


@dataclass(frozen=True)
class ReportedEvent:
    """One way in which a row of `file` reports an event of `kind`."""

    kind: str
    file: str
    date: str
    outcome: Column | None
    amount: str | None
    to: str | None
    when: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Unit:
    """A unit of count as one partner reports it. With `many`, its own file has several rows a unit, which may report an event twice."""

    name: str
    partner: str
    file: str
    many: bool
    attributes: Mapping[str, Attribute]
    reported: Sequence[ReportedEvent]
    columns: Mapping[str, Mapping[str, Column]]  # file -> the columns that are read of it

    @property
    def table(self) -> str:
        """The name of the file with what this partner reports of it, in `chain/events` and `chain/spells`."""
        return f"{self.partner}/{self.name}"


@dataclass(frozen=True)
class ChainModel:
    """The chain of a jurisdiction: what its partners' rows become. A unit has one entry for each partner that reports it."""

    units: Mapping[str, Sequence[Unit]]
    attributes: Mapping[str, str]  # name -> SQL type
    spells: Mapping[str, Spell]
    order: Sequence[str]
    order_across: Sequence[str]
    opening_month: date

    def unit_of(self, kind: str) -> str:
        """The unit that has events of `kind`."""
        return next(name for name, by_partner in self.units.items() if kind in kinds_of(by_partner))

    def outcome_scheme(self, kind: str) -> str | None:
        """The scheme of the outcomes of `kind`, None when they are no concepts."""
        events = (event for unit in self.units[self.unit_of(kind)] for event in unit.reported)
        return next((event.outcome.scheme for event in events if event.kind == kind and event.outcome), None)

    def attribute_scheme(self, unit: str, attribute: str) -> str | None:
        """The scheme of an attribute of a unit, None when it has none or it is no concept."""
        return next((u.attributes[attribute].column.scheme for u in self.units[unit] if attribute in u.attributes), None)

    def roles(self) -> Iterator[tuple[str, str, Role]]:
        """Yield (spell, kind, role) of every kind that opens, moves or closes a spell. A kind that only reopens has no other effect."""
        for name, spell in self.spells.items():
            kinds: dict[Role, list[str]] = {"entry": [*spell.opens, *self.reopeners(spell)], "move": spell.moves, "exit": spell.closes}
            for role, listed in kinds.items():
                for kind in listed:
                    yield name, kind, role

    @staticmethod
    def reopeners(spell: Spell) -> list[str]:
        """The kinds that enter a spell only after a listed close."""
        return sorted({r.by for r in spell.reopens} - set(spell.opens))


def kinds_of(by_partner: Iterable[Unit]) -> set[str]:
    """The kinds of event of a unit, whichever partner reports them."""
    return {event.kind for unit in by_partner for event in unit.reported}
