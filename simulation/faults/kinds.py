"""The kinds of fault that a row can have."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from das_pipeline.deliveries import Column, Contract
from simulation.deliveries.lines import BARE_DELIMITER, BROKEN_BYTE
from simulation.deliveries.values import date_text
from simulation.faults.page import Change, Fits, Outcome, Page, Phase

ONE_BYTE = {"cp1252", "windows-1252", "iso-8859-1", "iso-8859-15"}
UNDECLARED = ("9999-12-31", "1753-01-01", "1899-12-30")  # days that systems write for "no date": their last, their first, and day zero
LETTERS = "aeioulnrst"

Make = Callable[[Page, int, Column, np.random.Generator], list[Change] | None]


@dataclass(frozen=True)
class Kind:
    """A kind of fault: its phase, the rule that should detect it, the columns that can have it, and the function that makes it.

    `make` returns None for a row that cannot have it. A kind that `adds` leaves the row itself unchanged.
    """

    phase: Phase
    rule: str | None
    outcome: Outcome
    fits: Fits
    adds: bool
    of_row: bool  # the whole row, not one column of it
    make: Make


KINDS: dict[str, Kind] = {}


def _kind(
    phase: Phase, rule: str | None, outcome: Outcome, fits: Fits, *, adds: bool = False, of_row: bool = False
) -> Callable[[Make], Make]:
    def register(make: Make) -> Make:
        KINDS[make.__name__] = Kind(phase, rule, outcome, fits, adds, of_row, make)
        return make

    return register


# -- columns that can have a fault


def _is_key(contract: Contract, column: Column) -> bool:
    return column.name in contract.unit_key or column.name in contract.sub_key


def _is_date(_contract: Contract, column: Column) -> bool:
    return column.type == "date"


def _is_first(contract: Contract, column: Column) -> bool:
    return column.name == contract.unit_key[0]


def _is_name(_contract: Contract, column: Column) -> bool:
    return column.identity in ("surname", "given_names")


def _of_lines(contract: Contract) -> bool:
    return contract.format.kind in ("csv", "fixed", "jsonl")


# -- codes


@_kind("source", "T01", "accepted_unknown", lambda _, c: c.concept is not None and c.identity is None)
def unknown_code(_page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change]:
    """A code that is not in the list."""
    return [Change(row, column.name, "ZZ9")]


@_kind("source", "T01", "accepted_unknown", lambda _, c: c.concept is not None and c.concept.at is not None)
def code_outside_validity(page: Page, row: int, column: Column, draw: np.random.Generator) -> list[Change] | None:
    """A code that was no longer in use on the row's date: of an offence, or of a municipality that has merged."""
    if column.concept is None or column.concept.at is None:
        return None
    day = _day(page, row, page.contract.by_name[column.concept.at])
    codes = [code for code, last in page.expired.get(column.concept.list, ()) if day is not None and day.isoformat() > last]
    return [Change(row, column.name, codes[draw.integers(len(codes))])] if codes else None


# -- dates


@_kind("source", "K06", "quarantined", _is_date)
def impossible_date(_page: Page, row: int, column: Column, draw: np.random.Generator) -> list[Change]:
    """30 or 31 February."""
    day = f"{draw.integers(2019, 2025)}-02-{draw.integers(30, 32)}"
    return [Change(row, column.name, date_text(day, column.formats[0]))]


@_kind("source", "K08", "quarantined", _is_date)
def future_date(page: Page, row: int, column: Column, draw: np.random.Generator) -> list[Change]:
    """A future day, beyond what the contract allows."""
    day = page.reference_on + timedelta(column.horizon_days + int(draw.integers(30, 900)))
    return [Change(row, column.name, date_text(day.isoformat(), column.formats[0]))]


@_kind("source", "K08", "quarantined", _is_date)
def undeclared_sentinel(_page: Page, row: int, column: Column, draw: np.random.Generator) -> list[Change] | None:
    """A day that the partner's system writes for "no date" and that the contract does not declare."""
    day = UNDECLARED[draw.integers(len(UNDECLARED))]
    declared = {date_text(str(s), column.formats[0]) for s in column.sentinels} | set(column.null_tokens)
    text = date_text(day, column.formats[0])
    return None if text in declared else [Change(row, column.name, text)]


