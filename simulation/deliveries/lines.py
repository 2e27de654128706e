"""Rows as the lines of a file: one function for each form, and the charset in which the lines are written."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa

from das_pipeline.deliveries import Contract
from simulation.deliveries.layout import Layout, Texts
from simulation.deliveries.workbook import workbook_header, workbook_rows
from simulation.draws import compute, joined

# Marks that faults leave in a text. In the file they become bytes that no correct writer would produce.
BROKEN_BYTE, BARE_DELIMITER = "\ue000", "\ue001"
_END = {"csv": "\r\n", "fixed": "\r\n", "jsonl": "\n", "xml": "\n", "xlsx": ""}
_LONE_SURROGATE = b"\x00\xd8"  # half of a surrogate pair in UTF-16


def lines(contract: Contract, columns: Texts, form: Layout | None = None) -> pa.Array:
    """One line per row, without its line ending."""
    writer = {"csv": _csv, "fixed": _fixed, "jsonl": _jsonl, "xml": _xml, "xlsx": workbook_rows, "parquet": _jsonl}[contract.format.kind]
    return writer(contract, columns, form or Layout(tuple((c.name, c.source) for c in contract.columns)))


def cut_off(contract: Contract, body: pa.Array, rows: Collection[int]) -> pa.Array:
    """The lines; those of `rows` are without their last field."""
    if not rows:
        return body
    texts = body.to_pylist()
    for row in rows:
        texts[row] = texts[row].rpartition(contract.format.delimiter)[0] if contract.format.kind == "csv" else texts[row][:-6]
    return pa.array(texts, pa.string())


def _csv(contract: Contract, columns: Texts, form: Layout) -> pa.Array:
    file_format = contract.format
    fields = []
    for name, _ in form.columns:
        text = compute.fill_null(columns[name], "")
        special = compute.match_substring_regex(text, f"[{re.escape(file_format.delimiter)}{re.escape(file_format.quote)}\r\n]")
        if compute.any(special).as_py():
            doubled = compute.replace_substring(text, file_format.quote, file_format.quote * 2)
            text = compute.if_else(special, joined([file_format.quote, doubled, file_format.quote]), text)
        fields.append(text)
    return compute.binary_join_element_wise(*fields, file_format.delimiter)


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


Tree = dict[str, Any]  # by name of an element or object: its own tree, or the name of the column with its value


def _tree(form: Layout) -> Tree:
    """The columns, nested by the parts of their path in the file."""
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
    """Numbers as numbers, everything else in quotes."""
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
    """An element per value; a missing value has none."""
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


def header(contract: Contract, form: Layout) -> str:
    if contract.format.kind == "xlsx":
        return workbook_header(form)
    return contract.format.delimiter.join(head for _, head in form.columns)


def with_headers(contract: Contract, form: Layout, body: pa.Array, rows: Collection[int]) -> pa.Array:
    if not rows:
        return body
    texts = body.to_pylist()
    for row in sorted(rows, reverse=True):
        texts.insert(row, header(contract, form))
    return pa.array(texts, pa.string())


def encoded(contract: Contract, body: pa.Array) -> bytes:
    """The lines with their endings, in the charset of the file."""
    file_format = contract.format
    ended = joined([body, _END[file_format.kind]])
    _, offsets, data = ended.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32, count=len(ended) + 1)
    content = bytes(memoryview(data)[ends[0] : ends[-1]]) if data is not None else b""  # an Arrow array stores its texts consecutively
    content = content.replace(BARE_DELIMITER.encode(), file_format.delimiter.encode())
    parts = content.split(BROKEN_BYTE.encode())
    if file_format.encoding == "utf-16":
        return _LONE_SURROGATE.join(p.decode().encode("utf-16-le") for p in parts)
    is_utf_8 = file_format.encoding in ("utf-8", "utf-8-sig")
    broken = b"\xff" if is_utf_8 else b"\x81"
    return broken.join(p if is_utf_8 or p.isascii() else p.decode().encode(file_format.encoding) for p in parts)


def lines_in(contract: Contract, part: Path) -> int:
    """The number of physical lines, records or rows in a part."""
    file_format = contract.format
    count, rest = 0, b""
    with part.open("rb") as source:
        while chunk := source.read(1 << 20):
            if file_format.encoding == "utf-16":
                count += int(np.count_nonzero(np.frombuffer(chunk, dtype="<u2") == ord("\n")))
                continue
            mark = {"xml": f"<{file_format.record}>".encode(), "xlsx": b"</row>"}.get(file_format.kind, b"\n")
            count += (rest + chunk).count(mark)
            rest = (rest + chunk)[len(rest + chunk) - len(mark) + 1 :]
    return count
