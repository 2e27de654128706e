"""A delivered file against what is in force: which rows are new, changed, back again, the same, withdrawn or in conflict.

Works on temporary tables of one connection, named for the file: `rows_` (parsed lines), `faults_`, `fates_` (one row per line),
`versions_`, and `keys_` for the unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Literal

import duckdb

from das_pipeline import engine
from das_pipeline.deliveries.contract import Contract
from das_pipeline.deliveries.landing import Manifest, Window
from das_pipeline.lake import Version

OPEN = "DATE '9999-12-31'"
ACCEPTED = "('new', 'changed', 'returned')"  # the fates that make a version


def load_state(connection: duckdb.DuckDBPyConnection, contracts: Sequence[Contract], live: Version | None) -> None:
    """The keys and versions in force before a delivery, as the tables keys_<unit> and versions_<file>."""
    for unit in sorted({c.unit for c in contracts}):
        connection.execute(f"CREATE TEMP TABLE keys_{unit} (record_key BLOB, record_no BIGINT, first_delivery VARCHAR)")
        _fill(connection, f"keys_{unit}", live, f"keys/{unit}.parquet")
    for contract in contracts:
        connection.execute(
            f"CREATE TEMP TABLE versions_{contract.file} (record_no BIGINT, sub VARCHAR, known_from DATE, known_until DATE,"
            " delivery VARCHAR, line_no BIGINT, opened_as VARCHAR, closed_as VARCHAR, closed_by VARCHAR,"
            " content_hash BLOB, is_only BOOLEAN)"
        )
        _fill(connection, f"versions_{contract.file}", live, f"versions/{contract.file}.parquet")


def _fill(connection: duckdb.DuckDBPyConnection, table: str, live: Version | None, name: str) -> None:
    if live is not None and name in live.files:
        connection.execute(f"INSERT INTO {table} SELECT * FROM {engine.parquet([live.path(name)], encrypted=True)}")


def find_orphans(connection: duckdb.DuckDBPyConnection, contract: Contract, units: Mapping[str, str]) -> None:
    """Adds to the faults the rows whose parent is neither in this delivery nor in force (K03). Parents were taken in before."""
    file = contract.file
    for n, relation in enumerate(contract.relations):
        connection.execute(
            f"""INSERT INTO faults_{file}
            SELECT r.line_no, 'K03', $column
            FROM rows_{file} AS r
            WHERE len(r.faults) = 0 AND NOT r.is_withdrawal AND r.parent_{n} IS NOT NULL
                AND NOT EXISTS (
                    SELECT 1 FROM keys_{units[relation.to]} AS k JOIN versions_{relation.to} AS v ON v.record_no = k.record_no
                    WHERE k.record_key = r.parent_{n} AND v.known_until = {OPEN})""",
            {"column": relation.columns[0]},
        )


def decide_fates(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """The table fates_<file>: what becomes of every line, exactly one thing each.

    Identical rows of one key count once. Conflicting rows of one key are all set aside, or the last wins where the contract says so.
    Whether two rows agree is judged on their content hash, which leaves out columns without history.
    """
    file = contract.file
    conflict = "WHEN is_conflict AND place_from_end > 1 THEN 'superseded'" if contract.delivery.last_wins else "WHEN is_conflict THEN 'K01'"
    mutation = contract.delivery.mutation
    connection.execute(f"""CREATE TEMP TABLE fates_{file} AS
WITH whole AS (
    SELECT line_no, record_key, sub, is_withdrawal, content_hash,
        CASE WHEN is_withdrawal THEN '\\x00'::BLOB ELSE content_hash END AS mark
    FROM rows_{file} WHERE line_no NOT IN (SELECT line_no FROM faults_{file})),
placed AS (
    SELECT *,
        MIN(mark) OVER same_key <> MAX(mark) OVER same_key AS is_conflict,
        ROW_NUMBER() OVER (PARTITION BY record_key, sub ORDER BY line_no) AS place,
        ROW_NUMBER() OVER (PARTITION BY record_key, sub ORDER BY line_no DESC) AS place_from_end
    FROM whole WINDOW same_key AS (PARTITION BY record_key, sub)),
compared AS (
    SELECT p.*, k.record_no, o.content_hash AS held, o.record_no IS NOT NULL AS is_open, e.record_no IS NOT NULL AS is_known
    FROM placed AS p
    LEFT JOIN keys_{contract.unit} AS k ON k.record_key = p.record_key
    LEFT JOIN (SELECT record_no, sub, content_hash FROM versions_{file} WHERE known_until = {OPEN}) AS o
        ON o.record_no = k.record_no AND o.sub = p.sub
    LEFT JOIN (SELECT DISTINCT record_no, sub FROM versions_{file}) AS e ON e.record_no = k.record_no AND e.sub = p.sub)
