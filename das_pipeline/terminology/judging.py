"""What must be true of codes, mappings, concepts and mapped values: rules T01 to T07, T10, and F05 for external figures.

Their limits are in policy.yaml (`terminology`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

from das_pipeline.errors import did_you_mean
from das_pipeline.gate import Verdict, share_exceeds
from das_pipeline.policy import Block, WarnAndBlock
from das_pipeline.terminology import lists
from das_pipeline.terminology.columns import ConceptColumn, ListUse
from das_pipeline.terminology.lists import Code, CodeList
from das_pipeline.terminology.schemes import ALL, NOT_APPLICABLE, TOTAL, UNKNOWN, Scheme
from das_pipeline.terminology.sign_offs import SignOff
from das_pipeline.terminology.validity import gaps, overlaps

SHOWN = 5  # faults or columns named in a verdict's sentence; the others are counted
TRUTHS = {
    "T03": "Every code means one concept on any day",
    "T04": "Every listed code is mapped on all its days, once",
    "T05": "Every concept that a code is mapped to is in its scheme",
    "T10": "The concepts of every level partition the level above",
}


@dataclass(frozen=True)
class Fault:
    """A row of a file of the jurisdiction that breaks a rule."""

    rule: str
    file: str
    row: int  # the header is row 1
    sentence: str

    def __str__(self) -> str:
        return f"{self.file} row {self.row}: {self.sentence}"


def judge_terminology(schemes: Mapping[str, Scheme], code_lists: Mapping[str, CodeList], uses: Iterable[ListUse]) -> list[Verdict]:
    """Return T03, T04, T05 and T10 on the terminology of a jurisdiction."""
    faults = find_faults(schemes, code_lists, uses)
    return [_terminology_verdict(rule, [f for f in faults if f.rule == rule]) for rule in TRUTHS]


def find_faults(schemes: Mapping[str, Scheme], code_lists: Mapping[str, CodeList], uses: Iterable[ListUse]) -> list[Fault]:
    """Return every row that breaks T03, T04, T05 or T10."""
    faults = [f for scheme in schemes.values() for f in partition_faults(scheme)]
    faults += [f for codes in code_lists.values() for f in (*function_faults(codes), *validity_faults(codes))]
    for use in uses:
        if use.list not in code_lists:
            faults.append(Fault("T04", use.where, 1, f"list {use.list} has no file in terminology/codes and terminology/mappings"))
        elif use.scheme not in schemes:
            faults.append(Fault("T05", use.where, 1, f"scheme {use.scheme} has no file in terminology/schemes"))
        else:
            faults += concept_faults(code_lists[use.list], schemes[use.scheme])
    return list(dict.fromkeys(faults))


def function_faults(codes: CodeList) -> Iterator[Fault]:
    """T03: the mappings that give a code two meanings on the same day."""
    for rows in _by_code(codes.mappings).values():
        for first, second in overlaps(rows):
            yield Fault("T03", codes.mappings_file, second.row, f"code {second.code} is mapped on the same day in row {first.row}")


def validity_faults(codes: CodeList) -> Iterator[Fault]:
    """T04: the codes that are listed twice on a day, used on days without a meaning, or mapped but not listed."""
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
    """T05 and T10: the mappings to a concept that the scheme does not have, or has only above its lowest level."""
    for row in codes.mappings:
        concept = scheme.concepts.get(row.concept)
        if row.concept == NOT_APPLICABLE:
            continue
        if concept is None:
            yield Fault("T05", codes.mappings_file, row.row, _no_concept(row.concept, scheme))
        elif concept.level != scheme.levels[0]:
            sentence = f"{row.concept} is of level {concept.level}: map to level {scheme.levels[0]}, or the levels below do not add up"
            yield Fault("T10", codes.mappings_file, row.row, sentence)


def partition_faults(scheme: Scheme) -> Iterator[Fault]:
    """T10: the concepts that would be missing from the level above, or count in it twice."""

    def fault(row: int, sentence: str) -> Fault:
        return Fault("T10", scheme.file, row, sentence)

    roots = [c for c in scheme.concepts.values() if c.parent is None]
    if [(c.concept, c.level) for c in roots] != [(ALL, TOTAL)]:
        yield fault(roots[0].row if roots else 1, f"exactly one concept has no parent: {ALL} at level {TOTAL}")
    if NOT_APPLICABLE in scheme.concepts:
        yield fault(scheme.concepts[NOT_APPLICABLE].row, f"{NOT_APPLICABLE} is reserved for empty fields and may be in no scheme")
    if UNKNOWN not in scheme.concepts or scheme.concepts[UNKNOWN].level != scheme.levels[0]:
        yield fault(1, f"the lowest level, {scheme.levels[0]}, needs a concept {UNKNOWN}")
    next_level = dict(pairwise(scheme.levels))
    for concept in scheme.concepts.values():
        if concept.parent is None:
            continue
        parent = scheme.concepts.get(concept.parent)
        if parent is None:
            yield fault(concept.row, f"the parent {_no_concept(concept.parent, scheme)}")
        elif next_level.get(concept.level) != parent.level:
            yield fault(concept.row, f"a concept of level {concept.level} cannot have a parent of level {parent.level}")
    yield from _age_faults(scheme)


def _no_concept(name: str, scheme: Scheme) -> str:
    help_ = did_you_mean(name, scheme.concepts)
    return f"{name} is not a concept of {scheme.file}{f' ({help_})' if help_ else ''}"


def _age_faults(scheme: Scheme) -> Iterator[Fault]:
    ages: Counter[tuple[str, int]] = Counter()
    for concept in scheme.concepts.values():
        if concept.from_age is None or concept.to_age is None:
            continue
        band = [(concept.level, age) for age in range(concept.from_age, concept.to_age + 1)]
        if not band or any(ages[place] for place in band):
            yield Fault("T10", scheme.file, concept.row, "an age belongs to one class: from_age to to_age overlaps another or is empty")
        ages.update(band)


def _by_code(rows: Iterable[Code] | Iterable[lists.Mapping]) -> dict[str, list]:
    by_code: dict[str, list] = defaultdict(list)
    for row in rows:
        by_code[row.code].append(row)
    return by_code


def _terminology_verdict(rule: str, faults: Sequence[Fault]) -> Verdict:
    facts: dict[str, int | float | str] = {"faults": len(faults)}
    if not faults:
        return Verdict(rule, passed=True, sentence=f"{TRUTHS[rule]}.", facts=facts)
    named = "; ".join(map(str, faults[:SHOWN])) + (f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else "")
    files = ", ".join(sorted({PurePosixPath(f.file).name for f in faults}))
    return Verdict(rule, passed=False, sentence=f"{TRUTHS[rule]}, but {named}. Correct {files}.", facts=facts)


@dataclass(frozen=True)
class Share:
    """How many of the coded values of a column and month have no mapping, or are not in the partner's list."""

    field: str
    month: str
    rows: int
    unmapped: int
    unlisted: int


