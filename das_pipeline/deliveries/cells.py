"""Parquet and Excel as the lines of a file: each row a JSON object of texts by column.

Values that have a type of their own are written in one way: days as yyyy-mm-dd, moments as yyyy-mm-dd hh:mm:ss, numbers with a point,
truth as true and false. Both formats have their directory at the end, so that the packed bytes are held in memory; rows are not.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
from python_calamine import CalamineError, SheetTypeEnum, SheetVisibleEnum, load_workbook

from das_pipeline.deliveries.unpacking import NotReadable, gathered, member_content, open_zip, require_within_limit

compute: Any = pyarrow.compute  # its functions are made on import, so that no type checker sees them
_ROWS_A_BATCH = 16_384
_DAMAGE = (pa.ArrowException, CalamineError, OSError, ValueError)  # what the libraries raise; their texts may hold values
# A formatted cell far below a table makes a sheet of millions of empty rows: of these, and some that are always allowed, so many a cell.
_PLACES_A_CELL, _PLACES_ALLOWED = 20, 10_000_000
_CELL = re.compile(rb"<c\b[^>]*>")
_PLACE = re.compile(rb'\br="([A-Z]{1,3})([0-9]{1,7})"')
_IS_ERROR = re.compile(rb"\bt=[\"']e[\"']")


@dataclass(frozen=True)
class Cells:
    """Some rows: the number of the first, their texts by column (null where there is nothing), and the rule each row breaks."""

    start: int
    columns: Sequence[pa.Array]
    faults: Sequence[str | None]


def json_lines(names: Sequence[str], columns: Sequence[pa.Array]) -> pa.Array:
    """The rows of some columns of text as JSON objects."""
    fields = [
        compute.binary_join_element_wise(f"{json.dumps(n, ensure_ascii=False)}: ", _quoted(c), "")
        for n, c in zip(names, columns, strict=True)
    ]
    return compute.binary_join_element_wise("{", compute.binary_join_element_wise(*fields, ", "), "}", "")


def _quoted(text: pa.Array) -> pa.Array:
    escaped = compute.replace_substring(compute.replace_substring(text, "\\", "\\\\"), '"', '\\"')
    is_odd = compute.fill_null(compute.match_substring_regex(text, "[\\x00-\\x1f]"), False)
    if compute.any(is_odd).as_py():
        words = [json.dumps(word, ensure_ascii=False)[1:-1] for word in text.filter(is_odd).to_pylist()]
        escaped = compute.replace_with_mask(escaped, is_odd, pa.array(words, pa.string()))
    return compute.fill_null(compute.binary_join_element_wise('"', escaped, '"', ""), "null")


def _require_distinct(names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        raise NotReadable("I03", "has two columns of one name. Ask which of them is meant.")


# -- Parquet


def parquet_cells(chunks: Iterable[bytes]) -> tuple[tuple[str, ...], Iterator[Cells]]:
    """The names of the columns of a Parquet file, and its rows, numbered from 1."""
    packed = gathered(chunks)
    try:
        file = pq.ParquetFile(pa.BufferReader(packed.getbuffer()))
        names = tuple(file.schema_arrow.names)
        unpacked = sum(file.metadata.row_group(n).total_byte_size for n in range(file.metadata.num_row_groups))
    except _DAMAGE:
        raise NotReadable("I03", "is no Parquet file, or a damaged one. Ask for it again.") from None
    require_within_limit(packed.getbuffer().nbytes, unpacked)
    _require_distinct(names)
    if any(pa.types.is_nested(field.type) for field in file.schema_arrow):
        raise NotReadable("I03", "has columns that hold more than one value a row. Ask for plain columns.")
    return names, _parquet_rows(file)


def _parquet_rows(file: pq.ParquetFile) -> Iterator[Cells]:
    start = 1
    try:
        for batch in file.iter_batches(_ROWS_A_BATCH):
            texts, faults = [], [None] * batch.num_rows
            for column in batch.columns:
                text, wrong = _as_text(column)
                texts.append(text)
                for row in wrong:
                    faults[row] = "I03"
            yield Cells(start, texts, faults)
            start += batch.num_rows
    except _DAMAGE:
        raise NotReadable("I03", "is a damaged Parquet file. Ask for it again.") from None


def _as_text(column: pa.Array) -> tuple[pa.Array, Sequence[int]]:
    """A column as text, and the rows whose value is no text in UTF-8 or has a zero byte."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _as_text(column.dictionary_decode())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return _checked(compute.cast(column, pa.binary()))
    if pa.types.is_timestamp(kind):
        local = column if kind.tz is None else compute.local_timestamp(column)  # the day is that of the clock on the wall
        moments = compute.cast(local, pa.timestamp("s"), safe=False)
        days = compute.cast(moments, pa.date32(), safe=False)
        is_day = compute.equal(compute.cast(days, pa.timestamp("s")), moments)
        return compute.if_else(is_day, compute.cast(days, pa.string()), compute.strftime(moments, "%Y-%m-%d %H:%M:%S")), ()
    text = compute.cast(column, pa.string())
    if pa.types.is_decimal(kind):  # 12.5000 is 12.5, and 12.0000 is 12
        text = compute.replace_substring_regex(text, r"(\.[0-9]*[1-9])0+$", r"\1")
        text = compute.replace_substring_regex(text, r"\.0+$", "")
    return text, ()


