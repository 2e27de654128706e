"""Reading the small tables of `terminology/`: code lists, mappings and schemes, as a person edits them in a spreadsheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction

DATE = r"\d{4}-\d{2}-\d{2}"


@dataclass(frozen=True)
class Fault:
    """A row of a file of the jurisdiction that breaks a rule."""

    rule: str
    file: str
    row: int  # the header is row 1
    sentence: str

    def __str__(self) -> str:
        return f"{self.file} row {self.row}: {self.sentence}"


@dataclass(frozen=True)
class Shape:
    """The columns of a table, all text; `patterns` are whole-value regular expressions; `key` columns identify a row."""

    columns: Sequence[str]
    optional: Sequence[str] = ()
    may_be_empty: Sequence[str] = ()
    patterns: Mapping[str, str] = field(default_factory=dict)
    key: Sequence[str] = ()


def read_table(jurisdiction: Jurisdiction, file: str, shape: Shape) -> list[dict[str, str]]:
    """The rows of a CSV file as text, in the order of the file; ConfigurationError names the first row that has another shape."""
    import pandas as pd
    import pandera.pandas as pa

    path = jurisdiction.folder / file
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except FileNotFoundError:
        raise ConfigurationError(f"{path} is missing.") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is no UTF-8 table with `,` between the columns: {error}") from None
    try:
        _schema(pa, shape).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        raise ConfigurationError(f"{path}{_first_failure(error.failure_cases.to_dict('records'))}") from None
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)]


def _schema(pa: Any, shape: Shape) -> Any:
    def column(name: str) -> Any:
        checks = [pa.Check.str_matches(rf"^(?:{shape.patterns[name]})$")] if name in shape.patterns else []
        if name not in shape.may_be_empty:
            checks.append(pa.Check.str_length(min_value=1, error="empty"))
        return pa.Column(str, checks, required=name not in shape.optional)

    return pa.DataFrameSchema({n: column(n) for n in (*shape.columns, *shape.optional)}, strict=True, unique=list(shape.key) or None)


def _first_failure(cases: list[dict[str, Any]]) -> str:
    rows = [c for c in cases if c["index"] is not None and c["index"] == c["index"]]
    if not rows:
        return f": the header is not as it must be ({cases[0]['check']}: {cases[0]['failure_case']})."
    first = min(rows, key=lambda c: int(c["index"]))
    return f" row {int(first['index']) + 2}, column {first['column']}: {first['failure_case']!r} fails {first['check']}."
