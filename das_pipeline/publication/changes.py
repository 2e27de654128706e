"""What a candidate changes in the figures since the previous release, cell by cell, and the version number that follows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from das_pipeline import engine
from das_pipeline.periods import months_since
from das_pipeline.publication.metadata import MARK

FIRST = "1.0.0"
DELIVERIES, LATE, CORRECTION = "deliveries", "late", "correction"
DEFINING = ("population", "counts", "unit_of_count", "dims")  # facts of a table that say what it counts


@dataclass(frozen=True)
class TableChanges:
    """How many cells of one table are new, gone, have another count, or became final; each revised cell with its old and new count.

    `why` says of revised cells as much as is known here: `source`, another publisher revised its figures; `definition`, the table counts
    something else; `mapping`, codes have other meanings; `deliveries`, records came late or were corrected. Each cell has the `lag_months`
    from its period to the revision, and says of deliveries which it was: `late`, the figure was still open, so that a revision was
    announced; `correction`, it had been final. More cannot be told from figures, which every record moves in the same way.
    """

    table: str
    added: int
    removed: int
    revised: int
    became_final: int
    cells: list[dict[str, Any]]
    why: str | None = None


def compare(old: Path, new: Path) -> list[TableChanges]:
    """Return what changed from the release folder `old` to `new`, for each table by name."""
    with duckdb.connect(":memory:") as connection:
        before, after = ({p.stem: p for p in (folder / "tables").glob("*.parquet")} for folder in (old, new))
        return [_compare(connection, name, before.get(name), after.get(name)) for name in sorted(before | after)]


def changes(folder: Path, before: Path | None, version_before: str | None) -> dict[str, Any]:
    """Return what the candidate in `folder` changes since the release in `before`, and its version number.

    A cell is revised when its count differs; that a provisional period became final is counted apart.
    """
    tables = compare(before or folder / "nothing", folder)
    total = {key: sum(getattr(t, key) for t in tables) for key in ("added", "removed", "revised", "became_final")}
    listed = {t.table: {k: v for k, v in asdict(t).items() if k != "table"} for t in tables}
    return {"version": next_version(version_before, total), **total, "tables": listed}


def next_version(before: str | None, total: dict[str, int]) -> str:
    """Return the version number after `before`, by the kind of change."""
    if before is None:
        return FIRST
    major, minor, patch = map(int, before.split("."))
    if total["removed"]:
        return f"{major + 1}.0.0"
    if total["added"]:
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}" if total["revised"] or total["became_final"] else before


def _compare(connection: duckdb.DuckDBPyConnection, name: str, old: Path | None, new: Path | None) -> TableChanges:
    keys, keys_before = _keys(new), _keys(old)
    if old is None or new is None or keys != keys_before:  # a table of one release only, or another cut of the figures: no cell is the same
        rows = [pq.read_metadata(path).num_rows if path else 0 for path in (new, old)]
        return TableChanges(name, rows[0], rows[1], 0, 0, [])
    shown = ", ".join(f"COALESCE(new.{k}, old.{k}) AS {k}" for k in keys)
    same = " AND ".join(f"new.{k} = old.{k}" for k in keys)
    connection.execute(
        f"""CREATE OR REPLACE TEMP VIEW cells AS
SELECT {shown}, old.period IS NOT NULL AS was_there, new.period IS NOT NULL AS is_there, old.n AS was, new.n AS is_now,
    old.status IN ('provisional', 'incomplete', 'not_known') AS was_open, new.status = 'final' AS is_final
FROM {engine.parquet([old])} AS old FULL JOIN {engine.parquet([new])} AS new ON {same}"""
    )
    added, removed, changed, became_final = connection.execute(engine.sql(__package__, "changes.sql")).fetchall()[0]
    listed = connection.execute(f"SELECT {', '.join(keys)}, was, is_now, was_open FROM cells WHERE was <> is_now ORDER BY ALL").fetchall()
    before, now = (json.loads(pq.read_schema(path).metadata[b"das"]) for path in (old, new))
    why = _why(before, now) if listed else None
    cells = [dict(zip([*keys, "old", "new", "why"], row, strict=True)) for row in listed]
    for cell in cells:
        of_deliveries = LATE if cell["why"] else CORRECTION
        cell |= {
            "lag_months": months_since(cell["period"], date.fromisoformat(now["as_of"])),
            "why": of_deliveries if why == DELIVERIES else why,
        }
    return TableChanges(name, added, removed, changed, became_final, cells, why)


def _why(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    if now["kind"] == "external":
        return "source"
    if any(before[key] != now[key] for key in DEFINING if key in before):  # a release of an earlier version says less
        return "definition"
    return "mapping" if before.get("mapping_version") != now["mapping_version"] else DELIVERIES


def _keys(path: Path | None) -> list[str]:
    return [engine.identifier(n) for n in pq.read_schema(path).names if n not in {"n", "status", MARK}] if path else []
