"""What later stages read of this stage."""

from __future__ import annotations

import duckdb

from das_pipeline import engine, layered
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
    """One file's records in a version of `terminology/records` as a relation; None when its partner never delivered it."""
    name = f"{partner}/{file}"
    return layered.relation(version, name) if f"{name}.parquet" in version.files else None


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
