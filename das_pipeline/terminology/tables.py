"""Reading the small tables of `terminology/`: code lists, mappings and schemes, as a person edits them in a spreadsheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction

DATE = r"\d{4}-\d{2}-\d{2}"


@dataclass(frozen=True)
class Shape:
    """The columns of a table, all text. `patterns` are whole-value regular expressions; `key` columns identify a row in its file."""

    columns: Sequence[str]
    optional: Sequence[str] = ()
    may_be_empty: Sequence[str] = ()
    patterns: Mapping[str, str] = field(default_factory=dict)
    key: Sequence[str] = ()


@dataclass(frozen=True)
class Line:
    """A row of a table: its place, and its values as text."""

    file: str
    row: int  # the header is row 1
    values: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.values[column]


def read_tables(jurisdiction: Jurisdiction, files: Sequence[str], shape: Shape) -> list[Line]:
    """Return the rows of CSV files of one shape, in their order; ConfigurationError names the file, row and column of a mistake.

    An optional column that a file does not have is empty.
    """
    import pandas as pd
    import pandera.pandas as pa

    if not files:
        return []
    frame = pd.concat([_read(jurisdiction, file, shape) for file in files], ignore_index=True)
    try:
        _schema(pa, shape).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        first = min(error.failure_cases.to_dict("records"), key=lambda case: (case["index"], case["column"] == "file"))
        where = frame.loc[first["index"]]
        place = f"{jurisdiction.folder / where['file']} row {where['row']}, column {first['column']}"
        raise ConfigurationError(f"{place}: {first['failure_case']!r} fails {first['check']}.") from None
    return [Line(row.pop("file"), row.pop("row"), row) for row in frame.to_dict("records")]


def _read(jurisdiction: Jurisdiction, file: str, shape: Shape) -> Any:
    """Return a CSV file as a frame of text with the columns `file` and `row` in front."""
    import pandas as pd

    path = jurisdiction.path(file)
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except FileNotFoundError:
        raise ConfigurationError(f"{path} is missing.") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not a UTF-8 table with `,` between the columns: {error}") from None
    missing = [c for c in shape.columns if c not in frame.columns]
    unknown = [c for c in frame.columns if c not in (*shape.columns, *shape.optional)]
    if missing or unknown:
        raise ConfigurationError(f"{path}: the header must be {','.join(shape.columns)}; missing {missing}, unknown {unknown}.")
    frame = frame.reindex(columns=[*shape.columns, *shape.optional], fill_value="")
    frame.insert(0, "row", range(2, len(frame) + 2))
    frame.insert(0, "file", file)
    return frame


def _schema(pa: Any, shape: Shape) -> Any:
    def column(name: str) -> Any:
        checks = [pa.Check.str_matches(rf"^(?:{shape.patterns[name]})$")] if name in shape.patterns else []
        if name not in (*shape.may_be_empty, *shape.optional):
            checks.append(pa.Check.str_length(min_value=1, error="not empty"))
        return pa.Column(str, checks)

    columns = {name: column(name) for name in (*shape.columns, *shape.optional)}
    return pa.DataFrameSchema(columns, unique=["file", *shape.key] if shape.key else None)
