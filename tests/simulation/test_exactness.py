"""Without faults and before protection, what the pipeline counts is exactly what is true, and what belongs together is linked."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from das_pipeline import chain, deliveries, linkage, statistics, terminology
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.privacy import write_demo_keys
from das_pipeline.run import Run, produce
from das_pipeline.settings import Settings
from das_pipeline.simulation import simulate

pytestmark = pytest.mark.slow

MONTH, QUARTER, YEAR = "month", "month[1:4] || '-Q' || ((CAST(month[6:7] AS INTEGER) + 2) // 3)", "month[1:4]"
LEFT_OUT = "('joined', 'dismissal_administrative', 'joined_at_hearing')"  # what the tables do not count


@pytest.fixture(scope="module")
def made(dutch: Jurisdiction, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """The chain over a history and one more day, without faults."""
    root = tmp_path_factory.mktemp("exact")
    settings = Settings(home=root / "home", inbox=root / "inbox", keys=root / "keys", jurisdiction=dutch.folder)
    write_demo_keys(settings.keys, seed=1)
    truth = simulate(dutch, settings.inbox, size=5_000, seed=2, faults="none", until=date(2025, 12, 28)).truth
    run = Run.start(settings, date(2025, 12, 28))
    while waiting := deliveries.pending(run):
        deliveries.take_in(run, waiting[0])
    partners = [f"deliveries/{partner}" for partner in run.jurisdiction.partners]
    produce(run, "terminology/concepts", terminology.build_concepts)
    produce(run, "terminology/records", terminology.build_records, inputs=["terminology/concepts", *partners])
    produce(run, "identifying/entities", linkage.build_entities, inputs=["terminology/records", *partners], encrypted=True)
    produce(run, "linkage/links", linkage.build_links, inputs=["identifying/entities", *partners], chained=True)
    produce(run, "chain/events", chain.build_events, inputs=["terminology/records", "terminology/concepts", "linkage/links"])
    produce(run, "chain/spells", chain.build_spells, inputs=["chain/events"])
    produce(run, "chain/flows", chain.build_flows, inputs=["chain/events", "chain/spells"])
    produce(run, "statistics/cubes", statistics.build_cubes, inputs=["chain/events", "chain/flows", "terminology/concepts"])
    return run, truth


@pytest.mark.parametrize(
    ("cube", "dimension", "period", "table", "column"),
    [
        ("crime_month", "offence", MONTH, "registered_crime", "offence"),
        ("crime_region", "region", YEAR, "registered_crime", "region"),
        ("crime_class", "offence", YEAR, "registered_crime", "class"),
        ("suspects_month", "offence", MONTH, "suspects", "offence"),
        ("om_inflow_month", "inflow", MONTH, "prosecution_inflow", "outcome"),
        ("om_decisions_month", "decision", MONTH, "prosecution_decisions", "outcome"),
        ("court_outcome_year", "outcome", YEAR, "court_dispositions", "outcome"),
        ("court_offence_quarter", "offence", QUARTER, "court_dispositions", "offence"),
        ("sanctions_quarter", "sanction", QUARTER, "sanctions", "outcome"),
    ],
)
def test_a_cube_is_what_is_true(cube: str, dimension: str, period: str, table: str, column: str, made: tuple[Run, Path]) -> None:
    run, truth = made
    kind = {MONTH: "month", QUARTER: "quarter", YEAR: "year"}[period]
    counted = run.lake.open("statistics/cubes").path(f"{cube}.parquet")
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT period, {dimension}, SUM(n) FROM read_parquet('{counted}') WHERE period_kind = '{kind}' GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        true = connection.execute(
            f"""SELECT {period}, {column}, SUM(n) FROM read_parquet('{truth / "tables" / "counts.parquet"}')
            WHERE "table" = '{table}' AND month >= '2023-01' AND (outcome IS NULL OR outcome NOT IN {LEFT_OUT})
            GROUP BY ALL ORDER BY ALL"""
        ).fetchall()
    assert found == true
    assert sum(n for _, _, n in found) > 100


def test_records_of_one_person_and_one_case_are_found(made: tuple[Run, Path]) -> None:
    run, truth = made
    found = linkage.evaluate(run, truth)
    assert found["persons"]["precision"] > 0.99
    assert found["persons"]["recall"] > 0.97
    assert found["cases"]["precision"] > 0.99
    assert found["cases"]["recall"] > 0.94
