"""What is written in any form is read back as it was, by the intake and by libraries that have nothing to do with this project."""

from __future__ import annotations

import gzip
import hashlib
import json
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import polars
import pyarrow as pa
import pytest

from das_pipeline.deliveries.checking import header_of, rows_query
from das_pipeline.deliveries.contract import Contract
from das_pipeline.deliveries.reading import Lines
from das_pipeline.errors import ConfigurationError
from das_pipeline.privacy import register_keyed_macro
from simulation.deliveries import render, workbook
from simulation.deliveries.layout import Layout, Texts, file_name, first_line, layout
from simulation.deliveries.lines import BARE_DELIMITER, BROKEN_BYTE
from simulation.draws import compute
from tests.deliveries.conftest import LIMIT

DAY = date(2024, 6, 30)
CSV = {"kind": "csv", "header": True}
FORMS: dict[str, dict[str, Any]] = {
    "csv": CSV,
    "csv of windows-1252": {**CSV, "encoding": "windows-1252", "decimal": ","},
    "csv with a mark": {**CSV, "encoding": "utf-8-sig"},
    "tsv of utf-16 in zip": {**CSV, "encoding": "utf-16", "delimiter": "\t", "compression": "zip"},
    "csv in gzip": {**CSV, "compression": "gzip"},
    "fixed": {"kind": "fixed"},
    "fixed of utf-16": {"kind": "fixed", "encoding": "utf-16"},
    "jsonl": {"kind": "jsonl"},
    "jsonl in zip": {"kind": "jsonl", "compression": "zip"},
    "xml": {"kind": "xml", "record": "case", "root": "cases"},
    "xml of iso-8859-1 in gzip": {"kind": "xml", "record": "case", "root": "cases", "encoding": "iso-8859-1", "compression": "gzip"},
    "parquet": {"kind": "parquet"},
    "xlsx": {"kind": "xlsx"},
}
ROWS: list[dict[str, Any]] = [
    {"no": "A0001", "name": "Ramírez", "fine": "12.50", "days": "3", "on": "2024-01-31", "held": "true"},
    {"no": "A0002", "name": 'Cleo "C"; jr', "fine": None, "days": None, "on": None, "held": None},
    {"no": "00003", "name": "<R&B>\\ Ltd", "fine": "-0.05", "days": "-14", "on": "2023-02-28", "held": "false"},
    {"no": "A0004", "name": "Øre", "fine": "123456789.00", "days": "0", "on": "1968-03-01", "held": "true"},
]


def contract(form: dict[str, Any], **change: Any) -> Contract:
    def column(name: str, type: str, at: tuple[int, int], **more: Any) -> dict[str, Any]:
        place = {"at": at} if form["kind"] == "fixed" else {}
        return {"name": name, "type": type, "description": {"nl": name, "en": name}, **place, **more}

    path = {"path": "who/name"} if form["kind"] in ("jsonl", "xml") else {"path": "full name"}
    return Contract.model_validate(
        {
            "partner": "court",
            "file": "cases",
            "version": "1.0.0",
            "title": {"nl": "x", "en": "x"},
            "description": {"nl": "x", "en": "x"},
            "owner": "x",
            "purpose": "x",
            "unit": "case",
            "unit_key": ["no"],
            "temporality": "flow",
            "delivery": {"mode": "snapshot", "complete_for": "all"},
            "format": form,
            "columns": [
                column("no", "text", (1, 5), required=True, privacy="direct"),
                column("name", "text", (6, 20), **({} if form["kind"] == "fixed" else path)),
                column("fine", "decimal", (26, 12)),
                column("days", "integer", (40, 4)),
                column("on", "date", (44, 10), formats=["yyyy-mm-dd"]),
                column("held", "boolean", (54, 5)),
                column("later", "text", (59, 1), since="2025-01-01"),
            ],
            **change,
        }
    )


def texts(of: Contract, rows: list[dict[str, Any]]) -> Texts:
    columns = {c.name: pa.array([row.get(c.name) for row in rows], pa.string()) for c in of.columns}
    if of.format.decimal == ",":
        columns["fine"] = compute.replace_substring(columns["fine"], ".", ",")
    return columns


