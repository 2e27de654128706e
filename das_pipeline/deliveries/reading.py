"""Files as a stream of numbered lines: decrypted and decoded a chunk at a time, never a plain file on disk.

A row is a physical line; of XML it is one record, as a JSON object of its leaves, and of Parquet and Excel a JSON object of its cells.
What does not decode, or is not a line, stays in the stream with the rule it breaks: nothing of a file may be lost.
"""

from __future__ import annotations

import codecs
import csv
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import cast

import pyarrow as pa
from lxml import etree

from das_pipeline.deliveries.cells import Cells, compute, json_lines
from das_pipeline.deliveries.contract import Format
from das_pipeline.deliveries.excel_cells import excel_cells
from das_pipeline.deliveries.parquet_cells import parquet_cells
from das_pipeline.deliveries.unpacking import Growth, NotReadable, require_distinct, unpacked
from das_pipeline.policy import FileSize

SCHEMA = pa.schema([("line_no", pa.int64()), ("line", pa.string()), ("fault", pa.string())])
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f]")  # what no name of a column has; a tab may be the delimiter
_RECORDS_A_BATCH, _BYTES_A_BATCH = 16_384, 1 << 20
_BYTES_A_ROW = 512  # what a row takes in the engine beside its text: else millions of empty lines would count for nothing
_RECORDS_FOR_NAMES = 1_000
_DEEPEST = 100  # values inside values of JSON; readers that go down by calling themselves fail somewhere above this
_LONGEST_NAME = 131_072  # characters of a name of a column
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


