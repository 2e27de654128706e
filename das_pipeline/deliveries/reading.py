"""Files as a stream of numbered lines: decrypted and decoded a chunk at a time, never a plain file on disk.

A row is a physical line; of XML it is one record, as a JSON object of its leaves, and of Parquet and Excel a JSON object of its cells.
What does not decode, or is not a line, stays in the stream with the rule it breaks: nothing of a file may be lost.
"""

from __future__ import annotations

import codecs
import csv
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from das_pipeline.deliveries.cells import Cells, compute, json_lines
from das_pipeline.deliveries.contract import Format
from das_pipeline.deliveries.excel_cells import excel_cells
from das_pipeline.deliveries.json_records import names_in, require_lines, require_shallow
from das_pipeline.deliveries.parquet_cells import parquet_cells
from das_pipeline.deliveries.quoted_lines import OpenQuotes
from das_pipeline.deliveries.text_lines import blocks, decoded, from_utf_16
from das_pipeline.deliveries.unpacking import Growth, NotReadable, of_text, require_distinct, unpacked
from das_pipeline.deliveries.xml_records import xml_records
from das_pipeline.policy import FileSize

SCHEMA = pa.schema([("line_no", pa.int64()), ("line", pa.string()), ("fault", pa.string())])
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f]")  # what no name of a column has; a tab may be the delimiter
_BYTES_A_ROW = 512  # what a row takes in the engine beside its text: else millions of empty lines would count for nothing
_RECORDS_FOR_NAMES = 1_000
_LONGEST_NAME = 131_072  # characters of a name of a column
_DELIMITERS = {";": "semicolons", ",": "commas", "\t": "tabs", "|": "vertical bars"}  # what is between columns in most tables


class Lines:
    """The lines of one file. `reader()` reads it once, after which the counts are final.

    `names` are its columns: the header of a csv or Excel file, the columns of Parquet, the leaves of the first records of JSON and XML;
    None when there are none. When `problem` is set, the file does not have its declared form, and nothing of it counts.

    Of a file that was read before, `only` are the numbers of the lines to read again, without their names and counts. `texts` are its
    columns of text, for the forms whose cells have a type of their own.
    """

    def __init__(
        self,
        chunks: Iterable[bytes],
        format: Format,
        limit: FileSize,
        only: Collection[int] | None = None,
        texts: Collection[str] = (),
    ) -> None:
        self.count = 0  # physical lines, the header included; of XML, records; of Parquet, rows
        self.is_whole = True  # the last line ends in a line end; the XML document is closed
        self.names: tuple[str, ...] | None = None
        self.header_line: str | None = None
        self.problem: NotReadable | None = None
        self.error: Exception | None = None
        self._format = format
        self._texts = frozenset(texts)
        self._only = None if only is None else frozenset(only)
        self._growth = Growth(limit)
        self._batches = self._readable(unpacked(chunks, format.compression, self._growth))
        self._first = next(self._batches, None)  # the names are known before the rest is read

    def reader(self) -> pa.RecordBatchReader:
        """The rows, without the header: line_no, line, and fault (I03, I05 or NULL)."""
        return pa.RecordBatchReader.from_batches(SCHEMA, self._guarded())

    @property
    def rows(self) -> int:
        return self.count - (self.header_line is not None)

    def _guarded(self) -> Iterator[pa.RecordBatch]:
        """The batches; an error is kept here, because the engine that pulls them would wrap it."""
        try:
            if self._first is not None:
                yield self._first
                yield from self._batches
        except Exception as error:
            self.error = error
            raise

    def _readable(self, chunks: Iterable[bytes]) -> Iterator[pa.RecordBatch]:
        """The batches until the end, or until the file turns out to have another form."""
        readers = {"xml": self._xml, "parquet": self._parquet, "xlsx": self._excel}
        size = 0
        try:
            for batch in readers.get(self._format.kind, self._text)(chunks):
                size += _BYTES_A_ROW * batch.num_rows + (0 if self._format.has_cells else batch.nbytes)
                self._growth.require(size + self._growth.cells)
                self._growth.require_line(compute.max(compute.binary_length(batch.column("line"))).as_py() or 0)
                if self._only is not None:
                    yield batch.filter(compute.is_in(batch.column("line_no"), pa.array(self._only, pa.int64())))
                    continue
                if self.names is None and self._format.kind in {"jsonl", "xml"}:
                    self.names = names_in(batch.column("line").slice(0, _RECORDS_FOR_NAMES).to_pylist(), self._growth)
                yield batch
        except NotReadable as problem:
            self.problem = problem

    def _parquet(self, chunks: Iterable[bytes]) -> Iterator[pa.RecordBatch]:
        names, rows = parquet_cells(chunks, self._growth, self._texts)
        require_distinct(named := _one_form(names))
        self.names = named
        yield from self._cells(rows)

    def _excel(self, chunks: Iterable[bytes]) -> Iterator[pa.RecordBatch]:
        names, rows = excel_cells(chunks, self._growth, self._texts)
        require_distinct(named := _one_form(names))
        self.names = named
        if self.names:
            self.count = 1
            self.header_line = json_lines(self.names, [pa.array([name], pa.string()) for name in self.names])[0].as_py()
        yield from self._cells(rows)

    def _cells(self, rows: Iterable[Cells]) -> Iterator[pa.RecordBatch]:
        """A batch of lines for each of cells; one without rows first, so that the names of a file without rows are known."""
        yield _batch(1, [], [])
        for cells in rows:
            self.count += len(cells.faults)
            lines = json_lines(self.names or (), cells.columns)
            yield _batch(cells.start, lines, cells.faults)

    def _text(self, chunks: Iterable[bytes]) -> Iterator[pa.RecordBatch]:
        encoding = "utf-8" if self._format.encoding in {"utf-8-sig", "utf-16"} else self._format.encoding
        chunks = of_text(chunks, is_utf_16=self._format.encoding == "utf-16")
        quotes = OpenQuotes(self._format) if self._format.kind == "csv" else None
        if self._format.encoding == "utf-16":
            chunks = from_utf_16(chunks)
        for block, is_whole in blocks(chunks, self._growth):
            self.is_whole = is_whole
            if not self.count and encoding == "utf-8":
                block = block.removeprefix(codecs.BOM_UTF8)
            lines, faults = decoded(block, encoding)
            start = self.count + 1
            self.count += len(lines)
            if self._format.header and start == 1:
                self.header_line = header = lines[0].as_py()
                self.names = _header_names(header, self._format)
                lines, faults, start = lines[1:], faults[1:], 2
            if self._format.kind == "jsonl":
                require_shallow(lines, start)
                if start == 1:
                    require_lines(lines)
            if quotes is not None:
                faults = quotes.closed_later(lines, faults)
            yield _batch(start, lines, faults)
        if self._format.header and not self.count:
            raise NotReadable("I05", "is empty: not even its header is there. Ask for it again.")

    def _xml(self, chunks: Iterable[bytes]) -> Iterator[pa.RecordBatch]:
        for records, faults, is_closed in xml_records(chunks, self._format, self._growth, self._only):
            self.is_whole = is_closed
            self.count += len(records)
            yield _batch(self.count - len(records) + 1, records, faults)