@_kind("source", None, "accepted", lambda _, c: c.type == "date" and bool(c.sentinels))
def sentinel_date(_page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change]:
    """A day that the contract declares to mean "not known"."""
    return [Change(row, column.name, date_text(str(column.sentinels[0]), column.formats[0]))]


@_kind("rendering", "K06", "quarantined", _is_date)
def date_format(page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change] | None:
    """Year, month and day in another order than agreed."""
    other = "ddmmyyyy" if page.contract.format.kind == "fixed" else "dd/mm/yyyy"
    day = _day(page, row, column)
    if day is None or other in column.formats or (other == "ddmmyyyy" and _is_day(date_text(day.isoformat(), other), "yyyymmdd")):
        return None
    return [Change(row, column.name, date_text(day.isoformat(), other))]


@_kind("source", "K10", "accepted", lambda contract, c: c.type == "date" and not _is_key(contract, c))
def day_month_swapped(page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change] | None:
    """Day and month swapped, giving a day in the past: not visible in one row, but visible in a share of them."""
    day = _day(page, row, column)
    if day is None or day.day > 12 or day.day == day.month:
        return None
    swapped = date(day.year, day.day, day.month)
    return [Change(row, column.name, date_text(swapped.isoformat(), column.formats[0]))] if swapped <= page.reference_on else None


# -- numbers


@_kind("rendering", "K06", "quarantined", lambda contract, c: c.type == "decimal" and contract.format.decimal == ",")
def decimal_point(page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change]:
    """A decimal point where a comma was agreed."""
    return [Change(row, column.name, _text(page, row, column).replace(",", "."))]


@_kind("rendering", "K06", "quarantined", lambda contract, c: c.type == "decimal" and contract.format.kind in ("csv", "fixed", "xml"))
def scientific_notation(page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change]:
    """An amount in scientific notation."""
    point = page.contract.format.decimal
    amount = float(_text(page, row, column).replace(point, "."))
    return [Change(row, column.name, f"{amount:.4E}".replace(".", point))]


@_kind("rendering", "K02", "quarantined", lambda _, c: c.mask is not None and set(c.mask) == {"9"})
def number_as_power(page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change] | None:
    """A number of a case or person that a spreadsheet read as a quantity."""
    text = _text(page, row, column)
    return [Change(row, column.name, f"{float(text):.3E}".replace(".", ","))] if text.isdigit() else None


@_kind("rendering", "K02", "quarantined", lambda _, c: c.mask is not None and c.mask.startswith("9"))
def leading_zeros_lost(page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change] | None:
    """A number that lost its leading zeros when it was read as a quantity."""
    text = _text(page, row, column)
    return [Change(row, column.name, text.lstrip("0"))] if text.startswith("0") and text.strip("0") else None


@_kind("source", "K02", "quarantined", lambda _, c: c.check is not None)
def failed_check(page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change]:
    """A number with a wrong check digit."""
    text = _text(page, row, column)
    return [Change(row, column.name, text[:-1] + str((int(text[-1]) + 1) % 10))]


@_kind("source", "K02", "quarantined", lambda contract, c: c.mask is not None and not _is_key(contract, c))
def malformed_number(page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change]:
    """A number with a digit missing."""
    return [Change(row, column.name, _text(page, row, column)[:-1])]


@_kind("source", "K05", "accepted", lambda _, c: c.identity == "chain_number")
def placeholder_number(page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change]:
    """A chain number that means "not known": linkage ignores a number that too many persons share."""
    return [Change(row, column.name, "9" * len(_text(page, row, column)))]


PROFILE = ("surname", "birth_date")  # what tells two persons of one number apart