def write(of: Contract, blocks: list[list[dict[str, Any]]], folder: Path, form: Layout | None = None) -> tuple[Path, render.Written]:
    form = form or layout(of, DAY)
    parts = []
    for number, rows in enumerate(blocks):
        parts.append(folder / f"{number}.part")
        render.write_part(of, texts(of, rows), parts[-1], form)
    target = folder / file_name(of)
    return target, render.assemble(of, parts, target, form)


def read(of: Contract, path: Path) -> tuple[list[dict[str, Any]], Lines]:
    """The rows of a file as the intake sees them, with their faults."""
    lines = Lines(iter([path.read_bytes()]), of.format, LIMIT)
    header = header_of(of, lines.names, DAY)
    assert (header.missing, header.unknown) == ((), 0)
    with duckdb.connect() as connection:
        register_keyed_macro(connection, b"k" * 32)
        connection.register("lines", lines.reader())
        query = f"SELECT * FROM ({rows_query(of, header, {'cases': 'case'}, DAY, 'lines')}) ORDER BY line_no"
        return connection.execute(query, {"header_line": lines.header_line}).to_arrow_table().to_pylist(), lines


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_is_written_is_read_back(form: dict[str, Any], tmp_path: Path) -> None:
    of = contract(form)
    path, written = write(of, [ROWS[:3], [], ROWS[3:]], tmp_path)
    rows, lines = read(of, path)
    assert [row["faults"] for row in rows] == [[]] * len(ROWS)
    said = [{**row, "fine": None if row["fine"] is None else str(row["fine"])} for row in rows]
    assert [(r["no"], r["name"], r["fine"], r["days"], r["on"] and str(r["on"]), r["held"]) for r in said] == [
        (r["no"], r["name"], r["fine"], r["days"] and int(r["days"]), r["on"], {"true": True, "false": False}.get(r["held"])) for r in ROWS
    ]
    assert [row["line_no"] for row in rows] == [first_line(of) + n for n in range(len(ROWS))]
    assert (written.lines, written.bytes) == (lines.count, path.stat().st_size)
    assert written.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_bytes_depend_on_the_rows_alone(form: dict[str, Any], tmp_path: Path) -> None:
    of = contract(form)
    written = []
    for name, blocks in (("a", [ROWS[:2], ROWS[2:]]), ("b", [ROWS[:2], ROWS[2:]])):
        (tmp_path / name).mkdir()
        written.append(write(of, blocks, tmp_path / name)[1])
    assert written[0] == written[1]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_file_without_rows_has_its_columns(form: dict[str, Any], tmp_path: Path) -> None:
    of = contract(form)
    path, written = write(of, [[], []], tmp_path)
    lines = Lines(iter([path.read_bytes()]), of.format, LIMIT)
    assert [row for batch in lines.reader() for row in batch.to_pylist()] == []
    assert (lines.count, lines.problem) == (written.lines, None)
    if of.format.kind in ("csv", "parquet", "xlsx"):
        assert lines.names == ("no", "full name", "fine", "days", "on", "held")


def test_excel_is_read_by_another_library(tmp_path: Path) -> None:
    path, _ = write(contract(FORMS["xlsx"]), [ROWS[:1], ROWS[1:]], tmp_path)
    book = openpyxl.load_workbook(path)
    (sheet,) = book.worksheets
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[:3] == [
        ("no", "full name", "fine", "days", "on", "held"),
        ("A0001", "Ramírez", 12.5, 3, datetime(2024, 1, 31), "true"),
        ("A0002", 'Cleo "C"; jr', None, None, None, None),
    ]
    assert rows[3][:2] == ("00003", "<R&B>\\ Ltd")  # a text of digits keeps its zeros
    assert book.properties.title == "is_simulated"


def test_parquet_is_read_by_another_library(tmp_path: Path) -> None:
    path, _ = write(contract(FORMS["parquet"]), [ROWS[:1], ROWS[1:]], tmp_path)
    frame = polars.read_parquet(path)
    assert dict(zip(frame.columns, map(str, frame.dtypes), strict=True)) == {
        "no": "String",
        "full name": "String",
        "fine": "Decimal(precision=14, scale=2)",
        "days": "Int64",
        "on": "Date",
        "held": "Boolean",
    }
    assert frame["days"].to_list() == [3, None, -14, 0]
    assert pa.parquet.read_schema(path).metadata[b"is_simulated"] == b"true"


