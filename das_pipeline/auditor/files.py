"""D10: the folder contains exactly what its descriptors list, and every copy of a table equals the table."""

from __future__ import annotations

import hashlib
import io
import json
import os
import posixpath
import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from stat import S_IMODE
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from das_pipeline.auditor import beside, citations, csvw
from das_pipeline.auditor.declared import Declared
from das_pipeline.auditor.findings import verdict
from das_pipeline.auditor.release import Published, Table
from das_pipeline.gate import Verdict

BESIDE = {"datapackage.json", "changes.json", "quality.json", "expectations.json", "das.duckdb", "concepts.ttl", "concepts.jsonld"}
BESIDE |= {
    "revisions.csv",
    "breaks.csv",
    "differences.csv",
    "catalog.ttl",
    "catalog.jsonld",
    "api/v1/tables.json",
    "api/v1/openapi.json",
} | beside.DESCRIPTIONS
BESIDE |= {"manifest.json", "manifest.json.sig", "manifest.json.pub", citations.SUMS, *citations.CITED}
Reader = Callable[[Path, pa.Schema], pa.Table]
GROUP_ROWS = 20_000
OLDEST = timedelta(days=366)  # no file of a release is so much older than most of them: a time can be a date of birth
STORED = {"codes", "periods", *beside.NAMES}  # what das.duckdb has besides the tables
FIX = "Build the candidate again from the protected leaves, and find what wrote to its folder."


def files_as_described(release: Published, declared: Declared | None) -> Verdict:
    """D10: every described file is present with its columns, types and bytes, and no other file is, nor a link or an empty folder."""
    faults = dict.fromkeys((f"tables/{name}" for name in release.unreadable), 1)
    described: dict[str, dict[str, Any]] = {resource["path"]: resource for resource in release.package["resources"]}
    present = set(release.paths)
    expected = (
        BESIDE
        | set(described)
        | {f"tables/{name}{csvw.SUFFIX}" for name in release.tables}
        | (declared.files.keys() | _of_site(release) if declared else set())
    )
    faults |= dict.fromkeys(present - expected, 1)
    for path in release.folder.rglob("*"):
        if path.is_symlink() or (path.is_dir() and not any(path.iterdir())):
            faults[path.relative_to(release.folder).as_posix()] = 1
    faults |= told_by_the_disk(release)
    faults[citations.SUMS] = int(citations.sums_differ(release))
    for path, sha in (declared.files if declared else {}).items():
        if path not in present or _sha256(release.folder / path) != sha:
            faults[path] = 1
    for path, resource in described.items():
        if path not in present or f"sha256:{_sha256(release.folder / path)}" != resource["hash"]:
            faults[path] = 1
    for name, table in release.tables.items():
        fields = {f["name"]: f["type"] for f in described.get(f"tables/{name}.parquet", {"schema": {"fields": []}})["schema"]["fields"]}
        columns = {*table.keys, *table.measures, "status", "is_simulated"}
        if {f.name: _type(f.type) for f in table.rows.schema} != fields or set(fields) != columns or _passes_for_real(table):
            faults[f"tables/{name}.parquet"] = 1
        if declared and not _is_as_written(table):
            faults[f"tables/{name}.parquet"] = 1
    of_tables = {path.removeprefix("tables/").partition(".")[0] for path in described if path.startswith("tables/")}
    missing = of_tables ^ set(release.tables)
    faults |= dict.fromkeys((f"tables/{name}" for name in missing), 1)
    return verdict("D10", "Every file is as described, and no other is there", len(present), faults, FIX)


