"""Random draws in named streams, and the two kinds of column that numpy has no type for: categories and texts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

Days = NDArray[Any]  # datetime64[D]; NaT is no day
Spans = NDArray[Any]  # timedelta64[D]
Ints = NDArray[Any]
Floats = NDArray[Any]
Bools = NDArray[Any]
compute: Any = pyarrow.compute  # its functions are created on import, where no type checker sees them
NEVER = np.datetime64("NaT", "D")


def of_block(seed: int, block: int) -> int:
    """The seed of one block of the world: a part with its own persons and crimes, drawn independently of all others."""
    return int(stream(seed, "block", block).integers(2**62))


def stream(seed: int, *name: str | int) -> np.random.Generator:
    """The random numbers for one purpose. Each name has its own stream, so that an extra draw elsewhere changes nothing here."""
    digest = hashlib.sha256("/".join(map(str, name)).encode()).digest()
    return np.random.default_rng(np.random.SeedSequence([seed, *np.frombuffer(digest[:16], dtype="<u4").tolist()]))


@dataclass(frozen=True)
class Coded:
    """A column of words from a short list, stored as codes; -1 means no word."""

    words: tuple[str, ...]
    codes: Ints

    def is_in(self, words: Iterable[str]) -> Bools:
        """Which rows hold one of `words`."""
        wanted = set(words)
        return np.array([w in wanted for w in self.words] + [False])[self.codes]

    def at(self, rows: Ints) -> Coded:
        """The words in these rows."""
        return Coded(self.words, self.codes[rows])

    def translated(self, to: Mapping[str, str]) -> Coded:
        """The column with each word replaced by its word in `to`; a word that is not in `to` becomes no word."""
        words = tuple(sorted(set(to.values())))
        place = {w: i for i, w in enumerate(words)}
        return Coded(words, np.array([place.get(to.get(w, ""), -1) for w in self.words] + [-1])[self.codes])

    def among(self, words: tuple[str, ...]) -> Coded:
        """The same column, coded in a longer list of words."""
        return Coded(words, np.array([words.index(w) for w in self.words] + [-1])[self.codes])

    def numbers(self, of: Mapping[str, float]) -> Floats:
        """The number of each row's word; NaN for no word."""
        return np.array([of[w] for w in self.words] + [np.nan])[self.codes]


Column = NDArray[Any] | Coded | pa.Array


def take(column: Column, rows: Ints) -> Column:
    """The rows of a column, in the order of `rows`."""
    if isinstance(column, Coded):
        return column.at(rows)
    if isinstance(column, pa.Array):
        return column.take(pa.array(rows))
    return column[rows]


def blank(column: Column, where: Bools) -> Column:
    """The column, emptied in the rows `where`."""
    if not where.any():
        return column
    if isinstance(column, Coded):
        return Coded(column.words, np.where(where, -1, column.codes))
    if isinstance(column, pa.Array):
        return compute.if_else(pa.array(~where), column, None)
    if np.issubdtype(column.dtype, np.datetime64):
        return np.where(where, NEVER, column)
    return np.where(where, np.nan, column.astype(np.float64))


def uniforms(draw: np.random.Generator, n: int, within: Ints | None = None) -> Floats:
    """`n` numbers between 0 and 1, spread evenly and in random order within each stratum of `within`.

    A share drawn with them is met up to one row per stratum, and two such draws for the same rows are still independent: balanced, or
    stratified, sampling.
    """
    drawn = draw.random(n)
    if within is None or not n:
        return drawn
    order = np.lexsort((drawn, within))  # the drawn numbers decide the random order
    strata = within[order]
    starts = np.flatnonzero(np.r_[True, strata[1:] != strata[:-1]])
    sizes = np.diff(np.r_[starts, n])
    place = np.arange(n) - np.repeat(starts, sizes)
    result = np.empty(n)
    result[order] = (place + draw.random(n)) / np.repeat(sizes, sizes)
    return result


