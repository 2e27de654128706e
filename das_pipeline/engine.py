"""DuckDB connections with limits, and the SQL files of a stage.

Connections are in memory over Parquet; no `.duckdb` file is shared between processes (one writer locks out even readers).
"""

from __future__ import annotations

import atexit
import base64
import errno
import fcntl
import importlib.resources
import os
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from das_pipeline.disk import is_encrypted, using
from das_pipeline.errors import ConfigurationError, DasError, NoRoom
from das_pipeline.settings import Settings

ENCRYPTED = "encryption_config={footer_key:'das'}"
ROW_GROUP = 122_880  # rows, which a thread reads at a time
OPTIONS = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP}"  # how every table is written
SPILL = ".spill"  # a folder of the home, with a folder for each process that is working
_spills: dict[tuple[Path, int], Path] = {}  # by home and process
_IDENTIFIER = re.compile(r"^[a-z_][a-z0-9_]*$")
# Arrow's own allocator keeps what it has freed, some 30 MiB of a small intake; the system's gives it back.
pa.set_memory_pool(pa.system_memory_pool())

CONNECT: dict[str, str | bool | int | float | list[str]] = {
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "allow_unsigned_extensions": "true",  # the signature of the only one that is loaded is checked once: see `_cipher`
}  # nothing from the user's home gets in


@contextmanager
def in_memory() -> Iterator[duckdb.DuckDBPyConnection]:
    """A bare in-memory connection, closed at the end."""
    connection = duckdb.connect(":memory:", config=CONNECT)
    try:
        yield connection
    finally:
        connection.close()


def configure(connection: duckdb.DuckDBPyConnection, settings: Settings, parquet_key: bytes | None = None) -> duckdb.DuckDBPyConnection:
    """Set memory, spill and key of `connection` and return it. As connect arguments some of these are ignored.

    Each connection spills into a folder of its own, which the engine creates when it needs it and removes at the end: two that share one
    read each other's blocks. Spilled rows are encrypted, so every connection needs the cipher, with or without a key for files.
    """
    connection.load_extension(str(_cipher()))
    connection.execute("SET allow_unsigned_extensions = false")  # no other extension: this cannot be set back
    connection.execute("SET memory_limit = ?", [settings.memory_limit])
    use_threads(connection, settings.threads)
    connection.execute("SET temp_directory = ?", [str(_spill_of(settings.home) / uuid.uuid4().hex)])
    connection.execute("SET max_temp_directory_size = '50GB'")
    connection.execute("SET temp_file_encryption = true")  # spilled rows hold names
    connection.execute("SET preserve_insertion_order = true")
    connection.execute("SET enable_progress_bar = false")
    if parquet_key is not None:
        add_key(connection, "das", parquet_key)
    return connection


def use_threads(connection: duckdb.DuckDBPyConnection, threads: int) -> None:
    """Run what follows on so many threads. One is best for many queries of a few rows: with two, they cost a fifth more."""
    connection.execute("SET threads = ?", [threads])


def _spill_of(home: Path) -> Path:
    """The folder of this process for what it spills. Its lock is held until the process ends, so that what a killed one left can go."""
    mine = (home, os.getpid())
    if mine not in _spills or not _spills[mine].is_dir():
        (home / SPILL).mkdir(mode=0o700, parents=True, exist_ok=True)
        with using(home / SPILL):  # whoever removes what is left is `alone` there
            folder = home / SPILL / uuid.uuid4().hex
            folder.mkdir(mode=0o700)
            fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_EX)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _spills[mine] = folder
    return _spills[mine]


def add_key(connection: duckdb.DuckDBPyConnection, name: str, key: bytes) -> None:
    """Let `connection` read and write Parquet files that are encrypted with `key`."""
    # A PRAGMA cannot be bound, so the key is in this statement's text: such a connection never gets a query log.
    connection.execute(f"PRAGMA add_parquet_key('{identifier(name)}', '{base64.b64encode(key).decode()}')")


