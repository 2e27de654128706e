"""CSV: UTF-8, comma, a header, quotes where they are needed."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from das_pipeline.publication.formats.format import Format


def write(cells: pa.Table, path: Path) -> None:
    """Write the cells to `path`."""
    pyarrow.csv.write_csv(cells, path, pyarrow.csv.WriteOptions(quoting_style="needed"))


def read(path: Path, schema: pa.Schema) -> pa.Table:
    """Return the cells in `path`, with the types of `schema` for its columns."""
    types = {field.name: field.type for field in schema}
    return pyarrow.csv.read_csv(path, convert_options=pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=False))


FORMAT = Format("CSV", "csv", "text/csv", write, read)