SELECT line_no, record_key, sub, record_no, content_hash,
    CASE {conflict}
    WHEN NOT is_conflict AND place > 1 THEN 'duplicate'
    WHEN is_withdrawal AND NOT is_known THEN 'K03'
    WHEN is_withdrawal AND NOT is_open THEN 'duplicate'
    WHEN is_withdrawal THEN 'withdrawn'
    WHEN NOT is_known THEN 'new'
    WHEN NOT is_open THEN 'returned'
    WHEN held = content_hash THEN 'duplicate'
    ELSE 'changed' END AS fate
FROM compared""")
    key, marker = contract.unit_key[0], mutation.column if mutation else contract.unit_key[0]
    connection.execute(
        f"""INSERT INTO faults_{file}
        SELECT line_no, fate, CASE fate WHEN 'K01' THEN $key ELSE $marker END FROM fates_{file} WHERE fate IN ('K01', 'K03')""",
        {"key": key, "marker": marker},
    )
    connection.execute(f"DELETE FROM fates_{file} WHERE fate IN ('K01', 'K03')")


def find_absent(connection: duckdb.DuckDBPyConnection, contract: Contract, manifest: Manifest, live: Version | None) -> int:
    """The rows in force that a complete delivery leaves out, as the table absent_<file>; how many rows were in its scope.

    A row whose key can be read is there, even when the row itself is quarantined: nothing is inferred from a line that came.
    """
    file = contract.file
    condition, parameters = _scope(contract, manifest, live)
    connection.execute(
        f"CREATE TEMP TABLE scope_{file} AS SELECT record_no, sub FROM versions_{file} WHERE known_until = {OPEN} AND {condition}",
        parameters,
    )
    connection.execute(f"""CREATE TEMP TABLE named_{file} AS
SELECT DISTINCT k.record_no, r.sub FROM rows_{file} AS r JOIN keys_{contract.unit} AS k ON k.record_key = r.record_key""")
    connection.execute(f"""CREATE TEMP TABLE absent_{file} AS
SELECT s.record_no, s.sub FROM scope_{file} AS s
WHERE NOT EXISTS (SELECT 1 FROM named_{file} AS n WHERE n.record_no = s.record_no AND n.sub = s.sub)""")
    return int(engine.scalar(connection, f"SELECT COUNT(*) FROM scope_{file}"))


def find_restored(connection: duckdb.DuckDBPyConnection, contract: Contract, manifest: Manifest, replaced: Sequence[str]) -> int:
    """The versions that a replaced delivery had closed and that nothing closes now, as the table restored_<file>; how many.

    A delivery of changes that takes the place of another undoes it: what that one changed or withdrew is in force again, unless this one
    names it. `replaced` are all deliveries of the period, of which the last one is in force.
    """
    file = contract.file
    is_undone = bool(replaced) and _complete_for(contract, manifest) == "nothing"
    connection.execute(
        f"""CREATE TEMP TABLE restored_{file} AS
        SELECT v.record_no, v.sub, v.delivery, v.line_no, v.content_hash FROM versions_{file} AS v
        WHERE v.closed_by = $last AND NOT list_contains($replaced, v.delivery)
            AND NOT EXISTS (SELECT 1 FROM named_{file} AS n WHERE n.record_no = v.record_no AND n.sub = v.sub)""",
        {"last": replaced[-1] if is_undone else None, "replaced": list(replaced)},
    )
    return int(engine.scalar(connection, f"SELECT COUNT(*) FROM restored_{file}"))


def _complete_for(contract: Contract, manifest: Manifest) -> Literal["nothing", "all"] | Window:
    """What the delivered file is complete for, as its manifest says, else its contract."""
    said = next(f for f in manifest.files if f.file == contract.file)
    return contract.delivery.complete_for if said.complete_for is None else said.complete_for


def _scope(contract: Contract, manifest: Manifest, live: Version | None) -> tuple[str, dict[str, object]]:
    """The condition on versions in force for which the delivered file is complete, with its parameters."""
    said = _complete_for(contract, manifest)
    if live is None:
        return "FALSE", {}
    if isinstance(said, Window):
        column = engine.identifier(said.column)
        inside = f"SELECT (delivery, line_no) FROM {stored_rows(live, contract, 'content')} WHERE {column} >= $start AND {column} < $until"
        return f"(delivery, line_no) IN ({inside})", {"start": said.start, "until": said.until}
    if said == "all":
        return "TRUE", {}
    # The same period again: complete for what the delivery that it replaces brought.
    return ("delivery = $replaces", {"replaces": manifest.replaces}) if manifest.replaces else ("FALSE", {})


def stored_rows(live: Version, contract: Contract, half: Literal["content", "direct"]) -> str:
    """The stored rows of a half as a relation with the columns that the contract has now, whatever it had when they were written."""
    by_shape: dict[str, list[Path]] = {}
    for delivery in (d for d in live.facts["deliveries"] if contract.file in d["shapes"]):
        by_shape.setdefault(delivery["shapes"][contract.file], []).append(
            live.path(f"{half}/{contract.file}/{delivery['delivery']}.parquet")
        )
    if by_shape.keys() == {contract.shape}:
        return engine.parquet(by_shape[contract.shape], encrypted=True)
    # A typed row of no file first: columns that came later are NULL. (union_by_name fails on encrypted files in DuckDB 1.5.5.)
    columns = contract.content if half == "content" else contract.direct
    nothing = ", ".join(f"CAST(NULL AS {c.sql_type}) AS {c.name}" for c in columns)
    parts = [f"SELECT {nothing} WHERE FALSE", *(f"SELECT * FROM {engine.parquet(f, encrypted=True)}" for f in by_shape.values())]
    return f"({' UNION ALL BY NAME '.join(parts)})"


def number_records(connection: duckdb.DuckDBPyConnection, contract: Contract, delivery: str, after: int) -> None:
    """Record numbers for the units that are seen for the first time, in the order of their lines; the partner's come after `after`."""
    unit, file = contract.unit, contract.file
    connection.execute(
        f"""INSERT INTO keys_{unit}
        WITH newcomers AS (
            SELECT record_key, MIN(line_no) AS line_no FROM fates_{file} WHERE fate = 'new' AND record_no IS NULL GROUP BY record_key)
        SELECT record_key, (SELECT COALESCE(MAX(record_no), $after) FROM keys_{unit}) + ROW_NUMBER() OVER (ORDER BY line_no), $delivery
        FROM newcomers""",
        {"delivery": delivery, "after": after},
    )
    connection.execute(f"UPDATE fates_{file} AS f SET record_no = k.record_no FROM keys_{unit} AS k WHERE k.record_key = f.record_key")


