"""The same delivery in another form makes the same records; a file that is not in its form is refused with a reason."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from das_pipeline import engine
from das_pipeline.privacy import find_canaries
from das_pipeline.settings import Settings
from tests.conftest import TOY
from tests.deliveries.conftest import DAY, Desk, report
from tests.toy_deliveries import DAYS, NAMES, WATCH, WATCH_HEADER, watch_csv

WRONG = report("R0099", offence="10", reported="2030-01-01")  # a date in the future
HISTORY = [*WATCH[DAYS[0]], WRONG]


def fields(lines: list[str]) -> list[list[str]]:
    return list(csv.reader([WATCH_HEADER, *lines]))


def as_excel(lines: list[str]) -> bytes:
    book = openpyxl.Workbook()
    for row in fields(lines):
        book.worksheets[0].append([text or None for text in row])
    for row in book.worksheets[0].iter_rows(min_row=2):
        for cell in row:
            text = str(cell.value or "")
            if len(text) == 10 and text[4:8:3] == "--":
                cell.value = date.fromisoformat(text)
            elif text.replace(".", "").isdigit():
                cell.value = float(text)
    whole = io.BytesIO()
    book.save(whole)
    return whole.getvalue()


def as_parquet(lines: list[str]) -> bytes:
    names, *rows = fields(lines)
    columns: dict[str, pa.Array] = {n: pa.array([t or None for t in c]) for n, c in zip(names, zip(*rows, strict=True), strict=True)}
    columns["born_on"] = columns["born_on"].cast(pa.date32())
    columns["damage"] = pa.array([None if t is None else Decimal(t) for t in columns["damage"].to_pylist()], pa.decimal128(10, 3))
    whole = io.BytesIO()
    pq.write_table(pa.table(columns), whole)
    return whole.getvalue()


def as_zip(content: bytes, *names: str) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return whole.getvalue()


CSV = {"kind": "csv", "delimiter": ",", "header": True}
FORMS: dict[str, tuple[dict[str, Any], Callable[[list[str]], bytes]]] = {
    "xlsx": ({"kind": "xlsx"}, as_excel),
    "parquet": ({"kind": "parquet"}, as_parquet),
    "zip": ({**CSV, "compression": "zip"}, lambda lines: as_zip(watch_csv(lines), "reports.csv")),
    "gzip": ({**CSV, "compression": "gzip"}, lambda lines: gzip.compress(watch_csv(lines))),
    "utf-16": ({**CSV, "encoding": "utf-16"}, lambda lines: watch_csv(lines).decode().encode("utf-16")),
}


@pytest.fixture
def desk_for(settings: Settings, tmp_path: Path) -> Callable[[dict[str, Any]], Desk]:
    """A desk where watch/reports has this form."""

    def make(form: dict[str, Any]) -> Desk:
        folder = tmp_path / "toy"
        shutil.copytree(TOY, folder)
        path = folder / "contracts" / "watch" / "reports.yaml"
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text(encoding="utf-8")), "format": form}), encoding="utf-8")
        return Desk(replace(settings, jurisdiction=folder))

    return make


def send(desk: Desk, content: bytes, lines: int) -> None:
    """A delivery whose manifest is right about it: the toy sender counts physical lines."""
    folder = desk.send(content)
    manifest = folder / "manifest.json"
    said = json.loads(manifest.read_text(encoding="utf-8"))
    said["files"][0].update(lines=lines, sums={})
    manifest.write_text(json.dumps(said), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(("form", "write"), FORMS.values(), ids=FORMS)
def test_a_delivery_in_another_form_makes_the_same_records(
    form: dict[str, Any], write: Callable[[list[str]], bytes], desk: Desk, desk_for: Callable[[dict[str, Any]], Desk]
) -> None:
    desk.send(HISTORY)
    expected = desk.take_in()
    other = desk_for(form)
    other.settings = replace(other.settings, home=other.settings.home.parent / "other")
    first_row = 1 if form["kind"] == "parquet" else 2
    send(other, write(HISTORY), len(HISTORY) + first_row - 1)
    made = other.take_in()
    for half in ("content", "direct"):
        rows = other.records(half=half)
        assert [{**r, "line_no": r["line_no"] + 2 - first_row} for r in rows] == desk.records(half=half)
    assert made.facts["account"] == expected.facts["account"] == {"reports": {"read": 13, "accepted": 11, "quarantined": 1}}
    with other.run.connect(identifying=True) as connection:
        path = made.path(f"quarantine/reports/{DAY}.1.parquet")
        found = connection.execute(f"SELECT line_no, rule, raw FROM {engine.parquet([path])}").fetchall()
    assert [(line_no, rule, "R0099" in raw) for line_no, rule, raw in found] == [(first_row + 12, "K08", True)]


@pytest.mark.parametrize(("form", "write"), FORMS.values(), ids=FORMS)
def test_nothing_is_unpacked_to_the_disk(
    form: dict[str, Any],
    write: Callable[[list[str]], bytes],
    desk_for: Callable[[dict[str, Any]], Desk],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    desk = desk_for(form)
    send(desk, write(HISTORY), len(HISTORY) + (form["kind"] != "parquet"))
    desk.take_in()
    assert list((tmp_path / "temporary").iterdir()) == []
    assert find_canaries(NAMES, [desk.settings.home]) == []


REFUSED = {
    "two files in a zip": ("zip", as_zip(b"x", "a.csv", "b.csv"), "I03", "reports holds 2 files: a zip file holds one."),
    "csv for Excel": ("xlsx", watch_csv(HISTORY), "I03", "reports is not an Excel file"),
    "csv for Parquet": ("parquet", watch_csv(HISTORY), "I03", "reports is not a Parquet file"),
    "a torn gzip file": ("gzip", gzip.compress(watch_csv(HISTORY))[:-12], "I05", "reports is cut off"),
    "utf-8 for utf-16": ("utf-16", watch_csv(HISTORY), "I03", "reports has no byte order mark"),
}


@pytest.mark.parametrize(("form", "content", "rule", "said"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_is_not_in_its_form_is_refused(
    form: str, content: bytes, rule: str, said: str, desk_for: Callable[[dict[str, Any]], Desk]
) -> None:
    desk = desk_for(FORMS[form][0])
    send(desk, content, 1)
    refused = desk.refused()
    assert set(refused) == {rule}
    assert refused[rule].sentence.startswith(said)


@pytest.mark.parametrize("form", ["xlsx", "parquet"])
def test_a_missing_column_is_named(form: str, desk_for: Callable[[dict[str, Any]], Desk], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.deliveries.test_formats.WATCH_HEADER", WATCH_HEADER.replace("ward", "ward_2"))
    desk = desk_for(FORMS[form][0])
    send(desk, FORMS[form][1](HISTORY), 14)
    assert desk.refused()["I04"].sentence.startswith("Columns are missing: reports: ward.")
