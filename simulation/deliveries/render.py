"""Files as partners write them, driven by the contract: its columns, codes, charset and form.

A file is written in two steps, so that blocks of rows can be rendered apart: `write_part` for the rows of a block, then `assemble` for
the file around the parts. The bytes depend on the rows and their order alone.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import json
import re
import shutil
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import IO, Any, BinaryIO, cast
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from das_pipeline.deliveries import Column as ContractColumn
from das_pipeline.deliveries import Contract
from das_pipeline.errors import ConfigurationError
from simulation.draws import Coded, Column, Days, compute, joined, padded, text_of
from simulation.parameters import Registers

# Marks that faults leave in a text: they become what no honest writer would write.
BROKEN_BYTE, BARE_DELIMITER = "\ue000", "\ue001"
_EXTENSION = {"csv": "csv", "fixed": "txt", "jsonl": "jsonl", "xml": "xml", "parquet": "parquet", "xlsx": "xlsx"}
_PACKED = {None: "", "gzip": ".gz", "zip": ".zip"}
_END = {"csv": "\r\n", "fixed": "\r\n", "jsonl": "\n", "xml": "\n", "xlsx": ""}
_LONE_SURROGATE = b"\x00\xd8"  # half a character of UTF-16

Texts = dict[str, pa.Array]


def texts(contract: Contract, state: Mapping[str, Column], said: Registers) -> Texts:
    """Every column of the contract that is in `state` as the text that stands in the file; null where there is nothing."""
    return {c.name: _text(c, state[c.name], contract, said) for c in contract.columns if c.name in state}


def _text(column: ContractColumn, value: Column, contract: Contract, said: Registers) -> pa.Array:
    if isinstance(value, Coded):
        return text_of(value)
    if isinstance(value, pa.Array):
        return _encodable(value, contract.format.encoding)
    if value.dtype == bool:
        return pa.array([said.no, said.yes]).take(pa.array(value.astype(np.int64)))
    if np.issubdtype(value.dtype, np.datetime64):
        return date_texts(value.astype("datetime64[D]"), column.formats[0])
    numbers = value.astype(np.float64)
    missing = np.isnan(numbers)
    if column.type == "decimal":
        cents = np.round(np.where(missing, 0, numbers) * 100).astype(np.int64)
        text = joined([compute.cast(pa.array(cents // 100), pa.string()), contract.format.decimal, padded(cents % 100, 2)])
    else:
        text = compute.cast(pa.array(np.where(missing, 0, numbers).astype(np.int64)), pa.string())
    return compute.if_else(pa.array(missing), pa.scalar(None, pa.string()), text)


def date_texts(days: Days, format: str) -> pa.Array:
    """Days in a contract's date format; each distinct day is written once."""
    missing = np.isnat(days)
    if missing.all():
        return pa.nulls(len(days), pa.string())
    first = days[~missing].min()
    place = np.where(missing, 0, (days - first).astype(np.int64))
    occurring = np.flatnonzero(np.bincount(place))
    words = np.full(occurring[-1] + 1, None, dtype=object)
    words[occurring] = [date_text(d, format) for d in np.datetime_as_string(first + occurring, unit="D").tolist()]
    return pa.array(words, pa.string()).take(pa.array(place, mask=missing))


@cache
def date_text(iso: str, format: str) -> str:
    """A day, given as yyyy-mm-dd, in a contract's date format; the hour, where the format has one, is midnight."""
    text = format.replace("yyyy", iso[:4]).replace("mm", iso[5:7], 1).replace("dd", iso[8:10], 1)
    return text.replace("hh", "00").replace("mm", "00").replace("ss", "00")


def _encodable(value: pa.Array, encoding: str) -> pa.Array:
    """The texts with letters that the file's charset does not have replaced by their base letter."""
    if encoding.startswith("utf"):
        return value
    is_special = compute.fill_null(compute.invert(compute.string_is_ascii(value)), False)
    distinct = value.filter(is_special).dictionary_encode()
    words = [_folded(word, encoding) for word in distinct.dictionary.to_pylist()]
    return compute.replace_with_mask(value, is_special, pa.array(words, pa.string()).take(distinct.indices))