def write_halves(connection: duckdb.DuckDBPyConnection, contract: Contract, delivery: str, content: Path, direct: Path) -> tuple[int, int]:
    """The rows that made a version, split: what later stages read, and what linkage alone reads. How many rows are in each."""
    written = []
    for columns, path in ((contract.content, content), (contract.direct, direct)):
        listed = "".join(f", r.{column.name}" for column in columns)
        written.append(
            engine.write_parquet(
                connection,
                f"""SELECT f.record_no, f.sub, CAST($delivery AS VARCHAR) AS delivery, f.line_no{listed}
                FROM fates_{contract.file} AS f JOIN rows_{contract.file} AS r ON r.line_no = f.line_no WHERE f.fate IN {ACCEPTED}""",
                path,
                order_by="line_no",
                encrypted=True,
                parameters={"delivery": delivery},
            )
        )
    return written[0], written[1]


def apply(connection: duckdb.DuckDBPyConnection, contract: Contract, delivery: str, known_on: date) -> None:
    """versions_<file> with this delivery in it: what changed or went is closed on the day it became known, what came is opened."""
    file = contract.file
    connection.execute(
        f"""CREATE TEMP TABLE next_{file} AS
WITH closing AS (
    SELECT record_no, sub, fate AS closed_as FROM fates_{file} WHERE fate IN ('changed', 'withdrawn')
    UNION ALL SELECT record_no, sub, 'withdrawn' FROM absent_{file}),
earlier AS (
    SELECT v.record_no, v.sub, v.known_from,
        CASE WHEN c.record_no IS NULL THEN v.known_until ELSE CAST($known_on AS DATE) END AS known_until,
        v.delivery, v.line_no, v.opened_as, COALESCE(c.closed_as, v.closed_as) AS closed_as,
        CASE WHEN c.record_no IS NULL THEN v.closed_by ELSE $delivery END AS closed_by, v.content_hash
    FROM versions_{file} AS v
    LEFT JOIN closing AS c ON c.record_no = v.record_no AND c.sub = v.sub AND v.known_until = {OPEN}),
opened AS (
    SELECT record_no, sub, CAST($known_on AS DATE) AS known_from, {OPEN} AS known_until, CAST($delivery AS VARCHAR) AS delivery,
        line_no, fate AS opened_as, CAST(NULL AS VARCHAR) AS closed_as, CAST(NULL AS VARCHAR) AS closed_by, content_hash
    FROM fates_{file} WHERE fate IN {ACCEPTED}),
again AS (
    SELECT record_no, sub, CAST($known_on AS DATE), {OPEN}, delivery, line_no, 'returned', CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR),
        content_hash
    FROM restored_{file}),
together AS (SELECT * FROM earlier UNION ALL SELECT * FROM opened UNION ALL SELECT * FROM again)
SELECT *, COUNT(*) OVER (PARTITION BY record_no, sub) = 1 AS is_only FROM together""",
        {"delivery": delivery, "known_on": known_on},
    )
    connection.execute(f"DROP TABLE versions_{file}")
    connection.execute(f"ALTER TABLE next_{file} RENAME TO versions_{file}")
