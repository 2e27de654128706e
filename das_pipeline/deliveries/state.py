"""What is in force, as it is stored: what each delivery opened, closed and numbered, in files that are never written again.

- `opened/<file>/<delivery>.parquet`: one row per record version that the delivery opened. Keys: record_no, sub, opened_by.
- `closed/<file>/<delivery>.parquet`: one row per record version that it closed, by the keys of its opening.
- `keys/<unit>/<delivery>.parquet`: one row per unit that was seen for the first time. Keys: record_key; record_no.

A record version is an opening with its closing, if it has one. So a delivery costs what it brings, whatever the history holds: it looks up
the records that it names, and adds files (months.py merges those of finished months).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import duckdb

from das_pipeline import engine
from das_pipeline.deliveries.contract import Contract
from das_pipeline.lake import Draft, Version

OPEN = "DATE '9999-12-31'"
TABLES = {
    "opened": "record_no BIGINT, sub VARCHAR, known_from DATE, delivery VARCHAR, line_no BIGINT, opened_by VARCHAR, opened_as VARCHAR,"
    " content_hash BLOB",
    "closed": "record_no BIGINT, sub VARCHAR, opened_by VARCHAR, known_until DATE, closed_as VARCHAR, closed_by VARCHAR",
    "keys": "record_key BLOB, record_no BIGINT, first_delivery VARCHAR",
}
ORDER = {"opened": "record_no, sub, opened_by", "closed": "record_no, sub, opened_by", "keys": "record_no"}


def stored(version: Version | Draft | None, table: str, name: str) -> str:
    """The rows of one of `TABLES` of a file or unit as a relation, in a version of a partner's table or a draft of one."""
    files = [] if version is None else version.paths(f"{table}/{name}/")
    if files:
        return engine.parquet(files)
    columns = (column.rsplit(" ", 1) for column in TABLES[table].split(", "))
    return f"(SELECT {', '.join(f'CAST(NULL AS {kind}) AS {name}' for name, kind in columns)} WHERE FALSE)"


def record_versions(opened: str, closed: str) -> str:
    """The record versions of a file as a relation, from the relations of its openings and closings."""
    return f"""(SELECT o.*, COALESCE(c.known_until, {OPEN}) AS known_until, c.closed_as, c.closed_by
    FROM {opened} AS o
    LEFT JOIN {closed} AS c ON c.record_no = o.record_no AND c.sub = o.sub AND c.opened_by = o.opened_by)"""


def in_force(file: str, records: str) -> str:
    """The openings in force of the records of a file that are in the relation `records` (record_no)."""
    return f"""(SELECT o.*
    FROM (SELECT o.* FROM opened_{file} AS o SEMI JOIN {records} AS r ON r.record_no = o.record_no) AS o
    ANTI JOIN closed_{file} AS c ON c.record_no = o.record_no AND c.sub = o.sub AND c.opened_by = o.opened_by)"""


def touched_since(version: Version, file: str, deliveries: Collection[str]) -> str | None:
    """The records of a file that other deliveries than these touched, as a relation with record_no; None when there are none.

    That is: opened or closed a version of.
    """
    parts = []
    for table in ("opened", "closed"):
        prefix = f"{table}/{file}/"
        names = [n for n in version.files if n.startswith(prefix) and n.removeprefix(prefix).removesuffix(".parquet") not in deliveries]
        if names:
            listed = ", ".join(f"'{delivery}'" for delivery in sorted(deliveries))
            source = engine.parquet(version.path(name) for name in sorted(names))
            parts.append(f"SELECT record_no FROM {source} WHERE {table}_by NOT IN ({listed})")
    return f"({' UNION '.join(parts)})" if parts else None


def show_state(connection: duckdb.DuckDBPyConnection, contracts: Sequence[Contract], draft: Draft) -> None:
    """Create the views `opened_<file>`, `closed_<file>`, `versions_<file>` and `keys_<unit>` on what the draft has.

    `new_keys_<unit>` is a table for the units that the delivery brings.
    """
    for unit in sorted({c.unit for c in contracts}):
        connection.execute(f"CREATE TEMP TABLE new_keys_{unit} ({TABLES['keys']})")
        known = f"SELECT * FROM {stored(draft, 'keys', unit)} UNION ALL SELECT * FROM new_keys_{unit}"
        connection.execute(f"CREATE TEMP VIEW keys_{unit} AS {known}")
    for contract in contracts:
        show_file(connection, contract.file, draft)


def show_file(connection: duckdb.DuckDBPyConnection, file: str, draft: Draft) -> None:
    """Create the views on the openings and closings of one file."""
    for table in ("opened", "closed"):
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {table}_{file} AS SELECT * FROM {stored(draft, table, file)}")
    versions = record_versions(f"opened_{file}", f"closed_{file}")
    connection.execute(f"CREATE OR REPLACE TEMP VIEW versions_{file} AS SELECT * FROM {versions}")


def select_file(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Create the views `file_versions` and `unit_keys` on the state of a file, and `versions` and `keys` for what it delivers.

    Those two are tables of what is known of the units that `delivered_rows` names, and of no other.
    """
    file, unit = contract.file, contract.unit
    connection.execute(f"CREATE OR REPLACE TEMP VIEW file_versions AS SELECT * FROM versions_{file}")
    connection.execute(f"CREATE OR REPLACE TEMP VIEW unit_keys AS SELECT * FROM keys_{unit}")
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE keys AS SELECT k.* FROM unit_keys AS k
        SEMI JOIN delivered_rows AS r ON r.record_key = k.record_key"""
    )
    named = f"(SELECT o.* FROM opened_{file} AS o SEMI JOIN keys AS k ON k.record_no = o.record_no)"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE versions AS SELECT * FROM {record_versions(named, f'closed_{file}')}")


def write_state(
    connection: duckdb.DuckDBPyConnection,
    draft: Draft,
    table: str,
    name: str,
    delivery: str,
    query: str,
    parameters: dict[str, Any] | None = None,
) -> None:
    """Write the rows of `query` as what the delivery adds to one of `TABLES`; no file when there are none.

    What the delivery added before, to a table that a replay kept (the numbers of records), stays.
    """
    path = f"{table}/{name}/{delivery}.parquet"
    if path in draft.adopted:
        query = f"SELECT * FROM ({query}) UNION ALL SELECT * FROM {engine.parquet([draft.root / draft.adopted[path].path])}"
    rows = engine.write_parquet(connection, query, draft.path(path), order_by=ORDER[table], encrypted=True, parameters=parameters)
    if rows:
        draft.rows[path] = rows
    else:
        draft.path(path).unlink()
