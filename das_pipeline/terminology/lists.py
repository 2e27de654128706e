"""Code lists and their mappings to concepts, each code and mapping with the days on which it holds.

The files are `terminology/codes/<list>.csv` and `terminology/mappings/<list>.csv` of the jurisdiction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath

from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.terminology.schemes import NOT_APPLICABLE, Scheme
from das_pipeline.terminology.tables import DATE, Fault, Line, Shape, read_tables
from das_pipeline.terminology.validity import gaps, overlaps

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
    """Every code list of the jurisdiction by name; a list without mappings, or the other way round, is a ConfigurationError."""
    names = {PurePosixPath(f).stem for kind in ("codes", "mappings") for f in jurisdiction.files(f"terminology/{kind}/*.csv")}
    lists = {name: CodeList(name, [], []) for name in sorted(names)}
    for line in read_tables(jurisdiction, [codes.codes_file for codes in lists.values()], CODES):
        code = Code(line["code"], line["label"], *_days(jurisdiction, line), kind=line["kind"], row=line.row)
        lists[PurePosixPath(line.file).stem].codes.append(code)
    for line in read_tables(jurisdiction, [codes.mappings_file for codes in lists.values()], MAPPINGS):
        mapping = Mapping(line["code"], line["concept"], *_days(jurisdiction, line), row=line.row)
        lists[PurePosixPath(line.file).stem].mappings.append(mapping)
    return lists


def _days(jurisdiction: Jurisdiction, line: Line) -> tuple[date, date]:
    try:
        first, last = date.fromisoformat(line["valid_from"]), date.fromisoformat(line["valid_until"])
    except ValueError:
        raise ConfigurationError(f"{jurisdiction.folder / line.file} row {line.row}: valid_from or valid_until is no day.") from None
    if last < first:
        raise ConfigurationError(f"{jurisdiction.folder / line.file} row {line.row}: valid_until lies before valid_from.")
    return first, last


def function_faults(codes: CodeList) -> Iterator[Fault]:
    """T03: where a code means two things on the same day."""
    for rows in _by_code(codes.mappings).values():
        for first, second in overlaps(rows):
            yield Fault("T03", codes.mappings_file, second.row, f"code {second.code} is mapped on the same day in row {first.row}")


def validity_faults(codes: CodeList) -> Iterator[Fault]:
    """T04: where a code is listed twice on a day, is used on days without a meaning, or is mapped but not listed."""
    listed, mapped = _by_code(codes.codes), _by_code(codes.mappings)
    for code, rows in listed.items():
        for first, second in overlaps(rows):
            yield Fault("T04", codes.codes_file, second.row, f"code {code} is listed for the same day in row {first.row}")
        for row in rows:
            for start, end in gaps(row, mapped.get(code, [])):
                yield Fault("T04", codes.codes_file, row.row, f"code {code} has no mapping from {start} to {end}")
    for code in sorted(mapped.keys() - listed.keys()):
        yield Fault("T04", codes.mappings_file, mapped[code][0].row, f"code {code} is not in {codes.codes_file}")


def concept_faults(codes: CodeList, scheme: Scheme) -> Iterator[Fault]:
    """T05 and T10: where a code means something that the scheme does not know, or knows only above its lowest level."""
    for row in codes.mappings:
        concept = scheme.concepts.get(row.concept)
        if row.concept == NOT_APPLICABLE:
            continue
        if concept is None:
            yield Fault("T05", codes.mappings_file, row.row, f"{row.concept} is no concept of {scheme.file}")
        elif concept.level != scheme.levels[0]:
            sentence = f"{row.concept} is of level {concept.level}: map to level {scheme.levels[0]}, or it leaks"
            yield Fault("T10", codes.mappings_file, row.row, sentence)


def _by_code(rows: Iterable[Code] | Iterable[Mapping]) -> dict[str, list]:
    found: dict[str, list] = defaultdict(list)
    for row in rows:
        found[row.code].append(row)
    return found
