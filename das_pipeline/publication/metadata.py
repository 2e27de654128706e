"""The columns of published files, which every descriptor is made from, and Arrow schemas with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from das_pipeline.jurisdiction import Text
from das_pipeline.lake import canonical
from das_pipeline.publication.definitions import Table

Labels = Mapping[str, Mapping[str, Text]]  # dimension -> code -> label
DESCRIPTION = "description_"  # and a language: the key of a column's text
_PANDAS = {
    "string": {"pandas_type": "unicode", "numpy_type": "str"},
    "integer": {"pandas_type": "int64", "numpy_type": "Int64"},
    "boolean": {"pandas_type": "bool", "numpy_type": "bool"},
}
STATUSES = ("final", "incomplete", "not_applicable", "not_known", "provisional")
ESTIMATE = "estimate"  # the status of a cell that weights of a crosswalk gave a part of another publisher's figure
NOT_SHOWN = "not_shown"  # the status of a derived figure that too few cases would decide, or that is not known yet
CONFIDENTIAL = "confidential"  # the status of a count that is not shown, so that neither it nor another one can be known
STARTS, ENDS = "starts_on", "ends_on"  # of a period, in files for people and in das.duckdb
MARK = "is_simulated"  # a column of every table, so that a row without its file still declares that it is not real


def fields(table: Table, texts: Mapping[str, Text], labels: Labels) -> list[dict[str, Any]]:
    """Return the columns of `table` in order: name, type, description, unit and codes. Every descriptor is made from this."""
    listed: list[dict[str, Any]] = []
    for dimension in table.dimensions:
        listed.append(coded(dimension.name, texts[dimension.name], labels[dimension.name]) | {"scheme": dimension.scheme})
    listed.append(coded("period_kind", texts["period_kind"], {kind: texts[kind] for kind in table.periods}))
    listed.append({"name": "period", "type": "string", "description": texts["period"]})
    about = ({} if table.is_balance else {"minimum": 0}) | ({"may_be_empty": True} if table.may_hide else {})
    listed.append({"name": "n", "type": "integer", "description": texts["n"], "unit": table.unit} | about)
    statuses = (*STATUSES, ESTIMATE) if any(d.is_split for d in table.dimensions) else STATUSES
    statuses = (*statuses, NOT_SHOWN) if table.kind == "derived" else statuses
    statuses = (*statuses, CONFIDENTIAL) if table.may_hide else statuses
    listed.append(coded("status", texts["status"], {status: texts[status] for status in statuses if status in texts}))
    mark = str(table.is_simulated).lower()
    listed.append(coded(MARK, texts[MARK], {mark: texts[mark]}) | {"type": "boolean"})
    return listed


def coded(name: str, description: Text, codes: Mapping[str, Text]) -> dict[str, Any]:
    """Return a column of codes with their labels."""
    of_file = [{"code": c, **t.model_dump()} for c, t in codes.items()]
    return {"name": name, "type": "string", "description": description, "codes": of_file, "labels": codes}


def in_each(name: str, text: Text) -> dict[str, str]:
    """Return a text as a descriptor has it: `name` in the main language, `name_nl` and the like in the others."""
    return {name: text.main} | {f"{name}_{code}": other for code, other in text.others.items()}


def arrow_schema(table: Table, columns: list[dict[str, Any]], as_of: str, mapping_version: str) -> pa.Schema:
    """Return the schema of the Parquet file: descriptions, unit and code labels on each field, the table's own facts under `das`.

    The pandas metadata makes pandas read counts as Int64, so that a missing count would not turn the others into floats.
    """
    facts = {
        "table": table.name,
        "title": table.title.model_dump(),
        "description": table.description.model_dump(),
        "notes": table.notes.model_dump(),
        "theme": table.theme,
        "kind": table.kind,
        "base": table.base,
        "method": table.method,
        "dims": {d.name: {"scheme": d.scheme, "level": d.level} for d in table.dimensions},
        "shown": table.shown,
        "counts": table.counts,
        "is_balance": table.is_balance,
        "measures": ["n"],
        "unit_of_count": table.unit,
        "population": table.population,
        "is_simulated": table.is_simulated,
        "source": table.source.title.model_dump(),
        "licence": table.source.licence.name,
        "as_of": as_of,
        "mapping_version": mapping_version,
    }
    pandas = {
        "index_columns": [],
        "column_indexes": [],
        "columns": [{"name": c["name"], "field_name": c["name"], "metadata": None} | _PANDAS[c["type"]] for c in columns],
        "pandas_version": "3.0.0",
    }
    of_table = json.dumps(facts, ensure_ascii=False).encode()  # unsorted: the order of the dimensions is that of a cell's key
    return pa.schema(arrow_fields(columns), metadata={b"das": of_table, b"pandas": canonical(pandas)})


def arrow_fields(columns: list[dict[str, Any]]) -> list[pa.Field]:
    """Return the columns as Arrow has them, with descriptions, unit and code labels. A column with `may_be_empty` may have no value."""
    types = {"string": pa.string(), "integer": pa.int64(), "boolean": pa.bool_(), "date": pa.date32()}
    listed = []
    for column in columns:
        metadata = {f"{DESCRIPTION}{code}": text for code, text in column["description"].model_dump().items()}
        if "unit" in column:
            metadata["unit"] = column["unit"]
        if "codes" in column:
            metadata["codes"] = canonical(column["codes"]).decode()
        listed.append(pa.field(column["name"], types[column["type"]], nullable=bool(column.get("may_be_empty")), metadata=metadata))
    return listed


def description(field: pa.Field) -> Text:
    """Return the description of a column of a published Parquet file, in the languages that it was written in."""
    named = {name.decode(): text.decode() for name, text in field.metadata.items()}
    return Text.model_validate({name.removeprefix(DESCRIPTION): text for name, text in named.items() if name.startswith(DESCRIPTION)})
