"""RDF as data: resources with their statements, written as Turtle and as JSON-LD. Both writings have the same statements."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

PREFIXES = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "owl": "http://www.w3.org/2002/07/owl#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
NO_IRI = re.compile(r'[\x00-\x20<>"{}|^`\\]')


@dataclass(frozen=True)
class Iri:
    """The address of a resource; a class of `PREFIXES` in the short form, such as skos:Concept."""

    address: str

    def __post_init__(self) -> None:
        if NO_IRI.search(self.address):
            raise ValueError(f"{self.address!r} cannot be the address of a resource: it has a character that is not allowed in one.")


@dataclass(frozen=True)
class Words:
    """A text in a language, or in none that is known."""

    text: str
    language: str = ""


@dataclass(frozen=True)
class Typed:
    """A value of another type than text or date, such as xsd:nonNegativeInteger."""

    text: str
    type: str


@dataclass(frozen=True)
class Resource:
    """A resource: its address (None when nothing else names it) and its statements in the order in which they are written."""

    iri: Iri | None
    statements: Mapping[str, Sequence[Value]]


Value = Iri | Words | Typed | date | Resource


def turtle(resources: Iterable[Resource]) -> str:
    """Return the resources as a Turtle document."""
    heads = [f"@prefix {prefix}: <{address}> ." for prefix, address in PREFIXES.items()]
    return "\n".join([*heads, *(f"\n{_iri(r.iri)} {_statements(r, 1)} ." for r in resources if r.iri is not None)]) + "\n"


def _statements(resource: Resource, depth: int) -> str:
    indent = "  " * depth
    lines = [f"{name} {', '.join(_written(value, depth) for value in values)}" for name, values in resource.statements.items() if values]
    return f" ;\n{indent}".join(lines)


def _written(value: Value, depth: int) -> str:
    if isinstance(value, Iri):
        return _iri(value)
    if isinstance(value, Resource):
        return f"[ {_statements(value, depth + 1)} ]"
    if isinstance(value, date):
        return f'"{value.isoformat()}"^^xsd:date'
    if isinstance(value, Typed):
        return f'"{value.text}"^^{value.type}'
    quoted = json.dumps(value.text, ensure_ascii=False).replace("\x7f", "\\u007F")  # escapes of JSON that Turtle has too
    return quoted + (f"@{value.language}" if value.language else "")


def _iri(iri: Iri) -> str:
    return iri.address if iri.address.split(":")[0] in PREFIXES else f"<{iri.address}>"


def json_ld(resources: Iterable[Resource]) -> dict[str, Any]:
    """Return the resources as a JSON-LD document."""
    return {"@context": PREFIXES, "@graph": [_object(resource) for resource in resources]}


def _object(resource: Resource) -> dict[str, Any]:
    named = {"@id": resource.iri.address} if resource.iri else {}
    of = {name: [_value(value) for value in values] for name, values in resource.statements.items() if values}
    types = {"@type": [value["@id"] for value in of.pop("rdf:type")]} if "rdf:type" in of else {}
    return named | types | of


def _value(value: Value) -> dict[str, Any]:
    if isinstance(value, Iri):
        return {"@id": value.address}
    if isinstance(value, Resource):
        return _object(value)
    if isinstance(value, date):
        return {"@value": value.isoformat(), "@type": "xsd:date"}
    if isinstance(value, Typed):
        return {"@value": value.text, "@type": value.type}
    return {"@value": value.text} | ({"@language": value.language} if value.language else {})
