"""What goes wrong on the way, seeded, and logged with the rule that should notice it and what should become of the row.

`source`: the partner's own data is wrong, and the manifest agrees with it. `rendering`: the writer of the file made it. `transport`:
after the manifest. A row carries one fault at most, and a row that others depend on none that sets it aside, so that one fault has
one effect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from das_pipeline.deliveries import Column, Contract
from das_pipeline.simulation.draws import Bools, compute
from das_pipeline.simulation.parameters import Faults
from das_pipeline.simulation.render import BARE_DELIMITER, BROKEN_BYTE, Texts, date_text, first_line

Outcome = Literal["quarantined", "accepted", "accepted_unknown", "duplicate", "refused"]


@dataclass(frozen=True)
class Fault:
    """One fault in one place. Without a line it is about the whole file."""

    fault: str
    phase: str
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


@dataclass(frozen=True)
class Change:
    """A cell that gets another text."""

    row: int
    column: str
    after: str


@dataclass
class Page:
    """The rows of a file before they are written, and what is done to them."""

    contract: Contract
    reference_on: date
    columns: Texts
    expired: Mapping[str, Sequence[tuple[str, str]]]  # by code list: codes that are no longer used, and their last day
    extra: list[int] = field(default_factory=list)  # rows written a second time, at the end of the file
    cut: set[int] = field(default_factory=set)  # rows whose line breaks off
    changes: list[Change] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return len(self.columns[self.contract.columns[0].name])

    def text(self, column: str, row: int) -> str | None:
        """What stands in a cell before any fault."""
        return self.columns[column][row].as_py()

    def pick(self, row: int, draw: np.random.Generator, fits: Callable[[Column], bool]) -> Column | None:
        """One of the columns that fit and have something in this row."""
        found = [c for c in self.contract.columns if fits(c) and self.text(c.name, row)]
        return found[draw.integers(len(found))] if found else None

    def is_key(self, column: Column) -> bool:
        return column.name in (*self.contract.unit_key, *self.contract.sub_key)

    def repeat(self, row: int) -> int:
        """The number of a new last row that repeats `row`."""
        self.extra.append(row)
        return self.rows + len(self.extra) - 1

    def finished(self) -> Texts:
        """The columns with every change in them."""
        result = dict(self.columns)
        if self.extra:
            rows = pa.array([*range(self.rows), *self.extra])
            result = {name: text.take(rows) for name, text in result.items()}
        for name in {c.column for c in self.changes}:
            after = {c.row: c.after for c in self.changes if c.column == name}
            mask = np.isin(np.arange(len(result[name])), list(after))
            result[name] = compute.replace_with_mask(result[name], pa.array(mask), pa.array([after[r] for r in sorted(after)]))
        return result


Make = Callable[[Page, int, np.random.Generator], list[Change] | None]


@dataclass(frozen=True)
class Kind:
    """A kind of fault: where it happens, what should notice it, and how it is made; None where the row does not lend itself to it."""

    phase: str
    rule: str | None
    outcome: Outcome
    make: Make


KINDS: dict[str, Kind] = {}


def _kind(phase: str, rule: str | None, outcome: Outcome) -> Callable[[Make], Make]:
    def register(make: Make) -> Make:
        KINDS[make.__name__] = Kind(phase, rule, outcome, make)
        return make

    return register


def _one(row: int, column: Column | None, after: Callable[[Column], str]) -> list[Change] | None:
    return None if column is None else [Change(row, column.name, after(column))]


@_kind("source", "T01", "accepted_unknown")
def unknown_code(page: Page, row: int, draw: np.random.Generator) -> list[Change] | None:
    """A code that is in no list."""
    return _one(row, page.pick(row, draw, lambda c: c.concept is not None and c.identity is None), lambda _: "ZZ9")


@_kind("source", "T01", "accepted_unknown")
def code_outside_validity(page: Page, row: int, draw: np.random.Generator) -> list[Change] | None:
    """A code that was taken out of use before the row's date."""
    column = page.pick(row, draw, lambda c: c.concept is not None and c.concept.list in page.expired and c.concept.at is not None)
    if column is None or column.concept is None or column.concept.at is None:
        return None
    at = page.contract.by_name[column.concept.at]
    day = _iso(page.text(at.name, row), at.formats[0])
    codes = [code for code, last in page.expired[column.concept.list] if day is not None and day > last]
    return _one(row, column, lambda _: codes[draw.integers(len(codes))]) if codes else None


@_kind("source", "K06", "quarantined")
def impossible_date(page: Page, row: int, draw: np.random.Generator) -> list[Change] | None:
    """30 or 31 February."""
    day = f"{draw.integers(2019, 2025)}-02-{draw.integers(30, 32)}"
    return _one(row, page.pick(row, draw, lambda c: c.type == "date"), lambda c: date_text(day, c.formats[0]))


