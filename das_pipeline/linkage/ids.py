"""Layer 5, persistent ids: this is where person ids and case ids are given. `ids.sql` decides which cluster gets which id.

Ids are numbers in order of birth. A person keeps the id of its verified number, and a cluster without one the id that its records had; no
id is used for anything else. What happens to an id is an event in an append-only ledger: birth, split, merge, move, end, return; see
id_events.sql. Which id a number was given is kept under a keyed hash, see number_ids.sql.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

import duckdb

from das_pipeline import engine, layered
from das_pipeline.engine import scalar, sql
from das_pipeline.lake import Version
from das_pipeline.run import Run

TABLE = "linkage/links"
YEAR = timedelta(days=365)
RECORD = "unit, record_no"
NUMBER_IDS, NUMBER_KEY = "number_ids", "number_key"
ID_LEDGER, ID_KEY = "id_ledger", "kind, id"
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


def rates_before(run: Run) -> list[dict[str, float]]:
    """Return the link rates by partner of the last version of every earlier day of a year, those before the run's date."""
    rates: dict[str, dict[str, float]] = {}
    version = run.lake.current(TABLE)
    first, today = (run.as_of - YEAR).isoformat(), run.as_of.isoformat()
    while version is not None:
        if first <= version.as_of < today:
            rates.setdefault(version.as_of, version.facts.get("link_rates", {}))
        version = run.lake.version(TABLE, version.previous) if version.previous else None
    return list(rates.values())


def links_of(version: Version) -> str:
    """The links of a version as a relation: unit, record_no, person_id, case_id, link_class, weight."""
    return layered.relation(version, "links", RECORD)


def ages_of(version: Version) -> str:
    """The ages of a version as a relation: unit, record_no, date, age."""
    return layered.relation(version, "ages", RECORD)


def load_ledger(connection: duckdb.DuckDBPyConnection, before: Version | None) -> None:
    """Create `ledger`, `links_before` and `number_ids` from the version `before`, or empty if there is none."""
    connection.execute("CREATE TEMP TABLE ledger (kind VARCHAR, id BIGINT, event VARCHAR, other_id BIGINT, vintage DATE)")
    connection.execute(
        "CREATE TEMP TABLE links_before (unit VARCHAR, record_no BIGINT, person_id BIGINT, case_id BIGINT, is_in_force BOOLEAN)"
    )
    connection.execute("CREATE TEMP TABLE number_ids (number_key BLOB, id BIGINT, since DATE)")
    if before is not None:
        if f"{NUMBER_IDS}.parquet" in before.files:  # versions made before numbers had ids lack it
            connection.execute(f"INSERT INTO number_ids SELECT * FROM {layered.relation(before, NUMBER_IDS, NUMBER_KEY)}")
        connection.execute(f"INSERT INTO ledger SELECT * FROM {layered.relation(before, ID_LEDGER, ID_KEY)}")
        for source, is_in_force in ((links_of(before), True), (engine.parquet([before.path("former.parquet")]), False)):
            connection.execute(f"INSERT INTO links_before SELECT unit, record_no, person_id, case_id, {is_in_force} FROM {source}")


def give_ids(connection: duckdb.DuckDBPyConnection, kind: Kind, clusters: str, vintage: date, number: str | None = None) -> None:
    """Create `<kind>_ids` (cluster, id) for the query `clusters` (node, cluster, is_verified); append what happened to ids to `ledger`.

    Reads `links_before` (unit, record_no, person_id, case_id, is_in_force) and `ledger` (kind, id, event, other_id, vintage). `number` is
    the role of the verified numbers that keep their ids in `number_ids` (number_key, id, since), which is replaced; None: there are none.
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
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE cluster_numbers AS {_numbers_of_clusters(number)}", {"role": number} if number else {}
    )
    last = scalar(connection, "SELECT COALESCE(MAX(id), 0) FROM ledger WHERE kind = $kind", {"kind": kind})
    connection.execute(f"CREATE OR REPLACE TEMP TABLE ids AS {sql(__package__, 'ids.sql')}", {"last": last})
    connection.execute(
        f"INSERT INTO ledger SELECT $kind, id, event, other_id, $vintage FROM ({sql(__package__, 'id_events.sql')})",
        {"kind": kind, "vintage": vintage},
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {kind}_ids AS SELECT cluster, id FROM ids")
    if number:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE number_ids AS {sql(__package__, 'number_ids.sql')}", {"vintage": vintage})


def _numbers_of_clusters(number: str | None) -> str:
    """Return a query: the verified number of every cluster (cluster, number_key, is_leading), and those merged into it, as keyed hashes."""
    if number is None:
        return "SELECT CAST(NULL AS BIGINT) AS cluster, CAST(NULL AS BLOB) AS number_key, true AS is_leading WHERE false"
    anchored = "SELECT DISTINCT c.cluster, m.anchor FROM clusters AS c JOIN members AS m ON m.node = c.node WHERE m.anchor IS NOT NULL"
    return f"""
        WITH anchored AS ({anchored})
        SELECT cluster, keyed(anchor) AS number_key, true AS is_leading FROM anchored
        UNION
        SELECT a.cluster, keyed(g.number) AS number_key, false AS is_leading
        FROM anchored AS a JOIN merged_numbers AS g ON g.leading_number = a.anchor AND g.role = $role"""


def make_former(connection: duckdb.DuckDBPyConnection, vintage: date) -> None:
    """Create `former`: the ids of records that were linked once and are not in force now, see former.sql."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE former AS {sql(__package__, 'former.sql')}", {"vintage": vintage})