def _folded(word: str, encoding: str) -> str:
    import unicodedata

    try:
        word.encode(encoding)
    except UnicodeEncodeError:
        plain = {"ł": "l", "Ł": "L", "ı": "i"}
        word = "".join(plain.get(c, c) for c in word)
        word = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode("ascii")
    return word


def sums(contract: Contract, columns: Texts) -> dict[str, int]:
    """What the sender's own system adds up, by column of amounts, in cents."""
    totals = {}
    for column in (c for c in contract.columns if c.type == "decimal"):
        cents = compute.cast(compute.replace_substring(columns[column.name].drop_null(), contract.format.decimal, ""), pa.int64())
        totals[column.name] = compute.sum(cents).as_py() or 0
    return totals


def as_amounts(parts: Sequence[Mapping[str, int]]) -> dict[str, str]:
    """The sums of several parts together, as a manifest writes them."""
    cents = {name: sum(part[name] for part in parts) for name in parts[0]}
    return {name: f"{total // 100}.{total % 100:02}" for name, total in cents.items()}


# -- files


def file_name(contract: Contract) -> str:
    """The name of a delivered file, which says that nothing in it is real."""
    return f"{contract.file}.simulated.{_EXTENSION[contract.format.kind]}{_PACKED[contract.format.compression]}"


@dataclass(frozen=True)
class Layout:
    """The columns of a file in their order, each with its name there. A file that is as agreed has that of `layout`."""

    columns: tuple[tuple[str, str], ...]  # (its name among the texts, its name in the file)
    has_mark: bool = False  # a byte order mark that the contract does not speak of


def layout(contract: Contract, reference_on: date) -> Layout:
    """What the contract says of a file about this day."""
    return Layout(tuple((c.name, c.source) for c in contract.columns if c.valid_on(reference_on)))


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
    path.write_bytes(_encoded(contract, _with_headers(contract, form, body, headers)))


def assemble(contract: Contract, parts: Sequence[Path], target: Path, form: Layout) -> Written:
    """The file at `target`, made of its parts in their order."""
    writer = {"parquet": _write_parquet, "xlsx": _write_xlsx}.get(contract.format.kind, _write_lines)
    with target.open("wb") as file:
        out = _Measured(file)
        rows = writer(contract, parts, out, form)
    return Written(out.digest.hexdigest(), out.size, rows + first_line(contract) - 1)


def first_line(contract: Contract) -> int:
    """The line number of the first row; of XML rows are numbered as records."""
    return contract.format.first_row


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
            count += _lines_in(contract, part)
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
            with zipfile.ZipFile(out, "w") as archive, archive.open(_member(name), "w", force_zip64=True) as content:
                yield content


def _member(name: str) -> zipfile.ZipInfo:
    """A member of a zip file, on the first day that zip knows."""
    member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    member.compress_type = zipfile.ZIP_DEFLATED
    return member


def _around(contract: Contract, form: Layout) -> tuple[bytes, bytes]:
    """What stands before and after the rows."""
    said = contract.format
    mark = codecs.BOM_UTF8 if said.encoding == "utf-8-sig" or (form.has_mark and said.encoding == "utf-8") else b""
    if said.encoding == "utf-16":
        mark = codecs.BOM_UTF16_LE
    if said.kind == "csv":
        return mark + _encoded(contract, pa.array([_header(contract, form)])), b""
    if said.kind == "xml":
        start = f'<?xml version="1.0" encoding="{said.encoding.upper()}"?>\n<{said.root}>\n'
        return mark + start.encode(said.encoding), f"</{said.root}>\n".encode(said.encoding)
    return mark, b""


def _header(contract: Contract, form: Layout) -> str:
    if contract.format.kind == "xlsx":
        heads = [pa.array([head], pa.string()) for _, head in form.columns]
        return joined(["<row>", *[_xlsx_cells("text", head) for head in heads], "</row>"])[0].as_py()
    return contract.format.delimiter.join(head for _, head in form.columns)


