"""Parquet: zstd, dictionary-encoded, with the descriptions of table and columns in the schema."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from das_pipeline.publication.formats.format import Format


def write(cells: pa.Table, path: Path) -> None:
    """Write the cells to `path`."""
    pq.write_table(cells, path, compression="zstd", use_dictionary=True, write_statistics=True)


def read(path: Path, _schema: pa.Schema) -> pa.Table:
    """Return the cells in `path`."""
    return pq.read_table(path)


FORMAT = Format("Parquet", "parquet", "application/vnd.apache.parquet", write, read)
