"""A toy jurisdiction that a test may spoil, and record versions written down in the test itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from das_pipeline import engine
from das_pipeline.gate import Verdict
from das_pipeline.run import Run
from das_pipeline.settings import Settings
from das_pipeline.terminology import mapped_records

COLUMNS = ("sex", "offence", "ward", "committed_on")


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    """A copy of the toy jurisdiction."""
    return Path(shutil.copytree(settings.jurisdiction, tmp_path / "jurisdiction"))


@pytest.fixture
def plant(folder: Path) -> Callable[[str, str, str], None]:
    """Replace a text that occurs once in a file of the copy."""

    def replaced(file: str, old: str, new: str) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {file}"
        (folder / file).write_text(text.replace(old, new), encoding="utf-8")

    return replaced


@pytest.fixture
def begin(settings: Settings, folder: Path) -> Callable[..., Run]:
    """A run on the copy."""
    return lambda threads=2: Run.start(replace(settings, jurisdiction=folder, threads=threads), date(2024, 3, 31))


Row = tuple[str | None, str | None, str | None, str | None]


@pytest.fixture
def deliver(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[Row]], None]:
    """Let the watch's reports be these rows: sex, offence, ward, committed_on; record 1, 2, …, known from 1 February 2024."""

    def delivered(rows: Sequence[Row]) -> None:
        def register(run: Run, connection: duckdb.DuckDBPyConnection, partner: str, file: str) -> str:
            view = engine.identifier(f"delivered_{partner}_{file}")
            texts = pa.table(
                {name: [row[n] for row in rows] for n, name in enumerate(COLUMNS)}, schema=pa.schema([(c, "string") for c in COLUMNS])
            )
            connection.register("rows", texts)
            connection.execute(
                f"""
                CREATE OR REPLACE TEMP TABLE {view} AS
                SELECT ROW_NUMBER() OVER () AS record_no, '' AS sub, DATE '2024-02-01' AS known_from, DATE '9999-12-31' AS known_until,
                    true AS is_only, '2024-01-31.1' AS delivery, ROW_NUMBER() OVER () + 1 AS line_no,
                    * REPLACE (CAST(committed_on AS DATE) AS committed_on)
                FROM rows
                """
            )
            return view

        monkeypatch.setattr(mapped_records, "partners_in", lambda run: ["watch"])
        monkeypatch.setattr(mapped_records, "register_records", register)
        complete = Verdict("I10", passed=True, sentence="Every partner has delivered in time.")
        monkeypatch.setattr(mapped_records, "judge_completeness", lambda run: complete)

    return delivered
