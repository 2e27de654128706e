"""Layer 5, persistent ids: numbers given in a total order, claimed by the records that had them, never used for anything else.

What happens to an id is an event in an append-only ledger: birth, split, merge, end, return; see ids.sql and id_events.sql.
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
    """The version whose ids this run goes on from: of those as of no later date the latest, so that a replay gives the same ids."""
    found: Version | None = None
    version = run.lake.current(TABLE)
    while version is not None:
        if version.as_of <= run.as_of.isoformat() and (found is None or version.as_of > found.as_of):
            found = version
        version = run.lake.version(TABLE, version.previous) if version.previous else None
    return found


def load_ledger(connection: duckdb.DuckDBPyConnection, before: Version | None) -> None:
    """`ledger` and `links_before` as the version `before` left them; empty when there is none."""
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
    """`<kind>_ids` (cluster, id) for the query `clusters` (node, cluster), and what happened to ids appended to the table `ledger`.

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
    """`former`: records that were linked once and are not in force now, with the ids that they had last: they get them back on return.

    An id that merged since is replaced by the one it merged into.
    """
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE former AS
        SELECT b.unit, b.record_no, COALESCE(p.other_id, b.person_id) AS person_id, COALESCE(c.other_id, b.case_id) AS case_id
        FROM links_before AS b
        LEFT JOIN ledger AS p ON p.kind = 'person' AND p.event = 'merge' AND p.vintage = $vintage AND p.id = b.person_id
        LEFT JOIN ledger AS c ON c.kind = 'case' AND c.event = 'merge' AND c.vintage = $vintage AND c.id = b.case_id
        WHERE NOT EXISTS (SELECT 1 FROM links AS l WHERE l.unit = b.unit AND l.record_no = b.record_no)
        """,
        {"vintage": vintage},
    )
