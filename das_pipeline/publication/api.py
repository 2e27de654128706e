"""api/v1: what programs ask a release for: its tables with the address of every file, and a description of these addresses in OpenAPI.

All of it is files, so any web server gives it. Addresses are relative to the document that has them.
"""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

FOLDER = "api/v1"
TABLES, OPENAPI = f"{FOLDER}/tables.json", f"{FOLDER}/openapi.json"
TOLD = ("title", "description", "notes", "theme", "kind", "base", "unit_of_count", "is_simulated", "source", "licence")


def openapi() -> bytes:
    """Return the description in OpenAPI: the same in every release."""
    return (importlib.resources.files("das_pipeline.publication") / "openapi.json").read_bytes()


def list_tables(folder: Path, package: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a program needs to know of the tables in `folder`; `package` is their data package."""
    return {
        "version": package["version"],
        "as_of": package["as_of"],
        "is_simulated": package["is_simulated"],
        "tables": [_table(path, package) for path in sorted((folder / "tables").glob("*.parquet"))],
    }


def _table(path: Path, package: Mapping[str, Any]) -> dict[str, Any]:
    schema = pq.read_schema(path)
    facts = json.loads(schema.metadata[b"das"])
    files = [r for r in package["resources"] if Path(r["path"]).name.partition(".")[0] == path.stem]
    return {
        "name": path.stem,
        **{key: facts[key] for key in TOLD},
        "dimensions": list(facts["dims"]),
        "columns": schema.names,
        "files": [{"href": f"../../{r['path']}", **{key: r[key] for key in ("mediatype", "bytes", "hash")}} for r in files],
    }
