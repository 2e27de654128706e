"""A sample of a partner's file, read without a contract: what form it has, its columns, and rows of texts.

Excel, Parquet and XML are read by the readers of the intake, so that a draft is made from what a delivery would give.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from lxml import etree

from das_pipeline.deliveries.contract import Format
from das_pipeline.deliveries.reading import Lines
from das_pipeline.errors import DasError
from das_pipeline.policy import FileSize

ROWS = 10_000  # of the sample that are looked at
ENCODINGS = ("utf-8", "windows-1252")
DELIMITERS = ";,\t|"
YEARS = range(1900, 2100)  # of a date in a file without columns; other digits are numbers


@dataclass(frozen=True)
class Sample:
    """A sample: `form` is the format of its contract; `at` has the first position and the width of each column of a fixed-width file."""

    names: Sequence[str]
    rows: Sequence[Sequence[str]]
    form: Mapping[str, Any]
    at: Sequence[tuple[int, int]] = field(default=())

    @property
    def decimal(self) -> str:
        return str(self.form.get("decimal", "."))

    @property
    def has_cells(self) -> bool:
        """Whether its values have types of their own."""
        return self.form["kind"] in {"parquet", "xlsx"}


def read_sample(path: Path, limit: FileSize) -> Sample:
    """Return the first rows of the file at `path`; DasError when it has none of the forms that are read."""
    try:
        raw = path.read_bytes()
    except OSError:
        raise DasError(f"{path} cannot be read: give a file with some rows, as it is delivered.") from None
    if raw.startswith(b"PAR1"):
        return _named(path, _records(path, raw, {"kind": "parquet"}, limit), {"kind": "parquet"})
    if raw.startswith(b"PK"):
        if "xl/workbook.xml" not in _members(path):
            raise DasError(f"{path} is a zip file: unpack it, and say `compression: zip` in the contract.")
        return _with_header(path, _named(path, _records(path, raw, {"kind": "xlsx"}, limit), {"kind": "xlsx"}))
    if re.match(rb"(\xef\xbb\xbf)?\s*<", raw):
        form = _form_of_xml(path, raw)
        return _named(path, _records(path, raw, form, limit), form)
    return _read_text(path, raw)


# -- records that name their values


def _members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as file:
            return file.namelist()
    except zipfile.BadZipFile:
        raise DasError(f"{path} is a damaged zip or Excel file.") from None


def _form_of_xml(path: Path, raw: bytes) -> dict[str, Any]:
    """The names of the outermost element and of the one that is most often directly under it."""
    records: Counter[str] = Counter()
    try:
        for _, element in etree.iterparse(io.BytesIO(raw), events=("start",), resolve_entities=False, no_network=True):
            above = element.getparent()
            if above is not None and above.getparent() is None:
                records[etree.QName(element).localname] += 1
            if records.total() >= ROWS:
                break
        root = etree.QName(etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True, recover=True))).localname
    except etree.XMLSyntaxError:
        raise DasError(f"{path} is no XML: it is cut off, or has an error.") from None
    if not records:
        raise DasError(f"{path} has no records: a document with an element for each row is expected.")
    return {"kind": "xml", "record": records.most_common(1)[0][0], "root": root}


def _records(path: Path, raw: bytes, form: Mapping[str, Any], limit: FileSize) -> Iterator[dict[str, Any]]:
    """The first records of the file, as the intake reads them."""
    lines = Lines([raw], Format.model_validate(form), limit)
    number = 0
    for batch in lines.reader():
        for line, fault in zip(batch.column("line").to_pylist(), batch.column("fault").to_pylist(), strict=True):
            if fault is None and number < ROWS:
                number += 1
                yield json.loads(line)
    if lines.problem:
        raise DasError(f"{path} {lines.problem}")


def _named(path: Path, records: Iterator[dict[str, Any]], form: Mapping[str, Any]) -> Sample:
    flat = [dict(_leaves("", record)) for record in records]
    names = list(dict.fromkeys(name for record in flat for name in record))
    if not names:
        raise DasError(f"{path} has no rows: a draft is made from a file with some.")
    return Sample(names, [[record.get(name, "") for name in names] for record in flat], form)


def _leaves(above: str, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The values of a record by their path; a list is no value."""
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _leaves(f"{above}{name}/", value)
        elif not isinstance(value, list):
            yield f"{above}{name}", "" if value is None else json.dumps(value) if isinstance(value, bool) else str(value)


