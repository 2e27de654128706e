"""Layer 5, persistent ids: this is where person ids and case ids are given. `ids.sql` decides which cluster gets which id.

Ids are numbers in order of birth. A cluster keeps the id that its records had; no id is used for anything else. What happens to an id is
an event in an append-only ledger: birth, split, merge, end, return; see id_events.sql.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import duckdb

from das_pipeline import engine
from das_pipeline.engine import scalar, sql
from das_pipeline.lake import Version
from das_pipeline.run import Run

TABLE = "linkage/links"
Kind = Literal["person", "case"]


def version_before(run: Run) -> Version | None:
    """Return the version whose ids this run continues: the latest that is not as of a later date, so that a replay gives the same ids."""
    latest: Version | None = None
    version = run.lake.current(TABLE)
    while version is not None:
        if version.as_of <= run.as_of.isoformat() and (latest is None or version.as_of > latest.as_of):
            latest = version
        version = run.lake.version(TABLE, version.previous) if version.previous else None
    return latest


def load_ledger(connection: duckdb.DuckDBPyConnection, before: Version | None) -> None:
    """Create `ledger` and `links_before` from the version `before`, or empty if there is none."""
    connection.execute("CREATE TEMP TABLE ledger (kind VARCHAR, id BIGINT, event VARCHAR, other_id BIGINT, vintage DATE)")
    connection.execute(
        "CREATE TEMP TABLE links_before (unit VARCHAR, record_no BIGINT, person_id BIGINT, case_id BIGINT, is_in_force BOOLEAN)"
    )
    if before is not None:
        connection.execute(f"INSERT INTO ledger SELECT * FROM {engine.parquet([before.path('id_ledger.parquet')])}")
        for file, is_in_force in (("links.parquet", True), ("former.parquet", False)):
            source = engine.parquet([before.path(file)])
            connection.execute(f"INSERT INTO links_before SELECT unit, record_no, person_id, case_id, {is_in_force} FROM {source}")


def give_ids(connection: duckdb.DuckDBPyConnection, kind: Kind, clusters: str, vintage: date) -> None:
    """Create `<kind>_ids` (cluster, id) for the query `clusters` (node, cluster); append what happened to ids to the table `ledger`.

    Reads `links_before` (unit, record_no, person_id, case_id, is_in_force) and `ledger` (kind, id, event, other_id, vintage).
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE clusters AS {clusters}")
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE held_before AS
        SELECT r.node, b.{kind}_id AS id FROM links_before AS b JOIN records AS r ON r.unit = b.unit AND r.record_no = b.record_no
        WHERE b.{kind}_id IS NOT NULL
        """
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE given_before AS
        SELECT DISTINCT {kind}_id AS id FROM links_before WHERE is_in_force AND {kind}_id IS NOT NULL
        """
    )
    last = scalar(connection, "SELECT COALESCE(MAX(id), 0) FROM ledger WHERE kind = $kind", {"kind": kind})
    connection.execute(f"CREATE OR REPLACE TEMP TABLE ids AS {sql(__package__, 'ids.sql')}", {"last": last})
    connection.execute(
        f"INSERT INTO ledger SELECT $kind, id, event, other_id, $vintage FROM ({sql(__package__, 'id_events.sql')})",
        {"kind": kind, "vintage": vintage},
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {kind}_ids AS SELECT cluster, id FROM ids")


def make_former(connection: duckdb.DuckDBPyConnection, vintage: date) -> None:
    """Create `former`: the ids of records that were linked once and are not in force now, see former.sql."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE former AS {sql(__package__, 'former.sql')}", {"vintage": vintage})
