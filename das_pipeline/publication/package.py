"""datapackage.json: every table in every format and language as a resource of a Frictionless Data Package 2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from das_pipeline.disk import sha256_of
from das_pipeline.jurisdiction import Text
from das_pipeline.publication import formats
from das_pipeline.publication.definitions import Described, Table
from das_pipeline.publication.labelled import separator
from das_pipeline.publication.metadata import ENDS, STARTS, in_each
from das_pipeline.publication.texts import TableTexts, Words

Columns = list[dict[str, Any]]  # as metadata.fields gives them


def data_package(
    jurisdiction: str,
    as_of: str,
    tables: Iterable[Table],
    texts: TableTexts,
    version: str,
    mapping_version: str,
    described: list[dict[str, object]],
) -> dict[str, object]:
    """Return the data package of the candidate; `described` are its resources."""
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": f"das-{jurisdiction}",
        **in_each("title", texts.dataset),
        "homepage": texts.catalogue.address,
        "version": version,
        "as_of": as_of,
        "mapping_version": mapping_version,
        "is_simulated": any(t.is_simulated for t in tables),
        "licenses": [texts.licence.as_descriptor()],
        "contributors": [{"title": texts.publisher.main, "roles": ["publisher"]}],
        "sources": [{"title": title} for title in sorted({t.source.title.main for t in tables})],
        "resources": described,
    }


def resources(table: Table, columns: Columns, folder: Path, texts: Mapping[str, Text], words: Words) -> list[dict[str, Any]]:
    """Return the descriptors of the files of `table`: one in each format, and one for people in each language, with their hashes."""
    schema = {"fields": [field(column) for column in columns], "primaryKey": table.keys}
    described = []
    for place, form in enumerate(formats.FORMATS):
        facts = {"format": form.extension, "mediatype": form.media_type, "schema": schema}
        name = table.name if not place else f"{table.name}-{form.extension}"
        described.append(resource(table, folder, f"tables/{table.name}.{form.extension}", name) | facts)
    for language in words.languages:
        facts = {
            "format": "csv",
            "mediatype": "text/csv",
            "dialect": {"delimiter": separator(words, language), "lineTerminator": "\r\n"},
            "schema": {"fields": _labelled_fields(columns, texts, language)},
        }
        described.append(resource(table, folder, f"tables/{table.name}.{language}.csv", f"{table.name}-{language}") | facts)
    return described


def resource(about: Described, folder: Path, path: str, name: str) -> dict[str, Any]:
    """Return the descriptor of the file `path` of `about` in `folder`, but for its format and columns."""
    source = {"title": about.source.title.main} | ({"path": about.source.url} if about.source.url else {})
    return {
        "name": name,
        "path": path,
        **in_each("title", about.title),
        **in_each("description", about.whole),
        "encoding": "utf-8",
        "bytes": (folder / path).stat().st_size,
        "hash": f"sha256:{sha256_of(folder / path)}",
        "is_simulated": about.is_simulated,
        "licenses": [about.source.licence.as_descriptor()],
        "sources": [source],
    }


def field(column: dict[str, Any]) -> dict[str, Any]:
    """Return a column as a data package has it."""
    described = {
        "name": column["name"],
        "type": column["type"],
        "title": column["name"],
        "description": " / ".join([column["description"].main, *column["description"].others.values()]),
    }
    if "labels" in column and column["type"] == "string":
        described["categories"] = [{"value": code, **in_each("label", label)} for code, label in column["labels"].items()]
    if "unit" in column:
        described["unit"] = column["unit"]
    if column.get("may_be_empty"):
        return described
    return described | {"constraints": {"required": True} | ({"minimum": column["minimum"]} if "minimum" in column else {})}


def _labelled_fields(columns: Columns, texts: Mapping[str, Text], language: str) -> list[dict[str, str]]:
    """Return the columns of the file for people: their titles are their names."""
    fields: list[dict[str, str]] = []
    for column in columns:
        fields.append({"name": column["description"][language], "type": "string" if "labels" in column else column["type"]})
        if column["name"] == "period":
            fields += [{"name": texts[day][language], "type": "date"} for day in (STARTS, ENDS)]
    return fields
