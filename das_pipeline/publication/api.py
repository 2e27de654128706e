"""api/v1: what programs ask a release for: its tables with the address of every file, and a description of these addresses in OpenAPI.

All of it is files, so any web server gives it. Addresses are relative to the document that has them.
"""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from das_pipeline.publication.beside import File

FOLDER = "api/v1"
TABLES, OPENAPI = f"{FOLDER}/tables.json", f"{FOLDER}/openapi.json"
TOLD = ("title", "description", "notes", "theme", "kind", "base", "unit_of_count", "is_simulated", "source", "licence")


def openapi() -> bytes:
    """Return the description in OpenAPI: the same in every release."""
    return (importlib.resources.files("das_pipeline.publication") / "openapi.json").read_bytes()


def list_tables(folder: Path, package: Mapping[str, Any], files: Iterable[File]) -> dict[str, Any]:
    """Return what a program needs to know of the tables in `folder` and the `files` beside them; `package` is their data package."""
    return {
        "version": package["version"],
        "as_of": package["as_of"],
        "is_simulated": package["is_simulated"],
        "files": [_file(file, package) for file in files],
        "tables": [_table(path, package) for path in sorted((folder / "tables").glob("*.parquet"))],
    }


def _table(path: Path, package: Mapping[str, Any]) -> dict[str, Any]:
    schema = pq.read_schema(path)
    facts = json.loads(schema.metadata[b"das"])
    return {
        "name": path.stem,
        **{key: facts[key] for key in TOLD},
        "dimensions": list(facts["dims"]),
        "columns": schema.names,
        "files": _addresses(path.stem, package),
    }


def _file(file: File, package: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": file.name,
        "title": file.title.model_dump(),
        "description": file.whole.model_dump(),
        "is_simulated": file.is_simulated,
        "columns": [column["name"] for column in file.columns],
        "files": _addresses(file.name, package),
    }


def _addresses(name: str, package: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the address, size and hash of every file of a table, or of the one beside the tables."""
    files = [r for r in package["resources"] if Path(r["path"]).name.partition(".")[0] == name]
    return [{"href": f"../../{r['path']}", **{key: r[key] for key in ("mediatype", "bytes", "hash")}} for r in files]
