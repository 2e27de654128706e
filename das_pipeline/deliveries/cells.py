"""Parquet and Excel as the lines of a file: each row a JSON object of texts by column.

Values that have a type of their own are written one way: days as yyyy-mm-dd, moments as yyyy-mm-dd hh:mm:ss, numbers with a point,
truth as true and false. Both formats have their directory at the end, so the packed bytes are held in memory; rows are not.
"""

from __future__ import annotations

import io
import json
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
from python_calamine import CalamineError, SheetTypeEnum, SheetVisibleEnum, load_workbook

from das_pipeline.deliveries.unpacking import Growth, NotReadable, gathered, member_content, open_zip

compute: Any = pyarrow.compute  # its functions are made on import, so that no type checker sees them
_ROWS_A_BATCH = 16_384
_DAMAGE = (pa.ArrowException, CalamineError, OSError, ValueError)  # what the libraries raise; their texts may hold values
_BYTES_A_BATCH = 1 << 20
_BYTES_OF_NAMES = 2048  # as JSON every row repeats them; more than any contract has counts as text of the row
_BYTES_A_VALUE = 32  # the most that a number, a day or a moment takes as text; and what a cell takes beside its text
# A formatted cell far below a table makes a sheet of millions of empty rows: of these, and some that are always allowed, so many a cell.
_PLACES_A_CELL, _PLACES_ALLOWED = 20, 10_000_000
# Tags alone, never an element to its end: a pattern that looks for an end that is not there takes for ever.
_CELL = re.compile(rb"<(?:\w+:)?(?:c((?:[\s/][^<>]*)?)>|v(?:\s[^<>]*)?>([0-9]{1,9})<)")
_STRING = re.compile(rb"<(?:\w+:)?si(?:[\s/][^<>]*)?>")
_SHARED = re.compile(rb"\bt=[\"']s[\"']")
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