def _checked(column: pa.Array) -> tuple[pa.Array, Sequence[int]]:
    text = column.view(pa.string())
    try:
        text.validate(full=True)
        odd = compute.fill_null(compute.find_substring(text, "\0"), -1)
        return text, compute.indices_nonzero(compute.greater_equal(odd, 0)).to_pylist()
    except pa.ArrowInvalid:
        words: list[str | None] = []
        wrong = []
        for row, raw in enumerate(column.to_pylist()):
            word = None if raw is None else raw.decode("utf-8", errors="replace")
            words.append(word)
            if word is not None and (word.encode() != raw or "\0" in word):
                wrong.append(row)
        return pa.array(words, pa.string()), wrong


# -- Excel


def excel_cells(chunks: Iterable[bytes]) -> tuple[tuple[str, ...], Iterator[Cells]]:
    """The names in the first row of an Excel file that has something in it, and the rows below, numbered as the sheet numbers them."""
    packed = gathered(chunks)
    broken = _look_through(packed)
    try:
        with load_workbook(packed) as book:
            sheets = book.sheets_metadata
            shown = [s.name for s in sheets if s.visible == SheetVisibleEnum.Visible and s.typ == SheetTypeEnum.WorkSheet]
            filled = [sheet for sheet in map(book.get_sheet_by_name, shown) if sheet.start is not None]
    except _DAMAGE:
        raise NotReadable("I03", "is no Excel file (.xlsx), or a damaged one. Ask for it again.") from None
    if len(filled) > 1:
        raise NotReadable("I03", f"has {len(filled)} sheets with something in them: one is the table. Ask for a file with that sheet only.")
    if not filled:
        return (), iter(())
    sheet = filled[0]
    top = (sheet.start or (0, 0))[0]
    rows = (row[-sheet.width :] for row in islice(sheet.iter_rows(), top, None))  # the library gives the empty rows above the table
    names = tuple((_cell(value) or "").strip() for value in next(rows))
    _require_distinct([name for name in names if name])
    return names, _excel_rows(rows, top + 2, broken)


def _excel_rows(rows: Iterator[list[Any]], start: int, broken: set[int]) -> Iterator[Cells]:
    while batch := list(islice(rows, _ROWS_A_BATCH)):
        texts = [[_cell(value) for value in column] for column in zip(*batch, strict=True)]
        faults = ["I05" if start + n in broken or all(value == "" for value in row) else None for n, row in enumerate(batch)]
        yield Cells(start, [pa.array(text, pa.string()) for text in texts], faults)
        start += len(batch)


def _cell(value: Any) -> str | None:
    """A value of a cell as text. Excel keeps fifteen digits of a number, whatever more its file has."""
    match value:
        case "":
            return None
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"{value:.15g}"
        case datetime():
            return str(value.date()) if value.time() == time() else value.strftime("%Y-%m-%d %H:%M:%S")
        case date():
            return value.isoformat()
    return str(value)


def _look_through(packed: io.BytesIO) -> set[int]:
    """The rows with an error in a cell (#N/A): the library reads them as empty.

    NotReadable when a part is not what it says, or when a sheet would need far more memory than it has cells.
    """
    broken: set[int] = set()
    with open_zip(packed, "Excel file (.xlsx), or one that is protected with a password") as book:
        size = packed.getbuffer().nbytes
        if "xl/workbook.xml" not in book.namelist():
            raise NotReadable("I03", "is no Excel file (.xlsx). Ask for that form.")
        require_within_limit(size, sum(member.file_size for member in book.infolist()))
        sheets = 0
        for member in book.infolist():
            content = member_content(book, member, size)
            if member.filename.startswith("xl/worksheets/sheet"):
                sheets += 1
                broken |= _look_at_sheet(content)
            else:
                for _ in content:  # reading it to its end checks it
                    pass
    if broken and sheets > 1:
        raise NotReadable("I03", "has errors in cells (such as #N/A) and more than one sheet. Ask for a file with one sheet.")
    packed.seek(0)
    return broken


def _look_at_sheet(content: Iterable[bytes]) -> set[int]:
    """The rows of a sheet that have an error in a cell; NotReadable when cells lie far outside its table."""
    broken: set[int] = set()
    cells = bottom = right = 0
    rest = b""
    for chunk in content:
        rest += chunk
        end = rest.rfind(b">") + 1
        part, rest = rest[:end], rest[end:]
        for tag in _CELL.findall(part):
            cells += 1
            place = _PLACE.search(tag)
            if place is not None:
                column, row = place.groups()
                bottom, right = max(bottom, int(row)), max(right, _column_number(column))
                if _IS_ERROR.search(tag):
                    broken.add(int(row))
            elif _IS_ERROR.search(tag):
                raise NotReadable("I03", "has errors in cells (such as #N/A) that do not say where they are. Ask for it without them.")
    if bottom * right > max(_PLACES_ALLOWED, cells * _PLACES_A_CELL):
        raise NotReadable("I03", "has cells far outside its table. Ask for a sheet with the table only.")
    return broken


def _column_number(letters: bytes) -> int:
    """1 for A, 26 for Z, 27 for AA."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
