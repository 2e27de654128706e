"""D18 in api/v1/tables.json: what programs are told of a table and of its files is what these say themselves, and nothing else."""

from __future__ import annotations

import json
from typing import Any

from das_pipeline.auditor import beside, csvw
from das_pipeline.auditor.release import Published, Table

FILE = "api/v1/tables.json"
TOLD = ("title", "description", "notes", "theme", "kind", "base", "unit_of_count", "is_simulated", "source", "licence")


def differs(release: Published) -> bool:
    """Whether the file has other bytes than the tables and the data package ask for."""
    path = release.folder / FILE
    expected = {key: release.package.get(key) for key in ("version", "as_of", "is_simulated")}
    expected["tables"] = [_listed(table, release) for _, table in sorted(release.tables.items())]
    try:
        of_files = {r["name"]: r for r in release.package["resources"]}
        expected["files"] = [_beside(of_files[name], release) for name in beside.NAMES if name in of_files]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # what describes them is not of its shape
        return True
    written = json.dumps(expected, sort_keys=True, ensure_ascii=False, indent=1) + "\n"
    return not path.exists() or path.read_bytes() != written.encode()


def _listed(table: Table, release: Published) -> dict[str, Any]:
    resources = [r for r in release.package["resources"] if r["path"].startswith(f"tables/{table.name}.")]
    files = [_address(r) for r in resources]
    about = {"name": table.name, "dimensions": table.keys[:-2], "columns": table.rows.column_names, "files": files}
    return about | {key: table.facts.get(key) for key in TOLD}


def _address(resource: dict[str, Any]) -> dict[str, Any]:
    return {"href": f"../../{resource['path']}"} | {key: resource[key] for key in ("mediatype", "bytes", "hash")}


def _beside(resource: dict[str, Any], release: Published) -> dict[str, Any]:
    """A file beside the tables: its texts are those of the data package, where the main language is without its code."""
    told = json.loads((release.folder / f"{resource['name']}{csvw.SUFFIX}").read_bytes())
    texts = {key: {t["@language"]: t["@value"] for t in told[f"dc:{key}"]} for key in ("title", "description")}
    columns = [f["name"] for f in resource["schema"]["fields"]]
    facts = {"name": resource["name"], "is_simulated": resource["is_simulated"], "columns": columns, "files": [_address(resource)]}
    return facts | texts
