"""Reading the small tables of `terminology/`: code lists, mappings and schemes, as a person edits them in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from das_pipeline.errors import ConfigurationError, Fault, Faults, nearest
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.yaml_reader import oddity

DATE = r"\d{4}-\d{2}-\d{2}"
FILLED, SEEN, UNIQUE = "is filled", "is as it looks", "multiple_fields_uniqueness"  # checks by name; pandera has named the last


@dataclass(frozen=True)
class Shape:
    """The columns of a table, all text. `patterns` are whole-value regular expressions; `key` columns identify a row in its file.

    `as_written` are columns in which a blank at the edge means something.
    """

    columns: Sequence[str]
    optional: Sequence[str] = ()
    may_be_empty: Sequence[str] = ()
    as_written: Sequence[str] = ()
    patterns: Mapping[str, str] = field(default_factory=dict)
    key: Sequence[str] = ()

    def __hash__(self) -> int:
        return hash((*self.columns, *self.key))


@dataclass(frozen=True)
class Line:
    """A row of a table: its place, and its values as text."""

    file: str
    row: int  # the header is row 1
    values: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.values[column]

    def __hash__(self) -> int:
        return hash((self.file, self.row, *self.values.values()))


def read_tables(jurisdiction: Jurisdiction, files: Sequence[str], shape: Shape) -> list[Line]:
    """Return the rows of CSV files of one shape, in their order; ConfigurationError has every mistake by file, row and column.

    An optional column that a file does not have is empty.
    """
    faults = Faults()
    lines: list[Line] = []
    for file in files:
        with faults.gathered():
            lines += _read(jurisdiction, file, shape)
    if lines:
        faults.add(*_shape_faults(tuple(lines), shape))
    faults.raise_any()
    return lines


def _read(jurisdiction: Jurisdiction, file: str, shape: Shape) -> list[Line]:
    """Return the rows of one file; ConfigurationError when it is no table, or its header another."""
    reader = csv.reader(jurisdiction.text(file).splitlines(keepends=True), strict=True)
    row = 1
    try:
        header = next(reader, [])
        allowed = [*shape.columns, *shape.optional]
        missing, unknown = [c for c in shape.columns if c not in header], [c for c in header if c not in allowed]
        if missing or unknown or len(set(header)) < len(header):
            twice = sorted({c for c in header if header.count(c) > 1})
            found = {"missing": missing, "unknown": unknown, "twice": twice}
            what = "; ".join(f"{word}: {', '.join(names)}" for word, names in found.items() if names)
            if len(header) == 1 and (mark := next((m for m in (";", "\t", "|") if m in header[0]), None)):
                what = f"its columns are separated by {mark!r}, and must be by a comma"
            sentence = f"the header must be {','.join(shape.columns)} ({what})."
            raise ConfigurationError(faults=[Fault(file, 1, "", sentence)])
        lines, faults, row = [], Faults(), reader.line_num + 1
        for cells in reader:
            if len(cells) == len(header):
                lines.append(Line(file, row, dict.fromkeys(allowed, "") | dict(zip(header, cells, strict=True))))
            elif cells:
                sentence = f"it has {len(cells)} cells under {len(header)} headings: quote a cell that has a comma."
                faults.add(Fault(file, row, "", sentence))
            row = reader.line_num + 1
        faults.raise_any()
    except csv.Error as error:
        sentence = f"it is not a UTF-8 table with `,` between the columns: {error}. Look at the quotes."
        raise ConfigurationError(faults=[Fault(file, row, "", sentence)]) from None
    return lines


@lru_cache(maxsize=64)
def _shape_faults(lines: tuple[Line, ...], shape: Shape) -> Sequence[Fault]:
    """Every cell that is not of the shape, and every row whose key is above it.

    Kept for the same rows: every step of a run reads these tables, and pandera takes 50 ms for one.
    """
    return tuple(_find_shape_faults(lines, shape))


def _find_shape_faults(lines: Sequence[Line], shape: Shape) -> Iterator[Fault]:
    import pandas as pd
    import pandera.pandas as pa

    frame = pd.DataFrame([{"file": line.file, **line.values} for line in lines], dtype=str)
    try:
        _schema(pa, shape).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        for case in error.failure_cases.drop_duplicates(["index", "column"]).to_dict("records"):
            line, name = lines[int(case["index"])], case["column"]
            if name != "file":  # one case for each column of a key: the file is no part of what was written
                yield Fault(line.file, line.row, name, _sentence(line[name], case["check"], shape.patterns.get(name, "")))


def _sentence(value: str, check: str, form: str) -> str:
    if check == FILLED:
        return "it may not be empty."
    if check == SEEN:
        return oddity(value) or "it is only a blank."
    if check == UNIQUE:
        return f"{value} is in an earlier row too."
    if form == DATE:
        return f"{value!r} is no day: write it as yyyy-mm-dd."
    return f"{value!r} cannot be here. " + (nearest(value, form.split("|")) if "|" in form else f"It must have the form {form}.")


def _schema(pa: Any, shape: Shape) -> Any:
    def column(name: str) -> Any:
        checks = []
        if name not in shape.as_written:
            checks.append(pa.Check(lambda v: not v.isspace() and oddity(v) is None, element_wise=True, error=SEEN))
        if name not in (*shape.may_be_empty, *shape.optional):
            checks.insert(0, pa.Check.str_length(min_value=1, error=FILLED))
        if name in shape.patterns:
            checks.append(pa.Check.str_matches(rf"^(?:{shape.patterns[name]})$"))
        return pa.Column(str, checks)

    columns = {name: column(name) for name in (*shape.columns, *shape.optional)}
    return pa.DataFrameSchema(columns, unique=["file", *shape.key] if shape.key else None, report_duplicates="exclude_first")
