"""Code lists and their mappings to concepts, each code and mapping with the days on which it is valid.

The files are `terminology/codes/<list>.csv` and `terminology/mappings/<list>.csv` of the jurisdiction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from typing import TypeVar

from das_pipeline.errors import ConfigurationError, Fault, Faults
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.terminology.tables import DATE, Line, Shape, read_tables

CODES = Shape(
    columns=("code", "label", "valid_from", "valid_until", "kind"),
    patterns={"valid_from": DATE, "valid_until": DATE, "kind": "valid|unknown|not_applicable|sentinel"},
)
MAPPINGS = Shape(
    columns=("code", "concept", "valid_from", "valid_until", "note", "reviewed_by"),
    may_be_empty=("note",),
    patterns={"valid_from": DATE, "valid_until": DATE},
)


@dataclass(frozen=True)
class Code:
    """A code of a partner's list, and the days on which the partner uses it."""

    code: str
    label: str
    valid_from: date
    valid_until: date
    kind: str
    row: int


@dataclass(frozen=True)
class Mapping:
    """What a code means on the days from `valid_from` to `valid_until`: one concept. Many codes may mean the same."""

    code: str
    concept: str
    valid_from: date
    valid_until: date
    row: int


@dataclass(frozen=True)
class CodeList:
    """One list: the codes a partner may send, and what they mean when."""

    name: str
    codes: list[Code]
    mappings: list[Mapping]

    @property
    def codes_file(self) -> str:
        return f"terminology/codes/{self.name}.csv"

    @property
    def mappings_file(self) -> str:
        return f"terminology/mappings/{self.name}.csv"


def load_lists(jurisdiction: Jurisdiction) -> dict[str, CodeList]:
    """Return every code list of the jurisdiction by name; ConfigurationError if a list has codes but no mappings, or the reverse."""
    names = {PurePosixPath(f).stem for kind in ("codes", "mappings") for f in jurisdiction.files(f"terminology/{kind}/*.csv")}
    lists = {name: CodeList(name, [], []) for name in sorted(names)}
    faults = Faults()
    with faults.gathered():
        for line in read_tables(jurisdiction, [codes.codes_file for codes in lists.values()], CODES):
            with faults.gathered():
                code = Code(line["code"], line["label"], *days_of(line), kind=line["kind"], row=line.row)
                lists[PurePosixPath(line.file).stem].codes.append(code)
    with faults.gathered():
        for line in read_tables(jurisdiction, [codes.mappings_file for codes in lists.values()], MAPPINGS):
            with faults.gathered():
                mapping = Mapping(line["code"], line["concept"], *days_of(line), row=line.row)
                lists[PurePosixPath(line.file).stem].mappings.append(mapping)
    faults.raise_any()
    return lists


Row = TypeVar("Row")


def grouped(rows: Iterable[Row], column: str) -> dict[str, list[Row]]:
    """Return the rows by their value in `column`, in their order."""
    rows_of: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        rows_of[getattr(row, column)].append(row)
    return rows_of


def days_of(line: Line) -> tuple[date, date]:
    """Return the first and the last day on which a row is valid; ConfigurationError if one is no day, or the last is before the first."""
    days = []
    for column in ("valid_from", "valid_until"):
        try:
            days.append(date.fromisoformat(line[column]))
        except ValueError:
            sentence = f"{line[column]} is not a day of the calendar."
            raise ConfigurationError(faults=[Fault(line.file, line.row, column, sentence)]) from None
    if days[1] < days[0]:
        raise ConfigurationError(faults=[Fault(line.file, line.row, "valid_until", "it is before valid_from.")])
    return days[0], days[1]