def test_packed_files_are_read_by_other_tools(tmp_path: Path) -> None:
    path, _ = write(contract(FORMS["tsv of utf-16 in zip"]), [ROWS], tmp_path)
    with zipfile.ZipFile(path) as archive:
        (member,) = archive.namelist()
        assert (path.name, member) == ("cases.simulated.csv.zip", "cases.simulated.csv")
        text = archive.read(member).decode("utf-16")
    assert text.splitlines()[:2] == ["no\tfull name\tfine\tdays\ton\theld", "A0001\tRamírez\t12.50\t3\t2024-01-31\ttrue"]
    path, _ = write(contract(FORMS["csv in gzip"]), [ROWS], tmp_path)
    assert gzip.decompress(path.read_bytes()).decode().startswith("no;full name;fine")


def test_a_value_that_does_not_fit_makes_a_parquet_column_text(tmp_path: Path) -> None:
    """As a writer that infers types does it; the other columns keep theirs, and one row is wrong."""
    of = contract(FORMS["parquet"])
    path, _ = write(of, [ROWS[:2], [{**ROWS[2], "on": "2024-02-30"}, ROWS[3]]], tmp_path)
    assert polars.read_parquet(path)["on"].to_list() == ["2024-01-31", None, "2024-02-30", "1968-03-01"]
    rows, _ = read(of, path)
    assert [row["faults"] for row in rows] == [[], [], ["K06 on"], []]
    assert str(rows[3]["on"]) == "1968-03-01"


def test_a_value_that_does_not_fit_makes_an_excel_cell_text(tmp_path: Path) -> None:
    of = contract(FORMS["xlsx"])
    path, _ = write(of, [[{**ROWS[0], "on": "2024-02-30", "fine": "12,50"}, ROWS[2]]], tmp_path)
    rows, _ = read(of, path)
    assert [row["faults"] for row in rows] == [["K06 fine", "K06 on"], []]


def test_nested_names_of_json_and_xml_are_written_as_such(tmp_path: Path) -> None:
    path, _ = write(contract(FORMS["jsonl"]), [ROWS[:1]], tmp_path)
    record = json.loads(path.read_text(encoding="utf-8"))
    assert record == {"no": "A0001", "who": {"name": "Ramírez"}, "fine": 12.5, "days": 3, "on": "2024-01-31", "held": "true"}
    path, _ = write(contract(FORMS["xml"]), [[{"no": "A1"}, ROWS[0]]], tmp_path)
    first, second = path.read_text(encoding="utf-8").splitlines()[2:4]
    assert (first, "<who><name>Ramírez</name></who>" in second) == ("  <case><no>A1</no></case>", True)


def test_a_header_in_the_midst_is_no_row(tmp_path: Path) -> None:
    """Two files put together: csv and Excel."""
    for kind in ("csv", "xlsx"):
        of = contract(FORMS[kind])
        form = layout(of, DAY)
        render.write_part(of, texts(of, ROWS), tmp_path / "part", form, headers=[2])
        written = render.assemble(of, [tmp_path / "part"], tmp_path / "whole", form)
        rows, lines = read(of, tmp_path / "whole")
        assert [row["faults"] for row in rows] == [[], [], ["I05 "], [], []]
        assert written.lines == lines.count == len(ROWS) + 2


def test_a_byte_that_is_no_letter_and_a_bare_delimiter_are_written_as_such(tmp_path: Path) -> None:
    for kind in ("csv", "csv of windows-1252", "tsv of utf-16 in zip"):
        of = contract(FORMS[kind])
        broken = [{**ROWS[0], "name": f"Ram{BROKEN_BYTE}rez"}, {**ROWS[0], "name": f"Ra{BARE_DELIMITER}mon"}, ROWS[3]]
        path, _ = write(of, [broken], tmp_path)
        rows, _ = read(of, path)
        assert [row["faults"] for row in rows] == [["I03 "], ["I05 "], []], kind


def test_a_sheet_takes_no_more_rows_than_excel_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "_MOST_ROWS", 4)
    with pytest.raises(ConfigurationError, match="court/cases has 4 rows"):
        write(contract(FORMS["xlsx"]), [ROWS], tmp_path)