# -- lines of text


def _read_text(path: Path, raw: bytes) -> Sample:
    encoding = next((e for e in ENCODINGS if _decodes(raw, e)), None)
    if encoding is None:
        raise DasError(f"{path} is not in {' or '.join(ENCODINGS)}: save it as UTF-8, and give its own character set in the contract.")
    text = raw.decode(encoding).removeprefix("\ufeff")
    if text.lstrip().startswith("{"):
        try:
            records = [json.loads(line) for line in text.splitlines()[:ROWS] if line.strip()]
            return _named(path, iter(records), {"kind": "jsonl", "encoding": encoding})
        except (ValueError, AttributeError):
            raise DasError(f"{path} is no JSON lines: each line must be one record {{…}}.") from None
    lines = text.splitlines()[:ROWS]
    delimiter = max(DELIMITERS, key=(lines or [""])[0].count)
    has_one_width = len(lines) > 1 and len({len(line) for line in lines}) == 1
    if has_one_width and (delimiter not in lines[0] or len({line.count(delimiter) for line in lines}) > 1):
        starts = _starts(lines)
        if len(starts) > 1:
            return _read_fixed(lines, starts, encoding)
    table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = next(table, [])
    rows = [row for _, row in zip(range(ROWS), table, strict=False) if len(row) == len(names)]
    if len(names) < 2 or not rows:
        raise DasError(
            f"{path} is no table: a draft is made from CSV with a header and rows, lines of one width, JSON lines, XML, Parquet or Excel."
        )
    form = {"kind": "csv", "encoding": encoding, "delimiter": delimiter, "decimal": _decimal(rows), "header": True}
    return _with_header(path, Sample(names, rows, form))


def _with_header(path: Path, sample: Sample) -> Sample:
    """The sample; DasError when its first line may be a row, whose values would be copied as names of columns."""
    for number, name in enumerate(sample.names):
        is_number = re.fullmatch(r"[\d\s.,:/-]*\d[\d\s.,:/-]*", name) is not None
        if is_number or any(row[number] == name for row in sample.rows):
            raise DasError(f"{path} has no header: its first line looks like a row. Put the names of the columns above it.")
    return sample


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _decimal(rows: Sequence[Sequence[str]]) -> str:
    commas = sum(bool(re.fullmatch(r"-?\d+,\d+", cell)) for row in rows for cell in row)
    points = sum(bool(re.fullmatch(r"-?\d+\.\d+", cell)) for row in rows for cell in row)
    return "," if commas > points else "."


def _read_fixed(lines: Sequence[str], starts: Sequence[int], encoding: str) -> Sample:
    ends = [*starts[1:], len(lines[0])]
    at = [(start + 1, end - start) for start, end in zip(starts, ends, strict=True)]
    rows = [[line[start:end] for start, end in zip(starts, ends, strict=True)] for line in lines]
    form = {"kind": "fixed", "encoding": encoding, "decimal": _decimal([[cell.strip() for cell in row] for row in rows])}
    return Sample([f"column_{n}" for n in range(1, len(at) + 1)], rows, form, at)


def _starts(lines: Sequence[str]) -> list[int]:
    """Where the columns of a fixed-width file probably begin, from 0: at dates, after blanks, and where digits end and letters begin."""
    width = len(lines[0])
    at = [{line[n] for line in lines} for n in range(width)]
    dates = _dates(lines)
    starts = {0, *dates, *(n + 8 for n in dates if n + 8 < width)}
    inside = {n + more for n in dates for more in range(1, 8)}
    for n in range(1, width):
        after_blank = at[n - 1] == {" "} and at[n] != {" "}
        after_digits = all(sign.isdigit() for sign in at[n - 1]) and all(sign.isalpha() for sign in at[n])
        if n not in inside and (after_blank or after_digits):
            starts.add(n)
    return sorted(starts)


def _dates(lines: Sequence[str]) -> list[int]:
    """Where every line has a day as yyyymmdd, or nothing."""
    found: list[int] = []
    for n in range(len(lines[0]) - 7):
        cells = {line[n : n + 8] for line in lines} - {" " * 8}
        if cells and all(map(_is_day, cells)) and (not found or n >= found[-1] + 8):
            found.append(n)
    return found


def _is_day(text: str) -> bool:
    try:
        return text.isdigit() and date(int(text[:4]), int(text[4:6]), int(text[6:])).year in YEARS
    except ValueError:
        return False
