"""Small visible tables of identity, and the layers of linkage on them, without a lake."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb

from das_pipeline.engine import create_table
from das_pipeline.linkage.definition import LinkageDefinition
from das_pipeline.linkage.entities import resolve_entities
from das_pipeline.linkage.persons import link_records
from das_pipeline.linkage.probabilistic import StoredModel
from das_pipeline.privacy import register_keyed_macro

MOST_RECORDS, MOST_HOLDERS = 60, 300

DEFINITION = LinkageDefinition.model_validate(
    {
        "strong_keys": [
            {"role": "chain_number", "sentinels": ["999"], "max_profiles": 3},
            {"role": "citizen_number", "max_profiles": 3},
        ],
        "profile": ["surname", "given_names", "birth_date", "sex"],
        "surname_prefixes": ["van", "de", "der"],
        "missing_names": ["onbekend", "nan", "none", "nn"],
        "spellings": {"ij": "y", "ue": "u", "oe": "o", "ae": "a"},
        "case_anchor": ["docket", "report", "event"],
        "references": {
            "docket": {"unit": "case", "column": "docket_no", "names_one_person": True},
            "report": {"unit": "report", "column": "report_no"},
            "event": {"unit": "crime", "column": "event_no"},
        },
    }
)
ROLES = ("chain_number", "citizen_number", "surname", "given_names", "birth_date", "sex")
REFERENCES = ("docket", "report", "event")
UNITS = ("case", "crime", "report", "ruling", "suspect")
ON = "on"  # the day of what a record is about
Key = tuple[str, int]


def row(key: Key, **values: Any) -> dict[str, Any]:
    """A record: ("report", 1) with the roles and references that are given. A unit `crime` is about no person."""
    return {"key": key, **values}


@dataclass
class World:
    """A lake of one table: what was linked last, and the ledger so far."""

    definition: LinkageDefinition = field(default_factory=lambda: DEFINITION)
    model: StoredModel | None = None
    threads: int = 1
    spacing: int = 0  # between the nodes of two units; 0: nodes are numbered from 1 on
    links: list[tuple[Any, ...]] = field(default_factory=list)
    former: list[tuple[Any, ...]] = field(default_factory=list)
    ledger: list[tuple[Any, ...]] = field(default_factory=list)
    number_ids: list[tuple[Any, ...]] = field(default_factory=list)
    connection: duckdb.DuckDBPyConnection = field(init=False)  # of the last run, with all its tables

    def link(
        self,
        rows: Iterable[Mapping[str, Any]],
        vintage: date = date(2024, 1, 1),
        merged: Mapping[str, str] | None = None,
        decisions: Sequence[tuple[str, Key, Key, str]] = (),
    ) -> dict[Key, Any]:
        """The links by record, after one run on `rows`, with `decisions` of persons: kind, two records, outcome."""
        connection = self.connection = duckdb.connect(":memory:", config={"threads": self.threads})
        register_keyed_macro(connection, b"k" * 32)
        rows = list(rows)
        fill(connection, rows, merged, decisions, self.spacing)
        connection.execute("CREATE TABLE dated (unit VARCHAR, record_no BIGINT, date DATE)")
        connection.executemany("INSERT INTO dated VALUES (?, ?, ?)", [(*item["key"], item.get(ON)) for item in rows] or [("", 0, None)])
        resolve_entities(connection, self.definition, MOST_HOLDERS, self.model)
        connection.execute("CREATE TABLE ledger (kind VARCHAR, id BIGINT, event VARCHAR, other_id BIGINT, vintage DATE)")
        connection.execute(
            "CREATE TABLE links_before (unit VARCHAR, record_no BIGINT, person_id BIGINT, case_id BIGINT, is_in_force BOOLEAN)"
        )
        if self.ledger:
            connection.executemany("INSERT INTO ledger VALUES (?, ?, ?, ?, ?)", self.ledger)
            before = [(*link[:4], True) for link in self.links] + [(*link, False) for link in self.former]
            connection.executemany("INSERT INTO links_before VALUES (?, ?, ?, ?, ?)", before)
        connection.execute("CREATE TABLE number_ids (number_key BLOB, id BIGINT, since DATE)")
        if self.number_ids:
            connection.executemany("INSERT INTO number_ids VALUES (?, ?, ?)", self.number_ids)
        connection.execute(
            "CREATE TABLE record_dates AS SELECT node, date FROM dated JOIN records USING (unit, record_no) WHERE date IS NOT NULL"
        )
        connection.execute("CREATE TABLE case_dates AS SELECT * FROM record_dates")
        assert link_records(connection, self.definition, vintage, MOST_RECORDS, self.model.threshold if self.model else 0.0)
        self.links = connection.execute("SELECT * FROM links ORDER BY unit, record_no").fetchall()
        self.former = connection.execute("SELECT * FROM former ORDER BY unit, record_no").fetchall()
        self.ledger = connection.execute("SELECT * FROM ledger ORDER BY vintage, kind, id, event").fetchall()
        self.number_ids = connection.execute("SELECT * FROM number_ids ORDER BY number_key").fetchall()
        return {(unit, record_no): Link(person, case, kind, weight) for unit, record_no, person, case, kind, weight in self.links}


@dataclass(frozen=True)
class Link:
    person: int | None
    case: int
    link_class: str | None
    weight: Any


def fill(
    connection: duckdb.DuckDBPyConnection,
    rows: Sequence[Mapping[str, Any]],
    merged: Mapping[str, str] | None = None,
    decisions: Sequence[tuple[str, Key, Key, str]] = (),
    spacing: int = 0,
) -> None:
    """The tables `identity` and `named` of `rows`, `merged_numbers` of `merged`, a number and the one that leads, and `decisions`."""
    columns = "kind VARCHAR, unit VARCHAR, record_no BIGINT, other_unit VARCHAR, other_record_no BIGINT, outcome VARCHAR"
    create_table(connection, "decisions", columns, [(kind, *one, *other, outcome) for kind, one, other, outcome in decisions])
    connection.execute("CREATE TABLE merged_numbers (role VARCHAR, number VARCHAR, leading_number VARCHAR)")
    for number, leading in (merged or {}).items():
        connection.execute("INSERT INTO merged_numbers VALUES ('chain_number', ?, ?)", [number, leading])
    connection.execute(
        "CREATE TABLE identity (node BIGINT, unit VARCHAR, record_no BIGINT, partner VARCHAR, is_person BOOLEAN, chain_number VARCHAR,"
        " citizen_number VARCHAR, surname VARCHAR, given_names VARCHAR, birth_date DATE, sex VARCHAR)"
    )
    connection.execute("CREATE TABLE named (unit VARCHAR, record_no BIGINT, reference VARCHAR, value VARCHAR)")
    units, taken = {}, 0
    for unit in sorted({item["key"][0] for item in rows} | set(UNITS)):
        numbers = [item["key"][1] for item in rows if item["key"][0] == unit]
        units[unit] = taken if spacing or not numbers else taken - min(numbers) + 1
        taken += spacing or (max(numbers) - min(numbers) + 1 if numbers else 0)
    create_table(connection, "units", "unit VARCHAR, first_node BIGINT", list(units.items()))
    for item in rows:
        unit, record_no = item["key"]
        connection.execute(
            "INSERT INTO identity VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [units[unit] + record_no, unit, record_no, f"partner_of_{unit}", unit != "crime", *(item.get(role) for role in ROLES)],
        )
        for reference in REFERENCES:
            if item.get(reference):
                connection.execute("INSERT INTO named VALUES (?, ?, ?, ?)", [unit, record_no, reference, item[reference]])