class Lines:
    """The lines of one file. `reader()` reads it once, after which the counts are final.

    `names` are its columns: the header of a csv or Excel file, the columns of Parquet, the leaves of the first records of JSON and XML;
    None when there are none. When `problem` is set, the file does not have its declared form, and nothing of it counts.
    """

    def __init__(self, chunks: Iterable[bytes], format: Format, limit: FileSize) -> None:
        self.count = 0  # physical lines, the header included; of XML, records; of Parquet, rows
        self.is_whole = True  # the last line ends in a line end; the XML document is closed
        self.names: tuple[str, ...] | None = None
        self.header_line: str | None = None
        self.problem: NotReadable | None = None
        self.error: Exception | None = None
        self._format = format
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
                if self.names is None and self._format.kind in {"jsonl", "xml"}:
                    self.names = _names(batch, self._growth)
                yield batch
        except NotReadable as problem:
            self.problem = problem

    def _parquet(self, chunks: Iterable[bytes]) -> Iterator[pa.RecordBatch]:
        names, rows = parquet_cells(chunks, self._growth)
        require_distinct(named := _one_form(names))
        self.names = named
        yield from self._cells(rows)

    def _excel(self, chunks: Iterable[bytes]) -> Iterator[pa.RecordBatch]:
        names, rows = excel_cells(chunks, self._growth)
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
            numbers = pa.array(range(cells.start, cells.start + len(lines)), pa.int64())
            yield pa.record_batch([numbers, lines, pa.array(cells.faults, pa.string())], schema=SCHEMA)

    def _text(self, chunks: Iterable[bytes]) -> Iterator[pa.RecordBatch]:
        encoding = "utf-8" if self._format.encoding in {"utf-8-sig", "utf-16"} else self._format.encoding
        if self._format.encoding == "utf-16":
            chunks = _from_utf_16(chunks)
        for block in self._blocks(chunks):
            if not self.count and encoding == "utf-8":
                block = block.removeprefix(codecs.BOM_UTF8)
            lines, faults = _decoded(block, encoding)
            start = self.count + 1
            self.count += len(lines)
            if self._format.header and start == 1:
                self.header_line = lines[0]
                if _CONTROL.search(lines[0]):
                    raise NotReadable("I03", "has no readable header: it is in another character set, or is not text. Ask for it again.")
                self.names = _header_names(lines[0], self._format)
                lines, faults, start = lines[1:], faults[1:], 2
            if self._format.kind == "jsonl":
                _require_shallow(lines, start)
            yield _batch(start, lines, faults)

    def _blocks(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The bytes cut at line ends."""
        rest = b""
        for chunk in chunks:
            block = rest + chunk
            cut = block.rfind(b"\n")
            rest = block[cut + 1 :]
            self._growth.require_line(len(rest))
            if cut >= 0:
                yield block[:cut].replace(b"\r\n", b"\n").removesuffix(b"\r")
        if rest:
            self.is_whole = False
            yield rest.replace(b"\r\n", b"\n")

    def _xml(self, chunks: Iterable[bytes]) -> Iterator[pa.RecordBatch]:
        records: list[str] = []
        faults: list[str | None] = []
        size = 0
        source = _Readable(iter(chunks), self._growth)
        # No entities, no network: a document must not make this reader open anything.
        elements = etree.iterparse(source, events=("end",), tag=f"{{*}}{self._format.record}", resolve_entities=False, no_network=True)
        try:
            for _, element in elements:
                source.record_ended()
                self._require_known(element)
                leaves, is_plain = _leaves(element, self._growth)
                records.append(json.dumps(leaves, ensure_ascii=False))
                faults.append(None if is_plain else "I05")
                size += len(records[-1])
                element.clear(keep_tail=True)
                while element.getprevious() is not None:  # what was read is let go: memory stays flat
                    self._require_known(element.getprevious(), is_read=True)
                    del element.getparent()[0]
                if len(records) == _RECORDS_A_BATCH or size > _BYTES_A_BATCH:
                    self.count += len(records)
                    yield _batch(self.count - len(records) + 1, records, faults)
                    records, faults, size = [], [], 0
            for element in elements.root if elements.root is not None else ():
                self._require_known(element, is_read=True)
            if elements.root is not None and self._format.root not in (None, etree.QName(elements.root).localname):
                raise NotReadable("I03", f"is not a document of {self._format.root}: its outermost element is another. Ask what it is.")
        except etree.XMLSyntaxError:
            self.is_whole = False
        self.count += len(records)
        yield _batch(self.count - len(records) + 1, records, faults)

    def _require_known(self, element: etree._Element, *, is_read: bool = False) -> None:
        """Raise NotReadable for what would be lost: an element beside the records, a record elsewhere, text between them once `is_read`."""
        above = element.getparent()
        is_record = isinstance(element.tag, str) and etree.QName(element).localname == self._format.record
        if (isinstance(element.tag, str) and not is_record) or (is_record and (above is None or above.getparent() is not None)):
            raise NotReadable(
                "I03", f"has other elements than {self._format.record} directly under its outermost one. Ask for the records alone."
            )
        if is_read and (element.tail or "").strip():
            raise NotReadable("I03", "has text between its records. Ask for the records alone.")


codecs.register_error("as_invalid_utf_8", lambda error: ("\udcff", cast("UnicodeDecodeError", error).end))


def _from_utf_16(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """UTF-16 as UTF-8. What is not valid becomes a byte that is not valid either, so that its line gets a fault."""
    decoder = codecs.getincrementaldecoder("utf-16")("as_invalid_utf_8")
    start = b""
    for chunk in chunks:
        if len(start) < 2:  # without a mark the decoder would guess the order of the bytes
            start += chunk
            if len(start) < 2:
                continue
            if start[:2] not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                raise NotReadable("I03", "has no byte order mark: it is not utf-16. Ask the sender in which character set it was written.")
            chunk = start
        yield decoder.decode(chunk).encode(errors="surrogateescape")
    yield decoder.decode(b"", final=True).encode(errors="surrogateescape")


def _decoded(block: bytes, encoding: str) -> tuple[list[str], list[str | None]]:
    """The lines of a block and, for each, I03 when it is not text in `encoding`.

    A line of a one-byte character set that is valid UTF-8 beyond ASCII was written as UTF-8: it would read as `Ã©`.
    """
    if block.isascii() and b"\0" not in block:
        lines = block.decode("ascii").split("\n")
        return lines, [None] * len(lines)
    lines, faults = [], []
    for raw in block.split(b"\n"):
        try:
            text, fault = raw.decode(encoding), None
            if b"\0" in raw or (encoding != "utf-8" and not raw.isascii() and _is_utf8(raw)):
                fault = "I03"
        except UnicodeDecodeError:
            text, fault = raw.decode(encoding, errors="replace"), "I03"
        lines.append(text)
        faults.append(fault)
    return lines, faults


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _batch(start: int, lines: list[str], faults: list[str | None]) -> pa.RecordBatch:
    numbers = pa.array(range(start, start + len(lines)), pa.int64())
    return pa.record_batch([numbers, pa.array(lines, pa.string()), pa.array(faults, pa.string())], schema=SCHEMA)


def _header_names(line: str, format: Format) -> tuple[str, ...]:
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


def _require_shallow(lines: list[str], start: int) -> None:
    """Raise NotReadable when a line of JSON holds values inside values deeper than _DEEPEST."""
    for number, line in enumerate(lines, start):
        if line.count("{") + line.count("[") <= _DEEPEST:
            continue
        depth = deepest = 0
        for letter in _JSON_STRING.sub("", line):
            depth += (letter in "{[") - (letter in "}]")
            deepest = max(deepest, depth)
        if deepest > _DEEPEST:
            raise NotReadable("I03", f"holds values inside values, {deepest:,} deep, on line {number:,}. Ask for plain records.")


def _names(batch: pa.RecordBatch, growth: Growth) -> tuple[str, ...] | None:
    """The leaves of the records at the start of a file; a record that cannot be read has none."""
    names: set[str] = set()
    for line in batch.column("line").slice(0, _RECORDS_FOR_NAMES).to_pylist():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        size = 0
        for path in _paths(record):
            size += len(path)
            growth.require_line(size)
            names.add(path)
    return tuple(sorted(names)) or None


def _paths(value: object, above: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _paths(part, f"{above}/{name}" if above else name)
    elif above:
        yield above


def _leaves(record: etree._Element, growth: Growth) -> tuple[dict[str, object], bool]:
    """The text of every leaf of a record by its path below the record, and whether it is plain.

    In a plain record each leaf is one text: no path twice, no attribute, and no entity, comment or text beside other elements. An element
    around others is kept as an empty object, so that it is not taken for a leaf that is missing.
    """
    leaves: dict[str, object] = {}
    size = 0
    is_plain = not record.attrib and not (record.text or "").strip()
    waiting = [("", child) for child in reversed(record)]
    while waiting:
        above, element = waiting.pop()
        is_plain = is_plain and not (element.tail or "").strip()
        if not isinstance(element.tag, str):  # a comment, or an entity that is not opened
            is_plain = is_plain and element.tag is not etree.Entity
            continue
        path = above + etree.QName(element).localname
        text = element.text or ""
        is_leaf = not len(element)
        is_plain = is_plain and path not in leaves and (is_leaf or not text.strip()) and _has_no_attribute(element, text)
        if is_leaf:
            leaves[path] = text
        else:
            is_plain = is_plain and any(isinstance(child.tag, str) for child in element)  # else a comment cuts the leaf in two
            leaves[path] = {}
            waiting.extend((f"{path}/", child) for child in reversed(element))
        size += len(path) + len(text)
        growth.require_line(size)
    return leaves, is_plain


def _has_no_attribute(element: etree._Element, text: str) -> bool:
    """Whether nothing is said in attributes; that an empty element is empty may be."""
    return not element.attrib or (dict(element.attrib) == {_NIL: "true"} and not text and not len(element))


class _Readable:
    """An iterator of chunks as a file, which raises NotReadable when no record ends for too long."""

    def __init__(self, chunks: Iterator[bytes], growth: Growth) -> None:
        self._chunks = chunks
        self._growth = growth
        self._rest = b""
        self._since_record = 0

    def record_ended(self) -> None:
        self._since_record = 0

    def read(self, size: int = -1) -> bytes:
        self._growth.require_line(self._since_record)
        while size < 0 or len(self._rest) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._rest += chunk
        size = len(self._rest) if size < 0 else size
        content, self._rest = self._rest[:size], self._rest[size:]
        self._since_record += len(content)
        return content
