"""Concept schemes: the words of the chain, one definition each, in levels that add up.

The files are `terminology/schemes/<scheme>.csv` of the jurisdiction. Their shape is checked when they are read (ConfigurationError);
whether the levels partition is rule T10 in `judging`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import PurePosixPath

from das_pipeline.jurisdiction import Jurisdiction, Text
from das_pipeline.terminology.tables import Shape, read_tables

ALL, TOTAL = "all", "total"  # the concept that every scheme has, and its level
UNKNOWN = "unknown"  # in every scheme: a value without a mapping, or one that means unknown
NOT_APPLICABLE = "not_applicable"  # in no scheme: an empty field


def shape_of_schemes(languages: Sequence[str]) -> Shape:
    """The columns of a scheme's file: a label and a definition in each language."""
    return Shape(
        columns=("concept", "level", "parent", *text_columns(languages), "source"),
        optional=("from_age", "to_age", "replaces"),
        may_be_empty=("parent",),
        patterns={
            "concept": r"[A-Za-z0-9_.+-]+",
            "level": r"[a-z][a-z0-9_]*",
            "from_age": r"\d{0,3}",
            "to_age": r"\d{0,3}",
            "replaces": r"[A-Za-z0-9_.+ -]*",
        },
        key=("concept",),
    )


def text_columns(languages: Sequence[str]) -> list[str]:
    """The columns with texts, in files of schemes and in the table of concepts."""
    return [f"{text}_{language}" for text in ("label", "definition") for language in languages]


@dataclass(frozen=True)
class Concept:
    """One meaning. `parent` is the next broader concept, None for `all`; ages are whole years, both ends included.

    `replaces` are codes that releases had before and that this concept takes the place of.
    """

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
    replaces: tuple[str, ...] = ()


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
        levels = [lowest]
        while (level := upward.get(levels[-1])) and level not in levels:
            levels.append(level)
        return tuple(levels)

    def broader(self, concept: str) -> Iterator[Concept]:
        """Yield the concept itself, its parent, and so on up to `all`."""
        seen: set[str] = set()
        current = self.concepts.get(concept)
        while current is not None and current.concept not in seen:
            seen.add(current.concept)
            yield current
            current = self.concepts.get(current.parent or "")


def load_schemes(jurisdiction: Jurisdiction) -> dict[str, Scheme]:
    """Return every concept scheme of the jurisdiction by name; ConfigurationError names the file and row of a mistake in shape."""
    return dict(_schemes(jurisdiction, jurisdiction.hash))


@cache
def _schemes(jurisdiction: Jurisdiction, content: str) -> dict[str, Scheme]:  # noqa: ARG001  (content: other files, other schemes)
    files = jurisdiction.files("terminology/schemes/*.csv")
    concepts: dict[str, dict[str, Concept]] = {file: {} for file in files}
    languages = jurisdiction.languages if files else ()
    for line in read_tables(jurisdiction, files, shape_of_schemes(languages)):
        concepts[line.file][line["concept"]] = Concept(
            scheme=PurePosixPath(line.file).stem,
            concept=line["concept"],
            level=line["level"],
            parent=line["parent"] or None,
            label=Text.model_validate({language: line[f"label_{language}"] for language in languages}),
            definition=Text.model_validate({language: line[f"definition_{language}"] for language in languages}),
            source=line["source"],
            from_age=int(line["from_age"]) if line["from_age"] else None,
            to_age=int(line["to_age"]) if line["to_age"] else None,
            row=line.row,
            replaces=tuple(line["replaces"].split()),
        )
    return {PurePosixPath(file).stem: Scheme(PurePosixPath(file).stem, file, by_name) for file, by_name in concepts.items()}