def _with_headers(contract: Contract, form: Layout, body: pa.Array, rows: Collection[int]) -> pa.Array:
    if not rows:
        return body
    texts = body.to_pylist()
    for row in sorted(rows, reverse=True):
        texts.insert(row, _header(contract, form))
    return pa.array(texts, pa.string())


def _encoded(contract: Contract, body: pa.Array) -> bytes:
    """The lines with their ends, in the charset of the file."""
    said = contract.format
    ended = joined([body, _END[said.kind]])
    _, offsets, data = ended.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32, count=len(ended) + 1)
    content = bytes(memoryview(data)[ends[0] : ends[-1]]) if data is not None else b""  # the texts of an array lie one after the other
    content = content.replace(BARE_DELIMITER.encode(), said.delimiter.encode())
    parts = content.split(BROKEN_BYTE.encode())
    if said.encoding == "utf-16":
        return _LONE_SURROGATE.join(p.decode().encode("utf-16-le") for p in parts)
    is_utf_8 = said.encoding in ("utf-8", "utf-8-sig")
    broken = b"\xff" if is_utf_8 else b"\x81"
    return broken.join(p if is_utf_8 or p.isascii() else p.decode().encode(said.encoding) for p in parts)


def _lines_in(contract: Contract, part: Path) -> int:
    """The physical lines, records or rows in a part."""
    said = contract.format
    count, rest = 0, b""
    with part.open("rb") as source:
        while chunk := source.read(1 << 20):
            if said.encoding == "utf-16":
                count += int(np.count_nonzero(np.frombuffer(chunk, dtype="<u2") == ord("\n")))
                continue
            mark = {"xml": f"<{said.record}>".encode(), "xlsx": b"</row>"}.get(said.kind, b"\n")
            count += (rest + chunk).count(mark)
            rest = (rest + chunk)[len(rest + chunk) - len(mark) + 1 :]
    return count


# -- lines


def lines(contract: Contract, columns: Texts, form: Layout | None = None) -> pa.Array:
    """One line per row, without its line end."""
    writer = {"csv": _csv, "fixed": _fixed, "jsonl": _jsonl, "xml": _xml, "xlsx": _xlsx, "parquet": _jsonl}[contract.format.kind]
    return writer(contract, columns, form or Layout(tuple((c.name, c.source) for c in contract.columns)))


def cut_off(contract: Contract, body: pa.Array, rows: Collection[int]) -> pa.Array:
    """The lines, those of `rows` without their last field."""
    if not rows:
        return body
    texts = body.to_pylist()
    for row in rows:
        texts[row] = texts[row].rpartition(contract.format.delimiter)[0] if contract.format.kind == "csv" else texts[row][:-6]
    return pa.array(texts, pa.string())


def _csv(contract: Contract, columns: Texts, form: Layout) -> pa.Array:
    said = contract.format
    fields = []
    for name, _ in form.columns:
        text = compute.fill_null(columns[name], "")
        special = compute.match_substring_regex(text, f"[{re.escape(said.delimiter)}{re.escape(said.quote)}\r\n]")
        if compute.any(special).as_py():
            doubled = compute.replace_substring(text, said.quote, said.quote * 2)
            text = compute.if_else(special, joined([said.quote, doubled, said.quote]), text)
        fields.append(text)
    return compute.binary_join_element_wise(*fields, said.delimiter)


def _fixed(contract: Contract, columns: Texts, form: Layout) -> pa.Array:
    fields, position = [], 1
    for column in sorted((contract.by_name[name] for name, _ in form.columns), key=lambda c: c.at or (0, 0)):
        assert column.at is not None
        start, width = column.at
        text = compute.utf8_slice_codeunits(compute.fill_null(columns[column.name], ""), 0, width)
        pad = compute.utf8_lpad if column.type in ("integer", "decimal") else compute.utf8_rpad
        fields.append(joined([" " * (start - position), pad(text, width)]))
        position = start + width
    return joined(fields)


