"""Files as partners write them, driven by the contract: its columns, codes, charset and form.

A file is written in two steps, so that blocks of rows can be rendered separately: `write_part` for the rows of a block, then `assemble`
for the whole file. The bytes depend only on the rows and their order.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import shutil
import zipfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from das_pipeline.deliveries import Contract
from simulation.deliveries.layout import Layout, Texts, file_name, first_line
from simulation.deliveries.lines import cut_off, encoded, header, lines, lines_in, with_headers
from simulation.deliveries.workbook import write_workbook, zip_member
from simulation.draws import compute


@dataclass(frozen=True)
class Written:
    """A file as its manifest describes it."""

    sha256: str
    bytes: int
    lines: int  # as the sender counts them: physical lines with the header, records of XML, rows of Parquet


def write_part(
    contract: Contract, columns: Texts, path: Path, form: Layout, *, cut: Collection[int] = (), headers: Collection[int] = ()
) -> None:
    """Write the rows of one block to `path`. Lines of rows in `cut` are cut off; the header is repeated before rows in `headers`."""
    if contract.format.kind == "parquet":
        pq.write_table(pa.table([_typed(contract, n, columns[n]) for n, _ in form.columns], [head for _, head in form.columns]), path)
        return
    body = cut_off(contract, lines(contract, columns, form), cut)
    path.write_bytes(encoded(contract, with_headers(contract, form, body, headers)))


def assemble(contract: Contract, parts: Sequence[Path], target: Path, form: Layout) -> Written:
    """Write the file at `target` from its parts, in their order; return what its manifest says of it."""
    with target.open("wb") as file:
        out = _Measured(file)
        if contract.format.kind == "parquet":
            rows = _write_parquet(parts, out)
        elif contract.format.kind == "xlsx":
            rows = sum(lines_in(contract, part) for part in parts)
            write_workbook(contract, parts, rows, cast("BinaryIO", out), form)
        else:
            rows = _write_lines(contract, parts, out, form)
    return Written(out.digest.hexdigest(), out.size, rows + first_line(contract) - 1)


class _Measured(io.RawIOBase):
    """A file that is written once, from start to end, and keeps track of its size and hash."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.digest = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self.digest.update(content)
        self.size += len(content)
        return self._out.write(content)

    def tell(self) -> int:
        return self.size


def _write_lines(contract: Contract, parts: Sequence[Path], out: _Measured, form: Layout) -> int:
    """Write the parts with the header and footer of the file, compressed as agreed; return the number of lines in the parts."""
    start, end = _around(contract, form)
    count = 0
    with _packed(contract, out) as content:
        content.write(start)
        for part in parts:
            count += lines_in(contract, part)
            with part.open("rb") as source:
                shutil.copyfileobj(source, content, 1 << 20)
        content.write(end)
    return count


@contextmanager
def _packed(contract: Contract, out: _Measured) -> Iterator[IO[bytes]]:
    """A stream that compresses content into `out`, without a time stamp or a name from this machine."""
    match contract.format.compression:
        case None:
            yield cast("IO[bytes]", out)
        case "gzip":
            with gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0, compresslevel=6) as content:
                yield cast("IO[bytes]", content)
        case "zip":
            name = file_name(contract).removesuffix(".zip")
            with zipfile.ZipFile(out, "w") as archive, archive.open(zip_member(name), "w", force_zip64=True) as content:
                yield content


def _around(contract: Contract, form: Layout) -> tuple[bytes, bytes]:
    """The bytes before and after the rows."""
    file_format = contract.format
    mark = codecs.BOM_UTF8 if file_format.encoding == "utf-8-sig" or (form.has_mark and file_format.encoding == "utf-8") else b""
    if file_format.encoding == "utf-16":
        mark = codecs.BOM_UTF16_LE
    if file_format.kind == "csv":
        return mark + encoded(contract, pa.array([header(contract, form)])), b""
    if file_format.kind == "xml":
        start = f'<?xml version="1.0" encoding="{file_format.encoding.upper()}"?>\n<{file_format.root}>\n'
        return mark + start.encode(file_format.encoding), f"</{file_format.root}>\n".encode(file_format.encoding)
    return mark, b""


def _typed(contract: Contract, name: str, text: pa.Array) -> pa.Array:
    """A column in the type of its contract, or as text when a value has another type: what a writer that infers types does."""
    kinds = {"integer": pa.int64(), "decimal": pa.decimal128(14, 2), "date": pa.date32(), "boolean": pa.bool_()}
    kind = kinds.get(contract.by_type(name) or "text")
    if kind is None:
        return text
    text = compute.if_else(compute.equal(text, ""), pa.scalar(None, pa.string()), text)
    try:
        typed = compute.cast(text, kind)
    except pa.ArrowInvalid:
        return text
    return typed if compute.cast(typed, pa.string()).equals(text) else text


def _write_parquet(parts: Sequence[Path], out: _Measured) -> int:
    """Write a row group for each part and return the number of rows; a column that is text in one part is text in all."""
    schemas = [pq.read_schema(part) for part in parts]
    of_parts = zip(*schemas, strict=True)
    fields = [same[0] if len({field.type for field in same}) == 1 else pa.field(same[0].name, pa.string()) for same in of_parts]
    schema = pa.schema(fields, metadata={"is_simulated": "true"})
    rows = 0
    with pq.ParquetWriter(out, schema) as writer:
        for part in parts:
            table = pq.read_table(part)
            rows += len(table)
            writer.write_table(table.cast(schema))
    return rows
