"""The terminology as SKOS: what others need in order to use our words, or to map theirs to them.

A scheme is a concept scheme with a concept for each of ours; so are the terms. A code list is a concept scheme with a concept for each code
and stretch of days, matched to what it means then. The address of a concept is the same in every release.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from urllib.parse import quote

from das_pipeline.jurisdiction import Jurisdiction, Text
from das_pipeline.rdf import Iri, Resource, Value, Words, json_ld, turtle
from das_pipeline.terminology.columns import crosswalk_uses, list_uses
from das_pipeline.terminology.crosswalks import WHOLE, load_crosswalks
from das_pipeline.terminology.glossary import CODES, TERMS, Term, load_terms, scope_notes
from das_pipeline.terminology.lists import CodeList, grouped, load_lists
from das_pipeline.terminology.schemes import ALL, NOT_APPLICABLE, Scheme, load_schemes

ALWAYS, EVER = date(1900, 1, 1), date(9999, 12, 31)  # how the files write an open beginning and an open end
Place = tuple[str, str]  # a scheme and a concept in it
Statements = Mapping[str, Sequence[Value]]


def skos(jurisdiction: Jurisdiction, mapping_version: str) -> list[Resource]:
    """Return the schemes, terms and code lists of a jurisdiction, each stamped with `mapping_version`, followed by its concepts."""
    writer = _Writer(jurisdiction.concept_uri, mapping_version)
    writer.gather(jurisdiction)
    scheme_of = {use.list: use.scheme for use in list_uses(jurisdiction)}  # a list that nothing uses maps to no scheme
    resources = [r for scheme in load_schemes(jurisdiction).values() for r in writer.scheme(scheme)]
    resources += writer.glossary(load_terms(jurisdiction))
    used = [codes for codes in load_lists(jurisdiction).values() if codes.name in scheme_of]
    return resources + [r for codes in used for r in writer.list(codes, scheme_of[codes.name])]


@dataclass
class _Writer:
    """Writes resources, with what is said of a concept elsewhere: scope notes, terms about it, matches in other schemes."""

    base: str
    version: str
    notes: dict[Place, list[Text]] = field(default_factory=dict)
    terms: dict[Place, list[str]] = field(default_factory=dict)
    matches: dict[Place, dict[str, list[Value]]] = field(default_factory=dict)

    def gather(self, jurisdiction: Jurisdiction) -> None:
        self.notes = scope_notes(jurisdiction)
        for term in load_terms(jurisdiction):
            for place in term.concepts:
                self.terms.setdefault(place, []).append(term.term)
        crosswalks = load_crosswalks(jurisdiction)
        for use in crosswalk_uses(jurisdiction):
            for code, parts in grouped(crosswalks[use.crosswalk].parts, "code").items():
                match = "skos:closeMatch" if all(part.millionths == WHOLE for part in parts) else "skos:relatedMatch"
                targets = [self.iri(use.scheme, concept) for concept in dict.fromkeys(part.concept for part in parts)]
                self.matches.setdefault((use.of_scheme, code), {}).setdefault(match, []).extend(targets)

    def iri(self, *steps: str) -> Iri:
        """Return the address of a scheme, of a concept in it, or of a code in a list."""
        return Iri(self.base + "/".join(quote(step, safe="") for step in steps))

    def scheme(self, scheme: Scheme) -> Iterator[Resource]:
        yield self._head((scheme.name,), _words(scheme.concepts[ALL].label), [self.iri(scheme.name, ALL)])
        for concept in scheme.concepts.values():
            place = (scheme.name, concept.concept)
            yield self._concept(
                place[:1],
                concept.concept,
                _words(concept.label),
                {
                    "skos:topConceptOf": [] if concept.parent else [self.iri(scheme.name)],
                    "skos:broader": [self.iri(scheme.name, concept.parent)] if concept.parent else [],
                    "skos:definition": _words(concept.definition),
                    "skos:scopeNote": [text for note in self.notes.get(place, []) for text in _words(note)],
                    "skos:related": [self.iri(TERMS, term) for term in self.terms.get(place, [])],
                    "dct:source": [Words(concept.source)],
                }
                | self.matches.get(place, {}),
            )

    def glossary(self, terms: Sequence[Term]) -> Iterator[Resource]:
        if not terms:
            return
        yield self._head((TERMS,), [Words(TERMS)], [self.iri(TERMS, term.term) for term in terms])
        for term in terms:
            yield self._concept(
                (TERMS,),
                term.term,
                _words(term.label),
                {
                    "skos:topConceptOf": [self.iri(TERMS)],
                    "skos:definition": _words(term.definition),
                    "skos:scopeNote": [text for note in self.notes.get((TERMS, term.term), []) for text in _words(note)],
                    "skos:related": [self.iri(*place) for place in term.concepts],
                    "dct:source": [Words(term.source)],
                },
            )

    def list(self, codes: CodeList, scheme: str) -> Iterator[Resource]:
        place = (CODES, codes.name)
        yield self._head(place, [Words(codes.name)], [])
        mappings = grouped(codes.mappings, "code")
        for code in codes.codes:
            for mapping in mappings.get(code.code, []):
                start, end = max(code.valid_from, mapping.valid_from), min(code.valid_until, mapping.valid_until)
                if start > end:
                    continue
                yield self._concept(
                    place,
                    code.code,
                    [Words(code.label)],
                    {
                        "skos:broadMatch": [] if mapping.concept == NOT_APPLICABLE else [self.iri(scheme, mapping.concept)],
                        "dct:temporal": _period(start, end),
                    },
                    since=[start.isoformat()] if start > ALWAYS else [],
                )

    def _head(self, place: Sequence[str], label: Sequence[Value], top: Sequence[Value]) -> Resource:
        return Resource(
            self.iri(*place),
            {
                "rdf:type": [Iri("skos:ConceptScheme")],
                "skos:prefLabel": label,
                "owl:versionInfo": [Words(self.version)],
                "skos:hasTopConcept": top,
            },
        )

    def _concept(
        self, place: Sequence[str], name: str, label: Sequence[Value], statements: Statements, since: Sequence[str] = ()
    ) -> Resource:
        return Resource(
            self.iri(*place, name, *since),
            {
                "rdf:type": [Iri("skos:Concept")],
                "skos:inScheme": [self.iri(*place)],
                "skos:notation": [Words(name)],
                "skos:prefLabel": label,
                **statements,
            },
        )


def _period(start: date, end: date) -> list[Value]:
    """Return the days on which something holds; nothing when it always does."""
    days: Statements = {"dcat:startDate": [start] if start > ALWAYS else [], "dcat:endDate": [end] if end < EVER else []}
    return [Resource(None, {"rdf:type": [Iri("dct:PeriodOfTime")], **days})] if any(days.values()) else []


def _words(text: Text) -> list[Value]:
    return [Words(words, language) for language, words in text.model_dump().items()]


def write_skos(jurisdiction: Jurisdiction, mapping_version: str, folder: Path) -> list[Path]:
    """Write the terminology to `folder` as concepts.ttl (Turtle) and concepts.jsonld (JSON-LD); return the files."""
    resources = skos(jurisdiction, mapping_version)
    written = {
        "concepts.ttl": turtle(resources).encode(),
        "concepts.jsonld": json.dumps(json_ld(resources), ensure_ascii=False, indent=1).encode() + b"\n",
    }
    for name, content in written.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in written]
