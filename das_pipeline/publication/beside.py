"""The files beside the tables: revisions.csv, breaks.csv and differences.csv, with the same descriptors as a table has.

Their rows are made elsewhere; here is what their columns are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Text
from das_pipeline.publication import breaks, differences, metadata, package, revisions
from das_pipeline.publication.definitions import Source, Table
from das_pipeline.publication.formats import csv
from das_pipeline.publication.texts import FILE, TableTexts, Words

MAY_BE_EMPTY = {"row", "release", "dimension", "other_dimension", "category"}  # an empty one says: all of it, or this release
KEYS = {  # what names a row
    "breaks": ["date", "table", "dimension", "category"],
    "differences": list(differences.KEYS),
    "revisions": ["table", "row", "period_kind", "period", "as_of"],
}
REASONS = (differences.EQUAL, differences.BY_ROUNDING, differences.SIMULATED, "definition", "vintage")
_TYPES = {pa.string(): "string", pa.int64(): "integer", pa.date32(): "date"}


@dataclass(frozen=True)
class File:
    """A file of rows beside the tables."""

    name: str
    title: Text
    whole: Text
    source: Source
    is_simulated: bool
    rows: pa.Table
    columns: list[dict[str, Any]]
    keys: list[str]

    @property
    def path(self) -> str:
        """Its place in a release."""
        return f"{self.name}.csv"

    def resource(self, folder: Path) -> dict[str, Any]:
        """Return its descriptor in the data package."""
        schema = {"fields": [package.field(column) for column in self.columns], "primaryKey": self.keys}
        facts = {"format": "csv", "mediatype": "text/csv", "schema": schema}
        return package.resource(self, folder, self.path, self.name) | facts


def files(folder: Path, tables: Sequence[Table], texts: TableTexts, words: Words) -> list[File]:
    """Return the files in `folder`, described."""
    schemas = {
        "breaks": breaks.schema(words.languages),
        "differences": differences.schema(words.languages),
        "revisions": revisions.SCHEMA,
    }
    source = Source(texts.publisher, texts.licence)
    simulated = any(table.is_simulated for table in tables)
    described = []
    for name, schema in schemas.items():
        if name in {table.name for table in tables}:
            raise ConfigurationError(f"A published table cannot be called {name}: a release has a file of that name.")
        if name not in texts.files:
            raise ConfigurationError(f"{FILE} has no text for files.{name}: a title, a description and a text for each of its columns.")
        told, rows = texts.files[name], csv.read(folder / f"{name}.csv", schema)
        codes = _codes(rows, tables, texts)
        columns = [_column(field, told.columns, codes, name, has_gaps=rows[field.name].null_count > 0) for field in schema]
        whole = Text.joined([told.description, texts.simulated], " ") if simulated else told.description
        rows = rows.cast(pa.schema(metadata.arrow_fields(columns)))
        described.append(File(name, told.title, whole, source, simulated, rows, columns, KEYS[name]))
    return described


def _codes(rows: pa.Table, tables: Sequence[Table], texts: TableTexts) -> dict[str, Mapping[str, Text]]:
    """Return the codes of each column that has a fixed list of them, with their labels."""
    titles = {table.name: table.title for table in tables}
    dimensions = {d.name: texts.columns[d.name] for table in tables for d in table.dimensions}
    of_texts = {
        "period_kind": ("month", "quarter", "year"),
        "status": (*metadata.STATUSES, metadata.ESTIMATE, metadata.NOT_SHOWN, metadata.CONFIDENTIAL),
        "reason": REASONS if any(table.is_simulated for table in tables) else [r for r in REASONS if r != differences.SIMULATED],
    }
    codes: dict[str, Mapping[str, Text]] = {"table": titles, "other_table": titles, "dimension": dimensions, "other_dimension": dimensions}
    codes |= {column: {code: texts.codes[code] for code in listed if code in texts.codes} for column, listed in of_texts.items()}
    if "row" in rows.column_names:
        lines = sorted(set(rows["row"].unique().to_pylist()) - {""})
        if all(line in texts.codes for line in lines):  # an earlier release may have had a line that nothing has words for any more
            codes["row"] = {line: texts.codes[line] for line in lines}
    return codes


def _column(
    column: pa.Field, described: Mapping[str, Text], codes: Mapping[str, Mapping[str, Text]], file: str, *, has_gaps: bool
) -> dict[str, Any]:
    """A column as descriptors have it. One that `has_gaps` has counts that a table by suppression does not show."""
    name = "text" if column.name.startswith("text_") else column.name
    if name not in described:
        raise ConfigurationError(f"{FILE} has no text for files.{file}.columns.{name}.")
    if codes.get(name):
        listed = metadata.coded(name, described[name], codes[name])
    else:
        listed = {"name": column.name, "type": _TYPES[column.type], "description": described[name]}
    return listed | ({"may_be_empty": True} if name in MAY_BE_EMPTY or has_gaps else {})
