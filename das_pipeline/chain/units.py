"""Reading a unit of `events.yaml` against the contracts of its partner: every name in it becomes a column of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from das_pipeline.chain.declarations import ChainFile, DeclaredEvent, DeclaredUnit, Picked
from das_pipeline.chain.model import Attribute, Column, ReportedEvent, Unit
from das_pipeline.deliveries import Contract
from das_pipeline.errors import Faults, nearest
from das_pipeline.jurisdiction import Place


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
class UnitReader:
    """Reads one declared unit; what is wrong with a part of it goes to `faults`, and the rest is read all the same."""

    place: Place
    name: str
    partner: str
    contracts: Mapping[str, Contract]
    chain: ChainFile
    partners: Sequence[str]
    faults: Faults

    def read(self, declared: DeclaredUnit) -> Unit:
        own = declared.of or declared.rows or ""
        order = self._order(self.place / "pick", declared.pick) if declared.pick else ()
        self._column(self.place / ("of" if declared.of else "rows"), own, "sub")
        attributes: dict[str, Attribute] = {}
        for name, source in declared.attributes.items():
            place = self.place / "attributes" / name
            with self.faults.gathered():
                if name not in self.chain.attributes:
                    place.refuse(f"attribute {name} is not among the attributes of chain.yaml. {nearest(name, self.chain.attributes)}")
                file, column, pick = self._source(place, source, own, order)
                attributes[name] = Attribute(name, file, self._column(place, file, column), pick)
        reported = []
        for number, event in enumerate(declared.events):
            with self.faults.gathered():
                reported.append(self._reported_event(self.place / "events" / number, event, own))
        self._check_reported(reported)
        return Unit(
            self.name, self.partner, own, declared.rows is not None, attributes, reported, self._read_columns(own, attributes, reported)
        )

    def _source(self, place: Place, source: str | Picked, own: str, order: Sequence[str]) -> tuple[str, str, Sequence[str]]:
        if isinstance(source, str):
            return own, source, order
        file, column = source.source.split(".")
        return file, column, self._order(place / "pick", source.pick)

    def _order(self, place: Place, pick: str) -> Sequence[str]:
        if pick not in self.chain.picks:
            place.refuse(f"pick {pick} is not among the picks of chain.yaml. {nearest(pick, self.chain.picks)}")
        return self.chain.picks[pick]

    def _reported_event(self, place: Place, event: DeclaredEvent, own: str) -> ReportedEvent:
        file = event.file or own
        if self._column(place / ("date" if file in self.contracts else "from"), file, event.date).type != "DATE":
            (place / "date").refuse(f"event {event.kind}: {file}.{event.date} is not a date.")
        if event.to and event.to not in self.partners:
            (place / "to").refuse(f"event {event.kind}: there is no partner {event.to}. {nearest(event.to, self.partners)}")
        named = [(place / "outcome", event.outcome), (place / "amount", event.amount), *((place / "when" / c, c) for c in event.when)]
        read = {name: self._column(at, file, name) for at, name in named if name}
        if ages := [name for name, column in read.items() if column.age_at]:
            place.refuse(f"event {event.kind}: {ages[0]} is an age, and only attributes can be ages.")
        return ReportedEvent(event.kind, file, event.date, read.get(event.outcome or ""), event.amount, event.to, event.when)

    def _check_reported(self, reported: Sequence[ReportedEvent]) -> None:
        """A row reports an event of a kind once, so that (record, sub, kind) names one event of a vintage."""
        for kind in {t.kind for t in reported}:
            ways = [t for t in reported if t.kind == kind]
            values = [value for t in ways for listed in t.when.values() for value in listed]
            one_column = len({(t.file, *t.when) for t in ways}) == 1 and len(ways[0].when) == 1
            if len(ways) > 1 and not (one_column and len(set(values)) == len(values)):
                sentence = f"event {kind} is reported more than once: give each entry different values of one column in `when`."
                (self.place / "events").refuse(sentence)

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
        return {
            file: {name: self._column(self.place, file, name) for name in sorted(names - {"sub"})} for file, names in sorted(read.items())
        }

    def _column(self, place: Place, file: str, name: str) -> Column:
        contract = self.contracts.get(file)
        if contract is None:
            place.refuse(f"partner {self.partner} has no contract for a file {file}. {nearest(file, self.contracts)}")
        if contract.unit != self.name:
            place.refuse(f"its contract says that the rows of {file} are of unit {contract.unit}, not {self.name}.")
        columns = content_columns(contract)
        if name not in columns:
            sentence = f"{file} has no content column {name}; columns with `privacy: direct` do not reach the chain."
            place.refuse(f"{sentence} {nearest(name, columns)}")
        return columns[name]