def odds(chance: Floats | float, factor: Floats | float) -> Floats | float:
    """The chance with its odds multiplied by `factor`: 0 and 1 stay the same, and no factor gives a chance above 1."""
    return chance * factor / (1 - chance + chance * factor)


def mix(draw: np.random.Generator, shares: Mapping[str, float], n: int, within: Ints | None = None) -> Coded:
    """`n` words drawn with these shares, which need not add up to 1."""
    return mix_by(draw, Coded(("",), np.zeros(n, dtype=np.int64)), {"": shares}, within=within)


def mix_by(
    draw: np.random.Generator,
    group: Coded,
    shares: Mapping[str, Mapping[str, float]],
    factors: Mapping[str, Floats] | None = None,
    within: Ints | None = None,
) -> Coded:
    """A word for each row, drawn with the shares of its group; `factors` has, by word, what each row's share of it is multiplied by."""
    words = tuple(dict.fromkeys(w for g in group.words for w in shares[g]))
    weights = np.array([[shares[g].get(w, 0.0) for w in words] for g in group.words], dtype=np.float64)
    drawn = uniforms(draw, len(group.codes), within)
    codes = np.zeros(len(drawn), dtype=np.int64)
    if factors:
        of_rows = weights[group.codes]
        for word, factor in factors.items():
            if word in words:
                of_rows[:, words.index(word)] *= factor
        limits = np.cumsum(of_rows, axis=1)
        limits /= limits[:, -1:]
        for column in range(len(words) - 1):
            codes += drawn >= limits[:, column]
        return Coded(words, codes)
    limits = np.cumsum(weights, axis=1)
    limits /= limits[:, -1:]
    for column in range(len(words) - 1):
        codes += drawn >= limits[group.codes, column]
    return Coded(words, codes)


def happens(draw: np.random.Generator, chance: Floats | float, n: int, within: Ints | None = None) -> Bools:
    """For each row, whether an event with this chance happens."""
    return uniforms(draw, n, within) < chance


def days_of(draw: np.random.Generator, median: Floats | float, sigma: float, n: int) -> Spans:
    """Whole days from a log-normal distribution with this median and log standard deviation."""
    drawn = np.exp(draw.normal(0.0, sigma, n)) * median
    return np.floor(np.minimum(drawn, 3650.0)).astype("timedelta64[D]")


def roots(pointer: Ints) -> Ints:
    """The end of each row's chain of pointers; a row that points to itself ends a chain."""
    while True:
        further = pointer[pointer]
        if np.array_equal(further, pointer):
            return pointer
        pointer = further


def position_within(group: Ints) -> Ints:
    """1, 2, 3 … within each group, in row order."""
    order = np.argsort(group, kind="stable")
    sorted_groups = group[order]
    starts = np.r_[True, sorted_groups[1:] != sorted_groups[:-1]] if len(group) else np.zeros(0, dtype=bool)
    first = np.maximum.accumulate(np.where(starts, np.arange(len(group)), 0))
    result = np.empty(len(group), dtype=np.int64)
    result[order] = np.arange(len(group)) - first + 1
    return result


def joined(parts: Sequence[pa.Array | str]) -> pa.Array:
    """Texts concatenated row by row; a plain string is the same in every row."""
    return compute.binary_join_element_wise(*[p if isinstance(p, pa.Array) else pa.scalar(p) for p in parts], "")


def padded(numbers: Ints, width: int) -> pa.Array:
    """Whole numbers as texts of a fixed width, with leading zeros."""
    return compute.utf8_lpad(compute.cast(pa.array(numbers), pa.string()), width, "0")


def text_of(column: Coded) -> pa.Array:
    """The words of a coded column as texts."""
    return pa.array(column.words, pa.string()).take(pa.array(np.where(column.codes < 0, 0, column.codes), mask=column.codes < 0))
