"""Linkage compared with the simulated truth, which only a simulation knows; with real deliveries its quality is estimated instead."""

from __future__ import annotations

from pathlib import Path

import duckdb

from das_pipeline import engine
from das_pipeline.deliveries import register_records
from das_pipeline.linkage import LINKS, delivered_contracts
from das_pipeline.run import Run


def evaluate(run: Run, truth: Path) -> dict[str, dict[str, float]]:
    """Return precision and recall of `persons` and `cases` over pairs of records, for the live links and the truth in folder `truth`.

    A pair is two records that are linked to one id, or that truly belong together. Records are matched by their unit's key, which
    exists only in the identifying zone; records that were never delivered or are in quarantine do not count.
    """
    links = run.lake.live(LINKS)
    with run.connect(identifying=True) as connection, engine.errors_of_engine(LINKS):
        connection.execute(f"CREATE TEMP VIEW links AS SELECT * FROM {engine.parquet([links.path('links.parquet')])}")
        return measure(run, connection, truth)


def measure(run: Run, connection: duckdb.DuckDBPyConnection, truth: Path) -> dict[str, dict[str, float]]:
    """Return the same for the table `links` (unit, record_no, person_id, case_id) on `connection`."""
    key_records(run, connection, truth)
    connection.execute(f"CREATE TEMP TABLE judged AS {engine.sql(__package__, 'judged.sql')}")
    return {"persons": _over_pairs(connection, "person"), "cases": _over_pairs(connection, "case")}


def key_records(run: Run, connection: duckdb.DuckDBPyConnection, truth: Path) -> None:
    """Create `truth` (unit, key, person, case) of the folder `truth`, and `keyed_records` (unit, record_no, key) of the deliveries."""
    connection.execute(f"CREATE TEMP VIEW truth AS SELECT * FROM {engine.parquet([truth / 'records.parquet'])}")
    connection.execute("CREATE TEMP TABLE keyed_records (unit VARCHAR, record_no BIGINT, key VARCHAR)")
    for contract in delivered_contracts(run):
        view = register_records(run, connection, contract.partner, contract.file, half="direct")
        key = " || '/' || ".join(_canonical(name) for name in contract.unit_key)
        connection.execute(f"INSERT INTO keyed_records SELECT DISTINCT $unit, record_no, {key} FROM {view}", {"unit": contract.unit})


def _canonical(name: str) -> str:
    return f"upper(regexp_replace(CAST({engine.identifier(name)} AS VARCHAR), '\\s', '', 'g'))"


def _over_pairs(connection: duckdb.DuckDBPyConnection, kind: str) -> dict[str, float]:
    """Return precision and recall of the pairs, counted from group sizes: n records of one id make n (n - 1) / 2 pairs."""
    pairs = []
    for group in (f"{kind}_id, true_{kind}", f"{kind}_id", f"true_{kind}"):
        sizes = f"SELECT COUNT(*) AS n FROM judged WHERE {kind}_id IS NOT NULL AND true_{kind} IS NOT NULL GROUP BY {group}"
        pairs.append(int(engine.scalar(connection, f"SELECT COALESCE(SUM(n * (n - 1) // 2), 0) FROM ({sizes})")))
    both, linked, true = pairs
    return {"precision": both / linked if linked else 1.0, "recall": both / true if true else 1.0}
