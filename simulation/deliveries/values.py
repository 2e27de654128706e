"""The values of a register as the text that a file holds, in the formats of its contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import pyarrow as pa

from das_pipeline.deliveries import Column as ContractColumn
from das_pipeline.deliveries import Contract
from simulation.deliveries.layout import Texts
from simulation.draws import Coded, Column, Days, compute, joined, padded, text_of
from simulation.parameters import Registers


def texts(contract: Contract, state: Mapping[str, Column], registers: Registers) -> Texts:
    """Every column of the contract that is in `state`, as the text in the file; null where there is no value."""
    return {c.name: _text(c, state[c.name], contract, registers) for c in contract.columns if c.name in state}


def _text(column: ContractColumn, value: Column, contract: Contract, registers: Registers) -> pa.Array:
    if isinstance(value, Coded):
        return text_of(value)
    if isinstance(value, pa.Array):
        return _encodable(value, contract.format.encoding)
    if value.dtype == bool:
        return pa.array([registers.no, registers.yes]).take(pa.array(value.astype(np.int64)))
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
    """Days in a contract's date format; each distinct day is formatted once."""
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
    """A day, given as yyyy-mm-dd, in a contract's date format; a time of day, if the format has one, is midnight."""
    text = format.replace("yyyy", iso[:4]).replace("mm", iso[5:7], 1).replace("dd", iso[8:10], 1)
    return text.replace("hh", "00").replace("mm", "00").replace("ss", "00")


def _encodable(value: pa.Array, encoding: str) -> pa.Array:
    """The texts, with letters that the file's charset lacks replaced by their base letter."""
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
    """The control totals of the sender's system: for each column of amounts its sum in cents."""
    totals = {}
    for column in (c for c in contract.columns if c.type == "decimal"):
        cents = compute.cast(compute.replace_substring(columns[column.name].drop_null(), contract.format.decimal, ""), pa.int64())
        totals[column.name] = compute.sum(cents).as_py() or 0
    return totals


def as_amounts(parts: Sequence[Mapping[str, int]]) -> dict[str, str]:
    """The sums over several parts, as a manifest writes them."""
    cents = {name: sum(part[name] for part in parts) for name in parts[0]}
    return {name: f"{total // 100}.{total % 100:02}" for name, total in cents.items()}
