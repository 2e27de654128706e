"""What later stages read of this stage."""

from __future__ import annotations

import duckdb

from das_pipeline import engine
from das_pipeline.errors import LakeError
from das_pipeline.lake import Version
from das_pipeline.run import Run


def records(run: Run, connection: duckdb.DuckDBPyConnection, partner: str, file: str) -> str:
    """Create a view on one file's records (one row per record version, values as delivered and `<column>_concept`); return its name."""
    view = engine.identifier(f"records_{partner}_{file}")
    version = live(run, "terminology/records")
    relation = records_of(version, partner, file)
    if relation is None:
        raise LakeError(f"terminology/records has no records of {partner}/{file}.")
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT * FROM {relation}")
    return view


def records_of(version: Version, partner: str, file: str) -> str | None:
    """One file's records in a version of `terminology/records` as a relation; None when its partner never delivered it.

    They are those of the base, with all rows of the records that were touched since in place of what the base has of these.
    """
    name = f"{partner}/{file}"
    if f"{name}.parquet" not in version.files:
        return None
    base = engine.parquet([version.path(f"{name}.parquet")])
    if f"{name}.overlay.parquet" not in version.files:
        return base
    touched, overlay = (engine.parquet([version.path(f"{name}.{part}.parquet")]) for part in ("touched", "overlay"))
    untouched = f"SELECT b.* FROM {base} AS b ANTI JOIN {touched} AS t ON t.record_no = b.record_no"
    return f"({untouched} UNION ALL SELECT * FROM {overlay})"


def hierarchy(run: Run, connection: duckdb.DuckDBPyConnection) -> str:
    """Create a view with one row per scheme, concept (`leaf`) and level at or above its own, with its `node` there; return its name."""
    path = live_concepts(run).path("hierarchies.parquet")
    connection.execute(f"CREATE OR REPLACE TEMP VIEW hierarchies AS SELECT * FROM {engine.parquet([path])}")
    return "hierarchies"


def live_concepts(run: Run) -> Version:
    """Return the live version of `terminology/concepts`: the mappings that everything else is made with."""
    return live(run, "terminology/concepts")


def live(run: Run, table: str) -> Version:
    """Return the live version of a table that this stage reads; LakeError if there is none yet."""
    version = run.lake.current(table)
    if version is None:
        raise LakeError(f"{table} has no live version yet: run das run, which makes it.")
    return version
