"""D18 in what describes revisions.csv, breaks.csv and differences.csv: the data package, and the description of each CSV beside it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.csv

from das_pipeline.auditor.csvw import DIALECT, PERIOD, SUFFIX
from das_pipeline.auditor.release import Published

NAMES = ("breaks", "differences", "revisions")
DESCRIPTIONS = {f"{name}{SUFFIX}" for name in NAMES}
TYPES = {"string": pa.string(), "integer": pa.int64(), "date": pa.date32()}
Check = Callable[[Any], bool]


def resource_of(release: Published, name: str) -> dict[str, Any] | None:
    """What the data package says of the file; nothing in a release of an earlier version."""
    return next((r for r in release.package.get("resources", []) if r["path"] == f"{name}.csv"), None)


def is_right(resource: Mapping[str, Any], release: Published) -> bool:
    """Whether what the data package says of a file beside the tables is so; its texts are judged with all others."""
    name = str(resource["path"]).removesuffix(".csv")
    path = release.folder / str(resource["path"])
    return (
        name in NAMES
        and path.is_file()
        and resource["name"] == name
        and resource["format"] == "csv"
        and resource["mediatype"] == "text/csv"
        and resource["encoding"] == "utf-8"
        and resource["bytes"] == path.stat().st_size
        and resource["is_simulated"] == any(table.facts["is_simulated"] for table in release.tables.values())
        and [f["name"] for f in resource["schema"]["fields"]] == _header(path.read_bytes())
        and all(f["type"] in TYPES and f["title"] == f["name"] for f in resource["schema"]["fields"])
    )


def _header(raw: bytes) -> list[str]:
    return raw.partition(b"\n")[0].decode().replace('"', "").split(",")


def rows(release: Published, name: str) -> pa.Table:
    """The rows of a file, with the types that the data package gives."""
    resource = resource_of(release, name)
    fields = resource["schema"]["fields"] if resource else []
    types = {f["name"]: TYPES[f["type"]] for f in fields}
    options = pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=False)
    read = pyarrow.csv.read_csv(io.BytesIO((release.folder / f"{name}.csv").read_bytes()), convert_options=options)
    nullable = {f["name"]: "constraints" not in f for f in fields}
    return read.cast(pa.schema([pa.field(c.name, c.type, nullable=nullable[c.name]) for c in read.schema]))


def wrong(release: Published, is_text: Check) -> dict[str, int]:
    """The number of faults in the description of each CSV: it says what the data package says, in every language, and nothing else."""
    return {f"{name}{SUFFIX}": _differs(release, name, is_text) for name in NAMES if resource_of(release, name)}


def _differs(release: Published, name: str, is_text: Check) -> int:
    resource = resource_of(release, name) or {}
    try:
        raw = (release.folder / f"{name}{SUFFIX}").read_bytes()
        told = json.loads(raw)
        columns = {column["name"]: column["titles"] for column in told["tableSchema"]["columns"]}
        titles = [text for of_column in columns.values() for _, text in of_column.values()]
        texts = {key: told[f"dc:{key}"] for key in ("title", "description", "source")}
        said = [text["@value"] for listed in texts.values() for text in listed]
        keys = {key for listed in texts.values() for text in listed for key in text}
        expected: dict[str, Any] = {
            "@context": "http://www.w3.org/ns/csvw",
            "dialect": DIALECT,
            "dc:license": {"@id": resource["licenses"][0]["path"]},
            "tableSchema": {
                "columns": [_column(f, columns[f["name"]]) for f in resource["schema"]["fields"]],
                "primaryKey": resource["schema"]["primaryKey"],
            },
            "url": f"{name}.csv",
        }
        expected |= {f"dc:{key}": listed for key, listed in texts.items()}
        is_same = raw == f"{json.dumps(expected, sort_keys=True, ensure_ascii=False, indent=1)}\n".encode()
        in_package = {
            key: {v for k, v in resource.items() if re.fullmatch(f"{key}(_[a-z]{{2,3}})?", k)} for key in ("title", "description")
        }
        same_texts = all({t["@value"] for t in texts[key]} == in_package[key] for key in in_package)
        return int(not is_same or not same_texts or keys != {"@value", "@language"}) + sum(not is_text(text) for text in [*titles, *said])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):  # not there, or not of this shape
        return 1


def _column(field: Mapping[str, Any], titles: Mapping[str, Any]) -> dict[str, Any]:
    own = {code: [field["name"], text] for code, (_, text) in titles.items()}
    return {"datatype": _datatype(field), "name": field["name"], "required": "constraints" in field, "titles": own}


def _datatype(field: Mapping[str, Any]) -> dict[str, Any]:
    if field["type"] != "string":
        return {"base": field["type"]}
    if "categories" in field:
        return {"base": "string", "format": f"^({'|'.join(re.escape(option['value']) for option in field['categories'])})$"}
    return {"base": "string", "format": f"^({PERIOD})$"} if field["name"] == "period" else {"base": "string"}
