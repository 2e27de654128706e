"""Totals over time: a year is the sum of its quarters, and is absent while some of them are to come."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

from das_pipeline.auditor.release import Published, Table
from das_pipeline.auditor.tables import tables_agree, totals_add_up

FACTS = {"kind": "protected", "base": 5, "measures": ["n"], "dims": {}, "population": {"": "verdicts"}}


def cells(kind: str, counts: dict[str, int]) -> list[dict[str, object]]:
    return [{"period_kind": kind, "period": period, "n": n} for period, n in counts.items()]


QUARTERS = cells("quarter", {f"2024-Q{q}": 10 * q for q in (1, 2, 3, 4)})
RUNNING = cells("quarter", {"2025-Q1": 20, "2025-Q2": 25})
MONTHS = cells("month", {f"2025-{m:02}": 10 for m in range(1, 8)})


def release(**tables: list[dict[str, object]]) -> tuple[Published, duckdb.DuckDBPyConnection]:
    made = {name: Table(name, Path(name), pa.Table.from_pylist(rows), FACTS) for name, rows in tables.items()}
    connection = duckdb.connect()
    for name, table in made.items():
        connection.register(name, table.rows)
    return Published(Path(), made, []), connection


def test_a_year_may_be_absent_until_its_quarters_are_there() -> None:
    assert totals_add_up(*release(verdicts=[*QUARTERS, *RUNNING, *cells("year", {"2024": 100})])).passed


def test_a_year_of_which_all_quarters_are_there_may_not() -> None:
    assert not totals_add_up(*release(verdicts=[*QUARTERS, *RUNNING, *cells("year", {"2023": 100})])).passed


def test_a_year_that_is_there_is_the_sum_of_its_quarters() -> None:
    assert totals_add_up(*release(verdicts=[*QUARTERS, *RUNNING, *cells("year", {"2024": 100, "2025": 45})])).passed
    assert not totals_add_up(*release(verdicts=[*QUARTERS, *RUNNING, *cells("year", {"2024": 100, "2025": 50})])).passed


def test_months_of_a_running_year_are_not_compared_with_fewer_quarters() -> None:
    """Seven months are more than two quarters; but a quarter that both have must agree."""
    months = [*MONTHS, *cells("year", {"2025": 70})]
    assert not tables_agree(*release(months=months, quarters=RUNNING)).passed  # 20 and 25 are not three times 10
    agreeing = cells("quarter", {"2025-Q1": 30, "2025-Q2": 30})
    assert tables_agree(*release(months=months, quarters=agreeing)).passed
