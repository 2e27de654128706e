"""What is said about words besides their definitions: scope notes, also of what each partner means, and the terms of the chain.

The files are `terminology/scope_notes.csv` and `terminology/terms.csv` of the jurisdiction; it may have none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from das_pipeline.deliveries import load_partners
from das_pipeline.errors import Fault, nearest
from das_pipeline.jurisdiction import Jurisdiction, Text
from das_pipeline.terminology.schemes import Scheme, load_schemes
from das_pipeline.terminology.tables import Line, Shape, read_tables

TERMS = "terms"  # in a scope note, the name of the scheme that terms.csv is
CODES = "codes"  # in the address of a code, what all code lists are in
NAME = r"[A-Za-z0-9_.+-]+"


@dataclass(frozen=True)
class Note:
    """What a concept or a term includes and leaves out, or what `partner` means by it ("": whoever uses it)."""

    scheme: str
    concept: str
    partner: str
    note: Text
    source: str
    row: int


@dataclass(frozen=True)
class Term:
    """A word of the chain that is no code's meaning, and the concepts (scheme, concept) that it helps to understand."""

    term: str
    label: Text
    definition: Text
    source: str
    concepts: tuple[tuple[str, str], ...]
    row: int


def load_notes(jurisdiction: Jurisdiction) -> list[Note]:
    """Return the scope notes in the order of their file; ConfigurationError names the row and column of a mistake in shape."""
    languages = jurisdiction.languages
    shape = Shape(
        columns=("scheme", "concept", "partner", *(f"note_{language}" for language in languages), "source"),
        may_be_empty=("partner",),
        key=("scheme", "concept", "partner"),
    )
    return [
        Note(line["scheme"], line["concept"], line["partner"], _text(line, "note", languages), line["source"], line.row)
        for line in read_tables(jurisdiction, jurisdiction.files("terminology/scope_notes.csv"), shape)
    ]


def load_terms(jurisdiction: Jurisdiction) -> list[Term]:
    """Return the terms in the order of their file; ConfigurationError names the row and column of a mistake in shape."""
    languages = jurisdiction.languages
    texts = tuple(f"{text}_{language}" for text in ("label", "definition") for language in languages)
    shape = Shape(
        columns=("term", *texts, "source", "concepts"),
        may_be_empty=("concepts",),
        patterns={"term": NAME, "concepts": rf"({NAME}/{NAME}( {NAME}/{NAME})*)?"},
        key=("term",),
    )
    return [
        Term(
            line["term"],
            _text(line, "label", languages),
            _text(line, "definition", languages),
            line["source"],
            tuple((scheme, concept) for scheme, _, concept in (place.partition("/") for place in line["concepts"].split())),
            line.row,
        )
        for line in read_tables(jurisdiction, jurisdiction.files("terminology/terms.csv"), shape)
    ]


def _text(line: Line, name: str, languages: Sequence[str]) -> Text:
    return Text.model_validate({language: line[f"{name}_{language}"] for language in languages})


def scope_notes(jurisdiction: Jurisdiction) -> dict[tuple[str, str], list[Text]]:
    """Return the notes on each concept and term; one of what a partner means begins with the partner's name."""
    partners = {name: partner.title for name, partner in load_partners(jurisdiction).items()}
    notes: dict[tuple[str, str], list[Text]] = {}
    for note in load_notes(jurisdiction):
        text = Text.joined([partners[note.partner], note.note], ": ") if note.partner else note.note
        notes.setdefault((note.scheme, note.concept), []).append(text)
    return notes


def glossary_faults(jurisdiction: Jurisdiction) -> Iterator[Fault]:
    """Yield where a note or a term names a concept, a term or a partner that is not there."""
    schemes, terms = load_schemes(jurisdiction), load_terms(jurisdiction)
    for name in sorted({TERMS, CODES} & schemes.keys()):
        yield Fault(schemes[name].file, 0, "", f"the name {name} is used for the {name} of the terminology: give the scheme another.")
    for term in terms:
        for scheme, concept in term.concepts:
            if sentence := _unknown(schemes, scheme, concept):
                yield Fault("terminology/terms.csv", term.row, "concepts", sentence)
    for note in load_notes(jurisdiction):
        if note.scheme == TERMS:
            known = [term.term for term in terms]
            sentence = "" if note.concept in known else f"there is no term {note.concept}. {nearest(note.concept, known)}"
        else:
            sentence = _unknown(schemes, note.scheme, note.concept)
        if sentence:
            yield Fault("terminology/scope_notes.csv", note.row, "concept", sentence)
        if note.partner and note.partner not in jurisdiction.partners:
            sentence = f"there is no partner {note.partner}. {nearest(note.partner, jurisdiction.partners)}"
            yield Fault("terminology/scope_notes.csv", note.row, "partner", sentence)


def _unknown(schemes: Mapping[str, Scheme], scheme: str, concept: str) -> str:
    """Return the sentence that says that a concept is not there; "" when it is."""
    if scheme not in schemes:
        return f"there is no scheme {scheme}. {nearest(scheme, schemes)}"
    if concept not in schemes[scheme].concepts:
        return f"scheme {scheme} has no concept {concept}. {nearest(concept, schemes[scheme].concepts)}"
    return ""
