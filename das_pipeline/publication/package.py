"""datapackage.json: every table in every format and language as a resource of a Frictionless Data Package 2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from das_pipeline.disk import sha256_of
from das_pipeline.jurisdiction import Text
from das_pipeline.publication import formats
from das_pipeline.publication.definitions import Table
from das_pipeline.publication.labelled import separator
from das_pipeline.publication.metadata import ENDS, STARTS, in_each
from das_pipeline.publication.texts import TableTexts, Words
from das_pipeline.run import Run

Columns = list[dict[str, Any]]  # as metadata.fields gives them


def data_package(
    run: Run, tables: Iterable[Table], texts: TableTexts, version: str, described: list[dict[str, object]]
) -> dict[str, object]:
    """Return the data package of the candidate; `described` are its resources."""
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": f"das-{run.jurisdiction.name}",
        **in_each("title", texts.dataset),
        "homepage": texts.catalogue.address,
        "version": version,
        "as_of": run.as_of.isoformat(),
        "is_simulated": any(t.is_simulated for t in tables),
        "licenses": [texts.licence.as_descriptor()],
        "contributors": [{"title": texts.publisher.main, "roles": ["publisher"]}],
        "sources": [{"title": title} for title in sorted({t.source.title.main for t in tables})],
        "resources": described,
    }


def resources(table: Table, columns: Columns, folder: Path, texts: Mapping[str, Text], words: Words) -> list[dict[str, Any]]:
    """Return the descriptors of the files of `table`: one in each format, and one for people in each language, with their hashes."""
    schema = {"fields": [_field(column, table) for column in columns], "primaryKey": table.keys}
    described = []
    for place, form in enumerate(formats.FORMATS):
        facts = {"format": form.extension, "mediatype": form.media_type, "schema": schema}
        described.append(_resource(table, form.extension, folder, table.name if not place else f"{table.name}-{form.extension}") | facts)
    for language in words.languages:
        facts = {
            "format": "csv",
            "mediatype": "text/csv",
            "dialect": {"delimiter": separator(words, language), "lineTerminator": "\r\n"},
            "schema": {"fields": _labelled_fields(columns, texts, language)},
        }
        described.append(_resource(table, f"{language}.csv", folder, f"{table.name}-{language}") | facts)
    return described


def _resource(table: Table, extension: str, folder: Path, name: str) -> dict[str, Any]:
    path = folder / "tables" / f"{table.name}.{extension}"
    source = {"title": table.source.title.main} | ({"path": table.source.url} if table.source.url else {})
    return {
        "name": name,
        "path": f"tables/{path.name}",
        **in_each("title", table.title),
        **in_each("description", Text.joined([table.description, table.notes], " ")),
        "encoding": "utf-8",
        "bytes": path.stat().st_size,
        "hash": f"sha256:{sha256_of(path)}",
        "is_simulated": table.is_simulated,
        "licenses": [table.source.licence.as_descriptor()],
        "sources": [source],
    }


def _field(column: dict[str, Any], table: Table) -> dict[str, Any]:
    field = {
        "name": column["name"],
        "type": column["type"],
        "title": column["name"],
        "description": " / ".join([column["description"].main, *column["description"].others.values()]),
    }
    if "labels" in column and column["type"] == "string":
        field["categories"] = [{"value": code, **in_each("label", label)} for code, label in column["labels"].items()]
    if "unit" in column:
        field["unit"] = column["unit"]
    at_least = {"minimum": 0} if column["type"] == "integer" and not table.is_balance else {}
    return field | {"constraints": {"required": True} | at_least}


def _labelled_fields(columns: Columns, texts: Mapping[str, Text], language: str) -> list[dict[str, str]]:
    """Return the columns of the file for people: their titles are their names."""
    fields: list[dict[str, str]] = []
    for column in columns:
        fields.append({"name": column["description"][language], "type": "string" if "labels" in column else column["type"]})
        if column["name"] == "period":
            fields += [{"name": texts[day][language], "type": "date"} for day in (STARTS, ENDS)]
    return fields
