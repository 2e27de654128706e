"""CSV on the Web: `<file>.csv-metadata.json` says of a CSV with codes what its columns are: types, codes, key, and titles per language.

A reader of the standard finds the description by its name alone. The codes of a column that a scheme has refer to it: the concepts are in
concepts.ttl.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from das_pipeline.jurisdiction import Text
from das_pipeline.lake import canonical
from das_pipeline.publication.definitions import Described

SUFFIX = ".csv-metadata.json"
PERIOD = "[0-9]{4}(-(0[1-9]|1[0-2]|Q[1-4]))?"


def write(about: Described, columns: list[dict[str, Any]], folder: Path, concept_uri: str) -> None:
    """Write the description of the CSV of `about` beside it in `folder`; `columns` as `metadata.fields` gives them.

    `concept_uri` is what the addresses of schemes begin with.
    """
    content = {
        "@context": "http://www.w3.org/ns/csvw",
        "url": f"{about.name}.csv",
        "dc:title": _texts(about.title),
        "dc:description": _texts(about.whole),
        "dc:source": _texts(about.source.title),
        "dc:license": {"@id": about.source.licence.url},
        "dialect": {"encoding": "utf-8", "delimiter": ",", "quoteChar": '"', "header": True, "lineTerminators": ["\n"]},
        "tableSchema": {"columns": [_column(column, concept_uri) for column in columns]}
        | ({"primaryKey": about.keys} if about.keys else {}),
    }
    (folder / f"{about.name}{SUFFIX}").write_bytes(canonical(content, indent=1) + b"\n")


def _column(column: dict[str, Any], concept_uri: str) -> dict[str, Any]:
    name, scheme = column["name"], column.get("scheme")
    return {
        "name": name,
        "titles": {code: [name, text] for code, text in column["description"].model_dump().items()},  # the first is that of the file
        "required": not column.get("may_be_empty"),
        "datatype": _datatype(column),
    } | ({"qb:codeList": {"@id": concept_uri + scheme}} if scheme else {})


def _datatype(column: dict[str, Any]) -> dict[str, Any]:
    if column["type"] == "integer":
        return {"base": "integer"} | ({"minimum": column["minimum"]} if "minimum" in column else {})
    if column["type"] == "boolean":
        return {"base": "boolean", "format": "true|false"}
    if column["type"] == "date":
        return {"base": "date"}
    if "labels" in column:
        return {"base": "string", "format": f"^({'|'.join(re.escape(code) for code in column['labels'])})$"}
    return {"base": "string"} | ({"format": f"^({PERIOD})$"} if column["name"] == "period" else {})


def _texts(text: Text) -> list[dict[str, str]]:
    return [{"@value": words, "@language": code} for code, words in text.model_dump().items()]