@_kind("source", "K08", "quarantined")
def future_date(page: Page, row: int, draw: np.random.Generator) -> list[Change] | None:
    """A day that is yet to come, beyond what the contract allows."""
    days = int(draw.integers(30, 900))
    column = page.pick(row, draw, lambda c: c.type == "date")
    return _one(row, column, lambda c: date_text((page.reference_on + timedelta(c.horizon_days + days)).isoformat(), c.formats[0]))


@_kind("rendering", "K06", "quarantined")
def date_format(page: Page, row: int, draw: np.random.Generator) -> list[Change] | None:
    """Year, month and day in another order than agreed."""
    other = "ddmmyyyy" if page.contract.format.kind == "fixed" else "dd/mm/yyyy"
    column = page.pick(row, draw, lambda c: c.type == "date")
    day = None if column is None else _iso(page.text(column.name, row), column.formats[0])
    return None if day is None else _one(row, column, lambda _: date_text(day, other))


@_kind("rendering", "K06", "quarantined")
def decimal_point(page: Page, row: int, draw: np.random.Generator) -> list[Change] | None:
    """A point where a comma was agreed."""
    column = page.pick(row, draw, lambda c: c.type == "decimal" and page.contract.format.decimal == ",")
    return _one(row, column, lambda c: str(page.text(c.name, row)).replace(",", "."))


@_kind("source", "K06", "quarantined")
def missing_required(page: Page, row: int, draw: np.random.Generator) -> list[Change] | None:
    """Nothing where something must stand."""
    column = page.pick(row, draw, lambda c: c.required and not page.is_key(c) and c.history)
    return _one(row, column, lambda _: "")


@_kind("source", "K02", "quarantined")
def failed_check(page: Page, row: int, draw: np.random.Generator) -> list[Change] | None:
    """A number whose check digit is another one."""
    column = page.pick(row, draw, lambda c: c.check is not None)
    text = "" if column is None else str(page.text(column.name, row))
    return _one(row, column, lambda _: text[:-1] + str((int(text[-1]) + 1) % 10))


@_kind("source", "K02", "quarantined")
def malformed_number(page: Page, row: int, draw: np.random.Generator) -> list[Change] | None:
    """A number that lacks a digit."""
    column = page.pick(row, draw, lambda c: c.mask is not None and not page.is_key(c))
    return _one(row, column, lambda c: str(page.text(c.name, row))[:-1])


@_kind("rendering", "K02", "quarantined")
def key_case(page: Page, row: int, draw: np.random.Generator) -> list[Change] | None:
    """The letters of a key in lower case."""
    column = page.pick(
        row, draw, lambda c: page.is_key(c) and c.type == "text" and str(page.text(c.name, row)).lower() != page.text(c.name, row)
    )
    return _one(row, column, lambda c: str(page.text(c.name, row)).lower())


@_kind("source", None, "accepted")
def placeholder_number(page: Page, row: int, draw: np.random.Generator) -> list[Change] | None:
    """A chain number that stands for not knowing one."""
    column = page.pick(row, draw, lambda c: c.identity == "chain_number")
    return _one(row, column, lambda c: "9" * len(str(page.text(c.name, row))))


@_kind("rendering", None, "accepted")
def trailing_spaces(page: Page, row: int, draw: np.random.Generator) -> list[Change] | None:
    """Spaces after a text."""
    column = page.pick(row, draw, lambda c: c.type == "text" and c.history and page.contract.format.kind != "fixed")
    return _one(row, column, lambda c: f"{page.text(c.name, row)}  ")


@_kind("source", None, "accepted")
def sentinel_date(page: Page, row: int, draw: np.random.Generator) -> list[Change] | None:
    """A day that the contract reads as: not known."""
    column = page.pick(row, draw, lambda c: c.type == "date" and bool(c.sentinels))
    return _one(row, column, lambda c: date_text(str(c.sentinels[0]), c.formats[0]))


@_kind("rendering", "I03", "quarantined")
def invalid_byte(page: Page, row: int, draw: np.random.Generator) -> list[Change] | None:
    """A byte that is no letter of the charset."""
    column = page.pick(row, draw, lambda c: c.identity == "surname" and page.contract.format.kind in ("csv", "jsonl"))
    return _one(row, column, lambda c: f"{page.text(c.name, row)}{BROKEN_BYTE}")


