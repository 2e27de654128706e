"""Files as partners write them, driven by the contract: its columns, codes, charset and form.

A file is written in two steps, so that blocks of rows can be rendered apart: `write_part` for the rows of a block, then `assemble` for
the file around the parts. The bytes depend on the rows and their order alone.
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
    """The rows of one block at `path`. The lines of rows in `cut` break off; before the rows in `headers` the header stands again."""
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
    """A file that is written once, front to back, while its size and hash are kept."""

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
    """The parts with what stands around them, packed as agreed; the lines in them."""
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
    """Where the content goes on its way to `out`. No time and no name of this machine comes with it."""
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
    """What stands before and after the rows."""
    said = contract.format
    mark = codecs.BOM_UTF8 if said.encoding == "utf-8-sig" or (form.has_mark and said.encoding == "utf-8") else b""
    if said.encoding == "utf-16":
        mark = codecs.BOM_UTF16_LE
    if said.kind == "csv":
        return mark + encoded(contract, pa.array([header(contract, form)])), b""
    if said.kind == "xml":
        start = f'<?xml version="1.0" encoding="{said.encoding.upper()}"?>\n<{said.root}>\n'
        return mark + start.encode(said.encoding), f"</{said.root}>\n".encode(said.encoding)
    return mark, b""


def _typed(contract: Contract, name: str, text: pa.Array) -> pa.Array:
    """A column in the type of its contract; as text when anything in it is something else, as a writer that infers types has it."""
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
    """A row group for each part; a column that is text in one part is text in all."""
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
