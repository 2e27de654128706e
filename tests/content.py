"""Content as the stages before the chain leave it, written from small visible rows: records with their concepts, links, ages."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from das_pipeline import engine, layered
from das_pipeline.disk import sha256_of
from das_pipeline.lake import Version
from das_pipeline.run import Run
from das_pipeline.stages import zone_of

FOREVER = date(9999, 12, 31)
Rows = Sequence[Mapping[str, Any]]

VERSION = {"record_no": "int64", "sub": "string", "known_from": "date32", "known_until": "date32"}
RECORDS = {
    "watch/reports": VERSION
    | dict.fromkeys(("offence", "offence_concept", "ward", "ward_concept", "sex", "sex_concept"), "string")
    | dict.fromkeys(("committed_on", "reported_on", "closed_on"), "date32"),
    "bench/cases": VERSION | {"received_on": "date32"},
    "bench/rulings": VERSION | {"ruling_no": "int64", "ruled_on": "date32", "ruling": "string", "ruling_concept": "string"},
}
LINKS = {"unit": "string", "record_no": "int64", "person_id": "int64", "case_id": "int64"}
AGES = {"unit": "string", "record_no": "int64", "date": "date32", "age": "int16"}


def put(run: Run, table: str, files: Mapping[str, tuple[Mapping[str, str], Rows]]) -> None:
    """`files` (columns with types, rows) as the live version of `table`; a column that a row does not have is NULL."""
    is_encrypted = zone_of(table) != "open"
    with run.begin(table) as draft, run.connect(confidential=True) as connection:
        for name, (columns, rows) in files.items():
            schema = pa.schema([(column, pa.type_for_alias(kind)) for column, kind in columns.items()])
            connection.register("given", pa.Table.from_pylist([dict(row) for row in rows], schema=schema))
            keys = ", ".join(columns)
            draft.rows[name] = engine.write_parquet(
                connection, "SELECT * FROM given", draft.path(name), order_by=keys, encrypted=is_encrypted
            )
            connection.unregister("given")
        run.lake.promote(run.lake.seal(draft, as_of=run.as_of.isoformat(), inputs={}, inputs_hash=str(files), verdicts=[]))


def put_content(run: Run, records: Mapping[str, Rows], links: Rows = (), ages: Rows = ()) -> None:
    """The inputs of the chain; `known_until` of a record may be left out while it is in force, `sub` for the unit's own row."""
    filled = {file: [{"sub": "", "known_until": FOREVER} | dict(row) for row in records.get(file, [])] for file in RECORDS}
    put(run, "terminology/records", {f"{file}.parquet": (RECORDS[file], rows) for file, rows in filled.items()})
    put(run, "linkage/links", {"links.parquet": (LINKS, links), "ages.parquet": (AGES, ages)})


def plant(run: Run, table: str, file: str, query: str) -> None:
    """`query` over the rows of `file` in its place, in a version that its manifest vouches for."""
    live = run.lake.open(table)
    with run.begin(table) as draft, run.connect(confidential=True) as connection:
        draft.adopt(live)
        del draft.adopted[file]
        connection.execute(f"CREATE TEMP VIEW rows AS SELECT * FROM {engine.parquet([live.path(file)])}")
        draft.rows[file] = engine.write_parquet(
            connection, query, draft.path(file), order_by="ALL", encrypted=engine.is_encrypted(live.path(file))
        )
        run.lake.promote(run.lake.seal(draft, as_of=live.as_of, inputs=live.inputs, inputs_hash=live.inputs_hash, verdicts=[]))


def read(run: Run, table: str, query: str = "SELECT * FROM rows", **parameters: Any) -> list[dict[str, Any]]:
    """The rows of `query` over `rows`, which are all files of the live version of `table`."""
    version = run.lake.open(table)
    with run.connect(confidential=True) as connection:
        rows = " UNION ALL ".join(f"SELECT * FROM {layered.relation(version, name)}" for name in layered.names(version))
        connection.execute(f"CREATE TEMP VIEW rows AS {rows}")
        return connection.execute(query, parameters).to_arrow_table().to_pylist()


def rows(run: Run, version: Version, file: str) -> list[dict[str, Any]]:
    """The rows of one file of a version, encrypted or not."""
    with run.connect(confidential=True) as connection:
        return engine.read_table(connection, version.path(file)).to_pylist()


def contents(run: Run, files: Mapping[str, Path]) -> dict[str, str]:
    """What files hold, whatever nonce they were encrypted with: name → SHA-256 of the columns and of the rows in their order.

    A file that is not encrypted is compared by its bytes.
    """
    with run.connect(confidential=True) as connection:
        return {name: _content(connection, path) for name, path in sorted(files.items())}


def _content(connection: duckdb.DuckDBPyConnection, path: Path) -> str:
    if path.suffix != ".parquet" or not engine.is_encrypted(path):
        return sha256_of(path)
    table = engine.read_table(connection, path)
    digest = hashlib.sha256(str(table.schema).encode())
    for column in table.columns:
        digest.update(repr(column.to_pylist()).encode())
    return digest.hexdigest()