@cache
def _cipher() -> Path:
    """The extension that lets DuckDB write encrypted Parquet, from its wheel: no download at run time.

    Its signature is checked here, once in each process: that takes 50 ms, and a run opens a connection for every table.
    """
    import duckdb_extension_httpfs

    folder = Path(duckdb_extension_httpfs.__file__).parent / "extensions" / f"v{duckdb.__version__}"
    found = folder / "httpfs.duckdb_extension"
    if not found.exists():
        raise ConfigurationError(
            f"The wheel duckdb-extension-httpfs has no extension for DuckDB {duckdb.__version__}: install the same version."
        )
    check_signature(found)
    return found


def check_signature(extension: Path) -> None:
    """Raise duckdb.Error when DuckDB did not sign the extension."""
    with duckdb.connect(":memory:", config=CONNECT | {"allow_unsigned_extensions": "false"}) as connection:
        connection.load_extension(str(extension))


@contextmanager
def errors_of_engine(table: str) -> Iterator[None]:
    """Raise errors of the engine, and of a full disk, as ours about making `table`: their own text may hold a value of a person."""
    try:
        yield
    except (duckdb.Error, OSError) as error:
        if os.strerror(errno.ENOSPC) in str(error) or (isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}):
            raise NoRoom(
                f"{table} could not be written: the disk is full. Its live version is intact, and what was half written is removed. "
                "Make room, or move DAS_HOME to a larger disk, and run again."
            ) from None
        if isinstance(error, OSError):
            raise
        fix = (
            "Set DAS_MEMORY_LIMIT higher, or make room on the disk, and run again."
            if isinstance(error, (duckdb.OutOfMemoryException, duckdb.IOException))
            else "This is a fault of the pipeline, not of the partner: report it with the name of the table or the delivery."
        )
        raise DasError(f"{table}: the engine stopped with {type(error).__name__}. {fix}") from None


def identifier(name: str) -> str:
    """`name` when it may stand in SQL text as it is; identifiers come from the jurisdiction's files only."""
    if not _IDENTIFIER.match(name):
        raise ConfigurationError(f"{name!r} is no identifier: use lower case letters, digits and _.")
    return name


@cache
def sql(package: str, name: str) -> str:
    """The text of the SQL file `name` beside the stage `package` (its `__package__`)."""
    return (importlib.resources.files(package) / name).read_text(encoding="utf-8")


def parquet(files: Iterable[Path]) -> str:
    """A `read_parquet(…)` expression over `files`, in the order given. Encrypted ones need a connection with the key."""
    paths = list(files)
    if not paths:
        raise DasError("read_parquet needs at least one file.")
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{listed}]{', ' + ENCRYPTED if is_encrypted(paths[0]) else ''})"


def read_table(connection: duckdb.DuckDBPyConnection, path: Path) -> pa.Table:
    """The rows of a Parquet file in their order, encrypted or not."""
    return connection.execute(f"SELECT * FROM {parquet([path])}").to_arrow_table()


def create_table(connection: duckdb.DuckDBPyConnection, name: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    """Create a temporary table of `rows`, with `columns` as SQL declares them."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {identifier(name)} ({columns})")
    if listed := list(rows):  # all at once: executemany plans a statement for every row
        connection.register("rows_of_table", pa.table({str(i): column for i, column in enumerate(zip(*listed, strict=True))}))
        connection.execute(f"INSERT INTO {name} SELECT * FROM rows_of_table")
        connection.unregister("rows_of_table")


def write_parquet(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    path: Path,
    *,
    order_by: str,
    encrypted: bool = False,
    parameters: dict[str, Any] | None = None,
) -> int:
    """Write the rows of `query` to `path` and return their number.

    `order_by` is a total order: without it the bytes differ by thread count. What lies in the identifying or the confidential zone is
    written `encrypted`, on a connection with the key.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    options = OPTIONS
    if encrypted:
        options += ", ENCRYPTION_CONFIG {footer_key: 'das'}"
    target = str(path).replace("'", "''")
    statement = f"COPY ({query}\nORDER BY {order_by}) TO '{target}' ({options})"
    rows = connection.execute(statement, parameters or {}).fetchall()
    return int(rows[0][0])


def scalar(connection: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, Any] | list[Any] | None = None) -> Any:
    """The single value of `query`."""
    return connection.execute(query, parameters or {}).fetchall()[0][0]
