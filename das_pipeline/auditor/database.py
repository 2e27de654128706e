"""D18 in das.duckdb: the tables of the release with their descriptions, and nothing else: no object, no comment, no deleted row."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import duckdb

from das_pipeline.auditor.findings import verdict
from das_pipeline.auditor.release import Published, Table
from das_pipeline.gate import Verdict

FILE = "das.duckdb"
FIX = "Build the candidate again: das.duckdb is made from the tables and nothing else."
HEADER = 4096  # bytes with the version of the engine
BLOCK = 262_144
OTHERS = {  # everything that a database may hold besides tables
    "views": "SELECT COUNT(*) FROM duckdb_views() WHERE database_name = 'das' AND NOT internal",
    "schemas": "SELECT COUNT(*) FROM duckdb_schemas() WHERE database_name = 'das' AND (schema_name <> 'main' OR comment IS NOT NULL)",
    "functions": "SELECT COUNT(*) FROM duckdb_functions() WHERE database_name = 'das' AND NOT internal",
    "types": "SELECT COUNT(*) FROM duckdb_types() WHERE database_name = 'das' AND NOT internal",
    "sequences": "SELECT COUNT(*) FROM duckdb_sequences() WHERE database_name = 'das'",
    "indexes": "SELECT COUNT(*) FROM duckdb_indexes() WHERE database_name = 'das'",
    "constraints": "SELECT COUNT(*) FROM duckdb_constraints() WHERE database_name = 'das' AND constraint_type <> 'NOT NULL'",
    "defaults": "SELECT COUNT(*) FROM duckdb_columns() WHERE database_name = 'das' AND column_default IS NOT NULL",
    "database": "SELECT COUNT(*) FROM duckdb_databases() WHERE database_name = 'das' AND comment IS NOT NULL",
    "free blocks": "SELECT SUM(free_blocks) FROM pragma_database_size() WHERE database_name = 'das'",
}


def database_has_nothing_else(release: Published) -> Verdict:
    """D18: the database holds the tables, their descriptions, and no other object; it has the bytes of one that is made now."""
    path = release.folder / FILE
    faults: Counter[str] = Counter()
    with duckdb.connect(":memory:", config={"threads": 1, "autoload_known_extensions": "false"}) as connection:
        try:
            connection.execute(f"ATTACH '{str(path).replace(chr(39), chr(39) * 2)}' AS das (READ_ONLY)")
        except duckdb.Error:
            return verdict("D18", "das.duckdb can be read", 1, {FILE: 1}, FIX)
        for kind, query in OTHERS.items():
            faults[f"{FILE}: {kind}"] = int(connection.execute(query).fetchall()[0][0] or 0)
        columns = "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE database_name = 'das'"
        comments = dict(connection.execute("SELECT table_name, comment FROM duckdb_tables() WHERE database_name = 'das'").fetchall())
        described = {name: _description(table) for name, table in release.tables.items()}
        faults[f"{FILE}: tables"] = sum(described.get(name) != comments.get(name) for name in described.keys() | comments.keys())
        expected = {(n, f.name, _of(f.metadata, "description_")) for n, table in release.tables.items() for f in table.rows.schema}
        faults[f"{FILE}: columns"] = len(expected ^ set(connection.execute(columns).fetchall()))
    faults[FILE] = _other_bytes(release) if not faults.total() else 0
    return verdict("D18", "das.duckdb holds the tables and nothing else", len(OTHERS) + len(release.tables), faults, FIX)


def _description(table: Table) -> str:
    facts = table.facts
    marked = "SIMULATED FIGURES. " if facts["is_simulated"] else ""
    return f"{marked}{_main(facts['title'])}. {_main(facts['description'])}"


def _main(texts: dict[str, str]) -> str:
    return texts.get("en") or next(iter(texts.values()))


def _of(metadata: dict[bytes, bytes], prefix: str) -> str:
    """The text among a field's metadata whose keys begin with `prefix`, in English if it has that."""
    return _main({key.decode().removeprefix(prefix): value.decode() for key, value in metadata.items() if key.decode().startswith(prefix)})


def _other_bytes(release: Published) -> int:
    """Whether the file differs from one made now by more than its checksums: rows that were deleted stay in it until they are overwritten.

    An engine of another version writes other bytes: such a file is not compared.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / FILE
        with duckdb.connect(str(copy), config={"threads": 1}) as connection:
            for name, table in sorted(release.tables.items()):
                connection.execute(
                    f"CREATE TABLE \"{name}\" AS SELECT * FROM read_parquet('{str(table.path).replace(chr(39), chr(39) * 2)}')"
                )
                connection.execute(f'COMMENT ON TABLE "{name}" IS {_quoted(_description(table))}')
                for field in table.rows.schema:
                    connection.execute(f'COMMENT ON COLUMN "{name}"."{field.name}" IS {_quoted(_of(field.metadata, "description_"))}')
        ours, theirs = copy.read_bytes(), (release.folder / FILE).read_bytes()
    if ours[:HEADER] != theirs[:HEADER]:
        return 0
    if len(ours) != len(theirs):
        return 1
    import numpy as np

    apart = int((np.frombuffer(ours, np.uint8) != np.frombuffer(theirs, np.uint8)).sum())
    return int(apart > 16 * (len(ours) // BLOCK + 3))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
