"""Connections that run out of memory: they spill, encrypted, and not into each other's files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from das_pipeline import engine, layered
from das_pipeline.lake import Entry, Version
from das_pipeline.settings import Settings

SORT = """SELECT CAST(SUM(n) AS BIGINT), COUNT(DISTINCT hash) FROM (
    SELECT md5(CAST(i AS VARCHAR)) AS hash, row_number() OVER (ORDER BY md5(CAST(i AS VARCHAR)), i) AS n FROM range(600000) AS t(i))"""
RIGHT = [(600_000 * 600_001 // 2, 600_000)]


def sort(settings: Settings, key: bytes | None) -> list[tuple[int, int]]:
    """Sort 30 MB of text in 25 MB of memory."""
    with engine.in_memory() as connection:
        engine.configure(connection, replace(settings, memory_limit="25MB", threads=1), key)
        return connection.execute(SORT).fetchall()


@pytest.mark.slow
@pytest.mark.parametrize("key", [None, b"k" * 32], ids=["open", "confidential"])
def test_a_connection_spills_with_or_without_a_key(settings: Settings, key: bytes | None) -> None:
    assert sort(settings, key) == RIGHT
    assert list((settings.home / ".spill").glob("*/*")) == []


@pytest.mark.slow
def test_connections_that_spill_at_once_keep_apart(settings: Settings) -> None:
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda _: sort(settings, b"k" * 32), range(3))) == [RIGHT] * 3


@pytest.mark.slow
def test_a_connection_loads_the_cipher_and_no_extension_that_duckdb_did_not_sign(settings: Settings, tmp_path: Path) -> None:
    content = engine._cipher().read_bytes()
    changed = tmp_path / "changed.duckdb_extension"
    changed.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))  # the file ends with its signature
    engine.check_signature(engine._cipher())
    with pytest.raises(duckdb.Error, match="signature"):
        engine.check_signature(changed)
    with engine.in_memory() as connection:
        engine.configure(connection, settings)
        with pytest.raises(duckdb.Error, match="unsigned"):
            connection.execute("SET allow_unsigned_extensions = true")
        with pytest.raises(duckdb.Error, match="signature"):
            connection.load_extension(str(changed))


@pytest.mark.parametrize(("rows", "threads"), [(layered.FEW - 1, 1), (layered.FEW, 2)], ids=["small base", "large base"])
def test_what_was_touched_is_read_on_one_thread_unless_the_base_is_large(settings: Settings, rows: int, threads: int) -> None:
    files = {"rows.parquet": Entry("rows.parquet", "", 0, rows)}
    base = Version("chain/events", "", settings.home, files, {}, "", "", (), {})
    with engine.in_memory() as connection:
        engine.configure(connection, replace(settings, threads=2))
        layered.expect_few_rows(connection, base)
        assert engine.scalar(connection, "SELECT current_setting('threads')") == threads
