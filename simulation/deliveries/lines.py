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

# Marks that faults leave in a text: they become what no honest writer would write.
BROKEN_BYTE, BARE_DELIMITER = "\ue000", "\ue001"
_END = {"csv": "\r\n", "fixed": "\r\n", "jsonl": "\n", "xml": "\n", "xlsx": ""}
_LONE_SURROGATE = b"\x00\xd8"  # half a character of UTF-16


def lines(contract: Contract, columns: Texts, form: Layout | None = None) -> pa.Array:
    """One line per row, without its line end."""
    writer = {"csv": _csv, "fixed": _fixed, "jsonl": _jsonl, "xml": _xml, "xlsx": workbook_rows, "parquet": _jsonl}[contract.format.kind]
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


def lines_in(contract: Contract, part: Path) -> int:
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