@dataclass(frozen=True)
class Account:
    """The rows of one coded column: as delivered, and as written by kind of concept."""

    column: ConceptColumn
    delivered: int
    mapped: int
    unknown: int
    not_applicable: int

    @property
    def closes(self) -> bool:
        return self.delivered == self.mapped + self.unknown + self.not_applicable


@dataclass(frozen=True)
class Change:
    """Rows in force of a column that have one concept in the live records and would get another, by code as delivered (trimmed)."""

    column: ConceptColumn
    code: str
    was: str
    becomes: str
    rows: int
    first_month: str
    last_month: str


@dataclass(frozen=True)
class Compared:
    """One column of the live records: its rows in force with a code, and the changes among them."""

    column: ConceptColumn
    rows: int
    changes: Sequence[Change]

    @property
    def rows_changed(self) -> int:
        return sum(change.rows for change in self.changes)


def codes_are_listed(shares: Sequence[Share]) -> Verdict:
    """T01: every code is in its partner's list on its date."""
    rows, places = sum(s.unlisted for s in shares), sorted({s.field for s in shares if s.unlisted})
    sentence = "Every code is in its partner's list on its date."
    if places:
        sentence = (
            f"{rows} rows have a code that is not in its list on its date, in {_named(places)}; without a mapping it counts as {UNKNOWN}."
            " Add the codes to terminology/codes and terminology/mappings, or ask the partner."
        )
    facts: dict[str, int | float | str] = {"rows": sum(s.rows for s in shares), "rows_unlisted": rows, "columns": len(places)}
    return Verdict("T01", passed=not places, sentence=sentence, severity="warn", facts=facts)


