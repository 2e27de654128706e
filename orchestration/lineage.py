"""Where each column comes from, one table back: from contracts, events.yaml, the cubes and the published tables, never written twice.

A column of a table with several files is named `<file>.<column>`. From table to table these lead from a published column to the columns of
the contracts.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from das_pipeline import deliveries
from das_pipeline.chain import ChainModel, Unit, load_chain
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.publication.definitions import ExternalTables
from das_pipeline.statistics import Cube, load_statistics
from das_pipeline.terminology import TOTAL, load_schemes

Column = tuple[str, str]  # table of the lake, column
Lineage = dict[str, list[Column]]  # column -> the columns that it is made from

RECORDS, EXTERNAL, EVENTS, SPELLS = "terminology/records", "terminology/external", "chain/events", "chain/spells"
CUBES, LEAVES, CANDIDATE = "statistics/cubes", "disclosure/leaves", "publication/candidate"


def lineage(table: str, jurisdiction: Jurisdiction) -> Lineage:
    """The columns of `table` that are made from columns of the tables before it; empty for a table that is not on this way."""
    return _made(jurisdiction, jurisdiction.hash).get(table, {})


@cache
def _made(jurisdiction: Jurisdiction, content: str) -> dict[str, Lineage]:  # noqa: ARG001  (content: other files, other columns)
    return {table: _merged(read(jurisdiction)) for table, read in READERS.items()}


def origins(table: str, column: str, jurisdiction: Jurisdiction) -> set[Column]:
    """The columns of contracts and external sources that a column of the chain comes from: the way back to where it was delivered."""
    if table.startswith("deliveries/"):
        return {(table, column)}
    return {origin for source in lineage(table, jurisdiction)[column] for origin in origins(*source, jurisdiction)}


def _merged(columns: Iterator[tuple[str, Column]]) -> Lineage:
    merged: Lineage = {}
    for name, source in columns:
        if source not in merged.setdefault(name, []):
            merged[name].append(source)
    return merged


def _records(jurisdiction: Jurisdiction) -> Iterator[tuple[str, Column]]:
    """Content as it was delivered, with a concept beside each code. Identifying columns do not reach this table."""
    for (partner, file), contract in deliveries.load_contracts(jurisdiction).items():
        for column in contract.columns:
            if column.is_direct:
                continue
            delivered = (f"deliveries/{partner}", f"{file}.{column.name}")
            yield f"{partner}/{file}.{column.name}", delivered
            if column.concept is not None:
                yield f"{partner}/{file}.{column.name}_concept", delivered


def _external(jurisdiction: Jurisdiction) -> Iterator[tuple[str, Column]]:
    """The levels of each concept, the crosswalks, the rest of the key and the measure of an external source."""
    schemes = load_schemes(jurisdiction)
    for name in deliveries.external_sources(jurisdiction):
        source = deliveries.load_external(jurisdiction, name)
        coded = {column.name: column.concept for column in source.columns if column.concept is not None}
        for column in (*source.key, source.measure):
            levels = [level for level in schemes[coded[column].scheme].levels if level != TOTAL] if column in coded else [column]
            for level in levels:
                yield f"{source.table}.{level}", (f"deliveries/{name}", column)
        if source.status:
            yield f"{source.table}.is_provisional", (f"deliveries/{name}", source.status.column)
        for walk in source.crosswalks:
            for column in (walk.column, "is_estimate"):
                yield f"{source.table}.{column}", (f"deliveries/{name}", walk.of)


def _events(jurisdiction: Jurisdiction) -> Iterator[tuple[str, Column]]:
    for units in load_chain(jurisdiction).units.values():
        for unit in units:
            yield from _events_of(unit)


def _events_of(unit: Unit) -> Iterator[tuple[str, Column]]:
    """What the rows of a partner report about a unit. An age comes from linkage, at the date in the partner's row."""
    name = f"{unit.partner}/{unit.name}"
    for attribute in unit.attributes.values():
        column = attribute.column
        yield f"{name}.{attribute.name}", (RECORDS, f"{unit.partner}/{attribute.file}.{column.age_at or column.name}")
    for event in unit.reported:
        file = f"{unit.partner}/{event.file}"
        yield f"{name}.occurred_on", (RECORDS, f"{file}.{event.date}")
        for condition in (event.date, *event.when):
            yield f"{name}.kind", (RECORDS, f"{file}.{condition}")
        if event.outcome is not None:
            yield f"{name}.outcome", (RECORDS, f"{file}.{event.outcome.name}")
        if event.amount is not None:
            yield f"{name}.amount", (RECORDS, f"{file}.{event.amount}")


