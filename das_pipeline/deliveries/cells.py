"""Rows of cells as the lines of a file: each row a JSON object of texts by column.

Values that have a type of their own are written one way: days as yyyy-mm-dd, moments as yyyy-mm-dd hh:mm:ss, numbers with a point,
truth as true and false.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from das_pipeline.deliveries.unpacking import Growth

compute: Any = pyarrow.compute  # its functions are made on import, so that no type checker sees them
ROWS_A_BATCH = 16_384
BYTES_A_VALUE = 32  # the most that a number, a day or a moment takes as text; and what a cell takes beside its text
_BYTES_A_BATCH = 1 << 20
_BYTES_OF_NAMES = 2048  # as JSON every row repeats them; more than any contract has counts as text of the row


@dataclass(frozen=True)
class Cells:
    """Some rows: the number of the first, their texts by column (null where there is nothing), and the rule each row breaks."""

    start: int
    columns: Sequence[pa.Array]
    faults: Sequence[str | None]


def json_lines(names: Sequence[str], columns: Sequence[pa.Array]) -> pa.Array:
    """The rows of some columns of text as JSON objects."""
    fields = [
        compute.binary_join_element_wise(f"{json.dumps(n, ensure_ascii=False)}: ", _quoted(c), "")
        for n, c in zip(names, columns, strict=True)
    ]
    return compute.binary_join_element_wise("{", compute.binary_join_element_wise(*fields, ", "), "}", "")


def _quoted(text: pa.Array) -> pa.Array:
    escaped = compute.replace_substring(compute.replace_substring(text, "\\", "\\\\"), '"', '\\"')
    is_odd = compute.fill_null(compute.match_substring_regex(text, "[\\x00-\\x1f]"), False)
    if compute.any(is_odd).as_py():
        words = [json.dumps(word, ensure_ascii=False)[1:-1] for word in text.filter(is_odd).to_pylist()]
        escaped = compute.replace_with_mask(escaped, is_odd, pa.array(words, pa.string()))
    return compute.fill_null(compute.binary_join_element_wise('"', escaped, '"', ""), "null")


def pieces(names: Sequence[str], columns: Sequence[pa.Array], growth: Growth) -> Iterator[tuple[int, int]]:
    """Return where to cut rows into pieces that are small as JSON: start and length of each. NotReadable for a row that is too long.

    Repeated texts are counted as often as they occur, before they are written out.
    """
    sizes = np.zeros(len(columns[0]) if columns else 0, dtype=np.int64)
    for column in columns:
        sizes += _text_sizes(column)
    of_names = sum(len(name.encode()) + 8 for name in names)
    growth.cells += int(sizes.sum()) + max(of_names - _BYTES_OF_NAMES, 0) * len(sizes)
    growth.require(growth.cells)
    sizes += of_names
    growth.require_line(int(sizes.max(initial=0)))
    ends = np.flatnonzero(np.diff(sizes.cumsum() // _BYTES_A_BATCH)) + 1
    for start, end in pairwise([0, *ends.tolist(), len(sizes)]):
        yield start, end - start


def _text_sizes(column: pa.Array) -> np.ndarray | int:
    """Return the most bytes that each value of a column has as text."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        sizes = _text_sizes(column.dictionary)
        if isinstance(sizes, int):
            return sizes
        places = compute.fill_null(compute.cast(column.indices, pa.int64()), -1).to_numpy(zero_copy_only=False)  # of null, the 0 at the end
        return np.append(sizes, 0)[places]
    if is_text(kind):
        return compute.fill_null(compute.binary_length(column), 0).to_numpy(zero_copy_only=False)
    return BYTES_A_VALUE


def is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
