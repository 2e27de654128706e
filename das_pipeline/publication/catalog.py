"""catalog.ttl and catalog.jsonld: the release for portals of open data, as DCAT-AP 3 and its Dutch profile, DCAT-AP-NL 3.0, ask for.

A table is a dataset and each of its files a distribution. The address of a dataset is the same in every release; the files are those of the
live release. Values from lists of others have their class beside them, since a portal need not look them up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from das_pipeline.jurisdiction import Text
from das_pipeline.periods import first_day, last_day
from das_pipeline.publication.definitions import Described, Table
from das_pipeline.publication.texts import TableTexts
from das_pipeline.rdf import Iri, Resource, Typed, Value, Words, json_ld, turtle

FILES = ("catalog.ttl", "catalog.jsonld")
EU = "http://publications.europa.eu/resource/authority"
MEDIA = "https://www.iana.org/assignments/media-types"
PUBLIC = Iri(f"{EU}/access-right/PUBLIC")
FILE_TYPES = {"csv": "CSV", "json": "JSON", "parquet": "PARQUET"}  # of the list file-type
LANGUAGES = {"nl": "NLD", "en": "ENG", "fr": "FRA", "de": "DEU"}  # of the list language
Statements = Mapping[str, Sequence[Value]]


def write(
    folder: Path, tables: Iterable[Described], periods: Mapping[str, Sequence[str]], texts: TableTexts, package: Mapping[str, Any]
) -> None:
    """Write both files into `folder`. `tables` are these and the files beside them; `periods` has those of each table.

    `package` is the data package, with all files.
    """
    resources = list(_resources(list(tables), periods, texts, package))
    (folder / FILES[0]).write_text(turtle(resources), encoding="utf-8")
    (folder / FILES[1]).write_text(json.dumps(json_ld(resources), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _resources(
    tables: Sequence[Described], periods: Mapping[str, Sequence[str]], texts: TableTexts, package: Mapping[str, Any]
) -> Iterator[Resource]:
    base = f"{texts.catalogue.address}current/{FILES[0]}#"
    of_file = {name: [r for r in package["resources"] if _table_of(r) == name] for name in (t.name for t in tables)}
    languages = [Iri(f"{EU}/language/{LANGUAGES[code]}") for code in texts.dataset.model_dump() if code in LANGUAGES]
    every = sorted({period for of_table in periods.values() for period in of_table})
    modified = [date.fromisoformat(package["as_of"])]
    common: dict[str, Sequence[Value]] = {
        "dct:publisher": [Iri(f"{base}publisher")],
        "dcat:contactPoint": [Iri(f"{base}contact")],
        "dcat:theme": [Iri(theme) for theme in texts.catalogue.themes],
        "dct:language": languages,
        "dct:modified": modified,
        "dcat:version": [Words(package["version"])],
    }
    yield Resource(
        Iri(f"{base}catalog"),
        {
            "rdf:type": [Iri("dcat:Catalog")],
            "dct:title": _words(texts.dataset),
            "dct:description": _words(texts.catalogue.description),
            "dct:publisher": common["dct:publisher"],
            "dcat:contactPoint": common["dcat:contactPoint"],
            "dct:license": [Iri(texts.licence.url)],
            "dct:language": languages,
            "dct:modified": modified,
            "foaf:homepage": [_homepage(texts)],
            "dcat:dataset": [Iri(f"{base}{table.name}") for table in tables],
        },
    )
    yield Resource(Iri(f"{base}publisher"), {"rdf:type": [Iri("foaf:Agent")], "foaf:name": _words(texts.publisher)})
    contact = {"vcard:fn": _words(texts.publisher), "vcard:hasEmail": [Iri(f"mailto:{texts.catalogue.email}")]}
    yield Resource(Iri(f"{base}contact"), {"rdf:type": [Iri("vcard:Kind"), Iri("vcard:Organization")], **contact})
    for table in tables:
        yield _dataset(table, base, periods.get(table.name, every), common, of_file[table.name])
        yield from (_distribution(resource, texts, table, base, modified) for resource in of_file[table.name])
    yield from _classes(tables, texts, languages, package)


def _dataset(table: Described, base: str, periods: Sequence[str], common: Statements, files: Sequence[Mapping[str, Any]]) -> Resource:
    creator = Resource(None, {"rdf:type": [Iri("foaf:Agent")], "foaf:name": _words(table.source.title)})
    span = {
        "rdf:type": [Iri("dct:PeriodOfTime")],
        "dcat:startDate": [min(map(first_day, periods))],
        "dcat:endDate": [max(map(last_day, periods))],
    }
    return Resource(
        Iri(f"{base}{table.name}"),
        {
            "rdf:type": [Iri("dcat:Dataset")],
            "dct:title": _words(table.title),
            "dct:description": _words(table.whole),
            "dct:identifier": [Words(f"{base}{table.name}")],
            "dct:creator": [creator] if isinstance(table, Table) and table.kind == "external" else common["dct:publisher"],
            "dct:accessRights": [PUBLIC],
            "dct:temporal": [Resource(None, span)],
            **common,
            "dcat:distribution": [Iri(f"{base}{resource['name']}_file") for resource in files],
        },
    )


def _distribution(resource: Mapping[str, Any], texts: TableTexts, table: Described, base: str, modified: Sequence[Value]) -> Resource:
    address = Iri(f"{texts.catalogue.address}current/{resource['path']}")
    file_type = FILE_TYPES.get(resource["format"])
    checksum: dict[str, Sequence[Value]] = {
        "rdf:type": [Iri("spdx:Checksum")],
        "spdx:algorithm": [Iri("spdx:checksumAlgorithm_sha256")],
        "spdx:checksumValue": [Typed(resource["hash"].removeprefix("sha256:"), "xsd:hexBinary")],
    }
    return Resource(
        Iri(f"{base}{resource['name']}_file"),
        {
            "rdf:type": [Iri("dcat:Distribution")],
            "dct:title": [Words(resource["path"].removeprefix("tables/"))],
            "dcat:accessURL": [address],
            "dcat:downloadURL": [address],
            "dcat:mediaType": [Iri(f"{MEDIA}/{resource['mediatype']}")],
            "dct:format": [Iri(f"{EU}/file-type/{file_type}")] if file_type else [],
            "dcat:byteSize": [Typed(str(resource["bytes"]), "xsd:nonNegativeInteger")],
            "spdx:checksum": [Resource(None, checksum)],
            "dct:license": [Iri(table.source.licence.url)],
            "dct:modified": modified,
        },
    )


def _classes(tables: Sequence[Described], texts: TableTexts, languages: Sequence[Iri], package: Mapping[str, Any]) -> Iterator[Resource]:
    """Yield the class of each value that is in a list of others."""
    files = package["resources"]
    named = {
        "foaf:Document": {_homepage(texts)},
        "dct:LicenseDocument": {Iri(texts.licence.url), *(Iri(table.source.licence.url) for table in tables)},
        "dct:LinguisticSystem": set(languages),
        "dct:MediaType": {Iri(f"{MEDIA}/{resource['mediatype']}") for resource in files},
        "dct:MediaTypeOrExtent": {Iri(f"{EU}/file-type/{FILE_TYPES[r['format']]}") for r in files if r["format"] in FILE_TYPES},
        "dct:RightsStatement": {PUBLIC},
        "spdx:ChecksumAlgorithm": {Iri("spdx:checksumAlgorithm_sha256")},
    }
    for name, values in named.items():
        for value in sorted(values, key=lambda iri: iri.address):
            yield Resource(value, {"rdf:type": [Iri(name)]})
    for theme in texts.catalogue.themes:
        yield Resource(Iri(theme), {"rdf:type": [Iri("skos:Concept")], "skos:prefLabel": [Words(theme.rpartition("/")[2])]})


def _homepage(texts: TableTexts) -> Iri:
    return Iri(f"{texts.catalogue.address}current/site/index.html")


def _table_of(resource: Mapping[str, Any]) -> str:
    return resource["path"].removeprefix("tables/").partition(".")[0]


def _words(text: Text) -> list[Value]:
    return [Words(words, language) for language, words in text.model_dump().items()]
