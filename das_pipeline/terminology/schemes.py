"""Concept schemes: the words of the chain, one definition each, in levels that add up.

The files are `terminology/schemes/<scheme>.csv` of the jurisdiction. Shape is checked when they are read (ConfigurationError);
whether the levels partition is rule T10, judged in `concepts`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import PurePosixPath

from das_pipeline.jurisdiction import Jurisdiction, Text
from das_pipeline.terminology.tables import Fault, Shape, read_tables

ALL, TOTAL = "all", "total"  # the concept that every scheme has, and its level
UNKNOWN = "unknown"  # in every scheme: a value that no mapping knows, or that says so itself
NOT_APPLICABLE = "not_applicable"  # in no scheme: an empty field

SCHEME = Shape(
    columns=("concept", "level", "parent", "label_nl", "label_en", "definition_nl", "definition_en", "source"),
    optional=("from_age", "to_age"),
    may_be_empty=("parent",),
    patterns={"concept": r"[A-Za-z0-9_.+-]+", "level": r"[a-z][a-z0-9_]*", "from_age": r"\d{0,3}", "to_age": r"\d{0,3}"},
    key=("concept",),
)


@dataclass(frozen=True)
class Concept:
    """One meaning. `parent` is the next broader concept, None for `all`; ages are whole years, both ends included."""

    scheme: str
    concept: str
    level: str
    parent: str | None
    label: Text
    definition: Text
    source: str
    from_age: int | None
    to_age: int | None
    row: int  # in its file, the header is row 1


@dataclass(frozen=True)
class Scheme:
    """The concepts of one scheme by name, in the order of its file, which is the order in which they are shown."""

    name: str
    file: str
    concepts: Mapping[str, Concept]

    @cached_property
    def levels(self) -> tuple[str, ...]:
        """The levels from the lowest, on which values are mapped, up to `total`."""
        upward = {c.level: self.concepts[c.parent].level for c in self.concepts.values() if c.parent and c.parent in self.concepts}
        lowest = next((level for level in dict.fromkeys(upward) if level not in upward.values()), TOTAL)
        found = [lowest]
        while (level := upward.get(found[-1])) and level not in found:
            found.append(level)
        return tuple(found)

    def broader(self, concept: str) -> Iterator[Concept]:
        """The concept itself, its parent, and so on up to `all`."""
        seen: set[str] = set()
        found = self.concepts.get(concept)
        while found is not None and found.concept not in seen:
            seen.add(found.concept)
            yield found
            found = self.concepts.get(found.parent or "")


def load_schemes(jurisdiction: Jurisdiction) -> dict[str, Scheme]:
    """Every concept scheme of the jurisdiction by name; ConfigurationError names the file and row of a mistake in shape."""
    files = jurisdiction.files("terminology/schemes/*.csv")
    concepts: dict[str, dict[str, Concept]] = {file: {} for file in files}
    for line in read_tables(jurisdiction, files, SCHEME):
        concepts[line.file][line["concept"]] = Concept(
            scheme=PurePosixPath(line.file).stem,
            concept=line["concept"],
            level=line["level"],
            parent=line["parent"] or None,
            label=Text(nl=line["label_nl"], en=line["label_en"]),
            definition=Text(nl=line["definition_nl"], en=line["definition_en"]),
            source=line["source"],
            from_age=int(line["from_age"]) if line["from_age"] else None,
            to_age=int(line["to_age"]) if line["to_age"] else None,
            row=line.row,
        )
    return {PurePosixPath(file).stem: Scheme(PurePosixPath(file).stem, file, found) for file, found in concepts.items()}


def partition_faults(scheme: Scheme) -> Iterator[Fault]:
    """T10: where the concepts of a level would leak from the level above, or count in it twice."""

    def fault(row: int, sentence: str) -> Fault:
        return Fault("T10", scheme.file, row, sentence)

    roots = [c for c in scheme.concepts.values() if c.parent is None]
    if [(c.concept, c.level) for c in roots] != [(ALL, TOTAL)]:
        yield fault(roots[0].row if roots else 1, f"exactly one concept has no parent: {ALL} at level {TOTAL}")
    if NOT_APPLICABLE in scheme.concepts:
        yield fault(scheme.concepts[NOT_APPLICABLE].row, f"{NOT_APPLICABLE} is reserved for empty fields and stands in no scheme")
    if UNKNOWN not in scheme.concepts or scheme.concepts[UNKNOWN].level != scheme.levels[0]:
        yield fault(1, f"the lowest level, {scheme.levels[0]}, needs a concept {UNKNOWN}")
    next_level = dict(pairwise(scheme.levels))
    for concept in scheme.concepts.values():
        if concept.parent is None:
            continue
        parent = scheme.concepts.get(concept.parent)
        if parent is None:
            yield fault(concept.row, f"the parent {concept.parent} is no concept of this scheme")
        elif next_level.get(concept.level) != parent.level:
            yield fault(concept.row, f"a concept of level {concept.level} cannot have a parent of level {parent.level}")
    yield from _age_faults(scheme)


def _age_faults(scheme: Scheme) -> Iterator[Fault]:
    ages: Counter[tuple[str, int]] = Counter()
    for concept in scheme.concepts.values():
        if concept.from_age is None or concept.to_age is None:
            continue
        band = [(concept.level, age) for age in range(concept.from_age, concept.to_age + 1)]
        if not band or any(ages[place] for place in band):
            yield Fault("T10", scheme.file, concept.row, "an age belongs to one class: from_age to to_age overlaps another or is empty")
        ages.update(band)
