"""A delivered file against what is in force: which rows are new, changed, back again, the same, withdrawn or in conflict.

Works on temporary tables of one connection, about the file that is being taken in: `delivered_rows` (its lines, parsed), `faults`,
`keys` and `versions` (what is known of the units that it names, see state.py), `fates` (one row per line), `scope`, `absent`, `restored`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Literal

import duckdb

from das_pipeline import engine
from das_pipeline.deliveries.contract import Contract
from das_pipeline.deliveries.manifest import Manifest, Window
from das_pipeline.deliveries.months import file_of_month
from das_pipeline.deliveries.state import OPEN, in_force, show_file, write_state
from das_pipeline.lake import Draft, Version

ACCEPTED = "('new', 'changed', 'returned')"  # the fates that make a version


def find_orphans(connection: duckdb.DuckDBPyConnection, contract: Contract, units: Mapping[str, str]) -> None:
    """Add to `faults` the rows whose parent is neither in this delivery nor in force (K03). Parents are taken in before their children."""
    for n, relation in enumerate(contract.relations):
        connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE parents AS SELECT k.* FROM keys_{units[relation.to]} AS k
            SEMI JOIN delivered_rows AS r ON r.parent_{n} = k.record_key"""
        )
        connection.execute(
            f"""INSERT INTO faults
            SELECT line_no, 'K03', $column
            FROM delivered_rows
            WHERE len(faults) = 0 AND NOT is_withdrawal AND parent_{n} NOT IN (
                SELECT p.record_key FROM parents AS p JOIN {in_force(relation.to, "parents")} AS v ON v.record_no = p.record_no)""",
            {"column": relation.columns[0]},
        )