@_kind(
    "source",
    "K04",
    "accepted",
    lambda contract, c: c.identity == "chain_number" and set(PROFILE) <= {other.identity for other in contract.columns},
)
def number_reused(page: Page, row: int, column: Column, draw: np.random.Generator) -> list[Change] | None:
    """The chain number of a person with another name and birth date; linkage rejects the number of such a record."""
    other = int(draw.integers(page.rows))
    profile = [c.name for c in page.contract.columns if c.identity in PROFILE]
    is_another = all(page.text(c, row) and page.text(c, other) and page.text(c, row) != page.text(c, other) for c in profile)
    number = page.text(column.name, other)
    return [Change(row, column.name, number)] if is_another and number else None


# -- keys and references


@_kind("rendering", "K02", "quarantined", lambda contract, c: _is_key(contract, c) and c.mask is not None)
def key_case(page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change] | None:
    """The letters of a key in lower case."""
    text = _text(page, row, column)
    return [Change(row, column.name, text.lower())] if text.lower() != text else None


@_kind("source", "K06", "quarantined", lambda contract, c: c.required and c.history and not _is_key(contract, c))
def missing_required(_page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change]:
    """No value where one is required."""
    return [Change(row, column.name, None)]


@_kind("source", None, "duplicate", _is_first, adds=True, of_row=True)
def duplicate_row(page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change]:
    """The same row twice."""
    return [Change(page.repeat(row), column.name, page.text(column.name, row))]


@_kind("source", "K01", "quarantined", lambda contract, c: c.type == "date" and not _is_key(contract, c) and c.identity is None)
def conflicting_key(page: Page, row: int, column: Column, draw: np.random.Generator) -> list[Change] | None:
    """The same key twice with different values: neither row can be trusted."""
    day = _day(page, row, column)
    if day is None:
        return None
    earlier = (day - timedelta(days=int(draw.integers(1, 30)))).isoformat()
    again = Change(page.repeat(row), column.name, date_text(earlier, column.formats[0]))
    return [Change(row, column.name, page.text(column.name, row)), again]


@_kind("source", "K03", "quarantined", lambda contract, c: c.name in {r.columns[0] for r in contract.relations}, adds=True)
def orphan_row(page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change]:
    """A row that refers to a unit that does not exist."""
    return [Change(page.repeat(row), column.name, re.sub("[0-9]", "9", _text(page, row, column)))]


@_kind("source", "F03", "left_out", _is_first, of_row=True)
def deleted_without_notice(page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change] | None:
    """A row that the partner deleted without notice: in a file of changes the withdrawal is missing, in a whole register the row itself.

    No rule of the intake can detect it; the partner's own count of its stock can.
    """
    mutation = page.contract.delivery.mutation
    is_reported = page.text(mutation.column, row) in mutation.withdraw if mutation else bool(page.may_go[row])
    if not is_reported:
        return None
    page.left_out.add(row)
    return [Change(row, column.name, None)]


# -- names


@_kind("source", None, "accepted", _is_name)
def name_typo(page: Page, row: int, column: Column, draw: np.random.Generator) -> list[Change] | None:
    """A wrong letter in a name, or two letters swapped."""
    text = _text(page, row, column)
    if len(text) < 3:
        return None
    at = int(draw.integers(1, len(text) - 1))
    swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    other = text[:at] + LETTERS[draw.integers(len(LETTERS))] + text[at + 1 :]
    after = swapped if draw.random() < 0.5 else other
    return [Change(row, column.name, after)] if after != text else None


@_kind("source", None, "accepted", lambda _, c: c.identity == "surname")
def names_swapped(page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change] | None:
    """First and last name swapped."""
    given = next((c for c in page.contract.columns if c.identity == "given_names"), None)
    first = None if given is None else page.text(given.name, row)
    if given is None or not first or first == page.text(column.name, row):
        return None
    return [Change(row, column.name, first), Change(row, given.name, page.text(column.name, row))]


# -- text


@_kind("rendering", None, "accepted", lambda contract, c: c.type == "text" and c.history and contract.format.kind != "fixed")
def trailing_spaces(page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change]:
    """Spaces after a text."""
    return [Change(row, column.name, f"{page.text(column.name, row)}  ")]


