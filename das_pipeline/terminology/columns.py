"""Which columns of which files have codes: their contracts declare it (`concept:` of a column)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from das_pipeline.deliveries import ExternalSource, external_sources, load_contracts, load_external
from das_pipeline.jurisdiction import Jurisdiction


@dataclass(frozen=True)
class ConceptColumn:
    """A column whose values are codes of `list`, which mean concepts of `scheme` on the date in column `at`."""

    partner: str
    file: str
    column: str
    scheme: str
    list: str
    at: str | None
    canonical: str | None  # the rewriting rules, terminology/canonical/<canonical>.csv

    @property
    def place(self) -> str:
        return f"{self.partner}/{self.file}.{self.column}"


@dataclass(frozen=True)
class ListUse:
    """A file that uses a code list for a scheme."""

    list: str
    scheme: str
    where: str


@dataclass(frozen=True)
class CrosswalkUse:
    """An external source that splits figures of a concept of `of_scheme` over concepts of `scheme`."""

    crosswalk: str
    of_scheme: str
    scheme: str
    where: str


def concept_columns(jurisdiction: Jurisdiction) -> list[ConceptColumn]:
    """Return the coded columns of every contract."""
    return [
        ConceptColumn(partner, file, c.name, c.concept.scheme, c.concept.list, c.concept.at, c.concept.canonical)
        for (partner, file), contract in load_contracts(jurisdiction).items()
        for c in contract.columns
        if c.concept is not None
    ]


def source_columns(source: ExternalSource) -> list[ConceptColumn]:
    """Return the coded columns of an external source."""
    return [
        ConceptColumn(source.source, source.name, c.name, c.concept.scheme, c.concept.list, c.concept.at, c.concept.canonical)
        for c in source.columns
        if c.concept is not None
    ]


def list_uses(jurisdiction: Jurisdiction) -> Iterator[ListUse]:
    """Yield where code lists are used: in contracts and in external sources."""
    for column in concept_columns(jurisdiction):
        yield ListUse(column.list, column.scheme, f"contracts/{column.partner}/{column.file}.yaml")
    for name in external_sources(jurisdiction):
        for column in source_columns(load_external(jurisdiction, name)):
            yield ListUse(column.list, column.scheme, f"external/{name}/source.yaml")


def crosswalk_uses(jurisdiction: Jurisdiction) -> Iterator[CrosswalkUse]:
    """Yield where crosswalks are used. The column that a crosswalk is of has a concept (see `ExternalSource`)."""
    for name in external_sources(jurisdiction):
        source = load_external(jurisdiction, name)
        scheme_of = {column.column: column.scheme for column in source_columns(source)}
        for walk in source.crosswalks:
            yield CrosswalkUse(walk.crosswalk, scheme_of[walk.of], walk.scheme, f"external/{name}/source.yaml")
