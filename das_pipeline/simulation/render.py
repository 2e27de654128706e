"""Files as partners write them: one function per format, the columns always those of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa

from das_pipeline.deliveries import Column as ContractColumn
from das_pipeline.deliveries import Contract
from das_pipeline.simulation.draws import Coded, Column, Days, compute, joined, padded, text_of
from das_pipeline.simulation.parameters import Registers

# Marks that faults leave in a text: they become what no honest writer would write.
BROKEN_BYTE, BARE_DELIMITER = "\ue000", "\ue001"

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
    distinct, place = np.unique(days, return_inverse=True)
    iso = np.datetime_as_string(distinct, unit="D").tolist()
    words = [None if d == "NaT" else date_text(d, format) for d in iso]
    return pa.array(words, pa.string()).take(pa.array(place))


def date_text(iso: str, format: str) -> str:
    """A day, given as yyyy-mm-dd, in a contract's date format; the hour, where the format has one, is midnight."""
    text = format.replace("yyyy", iso[:4]).replace("mm", iso[5:7], 1).replace("dd", iso[8:10], 1)
    return text.replace("hh", "00").replace("mm", "00").replace("ss", "00")


def _encodable(value: pa.Array, encoding: str) -> pa.Array:
    """The texts with letters that the file's charset does not have replaced by their base letter."""
    if encoding == "utf-8":
        return value
    distinct = value.dictionary_encode()
    words = [None if w is None else _folded(w, encoding) for w in distinct.dictionary.to_pylist()]
    return pa.array(words, pa.string()).take(distinct.indices)


def _folded(word: str, encoding: str) -> str:
    import unicodedata

    try:
        word.encode(encoding)
    except UnicodeEncodeError:
        plain = {"ł": "l", "Ł": "L", "ı": "i"}
        word = "".join(plain.get(c, c) for c in word)
        word = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode("ascii")
    return word


def sums(contract: Contract, columns: Texts, extra: list[int]) -> dict[str, str]:
    """What the sender's own system adds up, by column of amounts: its rows, and those that it writes a second time."""
    totals = {}
    for column in (c for c in contract.columns if c.type == "decimal"):
        texts = columns[column.name]
        twice = pa.concat_arrays([texts, texts.take(pa.array(extra, pa.int64()))]).drop_null()
        cents = compute.cast(compute.replace_substring(twice, contract.format.decimal, ""), pa.int64())
        total = compute.sum(cents).as_py() or 0
        totals[column.name] = f"{total // 100}.{total % 100:02}"
    return totals


# -- lines


def lines(contract: Contract, columns: Texts) -> pa.Array:
    """One line per row, without its line end."""
    writer = {"csv": _csv, "fixed": _fixed, "jsonl": _jsonl, "xml": _xml}[contract.format.kind]
    return writer(contract, columns)


def cut_off(contract: Contract, body: pa.Array, rows: set[int]) -> pa.Array:
    """The lines, those of `rows` without their last field."""
    if not rows:
        return body
    texts = body.to_pylist()
    for row in rows:
        texts[row] = texts[row].rpartition(contract.format.delimiter)[0] if contract.format.kind == "csv" else texts[row][:-6]
    return pa.array(texts, pa.string())


def document(contract: Contract, body: pa.Array) -> bytes:
    """The file around the lines: header or root element, line ends, charset."""
    form = contract.format
    end = "\r\n" if form.kind in ("csv", "fixed") else "\n"
    rows = body.to_pylist()
    if form.kind == "csv":
        rows.insert(0, form.delimiter.join(c.source for c in contract.columns))
    if form.kind == "xml":
        rows = [f'<?xml version="1.0" encoding="{form.encoding.upper()}"?>', f"<{form.root}>", *rows, f"</{form.root}>"]
    text = end.join([*rows, ""]).replace(BARE_DELIMITER, form.delimiter)
    broken = b"\xff" if form.encoding == "utf-8" else b"\x81"
    return broken.join(part.encode(form.encoding) for part in text.split(BROKEN_BYTE))


def first_line(contract: Contract) -> int:
    """The line number of the first row; of XML rows are numbered as records."""
    return 2 if contract.format.kind == "csv" else 1


def _csv(contract: Contract, columns: Texts) -> pa.Array:
    form = contract.format
    fields = []
    for column in contract.columns:
        text = compute.fill_null(columns[column.name], "")
        special = compute.match_substring_regex(text, f"[{form.delimiter}{form.quote}\r\n]")
        if compute.any(special).as_py():
            doubled = compute.replace_substring(text, form.quote, form.quote * 2)
            text = compute.if_else(special, joined([form.quote, doubled, form.quote]), text)
        fields.append(text)
    return compute.binary_join_element_wise(*fields, form.delimiter)


def _fixed(contract: Contract, columns: Texts) -> pa.Array:
    fields, position = [], 1
    for column in sorted(contract.columns, key=lambda c: c.at or (0, 0)):
        assert column.at is not None
        start, width = column.at
        text = compute.utf8_slice_codeunits(compute.fill_null(columns[column.name], ""), 0, width)
        pad = compute.utf8_lpad if column.type in ("integer", "decimal") else compute.utf8_rpad
        fields.append(joined([" " * (start - position), pad(text, width)]))
        position = start + width
    return joined(fields)


def _jsonl(contract: Contract, columns: Texts) -> pa.Array:
    fields = []
    for column in contract.columns:
        text = compute.replace_substring(compute.replace_substring(columns[column.name], "\\", "\\\\"), '"', '\\"')
        written = text if column.type in ("integer", "decimal") else joined(['"', text, '"'])
        fields.append(joined([f'"{column.source}": ', compute.fill_null(written, "null")]))
    return joined(["{", compute.binary_join_element_wise(*fields, ", "), "}"])


def _xml(contract: Contract, columns: Texts) -> pa.Array:
    """An element per value; a value that is missing has none. Paths with / are not written as nested elements here."""
    fields = []
    for column in contract.columns:
        text = columns[column.name]
        for plain in "&<>":
            text = compute.replace_substring(text, plain, escape(plain))
        fields.append(compute.fill_null(joined([f"<{column.source}>", text, f"</{column.source}>"]), ""))
    return joined([f"  <{contract.format.record}>", *fields, f"</{contract.format.record}>"])
