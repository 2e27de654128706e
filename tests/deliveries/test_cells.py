"""Parquet and Excel as partners write them: values of every type become texts, and what cannot be told apart is refused."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from das_pipeline.deliveries.contract import Format
from das_pipeline.deliveries.reading import Lines
from das_pipeline.policy import FileSize
from tests.deliveries.conftest import LIMIT

PARQUET, EXCEL = Format(kind="parquet"), Format(kind="xlsx")
Rows = list[tuple[int, dict[str, Any], str | None]]


def read(content: bytes, format: Format, limit: FileSize = LIMIT) -> tuple[Rows, Lines]:
    lines = Lines(iter([content[: len(content) // 2], content[len(content) // 2 :]]), format, limit)
    rows = [(r["line_no"], json.loads(r["line"]), r["fault"]) for batch in lines.reader() for r in batch.to_pylist()]
    return rows, lines


def parquet(table: pa.Table, **how: Any) -> bytes:
    whole = io.BytesIO()
    pq.write_table(table, whole, **how)
    return whole.getvalue()


def excel(fill: Callable[[openpyxl.Workbook], None]) -> bytes:
    book = openpyxl.Workbook()
    fill(book)
    whole = io.BytesIO()
    book.save(whole)
    return whole.getvalue()


def sheet(*rows: list[Any]) -> bytes:
    return excel(lambda book: [book.worksheets[0].append(row) for row in rows] and None)


VALUES = [
    (pa.array(["é", None, 'a "b" \\ \n\t', ""]), ["é", None, 'a "b" \\ \n\t', ""]),
    (pa.array(["x", None, "y", "x"]).dictionary_encode(), ["x", None, "y", "x"]),
    (pa.array(["x", None, "y", "x"], pa.large_string()), ["x", None, "y", "x"]),
    (pa.DictionaryArray.from_arrays(pa.array([0, None, 1, 0], pa.uint32()), ["x", "y"]), ["x", None, "y", "x"]),  # as polars writes them
    (pa.array([1, None, -3, 2**62]), ["1", None, "-3", str(2**62)]),
    (pa.array([1.0, None, 12.5, -0.25]), ["1", None, "12.5", "-0.25"]),  # whole numbers with gaps become floats in other tools
    (pa.array([Decimal("1.5000"), None, Decimal("-12.0000"), Decimal("100.0500")], pa.decimal128(12, 4)), ["1.5", None, "-12", "100.05"]),
    (pa.array([Decimal("100"), None, Decimal("0"), Decimal("-20")], pa.decimal128(9, 0)), ["100", None, "0", "-20"]),
    (pa.array([True, None, False, True]), ["true", None, "false", "true"]),
    (pa.array([date(2024, 1, 31), None, date(1899, 1, 1), date(2024, 2, 29)]), ["2024-01-31", None, "1899-01-01", "2024-02-29"]),
    (
        pa.array([datetime(2024, 1, 31), None, datetime(2024, 1, 31, 7, 8, 9), datetime(1969, 12, 31)], pa.timestamp("ns")),
        ["2024-01-31", None, "2024-01-31 07:08:09", "1969-12-31"],
    ),
    (
        pa.array([datetime(1965, 3, 4, 23, 59, 59, 999_999), None, datetime(1965, 3, 4), datetime(9999, 12, 31)], pa.timestamp("us")),
        ["1965-03-04 23:59:59", None, "1965-03-04", "9999-12-31"],
    ),
    (pa.array([datetime(2024, 7, 1, tzinfo=UTC)] * 4, pa.timestamp("us", "Europe/Amsterdam")), ["2024-07-01 02:00:00"] * 4),
    (pa.nulls(4), [None] * 4),
]


@pytest.mark.parametrize(("column", "texts"), VALUES, ids=[str(column.type) for column, _ in VALUES])
def test_values_of_parquet_become_texts(column: pa.Array, texts: list[str | None]) -> None:
    rows, lines = read(parquet(pa.table({"no": pa.array(range(4)), "v x": column})), PARQUET)
    assert [(n, row["v x"], fault) for n, row, fault in rows] == [(n, text, None) for n, text in enumerate(texts, start=1)]
    assert (lines.names, lines.count, lines.rows, lines.is_whole, lines.problem) == (("no", "v x"), 4, 4, True, None)


def test_text_of_parquet_that_is_not_utf_8_says_so() -> None:
    raw = pa.array([b"ok", b"Ram\xedrez", None, b"a\0b", b"ok"], pa.binary()).view(pa.string())
    rows, _ = read(parquet(pa.table({"name": raw})), PARQUET)
    assert [fault for _, _, fault in rows] == [None, "I03", None, "I03", None]
    assert [row["name"] for _, row, _ in rows][:3] == ["ok", "Ram�rez", None]


def test_rows_of_parquet_are_numbered_over_its_groups() -> None:
    rows, lines = read(parquet(pa.table({"no": pa.array(range(40_000))}), row_group_size=7_000), PARQUET)
    assert [(n, row["no"]) for n, row, _ in rows] == [(n + 1, str(n)) for n in range(40_000)]
    assert lines.count == 40_000


NO_PARQUET = {
    "other bytes": (b"no;name\n1;Ada\n", "is not a Parquet file"),
    "cut off": (parquet(pa.table({"no": pa.array(range(1000))}))[:-9], "is not a Parquet file"),
    "nothing": (b"", "is not a Parquet file"),
    "a name that is no text": (parquet(pa.table({"unusual": pa.array([1])})).replace(b"unusual", b"\xffnusual"), "is not a Parquet file"),
    "lists": (parquet(pa.table({"no": pa.array([[1, 2]])})), "more than one value a row"),
    "one name twice": (parquet(pa.table([pa.array([1]), pa.array([2])], ["no", "no"])), "two columns of one name"),
}


@pytest.mark.parametrize(("content", "said"), NO_PARQUET.values(), ids=NO_PARQUET)
def test_what_is_no_table_of_parquet_is_refused(content: bytes, said: str) -> None:
    rows, lines = read(content, PARQUET)
    assert (rows, said in str(lines.problem)) == ([], True)


def test_parquet_with_a_damaged_page_is_refused() -> None:
    table = pa.table({"no": pa.array([f"{n * 7919}" for n in range(9000)])})
    content = bytearray(parquet(table, use_dictionary=False))
    content[400:460] = bytes(60)
    _, lines = read(bytes(content), PARQUET)
    assert "is damaged" in str(lines.problem)


def test_cells_of_excel_become_texts() -> None:
    moment = datetime(2024, 1, 31, 7, 8)
    values = ["007", 7, 0.1 + 0.2, 123456789.25, True, date(2024, 1, 31), moment, time(3, 4), "a\nb"]
    rows, lines = read(sheet(["no", "v"], *([n, v] for n, v in enumerate(values))), EXCEL)
    assert [row["v"] for _, row, _ in rows] == [
        "007",
        "7",
        "0.3",
        "123456789.25",
        "true",
        "2024-01-31",
        "2024-01-31 07:08:00",
        "03:04:00",
        "a\nb",
    ]
    assert [n for n, _, _ in rows] == list(range(2, 11))
    assert (lines.names, lines.count, lines.rows) == (("no", "v"), 10, 9)


def test_a_table_may_stand_anywhere_on_its_sheet() -> None:
    def fill(book: openpyxl.Workbook) -> None:
        for place, value in {"B3": "no", "C3": "name", "B4": 1, "C4": "Ada", "B6": 2, "C6": "Ben"}.items():
            book.worksheets[0][place] = value

    rows, lines = read(excel(fill), EXCEL)
    assert rows == [(4, {"no": "1", "name": "Ada"}, None), (5, {"no": None, "name": None}, "I05"), (6, {"no": "2", "name": "Ben"}, None)]
    assert lines.count == 4


def test_a_row_with_an_error_in_a_cell_is_not_read_as_empty() -> None:
    def fill(book: openpyxl.Workbook) -> None:
        for row in (["no", "v"], [1, "a"], [2, "#REF!"], [3, None]):
            book.worksheets[0].append(row)

    rows, _ = read(excel(fill), EXCEL)
    assert [fault for _, _, fault in rows] == [None, "I05", None]


def test_hidden_and_empty_sheets_do_not_count() -> None:
    def fill(book: openpyxl.Workbook) -> None:
        book.create_sheet("lists").append(["a"])
        book["lists"].sheet_state = "hidden"
        book.create_sheet("empty")
        book.worksheets[0].append(["no"])
        book.worksheets[0].append([1])

    rows, lines = read(excel(fill), EXCEL)
    assert (rows, lines.problem) == ([(2, {"no": "1"}, None)], None)


def two_sheets(book: openpyxl.Workbook) -> None:
    book.worksheets[0].append(["no"])
    book.create_sheet("notes").append(["see there"])


def errors_in_two_sheets(book: openpyxl.Workbook) -> None:
    book.worksheets[0].append(["#N/A"])
    book.create_sheet("empty")


def far_away(book: openpyxl.Workbook) -> None:
    book.worksheets[0].append(["no"])
    book.worksheets[0]["ZZ900000"] = 1


def one_name_twice(book: openpyxl.Workbook) -> None:
    book.worksheets[0].append(["no", "no"])


def without_workbook() -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("reports.csv", "no")
    return whole.getvalue()


NO_EXCEL = {
    "two sheets": (excel(two_sheets), "has 2 sheets"),
    "errors in two sheets": (excel(errors_in_two_sheets), "more than one sheet"),
    "a cell far away": (excel(far_away), "far outside its table"),
    "one name twice": (excel(one_name_twice), "two columns of one name"),
    "other bytes": (b"no;name\n", "is not an Excel file"),
    "nothing": (b"", "is not an Excel file"),
    "another zip": (without_workbook(), "is not an Excel file"),
    "a protected workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "protected with a password"),
    "cut off": (sheet(["no"], [1])[:-40], "is not an Excel file"),
}


@pytest.mark.parametrize(("content", "said"), NO_EXCEL.values(), ids=NO_EXCEL)
def test_what_is_no_single_table_of_excel_is_refused(content: bytes, said: str) -> None:
    rows, lines = read(content, EXCEL)
    assert (rows, said in str(lines.problem)) == ([], True)


def test_a_workbook_that_swells_beyond_reason_is_refused() -> None:
    whole = io.BytesIO(sheet(["no"], [1]))
    with zipfile.ZipFile(whole, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.png", bytes(40 << 20))
    _, lines = read(whole.getvalue(), EXCEL, LIMIT.model_copy(update={"always_mib": 1}))
    assert "unpacks to more than 200 times its size" in str(lines.problem)


def test_a_workbook_without_cells_is_refused_for_that_reason() -> None:
    rows, lines = read(excel(lambda book: None), EXCEL)
    assert (rows, "has no sheet with something in it that is shown" in str(lines.problem)) == ([], True)