@_kind(
    "rendering",
    "I03",
    "quarantined",
    lambda contract, c: c.identity == "surname" and contract.format.kind in ("csv", "jsonl") and _knows_broken(contract),
)
def invalid_byte(page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change]:
    """A byte that is not valid in the charset."""
    return [Change(row, column.name, f"{page.text(column.name, row)}{BROKEN_BYTE}")]


def _knows_broken(contract: Contract) -> bool:
    """Whether the charset has invalid bytes."""
    return contract.format.encoding in ("utf-8", "cp1252", "windows-1252")


@_kind(
    "rendering",
    "I03",
    "quarantined",
    lambda contract, c: contract.format.encoding in ONE_BYTE and contract.format.kind in ("csv", "jsonl") and _is_name(contract, c),
)
def mixed_charset(page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change] | None:
    """A line of UTF-8 in a file of another charset, visible in every letter beyond ASCII."""
    texts = {c.name: page.text(c.name, row) for c in page.contract.columns}
    foreign = {name: text for name, text in texts.items() if text is not None and not text.isascii()}
    if column.name not in foreign:
        return None
    try:
        wrong = {name: text.encode().decode(page.contract.format.encoding) for name, text in foreign.items()}
    except UnicodeDecodeError:
        return None
    return [Change(row, name, wrong[name]) for name in sorted(wrong, key=lambda name: name != column.name)]


@_kind(
    "source",
    "I03",
    "quarantined",
    lambda contract, c: contract.format.encoding.startswith("utf") and _is_name(contract, c),
)
def mojibake(page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change] | None:
    """UTF-8 that was read as windows-1252 and written as UTF-8 again: `Ã©` for `é`."""
    text = _text(page, row, column)
    try:
        return None if text.isascii() or max(text) > "\u017f" else [Change(row, column.name, text.encode().decode("cp1252"))]
    except UnicodeDecodeError:
        return None


# -- lines


@_kind("rendering", "I05", "quarantined", lambda contract, c: c.type == "text" and c.identity is not None and contract.format.kind == "csv")
def unescaped_delimiter(page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change]:
    """A delimiter inside an unquoted text, which gives a field too many."""
    return [Change(row, column.name, f"{page.text(column.name, row)}{BARE_DELIMITER}")]


@_kind(
    "rendering",
    "I05",
    "quarantined",
    lambda contract, c: _is_name(contract, c) and contract.format.kind in ("csv", "fixed"),
)
def line_break(page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change] | None:
    """A line break in a text where a line is a row: two lines, neither of them complete."""
    text = _text(page, row, column)
    if len(text) < 3 or column.name == page.form.columns[0][0]:
        return None
    page.broken.add(row)
    return [Change(row, column.name, f"{text[: len(text) // 2]}\n{text[len(text) // 2 :]}")]


@_kind("rendering", "I05", "quarantined", lambda contract, c: _is_first(contract, c) and _of_lines(contract), of_row=True)
def too_few_fields(page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change]:
    """A line that is cut off before its end."""
    page.cut.add(row)
    return [Change(row, column.name, page.text(column.name, row))]


@_kind(
    "rendering", "I05", "quarantined", lambda contract, c: _is_first(contract, c) and contract.format.kind == "csv", adds=True, of_row=True
)
def repeated_header(page: Page, row: int, column: Column, _draw: np.random.Generator) -> list[Change]:
    """The header in the middle of the file, where two files were joined."""
    page.headers.add(row)
    return [Change(row, column.name, page.text(column.name, row))]


# -- helpers


def _text(page: Page, row: int, column: Column) -> str:
    """The text of the cell; kinds are only asked about cells that have one."""
    return page.text(column.name, row) or ""


def _day(page: Page, row: int, column: Column) -> date | None:
    text, form = page.text(column.name, row), column.formats[0]
    if not text or len(text) != len(form):
        return None
    year, month, day = (int(text[form.index(p) : form.index(p) + len(p)]) for p in ("yyyy", "mm", "dd"))
    return date(year, month, day)


def _is_day(text: str, form: str) -> bool:
    try:
        date(*(int(text[form.index(p) : form.index(p) + len(p)]) for p in ("yyyy", "mm", "dd")))
    except ValueError:
        return False
    return True
