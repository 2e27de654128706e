"""What must be true of the files in `terminology/` before a value is looked up: rules T03, T04, T05, T10 and T11."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Protocol

from das_pipeline.errors import ConfigurationError, did_you_mean
from das_pipeline.gate import Verdict
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.terminology.columns import crosswalk_uses, list_uses
from das_pipeline.terminology.crosswalks import WHOLE, Crosswalk, load_crosswalks
from das_pipeline.terminology.lists import CodeList, grouped, load_lists
from das_pipeline.terminology.schemes import ALL, NOT_APPLICABLE, TOTAL, UNKNOWN, Scheme, load_schemes
from das_pipeline.terminology.validity import gaps, overlaps, turns

SHOWN = 5  # faults named in a verdict's sentence; the others are counted
TRUTHS = {
    "T03": "Every code means one concept on any day",
    "T04": "Every listed code is mapped on all its days, once",
    "T05": "Every concept that a code is mapped to is in its scheme",
    "T10": "The concepts of every level partition the level above",
    "T11": "Every crosswalk splits a code by weights that add up to one on each of its days",
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


def judge_terminology(jurisdiction: Jurisdiction) -> list[Verdict]:
    """Return T03, T04, T05, T10 and T11 on the terminology of a jurisdiction."""
    faults = find_faults(jurisdiction)
    return [_terminology_verdict(rule, [f for f in faults if f.rule == rule]) for rule in TRUTHS]


def require_sound(jurisdiction: Jurisdiction) -> None:
    """Raise ConfigurationError with every row that breaks a rule."""
    if faults := find_faults(jurisdiction):
        raise ConfigurationError("\n".join(map(str, faults)))


def find_faults(jurisdiction: Jurisdiction) -> list[Fault]:
    """Return every row that breaks T03, T04, T05, T10 or T11."""
    schemes, code_lists, crosswalks = load_schemes(jurisdiction), load_lists(jurisdiction), load_crosswalks(jurisdiction)
    faults = [f for scheme in schemes.values() for f in partition_faults(scheme)]
    faults += [f for codes in code_lists.values() for f in (*function_faults(codes), *validity_faults(codes))]
    for use in list_uses(jurisdiction):
        if use.list not in code_lists:
            faults.append(Fault("T04", use.where, 1, f"list {use.list} has no file in terminology/codes and terminology/mappings"))
        elif use.scheme not in schemes:
            faults.append(Fault("T05", use.where, 1, f"scheme {use.scheme} has no file in terminology/schemes"))
        else:
            codes = code_lists[use.list]
            faults += concept_faults(codes.mappings_file, codes.mappings, schemes[use.scheme])
    for use in crosswalk_uses(jurisdiction):
        if use.crosswalk not in crosswalks:
            faults.append(Fault("T11", use.where, 1, f"crosswalk {use.crosswalk} has no file in terminology/crosswalks"))
        elif use.scheme not in schemes:
            faults.append(Fault("T05", use.where, 1, f"scheme {use.scheme} has no file in terminology/schemes"))
        else:
            faults += crosswalk_faults(crosswalks[use.crosswalk], schemes.get(use.of_scheme), schemes[use.scheme])
    return list(dict.fromkeys(faults))


def function_faults(codes: CodeList) -> Iterator[Fault]:
    """T03: the mappings that give a code two meanings on the same day."""
    for rows in grouped(codes.mappings, "code").values():
        for first, second in overlaps(rows):
            yield Fault("T03", codes.mappings_file, second.row, f"code {second.code} is mapped on the same day in row {first.row}")


def validity_faults(codes: CodeList) -> Iterator[Fault]:
    """T04: the codes that are listed twice on a day, used on days without a meaning, or mapped but not listed."""
    listed, mapped = grouped(codes.codes, "code"), grouped(codes.mappings, "code")
    for code, rows in listed.items():
        for first, second in overlaps(rows):
            yield Fault("T04", codes.codes_file, second.row, f"code {code} is listed for the same day in row {first.row}")
        for row in rows:
            for start, end in gaps(row, mapped.get(code, [])):
                yield Fault("T04", codes.codes_file, row.row, f"code {code} has no mapping from {start} to {end}")
    for code in sorted(mapped.keys() - listed.keys()):
        yield Fault("T04", codes.mappings_file, mapped[code][0].row, f"code {code} is not in {codes.codes_file}")


class Leads(Protocol):
    """A row of a file that leads to a concept."""

    @property
    def concept(self) -> str: ...

    @property
    def row(self) -> int: ...


def concept_faults(file: str, rows: Iterable[Leads], scheme: Scheme) -> Iterator[Fault]:
    """T05 and T10: the rows of `file` with a concept that the scheme does not have, or has only above its lowest level."""
    for row in rows:
        concept = scheme.concepts.get(row.concept)
        if row.concept == NOT_APPLICABLE:
            continue
        if concept is None:
            yield Fault("T05", file, row.row, _no_concept(row.concept, scheme))
        elif concept.level != scheme.levels[0]:
            sentence = f"{row.concept} is of level {concept.level}: map to level {scheme.levels[0]}, or the levels below do not add up"
            yield Fault("T10", file, row.row, sentence)


def crosswalk_faults(crosswalk: Crosswalk, of_scheme: Scheme | None, scheme: Scheme) -> Iterator[Fault]:
    """T05, T10 and T11: rows of a crosswalk from `of_scheme` to `scheme` that name no concept, or give a code more or less than one."""
    yield from concept_faults(crosswalk.file, crosswalk.parts, scheme)
    for code, parts in grouped(crosswalk.parts, "code").items():
        if of_scheme is not None and code not in of_scheme.concepts:
            yield Fault("T05", crosswalk.file, parts[0].row, _no_concept(code, of_scheme))
        for same in grouped(parts, "concept").values():
            for first, second in overlaps(same):
                sentence = f"code {code} has a weight for {second.concept} on the same day in row {first.row}"
                yield Fault("T11", crosswalk.file, second.row, sentence)
        for day in turns(parts):
            rows = [part for part in parts if part.valid_from <= day <= part.valid_until]
            if rows and (total := sum(part.millionths for part in rows)) != WHOLE:
                sentence = f"from {day} the weights of code {code} add up to {total / WHOLE:g}, not to 1"
                yield Fault("T11", crosswalk.file, rows[0].row, sentence)


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
    yield from _replaced_faults(scheme)


def _no_concept(name: str, scheme: Scheme) -> str:
    help_ = did_you_mean(name, scheme.concepts)
    return f"{name} is not a concept of {scheme.file}{f' ({help_})' if help_ else ''}"


def _replaced_faults(scheme: Scheme) -> Iterator[Fault]:
    """A code whose place two concepts of a level take: a reader could not carry on its series."""
    taken: dict[tuple[str, str], int] = {}
    for concept in scheme.concepts.values():
        for code in concept.replaces:
            first = taken.setdefault((concept.level, code), concept.row)
            if first != concept.row:
                yield Fault("T10", scheme.file, concept.row, f"the concept of row {first} already replaces {code}, on the same level")


def _age_faults(scheme: Scheme) -> Iterator[Fault]:
    ages: Counter[tuple[str, int]] = Counter()
    for concept in scheme.concepts.values():
        if concept.from_age is None or concept.to_age is None:
            continue
        band = [(concept.level, age) for age in range(concept.from_age, concept.to_age + 1)]
        if not band or any(ages[place] for place in band):
            yield Fault("T10", scheme.file, concept.row, "an age belongs to one class: from_age to to_age overlaps another or is empty")
        ages.update(band)
    for level in {level for level, _ in ages}:
        classes = sorted((c.from_age, c.to_age, c.row) for c in scheme.concepts.values() if c.level == level and c.from_age is not None)
        for (_, to_age, _), (from_age, _, row) in pairwise(classes):
            if to_age is not None and from_age > to_age + 1:
                years = f"{to_age + 1}" if from_age == to_age + 2 else f"{to_age + 1} to {from_age - 1}"
                yield Fault("T10", scheme.file, row, f"no class of level {level} has the ages {years}: who is so old would be unknown")


def _terminology_verdict(rule: str, faults: Sequence[Fault]) -> Verdict:
    facts: dict[str, int | float | str] = {"faults": len(faults)}
    if not faults:
        return Verdict(rule, passed=True, sentence=f"{TRUTHS[rule]}.", facts=facts)
    named = "; ".join(map(str, faults[:SHOWN])) + (f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else "")
    files = ", ".join(sorted({PurePosixPath(f.file).name for f in faults}))
    return Verdict(rule, passed=False, sentence=f"{TRUTHS[rule]}, but {named}. Correct {files}.", facts=facts)