def _pieces(names: Sequence[str], columns: Sequence[pa.Array], growth: Growth) -> Iterator[tuple[int, int]]:
    """Return where to cut rows into pieces that are small as JSON: start and length of each. NotReadable for a row that is too long.

    Repeated texts are counted as often as they occur, before they are written out.
    """
    sizes = np.zeros(len(columns[0]) if columns else 0, dtype=np.int64)
    for column in columns:
        sizes += _text_sizes(column)
    of_names = sum(len(name.encode()) + 8 for name in names)
    growth.cells += int(sizes.sum()) + max(of_names - _BYTES_OF_NAMES, 0) * len(sizes)
    growth.require(growth.cells)
    sizes += of_names
    growth.require_line(int(sizes.max(initial=0)))
    ends = np.flatnonzero(np.diff(sizes.cumsum() // _BYTES_A_BATCH)) + 1
    for start, end in pairwise([0, *ends.tolist(), len(sizes)]):
        yield start, end - start


def _text_sizes(column: pa.Array) -> np.ndarray | int:
    """Return the most bytes that each value of a column has as text."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        sizes = _text_sizes(column.dictionary)
        if isinstance(sizes, int):
            return sizes
        places = compute.fill_null(column.indices, -1).to_numpy(zero_copy_only=False)  # of null, the 0 at the end
        return np.append(sizes, 0)[places]
    if _is_text(kind):
        return compute.fill_null(compute.binary_length(column), 0).to_numpy(zero_copy_only=False)
    return _BYTES_A_VALUE


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _require_distinct(names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        raise NotReadable("I03", "has two columns of one name. Ask which of them is meant.")


# -- Parquet


def parquet_cells(chunks: Iterable[bytes], growth: Growth) -> tuple[tuple[str, ...], Iterator[Cells]]:
    """The names of the columns of a Parquet file, and its rows, numbered from 1."""
    packed = gathered(growth.counted(chunks))
    try:
        schema = pq.read_schema(packed)
        names = tuple(schema.names)
        # Texts stay in their dictionary until it is known how much they are when written out.
        file = pq.ParquetFile(pa.BufferReader(packed.getbuffer()), read_dictionary=[f.name for f in schema if _is_text(f.type)])
        groups = [file.metadata.row_group(n) for n in range(file.metadata.num_row_groups)]
        unpacked = sum(group.total_byte_size for group in groups)
        encodings = {e for group in groups for n in range(group.num_columns) for e in group.column(n).encodings}
    except _DAMAGE:
        raise NotReadable("I03", "is not a Parquet file, or is damaged. Ask for it again.") from None
    growth.require(unpacked)
    _require_distinct(names)
    if any(pa.types.is_nested(field.type) for field in schema):
        raise NotReadable("I03", "has columns that hold more than one value a row. Ask for plain columns.")
    if "DELTA_BYTE_ARRAY" in encodings:  # a text is written as what it shares with the one before: a page does not say how much it holds
        raise NotReadable("I03", "has text in the encoding DELTA_BYTE_ARRAY. Ask for it with plain or dictionary encoding.")
    return names, _parquet_rows(file, names, growth)


def _parquet_rows(file: pq.ParquetFile, names: Sequence[str], growth: Growth) -> Iterator[Cells]:
    start = 1
    try:
        for batch in file.iter_batches(_ROWS_A_BATCH):
            for first, length in _pieces(names, batch.columns, growth):
                texts: list[pa.Array] = []
                faults: list[str | None] = [None] * length
                for column in batch.slice(first, length).columns:
                    text, wrong = _as_text(column)
                    texts.append(text)
                    for row in wrong:
                        faults[row] = "I03"
                yield Cells(start, texts, faults)
                start += length
    except _DAMAGE:
        raise NotReadable("I03", "is damaged. Ask for it again.") from None


def _as_text(column: pa.Array) -> tuple[pa.Array, Sequence[int]]:
    """A column as text, and the rows whose value is no text in UTF-8 or has a zero byte."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _as_text(column.dictionary_decode())
    if _is_text(kind):
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


def excel_cells(chunks: Iterable[bytes], growth: Growth) -> tuple[tuple[str, ...], Iterator[Cells]]:
    """The names in the first row of an Excel file that has something in it, and the rows below, numbered as the sheet numbers them."""
    packed = gathered(growth.counted(chunks))
    broken = _look_through(packed, growth)
    try:
        with load_workbook(packed) as book:
            sheets = book.sheets_metadata
            shown = [s.name for s in sheets if s.visible == SheetVisibleEnum.Visible and s.typ == SheetTypeEnum.WorkSheet]
            filled = [sheet for sheet in map(book.get_sheet_by_name, shown) if sheet.start is not None]
    except _DAMAGE:
        raise NotReadable("I03", "is not an Excel file (.xlsx), or is damaged. Ask for it again.") from None
    if len(filled) > 1:
        raise NotReadable("I03", f"has {len(filled)} sheets with something in them: one is the table. Ask for a file with that sheet only.")
    if not filled:
        return (), iter(())
    sheet = filled[0]
    top = (sheet.start or (0, 0))[0]
    rows = (row[-sheet.width :] for row in islice(sheet.iter_rows(), top, None))  # the library gives the empty rows above the table
    names = tuple((_cell(value) or "").strip() for value in next(rows))
    _require_distinct([name for name in names if name])
    return names, _excel_rows(rows, top + 2, broken, names, growth)


def _excel_rows(rows: Iterator[list[Any]], start: int, broken: set[int], names: Sequence[str], growth: Growth) -> Iterator[Cells]:
    while batch := list(islice(rows, _ROWS_A_BATCH)):
        texts = [pa.array([_cell(value) for value in column], pa.string()) for column in zip(*batch, strict=True)]
        faults = ["I05" if start + n in broken or all(value == "" for value in row) else None for n, row in enumerate(batch)]
        for first, length in _pieces(names, texts, growth):
            yield Cells(start + first, [text.slice(first, length) for text in texts], faults[first : first + length])
        start += len(batch)


def _cell(value: Any) -> str | None:
    """A value of a cell as text. Excel keeps fifteen digits of a number, however many its file has."""
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


def _look_through(packed: io.BytesIO, growth: Growth) -> set[int]:
    """The rows with an error in a cell (#N/A): the library reads them as empty.

    NotReadable when a part is not what it says, or when the library, which holds a sheet as a whole, would need far more memory than the
    file's size accounts for.
    """
    broken: set[int] = set()
    with open_zip(packed, "an Excel file (.xlsx), or is protected with a password") as book:
        names = book.namelist()
        if "xl/workbook.xml" not in names or {"xl/workbook.bin", "content.xml"} & {*names}:  # the library would read other forms too
            raise NotReadable("I03", "is not an Excel file (.xlsx). Ask for that form.")
        growth.require(sum(member.file_size for member in book.infolist()))
        strings = [member for member in book.infolist() if member.filename.lower() == "xl/sharedstrings.xml"]
        shared = array("Q")
        for member in strings:
            shared.extend(_string_sizes(member_content(book, member, growth), growth))
        sheets = 0
        for member in (m for m in book.infolist() if m not in strings):
            content = member_content(book, member, growth)
            if member.filename.endswith(".xml") and member.filename != "xl/calcChain.xml":
                sheets += member.filename.startswith("xl/worksheets/sheet")
                broken |= _look_at_sheet(content, shared, growth)
            else:
                for _ in content:  # reading it to its end checks it
                    pass
    if broken and sheets > 1:
        raise NotReadable("I03", "has errors in cells (such as #N/A) and more than one sheet. Ask for a file with one sheet.")
    packed.seek(0)
    return broken


def _string_sizes(content: Iterable[bytes], growth: Growth) -> Iterator[int]:
    """How much memory each of the shared strings takes, at most."""
    start = end = None
    for number, (end, _) in enumerate(_tags(_STRING, content, growth)):
        growth.require(number * _BYTES_A_VALUE)
        if start is not None:
            yield end - start + _BYTES_A_VALUE
        start = end
    if start is not None:
        yield growth.longest  # the last one: no longer than any text may be


def _look_at_sheet(content: Iterable[bytes], shared: Sequence[int], growth: Growth) -> set[int]:
    """The rows of a sheet that have an error in a cell; NotReadable when it swells, or when cells lie far outside its table."""
    broken: set[int] = set()
    cells = size = bottom = right = 0
    is_shared = False
    for _, tag in _tags(_CELL, content, growth):
        attributes, index = tag.groups()
        if index is not None:
            size += shared[int(index)] if is_shared and int(index) < len(shared) else 0
            growth.require(size)
            continue
        cells += 1
        size += _BYTES_A_VALUE
        growth.require(size)
        is_shared = _SHARED.search(attributes) is not None
        place = _PLACE.search(attributes)
        if place is not None:
            column, row = place.groups()
            bottom, right = max(bottom, int(row)), max(right, _column_number(column))
            if _IS_ERROR.search(attributes):
                broken.add(int(row))
        elif _IS_ERROR.search(attributes):
            raise NotReadable("I03", "has errors in cells (such as #N/A) that do not say where they are. Ask for it without them.")
    if bottom * right > max(_PLACES_ALLOWED, cells * _PLACES_A_CELL):
        raise NotReadable("I03", "has cells far outside its table. Ask for a sheet with the table only.")
    return broken


def _tags(pattern: re.Pattern[bytes], content: Iterable[bytes], growth: Growth) -> Iterator[tuple[int, re.Match[bytes]]]:
    """Every match of `pattern`, which begins and may end with a `<`, in a stream, and where it begins."""
    rest, before = b"", 0
    for chunk in content:
        rest += chunk
        last = max(rest.rfind(b"<"), 0)
        for match in pattern.finditer(rest, 0, last + 1):
            yield before + match.start(), match
        rest, before = rest[last:], before + last
        growth.require_line(len(rest))
    for match in pattern.finditer(rest):
        yield before + match.start(), match


def _column_number(letters: bytes) -> int:
    """1 for A, 26 for Z, 27 for AA."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