def told_by_the_disk(release: Published) -> dict[str, int]:
    """Files and folders of which the disk keeps more than their bytes: an attribute, permissions of their own, a time far from all others.

    A copy may give all of them other permissions and times, or a restored file a later one; that tells nothing. A candidate shares
    unchanged charts with earlier ones, however old; a release has its own.
    """
    found = {path: path.lstat() for path in release.folder.rglob("*") if not path.is_symlink()}
    usual = {
        is_folder: Counter(S_IMODE(status.st_mode) for path, status in found.items() if path.is_dir() == is_folder).most_common(1)
        for is_folder in (True, False)
    }
    times = sorted(status.st_mtime for status in found.values())
    oldest = times[len(times) // 2] - OLDEST.total_seconds() if "manifest.json.sig" in release.paths else 0.0
    faults = [
        path
        for path, status in found.items()
        if S_IMODE(status.st_mode) != usual[path.is_dir()][0][0]
        or status.st_mtime < oldest
        or (hasattr(os, "listxattr") and any(name.startswith("user.") for name in os.listxattr(path)))
    ]
    return {path.relative_to(release.folder).as_posix(): 1 for path in faults}


def _of_site(release: Published) -> set[str]:
    """The pages that can be reached from the first one, and the pictures of the tables."""
    from lxml import html

    pictures = (release.folder / "site" / "charts").glob("*.svg")
    names = re.compile(rf"({'|'.join(map(re.escape, release.tables))})\.[a-z]{{2,3}}(\.narrow)?\.svg")
    found = {p.relative_to(release.folder).as_posix() for p in pictures if names.fullmatch(p.name)}
    to_visit = ["site/index.html"]
    while to_visit:
        name = to_visit.pop()
        if name in found or name not in release.paths:
            continue
        found.add(name)
        root: Any = html.fromstring((release.folder / name).read_bytes())
        addresses = (e.get("href") or e.get("action") for e in root.iter("a", "link", "form"))
        links = {urlsplit(address) for address in addresses if address}
        targets = {
            posixpath.normpath(posixpath.join(posixpath.dirname(name), link.path)) for link in links if not link.scheme and link.path
        }
        to_visit += [target for target in targets if target.startswith("site/") and target.endswith(".html")]
    return found


def _is_as_written(table: Table) -> bool:
    """Whether the file, and the CSV beside it, have the bytes of its rows in the order of their keys, and no other."""
    parquet, text = io.BytesIO(), io.BytesIO()
    sorting = [pq.SortingColumn(i) for i in range(len(table.keys))]
    with pq.ParquetWriter(parquet, table.rows.schema, compression="zstd", write_page_index=True, sorting_columns=sorting) as writer:
        writer.write_table(table.rows, row_group_size=GROUP_ROWS)
        writer.add_key_value_metadata({"fields": _fields(table.rows.schema)})
    pyarrow.csv.write_csv(table.rows, text, pyarrow.csv.WriteOptions(quoting_style="needed"))
    beside = table.path.with_suffix(".csv")
    keys = [(key, "ascending") for key in table.keys]
    in_order = table.rows.select(table.keys).equals(table.rows.select(table.keys).sort_by(keys))
    return in_order and parquet.getvalue() == table.path.read_bytes() and (not beside.exists() or text.getvalue() == beside.read_bytes())


def _fields(schema: pa.Schema) -> str:
    """What readers that know nothing of Arrow are told of the columns: the same as its fields are."""
    told = [
        {"name": f.name} | {k.decode(): json.loads(v) if k == b"codes" else v.decode() for k, v in sorted((f.metadata or {}).items())}
        for f in schema
    ]
    return json.dumps(told, ensure_ascii=False)


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
    try:
        connection.execute(f"ATTACH '{database}' AS das (READ_ONLY)")
    except duckdb.Error:
        return verdict("D03", "Every copy of a table has its cells", 1, {"das.duckdb": 1}, FIX)
    stored = {row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'das'").fetchall()}
    faults["das.duckdb"] = len((stored - STORED) ^ set(release.tables))
    paths = [r["path"] for r in release.package["resources"] if r["path"].startswith("tables/")]
    of_tables = {path.removeprefix("tables/").partition(".")[::2] for path in paths}
    copies = sorted({extension for _, extension in of_tables if "." not in extension} - {"parquet"})  # those for people have one language
    for name, table in release.tables.items():
        if name in stored:
            faults[f"das.duckdb {name}"] = _different(connection, table, connection.execute(f'SELECT * FROM das."{name}"').to_arrow_table())
        for extension in copies:
            faults[f"tables/{name}.{extension}"] = _different(connection, table, _read(table, extension, readers))
    return verdict("D03", "Every copy of a table has its cells", (1 + len(copies)) * len(release.tables), faults, FIX)


def _read(table: Table, extension: str, readers: Mapping[str, Reader]) -> pa.Table:
    """The copy of `table` with this extension. If it cannot be read: an empty table with another column, which equals no table."""
    try:
        return readers[extension](table.path.with_suffix(f".{extension}"), table.rows.schema)
    except (pa.ArrowException, OSError, ValueError, KeyError):
        return pa.table({"unreadable": pa.array([], pa.string())})


def _different(connection: duckdb.DuckDBPyConnection, table: Table, copy: pa.Table) -> int:
    """The number of rows of `table` and of `copy` that the other one lacks."""
    if copy.column_names == table.rows.column_names and copy.columns == table.rows.columns:  # in the same order, as it should be
        return 0
    missing = "SELECT COUNT(*) FROM (SELECT * FROM {} EXCEPT ALL SELECT * FROM {})"
    own = f'"{table.name}"'
    connection.register("copy", copy)
    try:
        return sum(connection.execute(missing.format(*pair)).fetchall()[0][0] for pair in ((own, "copy"), ("copy", own)))
    except duckdb.Error:  # other columns
        return 1
    finally:
        connection.unregister("copy")