def decide_fates(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Create `fates` (see fates.sql); lines in conflict and withdrawals of what never was go to `faults`."""
    query = engine.sql(__package__, "fates.sql")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE fates AS {query}", {"last_wins": contract.delivery.last_wins})
    mutation, key = contract.delivery.mutation, contract.unit_key[0]
    connection.execute(
        """INSERT INTO faults
        SELECT line_no, fate, CASE fate WHEN 'K01' THEN $key ELSE $marker END FROM fates WHERE fate IN ('K01', 'K03')""",
        {"key": key, "marker": mutation.column if mutation else key},
    )
    connection.execute("DELETE FROM fates WHERE fate IN ('K01', 'K03')")


def find_absent(connection: duckdb.DuckDBPyConnection, contract: Contract, manifest: Manifest, live: Version | None) -> int:
    """Create `absent`, the rows in force that a complete file leaves out; return how many rows it is complete for.

    A row whose key can be read is there, even when the row itself is quarantined: nothing is inferred from a line that came. `named` has
    those rows.
    """
    condition, parameters = _scope(contract, manifest, live)
    if condition == "FALSE":  # as on most days
        connection.execute("CREATE OR REPLACE TEMP TABLE absent (record_no BIGINT, sub VARCHAR, opened_by VARCHAR)")
        return 0
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE scope AS SELECT record_no, sub, opened_by FROM versions_{contract.file}
        WHERE known_until = {OPEN} AND {condition}""",
        parameters,
    )
    connection.execute("""CREATE OR REPLACE TEMP TABLE named AS
SELECT DISTINCT k.record_no, r.sub FROM delivered_rows AS r JOIN keys AS k ON k.record_key = r.record_key""")
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE absent AS
        SELECT s.* FROM scope AS s ANTI JOIN named AS n ON n.record_no = s.record_no AND n.sub = s.sub"""
    )
    return int(engine.scalar(connection, "SELECT COUNT(*) FROM scope"))


def find_restored(connection: duckdb.DuckDBPyConnection, contract: Contract, manifest: Manifest, replaced: Sequence[str]) -> int:
    """Create `restored`, the versions that a replaced delivery had closed and that nothing closes now; return how many.

    A delivery of changes that takes the place of another undoes it: what that one changed or withdrew is in force again, unless this one
    names it. `replaced` are all deliveries of the period, of which the last one is in force.
    """
    if not replaced or _complete_for(contract, manifest) != "nothing":
        columns = "record_no BIGINT, sub VARCHAR, delivery VARCHAR, line_no BIGINT, content_hash BLOB"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE restored ({columns})")
        return 0
    connection.execute("CREATE OR REPLACE TEMP TABLE replaced AS SELECT unnest($replaced) AS delivery", {"replaced": [*replaced, ""]})
    query = engine.sql(__package__, "restored.sql")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE restored AS {query}", {"last": replaced[-1]})
    return int(engine.scalar(connection, "SELECT COUNT(*) FROM restored"))


def _complete_for(contract: Contract, manifest: Manifest) -> Literal["nothing", "all"] | Window:
    """What the delivered file is complete for, as its manifest says, else its contract."""
    declared = next(f for f in manifest.files if f.file == contract.file)
    return contract.delivery.complete_for if declared.complete_for is None else declared.complete_for


def _scope(contract: Contract, manifest: Manifest, live: Version | None) -> tuple[str, dict[str, object]]:
    """The condition on versions in force for which the delivered file is complete, with its parameters."""
    complete_for = _complete_for(contract, manifest)
    if live is None:
        return "FALSE", {}
    if isinstance(complete_for, Window):
        column = engine.identifier(complete_for.column)
        inside = f"SELECT (delivery, line_no) FROM {stored_rows(live, contract, 'content')} WHERE {column} >= $start AND {column} < $until"
        return f"(delivery, line_no) IN ({inside})", {"start": complete_for.start, "until": complete_for.until}
    if complete_for == "all":
        return "TRUE", {}
    # The same period again: complete for what the delivery that it replaces brought.
    return ("delivery = $replaces", {"replaces": manifest.replaces}) if manifest.replaces else ("FALSE", {})


def stored_rows(live: Version, contract: Contract, half: Literal["content", "direct"]) -> str:
    """The stored rows of a half as a relation with the columns that the contract has now, whatever it had when they were written."""
    by_shape: dict[str, dict[Path, None]] = {}
    for delivery in (d for d in live.facts["deliveries"] if contract.file in d["shapes"]):
        own = f"{half}/{contract.file}/{delivery['delivery']}.parquet"
        path = live.path(own if own in live.files else file_of_month(half, contract.file, delivery))
        by_shape.setdefault(delivery["shapes"][contract.file], {})[path] = None
    if by_shape.keys() == {contract.shape}:
        return engine.parquet(by_shape[contract.shape])
    # A typed row of no file first: columns that came later are NULL. (union_by_name fails on encrypted files in DuckDB 1.5.5.)
    columns = contract.content if half == "content" else contract.direct
    typed = {"record_no": "BIGINT", "sub": "VARCHAR", "delivery": "VARCHAR", "line_no": "BIGINT"} | {c.name: c.sql_type for c in columns}
    nothing = ", ".join(f"CAST(NULL AS {sql_type}) AS {name}" for name, sql_type in typed.items())
    parts = [f"SELECT {nothing} WHERE FALSE", *(f"SELECT * FROM {engine.parquet(f)}" for f in by_shape.values())]
    return f"({' UNION ALL BY NAME '.join(parts)})"


def number_records(connection: duckdb.DuckDBPyConnection, contract: Contract, delivery: str, after: int) -> None:
    """Number the units that are seen for the first time, the partner's after `after`; create `accepted`, the rows that make a version.

    It has a row per line: line_no, record_no, sub, fate, content_hash.
    """
    query = engine.sql(__package__, "new_keys.sql")
    connection.execute(f"INSERT INTO new_keys_{contract.unit} {query}", {"delivery": delivery, "after": after})
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE accepted AS
        SELECT f.line_no, COALESCE(f.record_no, k.record_no) AS record_no, f.sub, f.fate, f.content_hash
        FROM fates AS f LEFT JOIN new_keys_{contract.unit} AS k ON k.record_key = f.record_key
        WHERE f.fate IN {ACCEPTED}"""
    )


def write_halves(connection: duckdb.DuckDBPyConnection, contract: Contract, delivery: str, content: Path, direct: Path) -> tuple[int, int]:
    """Write the rows that made a version, split into what later stages read and what linkage alone reads; return the rows of each."""
    written = []
    for columns, path in ((contract.content, content), (contract.direct, direct)):
        listed = "".join(f", r.{column.name}" for column in columns)
        written.append(
            engine.write_parquet(
                connection,
                f"""SELECT a.record_no, a.sub, CAST($delivery AS VARCHAR) AS delivery, a.line_no{listed}
                FROM accepted AS a JOIN delivered_rows AS r ON r.line_no = a.line_no""",
                path,
                order_by="line_no",
                encrypted=True,
                parameters={"delivery": delivery},
            )
        )
    return written[0], written[1]


def write_versions(connection: duckdb.DuckDBPyConnection, contract: Contract, draft: Draft, delivery: str, known_on: date) -> None:
    """Write what the delivery opens and closes of the file, on the day on which it became known."""
    parameters = {"delivery": delivery, "known_on": known_on}
    for table in ("opened", "closed"):
        query = engine.sql(__package__, f"{table}.sql")
        write_state(connection, draft, table, contract.file, delivery, query, parameters)
    show_file(connection, contract.file, draft)
