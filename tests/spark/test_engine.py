"""The chain with `DAS_ENGINE=spark`: the same tables, row for row and type for type, and the same verdicts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from das_pipeline import spark
from das_pipeline.errors import ConfigurationError
from das_pipeline.run import Run
from das_pipeline.settings import Settings
from tests.chain.making import make_cubes
from tests.conftest import toy_settings
from tests.content import contents
from tests.toy_deliveries import DAYS

TABLES = ("terminology/records", "linkage/links", "chain/events", "chain/spells", "chain/flows", "statistics/cubes")
needs_spark = pytest.mark.skipif(spark.missing() is not None, reason=f"Spark is optional (make spark): {spark.missing()}")


@needs_spark
@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_the_tables_of_the_toy_chain_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "duckdb").mkdir()
    (tmp_path / "spark").mkdir()
    ours = make_cubes(toy_settings(tmp_path / "duckdb"))
    asked: list[str] = []
    on_spark = spark.on_spark
    monkeypatch.setattr(spark, "on_spark", lambda query, values: asked.append(query) or on_spark(query, values))
    theirs = make_cubes(replace(toy_settings(tmp_path / "spark"), engine="spark"))
    assert len(asked) > 80  # or the test compares DuckDB with itself
    for table in TABLES:
        made, by_spark = (run.lake.open(table) for run in (ours, theirs))
        assert contents(theirs, by_spark.places()) == contents(ours, made.places()), table
        assert by_spark.verdicts == made.verdicts, table


def test_a_machine_without_spark_is_told_what_to_install(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "missing", lambda: "there is no Java")
    with pytest.raises(ConfigurationError, match="DAS_ENGINE is spark, but there is no Java: install both"):
        Run.start(replace(settings, engine="spark"), DAYS[0])


def test_an_engine_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAS_ENGINE", "sparkle")
    with pytest.raises(ConfigurationError, match="DAS_ENGINE is 'sparkle': give duckdb or spark"):
        Settings.from_environment()


@pytest.mark.parametrize(
    ("statement", "query", "relations"),
    [
        ("SELECT a FROM t", "SELECT a FROM t", {"t": "t"}),
        ("CREATE OR REPLACE TEMP TABLE u AS SELECT a FROM t", "SELECT a FROM t", {"t": "t"}),
        ("INSERT INTO u SELECT a FROM t", "SELECT a FROM t", {"t": "t"}),
        ("COPY (SELECT a FROM t\nORDER BY a) TO 'x.parquet' (FORMAT parquet, ENCRYPTION_CONFIG {footer_key: 'das'})",
         "SELECT a FROM t\nORDER BY a", {"t": "t"}),
        ("SELECT a FROM read_parquet(['x.parquet'])", "SELECT a FROM file_0", {"file_0": "read_parquet(['x.parquet'])"}),
        ("WITH t AS (SELECT a FROM t) SELECT a FROM t", "WITH t AS (SELECT a FROM t) SELECT a FROM t", {"t": "t"}),
        ("WITH s AS (SELECT a FROM t) SELECT a FROM s", "WITH s AS (SELECT a FROM t) SELECT a FROM s", {"t": "t"}),
    ],
)  # fmt: skip
def test_the_query_of_a_statement_is_found(statement: str, query: str, relations: dict[str, str]) -> None:
    found = spark.query_of(statement)
    assert found is not None
    assert (found.text, dict(found.relations)) == (query, relations)
    assert query.join(found.around) == statement.replace(*next(((r, n) for n, r in relations.items() if r != n), ("", "")))


@pytest.mark.parametrize(
    "statement",
    ["SELECT 1 AS a", "SET threads = 2", "UPDATE t SET a = 1", "SELECT list_sum(a) FROM t", "SELECT a FROM information_schema.tables"],
)
def test_what_only_duckdb_understands_stays_with_it(statement: str) -> None:
    assert spark.query_of(statement) is None
