"""Where a published number comes from, for somebody inside: its meaning, its protection, and every version that it was made from."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pyarrow.compute as pc
import pyarrow.parquet as pq

from das_pipeline.errors import DasError, unknown_name
from das_pipeline.periods import kind_of
from das_pipeline.publication.releases import current_release
from das_pipeline.run import Run
from das_pipeline.terminology import ALL


def explain(run: Run, table: str, cell: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the facts of one cell of the live release, as name and text. A dimension that `cell` leaves out is the total."""
    release = current_release(run)
    if release is None:
        raise DasError("There is no release yet: run das run.")
    path = release.folder / "tables" / f"{table}.parquet"
    if not path.exists():
        raise unknown_name("published table", table, (p.stem for p in path.parent.glob("*.parquet")))
    rows = pq.read_table(path)
    facts = json.loads(rows.schema.metadata[b"das"])
    for name in cell:
        if name not in (*facts["dims"], "period"):
            raise unknown_name(f"dimension of {table}", name, [*facts["dims"], "period"])
    period = cell.get("period", max(rows["period"].to_pylist(), key=lambda p: (len(p) == 4, p)))
    wanted = {d: cell.get(d, facts["shown"].get(d, ALL)) for d in facts["dims"]} | {"period_kind": kind_of(period), "period": period}
    for name, value in cell.items():
        if value not in (codes := rows[name].unique().to_pylist()):
            raise unknown_name(f"{name} of {table}", value, codes)
    for name, value in wanted.items():
        rows = rows.filter(pc.field(name) == value)
    if rows.num_rows != 1:
        raise DasError(f"Table {table} has no cell {', '.join(f'{k}={v}' for k, v in wanted.items())}.")
    row = rows.to_pylist()[0]
    protection = {
        "protected": f"sum of leaves rounded to {facts['base']}",
        "derived": "computed from sums of rounded leaves",
        "external": "none: exact, as published by its source",
    }[facts["kind"]]
    facts_of_cell = {
        "value": f"{row['n']} ({row['status']}, {', '.join(f'{k}={v}' for k, v in wanted.items())})",
        "table": f"{facts['title']['en']}. {facts['description']['en']}",
        "unit of count": facts["unit_of_count"],
        "counts": "; ".join(facts["population"].values()) or facts["source"]["en"],
        "source": facts["source"]["en"] + (" (simulated)" if facts["is_simulated"] else ""),
        "protection": protection,
        "release": f"{release.id}, version {release.manifest['version']}, code {release.manifest['code'][:12]}",
    }
    return [*facts_of_cell.items(), *((f"made from {name}", version) for name, version in _versions(run, release.manifest["as_of"]))]


def _versions(run: Run, as_of: str) -> list[tuple[str, str]]:
    """Return the live versions of the release's date, stage by stage; none of a table that a later run replaced."""
    versions = (run.lake.current(p.parent.relative_to(run.lake.home).as_posix()) for p in sorted(run.lake.home.glob("*/*/current.json")))
    return [(v.table, v.id) for v in versions if v is not None and v.as_of == as_of]
