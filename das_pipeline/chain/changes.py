"""What changed in events and spells since their base (see `base`): the rows around what was touched, as they were and as they are.

What is counted of an event depends on its record, on the events of its case, or on those of its person, and on nothing else. So a count of
all events is that of the base, less that of `events_before`, plus that of `events_after`: both have all rows of every case and person that
a touched record is in, or was. Tests compare such counts with those of everything.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from das_pipeline import engine, layered
from das_pipeline.chain.model import Unit
from das_pipeline.lake import Draft, Version

KEY = "unit, partner, record_no"


def is_built_on(version: Version, units: Sequence[Unit]) -> bool:
    """Whether `version` has a base for each of `units`, and what was touched since."""
    return all(f"{unit.table}{layered.TOUCHED}" in version.files for unit in units)


def create_event_changes(connection: duckdb.DuckDBPyConnection, version: Version | Draft, units: Sequence[Unit]) -> None:
    """Create `events_before` and `events_after`, of a version of chain/events that is built on a base."""
    places = version.places()
    _create_touched(connection, version, units)
    changed = []
    for unit in units:
        base = engine.parquet([places[f"{unit.table}{layered.PARQUET}"]])
        changed.append(f"SELECT person_id, case_id FROM {base} AS b SEMI JOIN {_touched_of(unit)} AS t USING (record_no)")
        changed.append(f"SELECT person_id, case_id FROM {layered.rows_touched(version, unit.table)}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE changed AS {' UNION '.join(changed)}")
    near = """case_id IN (SELECT case_id FROM changed WHERE case_id IS NOT NULL)
        OR person_id IN (SELECT person_id FROM changed WHERE person_id IS NOT NULL)"""
    _create_before_and_after(connection, "events", version, [(unit, near) for unit in units])


def create_spell_changes(connection: duckdb.DuckDBPyConnection, version: Version, units: Sequence[Unit], due: str) -> None:
    """Create `spells_before` and `spells_after`, of a version of chain/spells that is built on a base.

    They have all spells of the touched records, and of those with a row to which `due` applies.
    """
    _create_touched(connection, version, units)
    near = []
    for unit in units:
        base = engine.parquet([version.path(f"{unit.table}{layered.PARQUET}")])
        near.append((unit, f"record_no IN (SELECT record_no FROM {base} WHERE {due})"))
    _create_before_and_after(connection, "spells", version, near)


def _create_touched(connection: duckdb.DuckDBPyConnection, version: Version | Draft, units: Sequence[Unit]) -> None:
    parts = (
        f"SELECT '{unit.name}' AS unit, '{unit.partner}' AS partner, record_no FROM {layered.touched_before(version, unit.table)}"
        for unit in units
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE touched_records AS {' UNION ALL '.join(parts)}")


def _touched_of(unit: Unit) -> str:
    return f"(SELECT record_no FROM touched_records WHERE unit = '{unit.name}' AND partner = '{unit.partner}')"


def _create_before_and_after(
    connection: duckdb.DuckDBPyConnection, name: str, version: Version | Draft, near: Sequence[tuple[Unit, str]]
) -> None:
    """Create `<name>_before`, the rows of the base that were touched or are `near`, and `<name>_after`."""
    places = version.places()
    rows = [
        f"SELECT * FROM {engine.parquet([places[f'{unit.table}{layered.PARQUET}']])} WHERE {condition} OR record_no IN {_touched_of(unit)}"
        for unit, condition in near
    ]
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name}_before AS {' UNION ALL '.join(rows)}")
    written = " UNION ALL ".join(f"SELECT * FROM {layered.rows_touched(version, unit.table)}" for unit, _ in near)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {name}_after AS"
        f" SELECT b.* FROM {name}_before AS b ANTI JOIN touched_records AS t USING ({KEY}) UNION ALL {written}"
    )