Tree = dict[str, Any]  # an element or object by name: what is in it, or the name of the column whose value it is


def _tree(form: Layout) -> Tree:
    """The columns by the parts of their path in the file."""
    tree: Tree = {}
    for name, head in form.columns:
        *above, leaf = head.split("/")
        place = tree
        for part in above:
            place = place.setdefault(part, {})
        place[leaf] = name
    return tree


def _jsonl(contract: Contract, columns: Texts, form: Layout) -> pa.Array:
    return _json_object(contract, columns, _tree(form))


def _json_object(contract: Contract, columns: Texts, tree: Tree) -> pa.Array:
    fields = []
    for key, inner in tree.items():
        written = _json_object(contract, columns, inner) if isinstance(inner, dict) else _json_value(contract, columns[inner], inner)
        fields.append(joined([f"{json.dumps(key, ensure_ascii=False)}: ", written]))
    return joined(["{", compute.binary_join_element_wise(*fields, ", "), "}"])


def _json_value(contract: Contract, text: pa.Array, name: str) -> pa.Array:
    """Numbers as numbers, everything else between quotes."""
    quoted = joined(['"', compute.replace_substring(compute.replace_substring(text, "\\", "\\\\"), '"', '\\"'), '"'])
    unprintable = compute.match_substring_regex(text, "[\\x00-\\x1f]")
    if compute.any(unprintable).as_py():
        escaped = [json.dumps(word, ensure_ascii=False) for word in text.filter(unprintable).to_pylist() if word is not None]
        quoted = compute.replace_with_mask(quoted, compute.fill_null(unprintable, False), pa.array(escaped, pa.string()))
    if contract.by_type(name) in ("integer", "decimal"):
        is_number = compute.match_substring_regex(text, r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$")
        quoted = compute.if_else(is_number, text, quoted)
    return compute.fill_null(quoted, "null")


def _xml(contract: Contract, columns: Texts, form: Layout) -> pa.Array:
    """An element per value; a value that is missing has none."""
    return joined([f"  <{contract.format.record}>", _xml_elements(columns, _tree(form)), f"</{contract.format.record}>"])


def _xml_elements(columns: Texts, tree: Tree) -> pa.Array:
    fields = []
    for name, inner in tree.items():
        if isinstance(inner, dict):
            text = _xml_elements(columns, inner)
            text = compute.if_else(compute.equal(text, ""), pa.scalar(None, pa.string()), text)
        else:
            text = columns[inner]
            for plain in "&<>":
                text = compute.replace_substring(text, plain, escape(plain))
        fields.append(compute.fill_null(joined([f"<{name}>", text, f"</{name}>"]), ""))
    return joined(fields)


# -- Parquet


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


def _write_parquet(_contract: Contract, parts: Sequence[Path], out: _Measured, _form: Layout) -> int:
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


# -- Excel: the rows of a sheet can be put together as text, which no library does, and they are written much faster so


_EXCEL_EPOCH = np.datetime64("1899-12-30")
_MOST_ROWS = 1 << 20
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "http://schemas.openxmlformats.org"
_PACKAGE = f"{_OFFICE}/package/2006"
_RELATION = f"{_OFFICE}/officeDocument/2006/relationships"
_MAIN = f"{_OFFICE}/spreadsheetml/2006/main"
_MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# The parts of a workbook of one sheet. Style 1 is a date; the title says that nothing in it is real.
_WORKBOOK = {
    "[Content_Types].xml": f"""<Types xmlns="{_PACKAGE}/content-types">\
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>\
<Default Extension="xml" ContentType="application/xml"/>\
<Override PartName="/xl/workbook.xml" ContentType="{_MIME}.sheet.main+xml"/>\
<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_MIME}.worksheet+xml"/>\
<Override PartName="/xl/styles.xml" ContentType="{_MIME}.styles+xml"/>\
<Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>""",
    "_rels/.rels": f"""<Relationships xmlns="{_PACKAGE}/relationships">\
<Relationship Id="rId1" Type="{_RELATION}/officeDocument" Target="xl/workbook.xml"/>\
<Relationship Id="rId2" Type="{_PACKAGE}/relationships/metadata/core-properties" Target="docProps/core.xml"/></Relationships>""",
    "docProps/core.xml": f"""<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" \
xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>is_simulated</dc:title></cp:coreProperties>""",
    "xl/workbook.xml": f"""<workbook xmlns="{_MAIN}" xmlns:r="{_RELATION}">\
<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>""",
    "xl/_rels/workbook.xml.rels": f"""<Relationships xmlns="{_PACKAGE}/relationships">\
<Relationship Id="rId1" Type="{_RELATION}/worksheet" Target="worksheets/sheet1.xml"/>\
<Relationship Id="rId2" Type="{_RELATION}/styles" Target="styles.xml"/></Relationships>""",
    "xl/styles.xml": f"""<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts>\
<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>\
<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>\
<cellXfs count="2"><xf xfId="0"/><xf xfId="0" numFmtId="14" applyNumberFormat="1"/></cellXfs>\
<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>""",
}


def _xlsx(contract: Contract, columns: Texts, form: Layout) -> pa.Array:
    """A row element per row, its cells in order and therefore without an address."""
    return joined(["<row>", *[_xlsx_cells(contract.by_type(name), columns[name]) for name, _ in form.columns], "</row>"])


def _xlsx_cells(kind: str | None, text: pa.Array) -> pa.Array:
    """Days and numbers as such; as text what is neither, whatever the contract says."""
    plain = text
    for special in "&<>":
        plain = compute.replace_substring(plain, special, escape(special))
    cell = joined(['<c t="inlineStr"><is><t xml:space="preserve">', plain, "</t></is></c>"])
    if kind in ("integer", "decimal"):
        is_number = compute.match_substring_regex(text, r"^-?(0|[1-9][0-9]{0,13})(\.[0-9]+)?$")
        cell = compute.if_else(is_number, joined(["<c><v>", text, "</v></c>"]), cell)
    if kind == "date":
        serial = _serials(text)
        cell = compute.if_else(compute.is_valid(serial), joined(['<c s="1"><v>', serial, "</v></c>"]), cell)
    is_empty = compute.fill_null(compute.equal(text, ""), True)
    return compute.if_else(is_empty, "<c/>", cell)


def _serials(text: pa.Array) -> pa.Array:
    """The number by which Excel knows a day written as yyyy-mm-dd; null for anything else, and for days before its calendar is right."""
    distinct = text.dictionary_encode()
    numbers = []
    for word in distinct.dictionary.to_pylist():
        try:
            number = (np.datetime64(date.fromisoformat(word)) - _EXCEL_EPOCH).astype(int) if len(word) == 10 else 0
        except ValueError:
            number = 0
        numbers.append(str(number) if number > 60 else None)
    return pa.array(numbers, pa.string()).take(distinct.indices)


def _write_xlsx(contract: Contract, parts: Sequence[Path], out: _Measured, form: Layout) -> int:
    """The parts as the one sheet of a workbook."""
    rows = sum(_lines_in(contract, part) for part in parts)
    if rows >= _MOST_ROWS:
        most = f"a sheet of Excel takes {_MOST_ROWS - 1:,}"
        raise ConfigurationError(f"{contract.partner}/{contract.file} has {rows:,} rows and {most}: deliver it in another form.")
    with zipfile.ZipFile(out, "w") as book:
        for name, content in _WORKBOOK.items():
            book.writestr(_member(name), _DECLARATION + content)
        with book.open(_member("xl/worksheets/sheet1.xml"), "w", force_zip64=True) as sheet:
            sheet.write(f'{_DECLARATION}<worksheet xmlns="{_MAIN}"><sheetData>{_header(contract, form)}'.encode())
            for part in parts:
                with part.open("rb") as source:
                    shutil.copyfileobj(source, sheet, 1 << 20)
            sheet.write(b"</sheetData></worksheet>")
    return rows
