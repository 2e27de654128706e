"""Lines of a csv file that are parts of one quoted value: a line is a row here, so that neither part may be taken for one."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from das_pipeline.deliveries.cells import compute
from das_pipeline.deliveries.contract import Format


class OpenQuotes:
    """Follows quotes that are opened on one line and closed on a later one, from batch to batch of the lines of a file.

    The line that opens one is no line by itself (I05 when its fields are read). The line that closes it can look like one: `"first` and
    `second";2;3` are two lines with a value of their own each, of which the second would lose `first`.
    """

    def __init__(self, format: Format) -> None:
        quote, delimiter = re.escape(format.quote), re.escape(format.delimiter)
        self._quote = format.quote
        # The last field begins with a quote that is not closed. Blanks before it do not count.
        self._opens = re.compile(f"(?:^|.*{delimiter}) *{quote}(?:[^{quote}]|{quote}{quote})*")
        self._is_open = False

    def closed_later(self, lines: pa.Array, faults: pa.Array) -> pa.Array:
        """The faults of some lines, and I05 for those that close a quote of a line before. Most lines have quotes in pairs."""
        is_odd = compute.equal(compute.bit_wise_and(compute.count_substring(lines, self._quote), 1), 1)
        places = np.flatnonzero(is_odd.to_numpy(zero_copy_only=False))
        if not len(places):
            return faults
        closing = []
        for place, line in zip(places, lines.take(pa.array(places)).to_pylist(), strict=True):
            if self._is_open:
                closing.append(place)
                self._is_open = False
            else:
                self._is_open = self._opens.fullmatch(line) is not None
        if not closing:
            return faults
        marked = np.array(faults.to_pylist(), dtype=object)
        marked[[place for place in closing if marked[place] is None]] = "I05"
        return pa.array(marked, pa.string())
