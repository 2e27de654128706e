"""The name of a delivered file, its columns in order, and the line on which its rows begin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from das_pipeline.deliveries import Contract

_EXTENSION = {"csv": "csv", "fixed": "txt", "jsonl": "jsonl", "xml": "xml", "parquet": "parquet", "xlsx": "xlsx"}
_PACKED = {None: "", "gzip": ".gz", "zip": ".zip"}

Texts = dict[str, pa.Array]  # the columns of a file by name, as text; null where a cell is empty


def file_name(contract: Contract) -> str:
    """The name of a delivered file, which shows that its content is simulated."""
    return f"{contract.file}.simulated.{_EXTENSION[contract.format.kind]}{_PACKED[contract.format.compression]}"


@dataclass(frozen=True)
class Layout:
    """The columns of a file in order, each with its name in the file. Without faults it is what `layout` returns."""

    columns: tuple[tuple[str, str], ...]  # (name in the contract, name in the file)
    has_mark: bool = False  # a byte order mark that the contract does not mention


def layout(contract: Contract, reference_on: date) -> Layout:
    """The layout that the contract prescribes for a file on this reference date."""
    return Layout(tuple((c.name, c.source) for c in contract.columns if c.valid_on(reference_on)))


def first_line(contract: Contract) -> int:
    """The line number of the first row; in XML, rows are numbered as records."""
    return contract.format.first_row
