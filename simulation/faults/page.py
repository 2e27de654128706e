"""The rows of one file before they are written, what is done to them, and the line of the ledger that says so."""

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
    "accepted",  # as it stands
    "accepted_unknown",  # its concept is unknown
    "duplicate",
    "quarantined",
    "left_out",  # it is not in the file, and nothing in the file says so
    "refused",  # the whole delivery is
    "late",  # the whole delivery comes later
    "waits",  # what is delivered afterwards waits for it
]


@dataclass(frozen=True)
class Fault:
    """One fault in one place. Without a line it is about the whole file, or about a row that is not in it."""

    fault: str
    phase: Phase
    partner: str
    delivery: str
    file: str
    line: int | None
    column: str | None
    before: str | None
    after: str | None
    rule: str | None  # the rule that should fire; None when nothing should
    outcome: Outcome

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def moved(self, lines: int) -> Fault:
        """The same fault in a file in which `lines` lines of other blocks come before."""
        return self if self.line is None else replace(self, line=self.line + lines)


@dataclass(frozen=True)
class Change:
    """A cell that gets another text."""

    row: int
    column: str
    after: str | None


@dataclass
class Page:
    """The rows of a file, or of one block of it, before they are written, and what is done to them.

    `may_go`: rows that nothing else depends on, so that they can be set aside or left out. `known_on`: the day of entry in the register.
    """

    contract: Contract
    reference_on: date
    columns: Texts
    expired: Mapping[str, Sequence[tuple[str, str]]]  # by code list: codes that are no longer used, and their last day
    known_on: Days
    may_go: Bools
    form: Layout = field(init=False)  # as the contract says, until a fault changes it
    extra: list[int] = field(default_factory=list)  # rows written a second time, at the end of the file
    cut: set[int] = field(default_factory=set)  # rows whose line breaks off
    headers: set[int] = field(default_factory=set)  # rows before which the header stands again
    broken: set[int] = field(default_factory=set)  # rows that have become two lines
    left_out: set[int] = field(default_factory=set)
    changes: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.form = layout(self.contract, self.reference_on)

    @property
    def rows(self) -> int:
        return len(self.columns[self.contract.columns[0].name])

    def text(self, column: str, row: int) -> str | None:
        """What stands in a cell before any fault."""
        return self.columns[column][row].as_py()

    @cached_property
    def keys(self) -> frozenset[str]:
        """The columns that name a row."""
        return frozenset((*self.contract.unit_key, *self.contract.sub_key))

    def pick(self, row: int, draw: np.random.Generator, columns: Sequence[Column]) -> Column | None:
        """One of the columns that have something in this row."""
        found = [c for c in columns if self.text(c.name, row)]
        return found[draw.integers(len(found))] if found else None

    def repeat(self, row: int) -> int:
        """The number of a new last row that repeats `row`."""
        self.extra.append(row)
        return self.rows + len(self.extra) - 1

    def leave_out(self, rows: Bools) -> int:
        """Leaves out the rows that may go; how many did."""
        gone = np.flatnonzero(rows & self.may_go)
        self.left_out.update(gone.tolist())
        return len(gone)

    # -- what is written

    @property
    def written(self) -> Ints:
        """The rows in the order in which they are written; a row from `rows` on is one of `extra`."""
        every = np.arange(self.rows + len(self.extra))
        return every[~np.isin(every, list(self.left_out))] if self.left_out else every

    def held(self) -> Texts:
        """The columns as the sender's system has them: the rows that are written, before the writer's mistakes."""
        if not self.extra and not self.left_out:
            return self.columns
        source = np.r_[np.arange(self.rows), np.array(self.extra, dtype=np.int64)]
        rows = pa.array(source[self.written])
        return {name: text.take(rows) for name, text in self.columns.items()}

    def finished(self) -> Texts:
        """The columns with every change in them."""
        result, places = dict(self.held()), self._places()
        for name in {c.column for c in self.changes}:
            after = {int(places[c.row]): c.after for c in self.changes if c.column == name and c.row not in self.left_out}
            mask = np.isin(np.arange(len(result[name])), list(after))
            result[name] = compute.replace_with_mask(result[name], pa.array(mask), pa.array([after[r] for r in sorted(after)], pa.string()))
        return result

    def places(self, rows: set[int]) -> set[int]:
        """Where these rows stand among the written ones."""
        return set(self._places()[sorted(rows)].tolist()) if rows else set()

    def _places(self) -> Ints:
        places = np.full(self.rows + len(self.extra), -1)
        written = self.written
        places[written] = np.arange(len(written))
        return places

    def line_numbers(self) -> Callable[[int], int]:
        """The number of the line on which a row stands, as the reader counts: the header and lines that were broken count as well."""
        places, first = self._places(), first_line(self.contract)
        before = np.sort(np.array([places[r] + 1 for r in self.broken] + [places[r] for r in self.headers], dtype=np.int64))
        return lambda row: int(places[row]) + first + int(np.searchsorted(before, places[row], side="right"))


Fits = Callable[[Contract, Column], bool]
