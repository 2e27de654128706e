"""D18 in the descriptions of CSV files: each says what the footer of the table's Parquet says, and nothing else."""

from __future__ import annotations

import json
import re
from typing import Any

import pyarrow as pa

from das_pipeline.auditor.release import Published, Table

SUFFIX = ".csv-metadata.json"
PERIOD = "[0-9]{4}(-(0[1-9]|1[0-2]|Q[1-4]))?"
DIALECT = {"delimiter": ",", "encoding": "utf-8", "header": True, "lineTerminators": ["\n"], "quoteChar": '"'}


def differs(table: Table, release: Published, concept_uri: str) -> bool:
    """Whether the description of the CSV has other bytes than `table` asks for; addresses of schemes begin with `concept_uri`."""
    path = table.path.with_suffix(SUFFIX)
    return not path.is_file() or path.read_bytes() != _written(table, release, concept_uri)


def _written(table: Table, release: Published, concept_uri: str) -> bytes:
    facts = table.facts
    licence = next(r["licenses"][0]["path"] for r in release.package["resources"] if r["path"] == f"tables/{table.name}.csv")
    whole = {code: f"{text} {facts['notes'][code]}" for code, text in facts["description"].items()}
    texts = {"dc:title": facts["title"], "dc:description": whole, "dc:source": facts["source"]}
    content: dict[str, Any] = {
        "@context": "http://www.w3.org/ns/csvw",
        "dialect": DIALECT,
        "dc:license": {"@id": licence},
        "tableSchema": {"columns": [_column(field, table, concept_uri) for field in table.rows.schema], "primaryKey": table.keys},
        "url": f"{table.name}.csv",
    }
    content |= {name: [{"@language": code, "@value": words} for code, words in text.items()] for name, text in texts.items()}
    return f"{json.dumps(content, sort_keys=True, ensure_ascii=False, indent=1)}\n".encode()


def _column(field: pa.Field, table: Table, concept_uri: str) -> dict[str, Any]:
    told = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    titles = {key.removeprefix("description_"): [field.name, text] for key, text in told.items() if key.startswith("description_")}
    scheme = table.facts["dims"].get(field.name, {}).get("scheme")
    listed = {"qb:codeList": {"@id": concept_uri + scheme}} if scheme else {}
    is_required = not (table.method == "suppression" and field.name == "n")
    return {"datatype": _datatype(field, told, table), "name": field.name, "required": is_required, "titles": titles} | listed


def _datatype(field: pa.Field, told: dict[str, str], table: Table) -> dict[str, Any]:
    if field.type == pa.int64():
        return {"base": "integer"} if table.is_balance else {"base": "integer", "minimum": 0}
    if field.type == pa.bool_():
        return {"base": "boolean", "format": "true|false"}
    codes = [re.escape(option["code"]) for option in json.loads(told.get("codes", "[]"))]
    return {"base": "string", "format": f"^({'|'.join(codes) if codes else PERIOD})$"}
