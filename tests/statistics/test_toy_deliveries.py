"""The toy deliveries through every stage up to the cubes, counted by hand from the rows in `tests/toy_deliveries.py`."""

from __future__ import annotations

from datetime import date

import pytest

from das_pipeline import engine
from das_pipeline.run import Run
from das_pipeline.settings import Settings
from tests.chain.making import make_cubes
from tests.content import read

FLOWS = "SELECT spell, month, opening, inflow, outflow, closing FROM rows ORDER BY spell, month"


@pytest.mark.slow
def test_the_toy_deliveries_are_counted_as_by_hand(settings: Settings) -> None:
    run = make_cubes(settings)

    # 11 reports of January less R0005, withdrawn; R0003 and R0007 are burglaries now; R0010 has an unknown code
    assert cube(run, "reports_month") == [
        ("property", "month", "2024-01", 7),
        ("property", "month", "2024-02", 3),
        ("property", "month", "2024-03", 2),
        ("unknown_group", "month", "2024-01", 1),
        ("violence", "month", "2024-01", 2),
        ("violence", "month", "2024-02", 1),
        ("violence", "month", "2024-03", 1),
    ]
    facts = run.lake.open("statistics/cubes").facts
    assert facts["covered_until"]["reports_month"] == {"watch": "2024-03-31"}
    assert facts["covered_until"]["rulings_month"] == {"bench": "2024-03-31"}
    # C0002 is gone; C0003 was referred back, which is left out, and its second ruling comes after its end
    assert cube(run, "rulings_month") == [
        ("acquitted", "month", "2024-03", 1),
        ("guilty", "month", "2024-01", 1),
        ("guilty", "month", "2024-02", 1),
        ("guilty", "month", "2024-03", 1),
    ]
    months = [date(2024, n, 1) for n in (1, 2, 3)]
    assert [tuple(row.values()) for row in read(run, "chain/flows", FLOWS)] == [
        ("open_case", months[0], 0, 4, 1, 3),
        ("open_case", months[1], 3, 2, 2, 3),
        ("open_case", months[2], 3, 2, 2, 3),
        ("open_report", months[0], 0, 10, 2, 8),
        ("open_report", months[1], 8, 4, 1, 11),
        ("open_report", months[2], 11, 3, 1, 13),
    ]


def cube(run: Run, name: str) -> list[tuple[object, ...]]:
    path = run.lake.open("statistics/cubes").path(f"{name}.parquet")
    with run.connect(confidential=True) as connection:
        return connection.execute(f"SELECT * FROM {engine.parquet([path])}").fetchall()