def _spells(jurisdiction: Jurisdiction) -> Iterator[tuple[str, Column]]:
    """A spell begins and ends with events of its unit, has its attributes, and is in the state that the outcome of an event gives."""
    chain = load_chain(jurisdiction)
    for units in chain.units.values():
        for unit in units:
            name = f"{unit.partner}/{unit.name}"
            sources = {"spell": "kind", "start_on": "occurred_on", "end_on": "occurred_on", "state": "outcome"}
            sources |= {attribute: attribute for attribute in unit.attributes}
            known = {column for column, _ in _events_of(unit)}
            for column, source in sources.items():
                if f"{name}.{source}" in known:
                    yield f"{name}.{column}", (EVENTS, f"{name}.{source}")


def _cubes(jurisdiction: Jurisdiction) -> Iterator[tuple[str, Column]]:
    chain = load_chain(jurisdiction)
    for cube in load_statistics(jurisdiction).cubes:
        yield from _cube(cube, chain)


def _cube(cube: Cube, chain: ChainModel) -> Iterator[tuple[str, Column]]:
    """A cube counts events of its unit, whichever partner reports them."""
    for unit in chain.units[cube.unit]:
        name = f"{unit.partner}/{unit.name}"
        if cube.spell:
            for dimension, (column, _) in cube.leaf.items():  # of its own are the time that a spell has lasted, and whether it has ended
                for source in ("start_on", "end_on") if dimension in cube.own else (column,):
                    yield f"{cube.name}.{dimension}", (SPELLS, f"{name}.{source}")
            yield f"{cube.name}.period", (SPELLS, f"{name}.start_on")
            yield f"{cube.name}.n", (SPELLS, f"{name}.spell")
            continue
        for dimension, (column, _) in cube.leaf.items():
            if dimension in cube.own:
                yield f"{cube.name}.{dimension}", (EVENTS, f"{name}.kind")
            elif column in unit.attributes or column not in chain.attributes:  # else this partner's events count as unknown
                yield f"{cube.name}.{dimension}", (EVENTS, f"{name}.{column}")
        yield f"{cube.name}.period", (EVENTS, f"{name}.occurred_on")
        for column in ("kind", *cube.leave_out):
            yield f"{cube.name}.n", (EVENTS, f"{name}.{column}")


def _leaves(jurisdiction: Jurisdiction) -> Iterator[tuple[str, Column]]:
    for cube in load_statistics(jurisdiction).cubes:
        for column in (*cube.leaf, "period"):
            yield f"{cube.name}.{column}", (CUBES, f"{cube.name}.{column}")
        yield f"{cube.name}.value", (CUBES, f"{cube.name}.n")


def _published(jurisdiction: Jurisdiction) -> Iterator[tuple[str, Column]]:
    """A table is a roll-up of protected leaves; the codes of a stack are its own, and come from no column."""
    for table in load_statistics(jurisdiction).tables:
        for cube in table.cubes:
            for column in (*table.by, "period"):
                yield f"{table.name}.{column}", (LEAVES, f"{cube}.{column}")
            yield f"{table.name}.n", (LEAVES, f"{cube}.value")
    for file in jurisdiction.files("external/*/tables.yaml"):
        source = deliveries.load_external(jurisdiction, file.split("/")[1])
        for table in jurisdiction.load(file, ExternalTables).tables:
            names = {name: column for name, (column, _, _) in table.dimensions.items()} | {"period": source.period, "n": table.measure}
            for name, column in names.items():
                yield f"{table.table}.{name}", (EXTERNAL, f"{source.table}.{column}")


READERS = {RECORDS: _records, EXTERNAL: _external, EVENTS: _events, SPELLS: _spells, CUBES: _cubes, LEAVES: _leaves, CANDIDATE: _published}
