"""Parquet: zstd, dictionary-encoded, sorted, with the descriptions of table and columns in the schema.

Arrow reads descriptions and labels from the fields of its own schema. Other readers see only the key-value metadata of the file, so these
have them too, under `fields`. Rows are sorted by their key, the first dimension first, in groups small enough for a reader to skip most of
a large table: a group has the least and greatest value of each column.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from das_pipeline.publication.formats.format import Format

GROUP_ROWS = 20_000
LAST_KEY = "period"  # the columns up to this one name a cell


def write(cells: pa.Table, path: Path) -> None:
    """Write the cells to `path`."""
    keys = [pq.SortingColumn(i) for i in range(cells.schema.get_field_index(LAST_KEY) + 1)]
    with pq.ParquetWriter(path, cells.schema, compression="zstd", write_page_index=True, sorting_columns=keys) as writer:
        writer.write_table(cells, row_group_size=GROUP_ROWS)
        writer.add_key_value_metadata({"fields": json.dumps(described(cells.schema), ensure_ascii=False)})


def described(schema: pa.Schema) -> list[dict[str, Any]]:
    """Return what the fields of `schema` say about themselves: name, descriptions, unit, and codes with their labels."""
    return [
        {"name": field.name}
        | {key.decode(): json.loads(value) if key == b"codes" else value.decode() for key, value in sorted(field.metadata.items())}
        for field in schema
    ]


def read(path: Path, _schema: pa.Schema) -> pa.Table:
    """Return the cells in `path`."""
    return pq.read_table(path)


FORMAT = Format("Parquet", "parquet", "application/vnd.apache.parquet", write, read)
