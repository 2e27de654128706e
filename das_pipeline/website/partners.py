"""What a reader may want to know of each partner: what it delivers, which figures come from it, and what it means by a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from das_pipeline.deliveries import load_contracts, load_partners
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.terminology import load_notes, load_schemes, load_terms
from das_pipeline.website.figures import Figure
from das_pipeline.website.language import Language


@dataclass(frozen=True)
class Delivered:
    """One file that a partner delivers, and what is in it."""

    title: str
    description: str


@dataclass(frozen=True)
class Meaning:
    """What a partner means by a concept or term, as the page of concepts has it at an anchor."""

    label: str
    anchor: str
    note: str


@dataclass(frozen=True)
class PartnerPart:
    """A partner: how often it delivers, what, for which figures, and what it means by words."""

    partner: str
    title: str
    cadence: str
    files: Sequence[Delivered]
    figures: Sequence[Figure]
    meanings: Sequence[Meaning]


def partner_parts(jurisdiction: Jurisdiction, figures: Mapping[str, Figure], language: Language) -> list[PartnerPart]:
    """The partners in the order of their titles."""
    contracts, notes = load_contracts(jurisdiction), load_notes(jurisdiction)
    labels = {("terms", term.term): term.label for term in load_terms(jurisdiction)}
    labels |= {(name, c.concept): c.label for name, scheme in load_schemes(jurisdiction).items() for c in scheme.concepts.values()}
    parts = []
    for name, partner in load_partners(jurisdiction).items():
        title = language.text(partner.title)
        files = [contracts[name, file] for file in partner.files]
        parts.append(
            PartnerPart(
                partner=name,
                title=title,
                cadence=language.say(f"delivers_{partner.cadence}"),
                files=[Delivered(language.text(c.title), language.text(c.description)) for c in files],
                figures=[f for f in figures.values() if title in f.source.split(", ") and f.table.facts["kind"] != "external"],
                meanings=[
                    Meaning(language.text(labels[n.scheme, n.concept]), f"{n.scheme}-{n.concept}", language.text(n.note))
                    for n in notes
                    if n.partner == name
                ],
            )
        )
    return sorted(parts, key=lambda part: part.title.casefold())