def _batch(start: int, lines: pa.Array | Sequence[str], faults: pa.Array | Sequence[str | None]) -> pa.RecordBatch:
    """The lines from number `start` on."""
    numbers = pa.array(np.arange(start, start + len(lines)))
    return pa.record_batch([numbers, pa.array(lines, pa.string()), pa.array(faults, pa.string())], schema=SCHEMA)


def _header_names(line: str, format: Format) -> tuple[str, ...]:
    if "\r" in line:
        raise NotReadable(
            "I03", "ends its lines with a carriage return alone, or with two. Ask for line feeds, with or without one of them."
        )
    if _CONTROL.search(line):
        raise NotReadable("I03", "has no readable header: it is in another character set, or is not text. Ask for it again.")
    other = next((d for d in _DELIMITERS if d in line), None) if format.delimiter not in line else None
    if line.startswith("sep="):
        raise NotReadable("I05", "begins with the line sep= that Excel writes before the header. Ask for it without that line.")
    if other is not None:
        raise NotReadable(
            "I05", f"has {_DELIMITERS[other]} between its columns, and the contract says {format.delimiter!r}. Ask which is meant."
        )
    try:
        names = next(csv.reader([line], delimiter=format.delimiter, quotechar=format.quote), [])
    except csv.Error:  # a name over csv's own limit, which any library of this process may have raised
        names = [line]
    if max(map(len, names), default=0) > _LONGEST_NAME:
        raise NotReadable("I03", f"is not a table: a name in its header has more than {_LONGEST_NAME:,} characters.")
    require_distinct(named := _one_form(names))
    return named


def _one_form(names: Iterable[str]) -> tuple[str, ...]:
    """Names of columns as they are compared: a letter with an accent is one sign, however it was written."""
    return tuple(unicodedata.normalize("NFC", name.strip()) for name in names)
