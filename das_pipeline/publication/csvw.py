"""CSV on the Web: `<table>.csv-metadata.json` says of the CSV with codes what its columns are: types, codes, key, and titles per language.

A reader of the standard finds the file by its name alone.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from das_pipeline.jurisdiction import Text
from das_pipeline.lake import canonical
from das_pipeline.publication.definitions import Table

SUFFIX = ".csv-metadata.json"
PERIOD = "[0-9]{4}(-(0[1-9]|1[0-2]|Q[1-4]))?"


def write(table: Table, columns: list[dict[str, Any]], folder: Path) -> None:
    """Write the description of the CSV of `table` beside it in `folder`; `columns` as `metadata.fields` gives them."""
    content = {
        "@context": "http://www.w3.org/ns/csvw",
        "url": f"{table.name}.csv",
        "dc:title": _texts(table.title),
        "dc:description": _texts(Text.joined([table.description, table.notes], " ")),
        "dc:source": _texts(table.source.title),
        "dc:license": {"@id": table.source.licence.url},
        "dialect": {"encoding": "utf-8", "delimiter": ",", "quoteChar": '"', "header": True, "lineTerminators": ["\n"]},
        "tableSchema": {"columns": [_column(column, table) for column in columns], "primaryKey": table.keys},
    }
    (folder / f"{table.name}{SUFFIX}").write_bytes(canonical(content, indent=1) + b"\n")


def _column(column: dict[str, Any], table: Table) -> dict[str, Any]:
    name = column["name"]
    return {
        "name": name,
        "titles": {code: [name, text] for code, text in column["description"].model_dump().items()},  # the first is that of the file
        "required": True,
        "datatype": _datatype(column, table),
    }


def _datatype(column: dict[str, Any], table: Table) -> dict[str, Any]:
    if column["type"] == "integer":
        return {"base": "integer"} | ({} if table.is_balance else {"minimum": 0})
    if column["type"] == "boolean":
        return {"base": "boolean", "format": "true|false"}
    codes = "|".join(re.escape(code) for code in column["labels"]) if "labels" in column else PERIOD
    return {"base": "string", "format": f"^({codes})$"}


def _texts(text: Text) -> list[dict[str, str]]:
    return [{"@value": words, "@language": code} for code, words in text.model_dump().items()]