@_kind("rendering", "I03", "quarantined")
def mixed_charset(page: Page, row: int, _draw: np.random.Generator) -> list[Change] | None:
    """A line of UTF-8 in a file of another charset."""
    encoding = page.contract.format.encoding
    texts = {c.name: page.text(c.name, row) for c in page.contract.columns}
    foreign = {name: text for name, text in texts.items() if text is not None and not text.isascii()}
    if not foreign or encoding == "utf-8" or page.contract.format.kind == "fixed":
        return None
    try:
        return [Change(row, name, text.encode().decode(encoding)) for name, text in foreign.items()]
    except UnicodeDecodeError:
        return None


@_kind("rendering", "I05", "quarantined")
def unescaped_delimiter(page: Page, row: int, draw: np.random.Generator) -> list[Change] | None:
    """A delimiter inside a text that is not quoted: a field too many."""
    column = page.pick(row, draw, lambda c: c.type == "text" and c.identity is not None and page.contract.format.kind == "csv")
    return _one(row, column, lambda c: f"{page.text(c.name, row)}{BARE_DELIMITER}")


@_kind("rendering", "I05", "quarantined")
def too_few_fields(page: Page, row: int, _draw: np.random.Generator) -> list[Change] | None:
    """A line that breaks off before its end."""
    if page.contract.format.kind == "xml":
        return None
    page.cut.add(row)
    return [Change(row, page.contract.columns[0].name, page.text(page.contract.columns[0].name, row) or "")]


@_kind("source", None, "duplicate")
def duplicate_row(page: Page, row: int, _draw: np.random.Generator) -> list[Change] | None:
    """The same row a second time."""
    first = page.contract.columns[0].name
    return [Change(page.repeat(row), first, page.text(first, row) or "")]


@_kind("source", "K01", "quarantined")
def conflicting_key(page: Page, row: int, draw: np.random.Generator) -> list[Change] | None:
    """The same key a second time, with something else in it: neither can be believed."""
    column = page.pick(row, draw, lambda c: c.type == "date" and not page.is_key(c) and c.identity is None)
    day = None if column is None else _iso(page.text(column.name, row), column.formats[0])
    if column is None or day is None:
        return None
    earlier = (date.fromisoformat(day) - timedelta(days=int(draw.integers(1, 30)))).isoformat()
    text = page.text(column.name, row) or ""
    return [Change(row, column.name, text), Change(page.repeat(row), column.name, date_text(earlier, column.formats[0]))]


@_kind("source", "K03", "quarantined")
def orphan_row(page: Page, row: int, draw: np.random.Generator) -> list[Change] | None:
    """A row that refers to a unit that does not exist."""
    names = {r.columns[0] for r in page.contract.relations}
    column = page.pick(row, draw, lambda c: c.name in names)
    if column is None:
        return None
    return [Change(page.repeat(row), column.name, re.sub("[0-9]", "9", page.text(column.name, row) or ""))]


def put_faults(page: Page, delivery: str, wanted: Faults, least: int, may_go: Bools, draw: np.random.Generator) -> list[Fault]:
    """Makes a share of the rows of `page` faulty, at least `least`, and returns what was done. Rows not in `may_go` stay accepted."""
    number = min(max(least, int(draw.binomial(page.rows, wanted.share))), page.rows)
    kinds, weights = list(wanted.weights), np.array(list(wanted.weights.values()))
    used: set[int] = set()
    log: list[Fault] = []
    for _ in range(number * 8):
        if len(used) >= number:
            break
        name, row = kinds[draw.choice(len(kinds), p=weights / weights.sum())], int(draw.integers(page.rows))
        kind = KINDS[name]
        if row in used or (kind.outcome == "quarantined" and name != "orphan_row" and not may_go[row]):
            continue
        changes = kind.make(page, row, draw)
        if changes is None:
            continue
        used.add(row)
        page.changes.extend(changes)
        log.extend(_logged(page, delivery, name, kind, changes))
    return log


def _logged(page: Page, delivery: str, name: str, kind: Kind, changes: list[Change]) -> list[Fault]:
    contract = page.contract
    return [
        Fault(
            fault=name,
            phase=kind.phase,
            partner=contract.partner,
            delivery=delivery,
            file=contract.file,
            line=row + first_line(contract),
            column=None if name in ("too_few_fields", "duplicate_row") else of_row[0].column,
            before=page.text(of_row[0].column, row) if row < page.rows else None,
            after=of_row[0].after,
            rule=kind.rule,
            outcome=kind.outcome,
        )
        for row, of_row in {c.row: [d for d in changes if d.row == c.row] for c in changes}.items()
    ]


def _iso(text: str | None, format: str) -> str | None:
    if not text or len(text) != len(format):
        return None
    return "-".join(text[format.index(p) : format.index(p) + len(p)] for p in ("yyyy", "mm", "dd"))
