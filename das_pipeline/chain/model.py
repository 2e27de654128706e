"""What the rows of all partners mean for the chain: units, their attributes and events, and the state machines of their spells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NoReturn

from das_pipeline.chain.declarations import ChainFile, DeclaredEvent, DeclaredUnit, EventsFile, Picked, Spell
from das_pipeline.deliveries import Contract, load_contracts
from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction

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
        """The file with what this partner reports of it, in `chain/events` and `chain/spells`."""
        return f"{self.partner}/{self.name}.parquet"


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


def load_chain(jurisdiction: Jurisdiction) -> ChainModel:
    """Return the chain of `jurisdiction` with every name in it resolved; ConfigurationError names the file and place of a mistake."""
    declared = jurisdiction.load("chain.yaml", ChainFile)
    contracts = load_contracts(jurisdiction)
    units: dict[str, list[Unit]] = {}
    for partner in jurisdiction.partners:
        path = f"contracts/{partner}/events.yaml"
        if not (jurisdiction.folder / path).exists():
            continue
        files = {file: contract for (owner, file), contract in contracts.items() if owner == partner}
        for name, unit in jurisdiction.load(path, EventsFile).root.items():
            place = f"{jurisdiction.folder / path}: unit {name}"
            resolved = _Reader(place, name, partner, files, declared).read(unit)
            for other in units.setdefault(name, []):
                _check_alike(place, resolved, other)
            units[name].append(resolved)
    chain = ChainModel(
        units=units,
        attributes=_attribute_types(str(jurisdiction.folder / "chain.yaml"), declared, units),
        spells=declared.spells,
        order=declared.order,
        order_across=declared.order_across,
        opening_month=declared.opening_month,
    )
    _check_kinds(str(jurisdiction.folder / "chain.yaml"), chain)
    return chain


def content_columns(contract: Contract) -> dict[str, Column]:
    """Return the columns of a file that reach the chain: content, the concepts beside it, and ages at its dates; no direct identifier."""
    columns: dict[str, Column] = {"sub": Column("sub", "VARCHAR")}
    for column in contract.columns:
        if column.is_direct:
            continue
        columns[column.name] = Column(column.name, column.sql_type)
        if column.concept is not None:
            columns[f"{column.name}_concept"] = Column(f"{column.name}_concept", "VARCHAR", scheme=column.concept.scheme)
        if column.age:
            columns[f"{column.name}_age"] = Column(f"{column.name}_age", "SMALLINT", age_at=column.name)
    return columns


@dataclass(frozen=True)
class _Reader:
    """Reads one declared unit against the contracts of its partner."""

    place: str
    name: str
    partner: str
    contracts: Mapping[str, Contract]
    chain: ChainFile

    def read(self, declared: DeclaredUnit) -> Unit:
        own = declared.of or declared.rows or ""
        order = self._order(declared.pick) if declared.pick else ()
        attributes: dict[str, Attribute] = {}
        for name, source in declared.attributes.items():
            if name not in self.chain.attributes:
                _refuse(self.place, f"attribute {name} is not among the attributes of chain.yaml")
            file, column, pick = self._source(source, own, order)
            attributes[name] = Attribute(name, file, self._column(file, column), pick)
        reported = [self._reported_event(event, own) for event in declared.events]
        self._check_reported(reported)
        return Unit(
            self.name, self.partner, own, declared.rows is not None, attributes, reported, self._read_columns(own, attributes, reported)
        )

    def _source(self, source: str | Picked, own: str, order: Sequence[str]) -> tuple[str, str, Sequence[str]]:
        if isinstance(source, str):
            return own, source, order
        file, column = source.source.split(".")
        return file, column, self._order(source.pick)

    def _order(self, pick: str) -> Sequence[str]:
        if pick not in self.chain.picks:
            _refuse(self.place, f"pick {pick} is not among the picks of chain.yaml")
        return self.chain.picks[pick]

    def _reported_event(self, event: DeclaredEvent, own: str) -> ReportedEvent:
        file = event.file or own
        if self._column(file, event.date).type != "DATE":
            _refuse(self.place, f"event {event.kind}: {file}.{event.date} is not a date")
        read = {name: self._column(file, name) for name in [event.outcome, event.amount, *event.when] if name}
        if ages := [name for name, column in read.items() if column.age_at]:
            _refuse(self.place, f"event {event.kind}: {ages[0]} is an age, and only attributes can be ages")
        return ReportedEvent(event.kind, file, event.date, read.get(event.outcome or ""), event.amount, event.to, event.when)

    def _check_reported(self, reported: Sequence[ReportedEvent]) -> None:
        """A row reports an event of a kind once, so that (record, sub, kind) names one event of a vintage."""
        for kind in {t.kind for t in reported}:
            ways = [t for t in reported if t.kind == kind]
            values = [value for t in ways for listed in t.when.values() for value in listed]
            one_column = len({(t.file, *t.when) for t in ways}) == 1 and len(ways[0].when) == 1
            if len(ways) > 1 and not (one_column and len(set(values)) == len(values)):
                _refuse(self.place, f"event {kind} is reported more than once: give each entry different values of one column in `when`")

    def _read_columns(
        self, own: str, attributes: Mapping[str, Attribute], reported: Sequence[ReportedEvent]
    ) -> dict[str, dict[str, Column]]:
        read: dict[str, set[str]] = {own: set()}
        for attribute in attributes.values():
            names = [attribute.column.age_at or attribute.column.name, *(column.removeprefix("-") for column in attribute.pick)]
            read.setdefault(attribute.file, set()).update(names)
        for event in reported:
            names = [event.date, event.outcome.name if event.outcome else None, event.amount, *event.when]
            read.setdefault(event.file, set()).update(filter(None, names))
        return {file: {name: self._column(file, name) for name in sorted(names - {"sub"})} for file, names in sorted(read.items())}

    def _column(self, file: str, name: str) -> Column:
        contract = self.contracts.get(file)
        if contract is None:
            _refuse(self.place, f"partner {self.partner} has no contract for a file {file}")
        if contract.unit != self.name:
            _refuse(self.place, f"its contract says that the rows of {file} are of unit {contract.unit}")
        columns = content_columns(contract)
        if name not in columns:
            _refuse(self.place, f"{file} has no content column {name}; columns with `privacy: direct` do not reach the chain")
        return columns[name]


def kinds_of(by_partner: Iterable[Unit]) -> set[str]:
    """The kinds of event of a unit, whichever partner reports them."""
    return {event.kind for unit in by_partner for event in unit.reported}


def _check_alike(place: str, unit: Unit, other: Unit) -> None:
    """Two partners that report one unit mean the same by its attributes and outcomes: concepts of one scheme."""
    for name in unit.attributes.keys() & other.attributes.keys():
        if unit.attributes[name].column.scheme != other.attributes[name].column.scheme:
            _refuse(place, f"attribute {name} has another scheme than at partner {other.partner}")
    schemes = [{t.kind: t.outcome.scheme for t in u.reported if t.outcome} for u in (unit, other)]
    for kind in schemes[0].keys() & schemes[1].keys():
        if schemes[0][kind] != schemes[1][kind]:
            _refuse(place, f"event {kind}: its outcome has another scheme than at partner {other.partner}")


def _attribute_types(place: str, declared: ChainFile, units: Mapping[str, Sequence[Unit]]) -> dict[str, str]:
    """The SQL type of every attribute, one over all units: whole years for ages, else a concept."""
    types: dict[str, str] = {}
    for name in declared.attributes:
        read = {u.attributes[name].column.type for by_partner in units.values() for u in by_partner if name in u.attributes}
        meant = {"SMALLINT" if kind in {"SMALLINT", "BIGINT"} else "VARCHAR" for kind in read}
        if len(meant) > 1:
            _refuse(place, f"attribute {name} is an age in one unit and a concept in another")
        types[name] = next(iter(meant), "VARCHAR")
    return types


def _check_kinds(place: str, chain: ChainModel) -> None:
    """Every kind belongs to one unit, has its place in the order, and turns at most one spell, in one way, of its own unit."""
    kinds = Counter(kind for by_partner in chain.units.values() for kind in kinds_of(by_partner))
    for kind, times in kinds.items():
        if times > 1:
            _refuse(place, f"kind {kind} is an event of {times} units")
    if sorted(chain.order) != sorted(kinds):
        odd = sorted(set(chain.order) ^ kinds.keys()) or [kind for kind, n in Counter(chain.order).items() if n > 1]
        _refuse(place, f"`order` must list every kind of the units once; look at {', '.join(odd)}")
    if unknown := sorted(set(chain.order_across) - kinds.keys()):
        _refuse(place, f"`order_across` names kinds that no unit has: {', '.join(unknown)}")
    turning = Counter(kind for _, kind, _ in chain.roles())
    for name, spell in chain.spells.items():
        if spell.unit not in chain.units:
            _refuse(place, f"spell {name}: there is no unit {spell.unit}")
        own_kinds = kinds_of(chain.units[spell.unit])
        for kind in [*spell.opens, *spell.moves, *spell.closes, *(r.by for r in spell.reopens)]:
            if kind not in own_kinds:
                _refuse(place, f"spell {name}: unit {spell.unit} has no event {kind}")
            if turning[kind] > 1:
                _refuse(place, f"spell {name}: {kind} turns more than one spell, or one in two ways")
        if odd := [r.kind for r in spell.reopens if r.kind not in spell.closes]:
            _refuse(place, f"spell {name}: {odd[0]} does not close it, so nothing reopens after it")


def _refuse(place: str, why: str) -> NoReturn:
    raise ConfigurationError(f"{place}: {why}.")
