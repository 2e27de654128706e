"""Linkage against the simulated truth. Only a simulation knows it; with real deliveries quality is estimated without."""

from __future__ import annotations

from pathlib import Path

import duckdb

from das_pipeline import engine
from das_pipeline.deliveries import register_records
from das_pipeline.linkage import LINKS, delivered_contracts
from das_pipeline.run import Run


def evaluate(run: Run, truth: Path) -> dict[str, dict[str, float]]:
    """Precision and recall of `persons` and `cases` over pairs of records, for the live links and the truth in the folder `truth`.

    A pair is two records that are linked to one id, or that truly belong together. Records are recognised by their unit's key, which
    exists in the identifying zone alone; those that were never delivered or were set aside do not count.
    """
    links = run.lake.live(LINKS)
    with run.connect(identifying=True) as connection, engine.errors_of_engine(LINKS):
        connection.execute(f"CREATE TEMP VIEW links AS SELECT * FROM {engine.parquet([links.path('links.parquet')])}")
        return measure(run, connection, truth)


def measure(run: Run, connection: duckdb.DuckDBPyConnection, truth: Path) -> dict[str, dict[str, float]]:
    """The same for the table `links` (unit, record_no, person_id, case_id) on `connection`, whoever made it."""
    connection.execute(f"CREATE TEMP VIEW truth AS SELECT * FROM {engine.parquet([truth / 'records.parquet'])}")
    connection.execute("CREATE TEMP TABLE keyed_records (unit VARCHAR, record_no BIGINT, key VARCHAR)")
    for contract in delivered_contracts(run):
        view = register_records(run, connection, contract.partner, contract.file, half="direct")
        key = " || '/' || ".join(_canonical(name) for name in contract.unit_key)
        connection.execute(f"INSERT INTO keyed_records SELECT DISTINCT $unit, record_no, {key} FROM {view}", {"unit": contract.unit})
    connection.execute(
        """
        CREATE TEMP TABLE judged AS
        SELECT DISTINCT l.unit, l.record_no, l.person_id, l.case_id, t.person AS true_person, t."case" AS true_case
        FROM links AS l JOIN keyed_records AS k ON k.unit = l.unit AND k.record_no = l.record_no
        JOIN truth AS t ON t.unit = k.unit AND t.key = k.key
        """
    )
    return {"persons": _over_pairs(connection, "person"), "cases": _over_pairs(connection, "case")}


def _canonical(name: str) -> str:
    return f"upper(regexp_replace(CAST({engine.identifier(name)} AS VARCHAR), '\\s', '', 'g'))"


def _over_pairs(connection: duckdb.DuckDBPyConnection, kind: str) -> dict[str, float]:
    """Precision and recall of the pairs, counted from group sizes: n records of one id make n (n - 1) / 2 pairs."""
    pairs = []
    for group in (f"{kind}_id, true_{kind}", f"{kind}_id", f"true_{kind}"):
        sizes = f"SELECT COUNT(*) AS n FROM judged WHERE {kind}_id IS NOT NULL AND true_{kind} IS NOT NULL GROUP BY {group}"
        pairs.append(int(engine.scalar(connection, f"SELECT COALESCE(SUM(n * (n - 1) // 2), 0) FROM ({sizes})")))
    both, found, true = pairs
    return {"precision": both / found if found else 1.0, "recall": both / true if true else 1.0}