def unmapped_share_is_small(shares: Sequence[Share], limits: WarnAndBlock) -> Verdict:
    """T02: the share of values without a mapping, by column and month; it blocks beyond chance and warns above its lower limit."""
    warned = [s for s in shares if s.unmapped > limits.warn * s.rows]
    blocked = [s for s in shares if share_exceeds(s.unmapped, s.rows, limits.block, limits.min_rows)]
    sentence = "The share of values without a mapping is within its limits in every column and month."
    if warned or blocked:
        places = sorted({s.field for s in blocked or warned})
        sentence = (
            f"More than {limits.block if blocked else limits.warn:.1%} of the values have no mapping in {len(blocked or warned)} months of"
            f" {_named(places)}. They are in unmapped.parquet of this version: add them to terminology/mappings."
        )
    return Verdict(
        "T02",
        passed=not (warned or blocked),
        sentence=sentence,
        severity="block" if blocked else "warn",
        facts={
            "rows": sum(s.rows for s in shares),
            "rows_unmapped": sum(s.unmapped for s in shares),
            "column_months": len(shares),
            "column_months_above_warning": len(warned),
            "column_months_above_limit": len(blocked),
        },
    )


def values_have_one_concept(ambiguous: int) -> Verdict:
    """T03 on the values as delivered: none has two concepts on its date."""
    sentence = "Every value has at most one concept on its date."
    if ambiguous:
        sentence = f"{ambiguous} values have several concepts on their date: correct the overlapping rows in terminology/mappings."
    return Verdict("T03", passed=not ambiguous, sentence=sentence, facts={"ambiguous_values": ambiguous})


def mapping_loses_no_row(accounts: Sequence[Account]) -> Verdict:
    """T06: in every column, the rows written are the rows delivered."""
    open_accounts = [a for a in accounts if not a.closes]
    sentence = "In every column, mapped + unknown + not applicable = the rows delivered."
    if open_accounts:
        places = [a.column.place for a in open_accounts]
        sentence = (
            f"Mapped + unknown + not applicable differ from the rows delivered in {_named(places)}: a mapping lost or doubled rows."
            " Look at T03, and report it if that is green."
        )
    facts: dict[str, int | float | str] = {
        "rows_delivered": sum(a.delivered for a in accounts),
        "rows_mapped": sum(a.mapped for a in accounts),
        "rows_unknown": sum(a.unknown for a in accounts),
        "rows_not_applicable": sum(a.not_applicable for a in accounts),
    }
    return Verdict("T06", passed=not open_accounts, sentence=sentence, facts=facts)


def changes_are_meant(compared: Sequence[Compared], limits: Block, signed: SignOff | None) -> Verdict:
    """T07: in no column does a changed mapping set give more than the limit another concept, unless the steward signed it off.

    Nothing is compared when the mapping set is the one that the live records were made with.
    """
    large = [c for c in compared if share_exceeds(c.rows_changed, c.rows, limits.block, limits.min_rows)]
    changed = sum(c.rows_changed for c in compared)
    sentence = f"The mapping set gives {changed} rows in force another concept than in the live records."
    if large:
        sentence += f" That is more than {limits.block:.1%} in {_named([c.column.place for c in large])}"
        if signed is None:
            sentence += (
                ": `das terminology diff` lists them. If they are meant, the terminology steward signs off in terminology/sign_offs.csv."
            )
        else:
            sentence += f", signed off by {signed.owner} until {signed.expires_on}: {signed.reason}"
    facts: dict[str, int | float | str] = {
        "rows": sum(c.rows for c in compared),
        "rows_changed": changed,
        "columns_above_limit": len(large),
        "signed_off_by": signed.owner if large and signed else "",
    }
    return Verdict("T07", passed=not large or signed is not None, sentence=sentence, facts=facts)


def figures_are_mapped(unmapped: int, cells: int) -> Verdict:
    """T02 on external sources: every figure has a concept in all our classifications."""
    sentence = "Every figure of every external source has a concept in all our classifications."
    if unmapped:
        sentence = f"{unmapped} figures of external sources have no concept: add their codes to terminology/mappings."
    return Verdict("T02", not unmapped, sentence, facts={"cells": cells, "cells_unmapped": unmapped})


def figures_add_up(differing: int, totals: int) -> Verdict:
    """F05 on external sources: after mapping, their figures still add up to the totals of their publisher."""
    sentence = "After mapping, the figures of every external source still add up to the totals that their publisher gives."
    if differing:
        sentence = f"{differing} published totals of external sources are not the sum of the mapped figures. Correct terminology/mappings."
    facts: dict[str, int | float | str] = {"totals": totals, "totals_differing": differing}
    return Verdict("F05", not differing, sentence, facts=facts)


def _named(places: Sequence[str]) -> str:
    return ", ".join(places[:SHOWN]) + (f" and {len(places) - SHOWN} more columns" if len(places) > SHOWN else "")
