"""Crosswalks: how the count of a code is split over concepts of another scheme, by weights that add up to one.

The files are `terminology/crosswalks/<name>.csv` of the jurisdiction. A crosswalk splits published counts of an external source and
nothing else: a record has one concept, from `terminology/mappings`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath

from das_pipeline.errors import Faults
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.terminology.lists import days_of
from das_pipeline.terminology.tables import DATE, Shape, read_tables

WHOLE = 1_000_000  # the parts of a code, in millionths: sums of whole numbers are exact
CROSSWALKS = Shape(
    columns=("code", "concept", "weight", "valid_from", "valid_until", "note", "source", "reviewed_by"),
    may_be_empty=("note",),
    patterns={"weight": r"1|0\.\d{0,5}[1-9]", "valid_from": DATE, "valid_until": DATE},
)


@dataclass(frozen=True)
class Part:
    """The share of a code's count, in millionths, that is of `concept` on the days from `valid_from` to `valid_until`."""

    code: str
    concept: str
    millionths: int
    valid_from: date
    valid_until: date
    row: int


@dataclass(frozen=True)
class Crosswalk:
    """One file: the parts of every code."""

    name: str
    parts: list[Part]

    @property
    def file(self) -> str:
        return f"terminology/crosswalks/{self.name}.csv"


def load_crosswalks(jurisdiction: Jurisdiction) -> dict[str, Crosswalk]:
    """Return every crosswalk of the jurisdiction by name; ConfigurationError names the file, row and column of a mistake in shape."""
    files = jurisdiction.files("terminology/crosswalks/*.csv")
    crosswalks = {(name := PurePosixPath(file).stem): Crosswalk(name, []) for file in files}
    faults = Faults()
    for line in read_tables(jurisdiction, files, CROSSWALKS):
        with faults.gathered():
            whole, _, decimals = line["weight"].partition(".")
            millionths = int(whole) * WHOLE + int(decimals.ljust(6, "0"))
            crosswalks[PurePosixPath(line.file).stem].parts.append(
                Part(line["code"], line["concept"], millionths, *days_of(line), row=line.row)
            )
    faults.raise_any()
    return crosswalks
