"""D18 in catalog.jsonld and catalog.ttl: what a portal is told of a file is so, every other value is declared, and both say the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from das_pipeline.auditor import beside
from das_pipeline.auditor.database import days_of
from das_pipeline.auditor.release import Published

Check = Callable[[Any], bool]
STATED, TURTLE = "catalog.jsonld", "catalog.ttl"
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
LISTED = re.compile(  # values of lists that others keep
    r"http://publications\.europa\.eu/resource/authority/(access-right|file-type|language)/[A-Z]{2,7}"
    r"|https://www\.iana\.org/assignments/media-types/(text/csv|application/json|application/vnd\.apache\.parquet|[a-z]+/[a-z.-]+)"
)
NAME = re.compile("[a-z]+:[A-Za-z0-9_]+")
TEXTS = {"dct:title", "dct:description", "foaf:name", "vcard:fn", "skos:prefLabel"}


def wrong(release: Published, is_text: Check, is_code: Check) -> dict[str, int]:
    """The number of faults in each of the two files."""
    try:
        raw = (release.folder / STATED).read_bytes()
        catalog = json.loads(raw)
        is_as_written = raw == (json.dumps(catalog, ensure_ascii=False, indent=1) + "\n").encode()
        faults = _wrong(catalog, release, is_text, is_code) + (not is_as_written)
        same = (release.folder / TURTLE).read_bytes() == _turtle(catalog).encode()
        return {STATED: faults, TURTLE: int(not same)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):  # not there, or not of this shape
        return {STATED: 1, TURTLE: 1}


def _wrong(catalog: dict[str, Any], release: Published, is_text: Check, is_code: Check) -> int:
    graph = catalog["@graph"]
    faults = int(catalog != {"@context": PREFIXES, "@graph": graph})
    files = {f"{resource['name']}_file": resource for resource in release.package["resources"]}
    base = graph[0]["@id"].removesuffix("catalog")
    address = base.removesuffix("current/catalog.ttl#")
    faults += not is_text(address) or len({o["@id"] for o in graph}) != len(graph)
    names, edges = {"catalog", "publisher", "contact", *release.tables, *beside.NAMES, *files}, _edges(release)
    for stated in graph:
        name = stated["@id"].removeprefix(base)
        resource = files.get(name)
        if "dcat:Distribution" in stated["@type"]:
            faults += resource is None or not _is_of_file(stated, resource, address)
        for path, value in _values(stated):
            faults += not _is_explained(path, value, release, base, names, edges, is_text, is_code)
    return faults


def _is_of_file(stated: dict[str, Any], resource: dict[str, Any], address: str) -> bool:
    """Whether a distribution has the name, address, size, type and checksum of its file."""
    place = [{"@id": f"{address}current/{resource['path']}"}]
    return (
        stated["dcat:downloadURL"] == stated["dcat:accessURL"] == place
        and stated["dct:title"] == [{"@value": resource["path"].removeprefix("tables/")}]
        and stated["dcat:mediaType"][0]["@id"].endswith(f"/{resource['mediatype']}")
        and stated["dcat:byteSize"] == [{"@value": str(resource["bytes"]), "@type": "xsd:nonNegativeInteger"}]
        and stated["spdx:checksum"][0]["spdx:checksumValue"]
        == [{"@value": resource["hash"].removeprefix("sha256:"), "@type": "xsd:hexBinary"}]
    )


def _values(content: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every literal, address and class with the names that lead to it."""
    if isinstance(content, list):
        for value in content:
            yield from _values(value, path)
    elif isinstance(content, dict) and "@value" in content:
        yield path, content
    elif isinstance(content, dict):
        for key, value in content.items():
            yield from _values(value, f"{path}/{key}" if path else key)
    else:
        yield path, content


def _is_explained(
    path: str, value: Any, release: Published, base: str, names: set[str], edges: set[str], is_text: Check, is_code: Check
) -> bool:
    """Whether a value is declared, or follows from the tables. Those of files are compared with the files."""
    last = path.rpartition("/")[2]
    if isinstance(value, str):  # an address or a class
        inside = value.removeprefix(base.removesuffix("catalog.ttl#"))
        return (
            (last == "@type" and NAME.fullmatch(value) is not None)
            or value in {"spdx:checksumAlgorithm_sha256", "mailto:"}
            or is_text(value.removeprefix("mailto:"))
            or LISTED.fullmatch(value) is not None
            or (value.startswith(base) and value.removeprefix(base) in names)
            or (inside != value and (inside == "site/index.html" or inside in release.paths))
        )
    text, keys = value["@value"], value.keys() - {"@value"}
    if last in {"dcat:byteSize", "spdx:checksumValue"} and keys == {"@type"}:
        return True
    if last == "dct:modified":
        return text == release.as_of and value["@type"] == "xsd:date"
    if last in {"dcat:startDate", "dcat:endDate"}:
        return value["@type"] == "xsd:date" and text in edges
    if last == "dcat:version":
        return text == release.changes.get("version")
    if last == "dct:identifier":
        return text.startswith(base) and text.removeprefix(base) in {*release.tables, *beside.NAMES}
    if last == "dct:title" and not keys:
        return f"tables/{text}" in release.paths or text.removesuffix(".csv") in beside.NAMES
    return last in TEXTS and keys <= {"@language"} and (is_text(text) or is_code(text) or (last == "skos:prefLabel" and text.isupper()))


def _edges(release: Published) -> set[str]:
    """The days on which the periods of the tables begin and end."""
    periods = {p for table in release.tables.values() for p in table.rows["period"].unique().to_pylist()}
    return {str(days[edge]) for days in map(days_of, periods) for edge in ("starts_on", "ends_on")}


def _turtle(catalog: dict[str, Any]) -> str:
    """The same statements as a Turtle document."""
    heads = [f"@prefix {prefix}: <{address}> ." for prefix, address in catalog["@context"].items()]
    return "\n".join([*heads, *(f"\n{_iri(o['@id'])} {_statements(o, 1)} ." for o in catalog["@graph"])]) + "\n"


def _statements(stated: dict[str, Any], depth: int) -> str:
    lines = [f"rdf:type {', '.join(_iri(name) for name in stated['@type'])}"] if "@type" in stated else []
    lines += [f"{k} {', '.join(_written(v, depth) for v in values)}" for k, values in stated.items() if not k.startswith("@")]
    return (" ;\n" + "  " * depth).join(lines)


def _written(value: dict[str, Any], depth: int) -> str:
    if "@value" in value:
        if "@type" in value:
            return f'"{value["@value"]}"^^{value["@type"]}'
        text = json.dumps(value["@value"], ensure_ascii=False).replace("\x7f", "\\u007F")
        return text + (f"@{value['@language']}" if "@language" in value else "")
    return _iri(value["@id"]) if set(value) == {"@id"} else f"[ {_statements(value, depth + 1)} ]"


def _iri(address: str) -> str:
    return address if address.split(":")[0] in PREFIXES else f"<{address}>"
