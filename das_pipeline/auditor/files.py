"""D10: the folder contains exactly what its descriptors list, and every copy of a table equals the table."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from das_pipeline.auditor.findings import verdict
from das_pipeline.auditor.release import Published, Table
from das_pipeline.gate import Verdict

BESIDE = {"datapackage.json", "changes.json", "quality.json", "expectations.json", "das.duckdb", "concepts.ttl", "concepts.jsonld"}
BESIDE |= {"manifest.json", "manifest.json.sig", "manifest.json.pub"}
Reader = Callable[[Path, pa.Schema], pa.Table]
FIX = "Build the candidate again from the protected leaves, and find what wrote to its folder."


def files_as_described(release: Published) -> Verdict:
    """D10: every described file is present with its columns, types and bytes, and no other file is."""
    faults = dict.fromkeys((f"tables/{name}" for name in release.unreadable), 1)
    described: dict[str, dict[str, Any]] = {resource["path"]: resource for resource in release.package["resources"]}
    present = {p.relative_to(release.folder).as_posix() for p in release.folder.rglob("*") if p.is_file()}
    for path in present - set(described):
        if path not in BESIDE and not path.startswith("site/"):
            faults[path] = 1
    for path, resource in described.items():
        if path not in present or f"sha256:{_sha256(release.folder / path)}" != resource["hash"]:
            faults[path] = 1
    for name, table in release.tables.items():
        fields = {f["name"]: f["type"] for f in described.get(f"tables/{name}.parquet", {"schema": {"fields": []}})["schema"]["fields"]}
        columns = {*table.keys, *table.measures, "status", "is_simulated"}
        if {f.name: _type(f.type) for f in table.rows.schema} != fields or set(fields) != columns or _passes_for_real(table):
            faults[f"tables/{name}.parquet"] = 1
    missing = {path.removeprefix("tables/").rpartition(".")[0] for path in described} ^ set(release.tables)
    faults |= dict.fromkeys((f"tables/{name}" for name in missing), 1)
    return verdict("D10", "Every file is as described, and no other is there", len(present), faults, FIX)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _passes_for_real(table: Table) -> bool:
    """Whether the `is_simulated` of a row differs from that of its table."""
    return set(table.rows["is_simulated"].unique().to_pylist()) != {table.facts["is_simulated"]}


def _type(kind: pa.DataType) -> str:
    return {pa.int64(): "integer", pa.string(): "string", pa.bool_(): "boolean"}.get(kind, str(kind))


def copies_equal_tables(release: Published, connection: duckdb.DuckDBPyConnection, readers: Mapping[str, Reader]) -> Verdict:
    """D03: every described file and the database have the cells of the Parquet tables: one value per cell, in all files.

    A file whose format is not in `readers` cannot be compared, which counts as a fault.
    """
    faults: dict[str, int] = {}
    database = str(release.folder / "das.duckdb").replace("'", "''")
    connection.execute(f"ATTACH '{database}' AS das (READ_ONLY)")
    stored = {row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'das'").fetchall()}
    views = connection.execute("SELECT COUNT(*) FROM duckdb_views() WHERE database_name = 'das' AND NOT internal").fetchall()[0][0]
    faults["das.duckdb"] = len(stored ^ set(release.tables)) + views
    copies = sorted({resource["path"].rpartition(".")[2] for resource in release.package["resources"]} - {"parquet"})
    for name, table in release.tables.items():
        if name in stored:
            faults[f"das.duckdb {name}"] = _different(connection, name, f'das."{name}"')
        for extension in copies:
            connection.register("copy", _read(table, extension, readers))
            faults[f"tables/{name}.{extension}"] = _different(connection, name, "copy")
            connection.unregister("copy")
    return verdict("D03", "Every copy of a table has its cells", (1 + len(copies)) * len(release.tables), faults, FIX)


def _read(table: Table, extension: str, readers: Mapping[str, Reader]) -> pa.Table:
    """The copy of `table` with this extension. If it cannot be read: an empty table with another column, which equals no table."""
    try:
        return readers[extension](table.path.with_suffix(f".{extension}"), table.rows.schema)
    except (pa.ArrowException, OSError, ValueError, KeyError):
        return pa.table({"unreadable": pa.array([], pa.string())})


def _different(connection: duckdb.DuckDBPyConnection, name: str, copy: str) -> int:
    """The number of rows of the table `name` and of `copy` that the other one lacks."""
    missing = "SELECT COUNT(*) FROM (SELECT * FROM {} EXCEPT ALL SELECT * FROM {})"
    try:
        return sum(connection.execute(missing.format(*pair)).fetchall()[0][0] for pair in ((f'"{name}"', copy), (copy, f'"{name}"')))
    except duckdb.Error:  # other columns
        return 1
