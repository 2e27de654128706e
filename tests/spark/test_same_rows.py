"""Every SQL file, and every query that is compiled from a declaration, gives the same rows on Spark as on DuckDB.

Each is tried with what it reads when the toy chain runs (and, slow, when the demo runs), and with rows at the edges (see `edges`).
"""

from __future__ import annotations

import os
import pickle
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from das_pipeline import spark
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.settings import PROJECT
from tests.conftest import TOY
from tests.installation import Installation, installation
from tests.shared import made_once
from tests.spark.edges import edge_rows
from tests.spark.engines import kinds, on_duckdb, on_spark, rows_of
from tests.spark.recording import Recorded, patterns
from tests.spark.unreached import UNREACHED
from tests.test_sql_dialect import FILES
from tests.toy_deliveries import write_toy_deliveries

if missing := spark.missing():
    pytest.skip(f"Spark is optional (make spark): {missing}", allow_module_level=True)

pytestmark = [
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning", "ignore::DeprecationWarning"),
]

NAMES = list(dict.fromkeys(name for name, _ in patterns(Jurisdiction(TOY))))
OF_DEMO = sorted({name for name, _ in patterns(Jurisdiction(PROJECT / "jurisdictions" / "nl"))}) if "DAS_SPARK_DEMO" in os.environ else []
SEEDS, SHUFFLES = 12, 8


@pytest.fixture(scope="session")
def toy_queries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Recorded]]:
    """What the toy chain asks, by file or declaration."""

    def make(root: Path) -> None:
        made = installation(root)
        write_toy_deliveries(made.inbox)
        made.python("-m", "tests.spark.recording", str(root / "queries"), "run")

    return _by_name(made_once(tmp_path_factory, "queries_of_toy", make) / "queries")


@pytest.fixture(scope="session")
def demo_queries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Recorded]]:
    """What the demo in small asks, by file or declaration."""

    def make(root: Path) -> None:
        command = ("-m", "tests.spark.recording", str(root / "queries"), "demo", "--seed", "1", "--size", "2000")
        Installation(root, "nl").shell(sys.executable, *command)

    return _by_name(made_once(tmp_path_factory, "queries_of_demo", make) / "queries")


def _by_name(file: Path) -> dict[str, list[Recorded]]:
    queries: dict[str, list[Recorded]] = {}
    for query in sorted(pickle.loads(file.read_bytes()), key=lambda query: -query.rows):
        queries.setdefault(query.name, []).append(query)
    return queries


@pytest.mark.parametrize("name", NAMES)
def test_the_same_rows_come_of_the_toy_chain_and_of_rows_at_the_edges(name: str, toy_queries: dict[str, list[Recorded]]) -> None:
    queries = toy_queries.get(name) or [_unreached(name)]
    for query in queries[:2]:
        compare(query.sql, query.values, query.tables)
        for tables in edges(query):
            compare(query.sql, query.values, tables)


@pytest.mark.parametrize("name", OF_DEMO)  # it takes long: DAS_SPARK_DEMO=1 runs it
def test_the_same_rows_come_of_the_demo(name: str, demo_queries: dict[str, list[Recorded]]) -> None:
    for query in demo_queries.get(name, [])[:1]:
        compare(query.sql, query.values, query.tables)


def compare(sql: str, values: dict[str, Any], tables: dict[str, pa.Table]) -> None:
    ours, theirs = on_duckdb(sql, values, tables), on_spark(sql, values, tables)
    assert kinds(ours) == kinds(theirs)
    assert rows_of(ours) == rows_of(theirs)


def edges(query: Recorded) -> Iterator[dict[str, pa.Table]]:
    """Rows at the edges of which the query makes most rows, if it has one answer for any.

    A number by an order that has ties may go either way: such rows are not what a query is for, and are left out. What they are is
    decided with DuckDB alone, by the same rows in other orders.
    """
    draw = random.Random(query.name)
    best: tuple[int, dict[str, pa.Table]] | None = None
    for seed in range(SEEDS):
        tables = edge_rows(query.sql, query.tables, draw, (30, 12, 6)[seed % 3])
        try:
            rows = rows_of(on_duckdb(query.sql, query.values, tables))
            if (best is None or len(rows) > best[0]) and all(
                rows == rows_of(on_duckdb(query.sql, query.values, _shuffled(tables, draw))) for _ in range(SHUFFLES)
            ):
                best = len(rows), tables
        except duckdb.Error:  # more than one row where the query needs one
            continue
    if best is not None:
        yield best[1]


def _shuffled(tables: dict[str, pa.Table], draw: random.Random) -> dict[str, pa.Table]:
    return {name: rows.take(draw.sample(range(rows.num_rows), rows.num_rows)) for name, rows in tables.items()}


def _unreached(name: str) -> Recorded:
    """A query that no day of the toy chain comes to, with the tables that it reads, empty."""
    values, columns = UNREACHED[name]
    sql = next(path for path in FILES if path.relative_to(PROJECT).as_posix() == name).read_text(encoding="utf-8")
    with duckdb.connect() as connection:
        tables = {}
        for table, declared in columns.items():
            connection.execute(f"CREATE TABLE {table} ({declared})")
            tables[table] = connection.execute(f"SELECT * FROM {table}").to_arrow_table()
    return Recorded(name, sql, values, tables)
