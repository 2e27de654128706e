"""The rows of one file before they are written, the changes that faults make to them, and the lines of the fault ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from das_pipeline.deliveries import Column, Contract
from simulation.deliveries.layout import Layout, Texts, first_line, layout
from simulation.draws import Bools, Days, Ints, compute

Phase = Literal["source", "rendering", "transport"]
Outcome = Literal[
    "accepted",  # as it is
    "accepted_unknown",  # with its concept unknown
    "duplicate",
    "quarantined",
    "left_out",  # it is missing from the file, which nothing in the file shows
    "refused",  # the whole delivery
    "late",  # the whole delivery arrives later
    "waits",  # later deliveries wait for it
]


@dataclass(frozen=True)
class Fault:
    """One fault in one place. Without a line it concerns the whole file, or a row that is not in it."""

    fault: str
    phase: Phase
    partner: str
    delivery: str
    file: str
    line: int | None
    column: str | None
    before: str | None
    after: str | None
    rule: str | None  # the rule that should detect it; None when no rule can
    outcome: Outcome

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def moved(self, lines: int) -> Fault:
        """The same fault in a file in which it is preceded by `lines` lines of other blocks."""
        return self if self.line is None else replace(self, line=self.line + lines)


@dataclass(frozen=True)
class Change:
    """Another text for one cell."""

    row: int
    column: str
    after: str | None


@dataclass
class Page:
    """The rows of a file, or of one block of it, before they are written, and the changes that faults make to them.

    `may_go` marks the rows that nothing depends on, which can be quarantined or left out. `known_on` is their day of entry in the register.
    """

    contract: Contract
    reference_on: date
    columns: Texts
    expired: Mapping[str, Sequence[tuple[str, str]]]  # by code list: codes no longer in use, and their last day
    known_on: Days
    may_go: Bools
    form: Layout = field(init=False)  # as in the contract, until a fault changes it
    extra: list[int] = field(default_factory=list)  # rows written a second time, at the end of the file
    cut: set[int] = field(default_factory=set)  # rows whose line is cut off
    headers: set[int] = field(default_factory=set)  # rows before which the header is repeated
    broken: set[int] = field(default_factory=set)  # rows that a line break splits into two lines
    left_out: set[int] = field(default_factory=set)
    changes: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.form = layout(self.contract, self.reference_on)

    @property
    def rows(self) -> int:
        return len(self.columns[self.contract.columns[0].name])

    def text(self, column: str, row: int) -> str | None:
        """The text of a cell before any fault."""
        return self.columns[column][row].as_py()

    @cached_property
    def keys(self) -> frozenset[str]:
        """The columns that identify a row."""
        return frozenset((*self.contract.unit_key, *self.contract.sub_key))

    def pick(self, row: int, draw: np.random.Generator, columns: Sequence[Column]) -> Column | None:
        """One of the columns that have a value in this row."""
        filled = [c for c in columns if self.text(c.name, row)]
        return filled[draw.integers(len(filled))] if filled else None

    def repeat(self, row: int) -> int:
        """Append a row that repeats `row`; return its number."""
        self.extra.append(row)
        return self.rows + len(self.extra) - 1

    def leave_out(self, rows: Bools) -> int:
        """Leave out those of the rows that may go; return how many."""
        gone = np.flatnonzero(rows & self.may_go)
        self.left_out.update(gone.tolist())
        return len(gone)

    # -- the rows as written

    @property
    def written(self) -> Ints:
        """The row numbers in the order in which they are written; numbers from `rows` on are in `extra`."""
        every = np.arange(self.rows + len(self.extra))
        return every[~np.isin(every, list(self.left_out))] if self.left_out else every

    def held(self) -> Texts:
        """The columns of the written rows as the sender's system has them: before the mistakes of the writer."""
        if not self.extra and not self.left_out:
            return self.columns
        source = np.r_[np.arange(self.rows), np.array(self.extra, dtype=np.int64)]
        rows = pa.array(source[self.written])
        return {name: text.take(rows) for name, text in self.columns.items()}

    def finished(self) -> Texts:
        """The columns with every change applied."""
        result, places = dict(self.held()), self._places()
        for name in {c.column for c in self.changes}:
            after = {int(places[c.row]): c.after for c in self.changes if c.column == name and c.row not in self.left_out}
            mask = np.isin(np.arange(len(result[name])), list(after))
            result[name] = compute.replace_with_mask(result[name], pa.array(mask), pa.array([after[r] for r in sorted(after)], pa.string()))
        return result

    def places(self, rows: set[int]) -> set[int]:
        """The positions of these rows among the written ones."""
        return set(self._places()[sorted(rows)].tolist()) if rows else set()

    def _places(self) -> Ints:
        places = np.full(self.rows + len(self.extra), -1)
        written = self.written
        places[written] = np.arange(len(written))
        return places

    def line_numbers(self) -> Callable[[int], int]:
        """A function from row to line number as a reader counts: repeated headers and split lines count as well."""
        places, first = self._places(), first_line(self.contract)
        before = np.sort(np.array([places[r] + 1 for r in self.broken] + [places[r] for r in self.headers], dtype=np.int64))
        return lambda row: int(places[row]) + first + int(np.searchsorted(before, places[row], side="right"))


Fits = Callable[[Contract, Column], bool]
