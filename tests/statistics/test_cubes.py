"""Accepted events are counted in cubes that add up, and a fault planted in them is seen."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from das_pipeline import engine
from das_pipeline.gate import GateFailed, Verdict
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.lake import Lake
from das_pipeline.policy import Statistics as Limits
from das_pipeline.run import Produced, Run, produce
from das_pipeline.statistics import Statistics, build_cubes, judging, load_statistics
from das_pipeline.terminology import build_concepts
from tests.chain.making import make_events
from tests.conftest import toy_settings
from tests.content import contents, plant, put_content, read
from tests.statistics.conftest import write_statistics

REPORTS = [  # offence, sex, age, reported on
    ("theft", "male", 17, date(2024, 1, 3)),
    ("burglary", "male", 18, date(2024, 1, 31)),
    ("theft", None, None, date(2024, 2, 1)),
    ("unknown", "not_applicable", 230, date(2024, 2, 29)),
    ("assault", "female", 30, date(2024, 3, 31)),
    ("assault", "female", 30, date(2023, 12, 31)),  # before the opening month
    ("assault", "female", 30, date(2024, 4, 1)),  # after the month of the run
]


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The cubes of these reports and of one case; tests read them only."""
    root = tmp_path_factory.mktemp("cubes")
    settings = toy_settings(root)
    run = Run.start(settings, date(2024, 3, 31))
    known = {"known_from": date(2024, 3, 1)}
    records = [
        {"record_no": n, "offence_concept": offence, "sex_concept": sex, "committed_on": on, "reported_on": on} | known
        for n, (offence, sex, _, on) in enumerate(REPORTS)
    ]
    ages = [{"unit": "report", "record_no": n, "date": on, "age": age} for n, (_, _, age, on) in enumerate(REPORTS)]
    rulings = [
        {"record_no": 1, "sub": str(n), "ruling_no": n, "ruled_on": date(2024, 2, n), "ruling_concept": concept} | known
        for n, concept in enumerate(["guilty", "referred_back", "acquitted"], start=1)
    ]
    cases = [{"record_no": 1, "received_on": date(2024, 1, 20)} | known]
    put_content(run, {"watch/reports": records, "bench/cases": cases, "bench/rulings": rulings}, ages=ages)
    produce(run, "terminology/concepts", build_concepts)
    make_events(run)
    make(run)
    return run


def make(run: Run) -> Produced:
    return produce(run, "statistics/cubes", build_cubes, inputs=["chain/events", "terminology/concepts"])


def cube(run: Run, name: str) -> list[tuple[Any, ...]]:
    path = run.lake.open("statistics/cubes").path(f"{name}.parquet")
    with run.connect(confidential=True) as connection:
        return connection.execute(f"SELECT * FROM {engine.parquet([path])}").fetchall()


@pytest.mark.slow
def test_a_month_cube_counts_the_events_of_each_leaf_that_has_any(content: Run) -> None:
    assert cube(content, "reports_month") == [
        ("property", "month", "2024-01", 2),
        ("property", "month", "2024-02", 1),
        ("unknown_group", "month", "2024-02", 1),
        ("violence", "month", "2024-03", 1),
    ]


@pytest.mark.slow
def test_what_is_not_known_counts_as_unknown_and_ages_fall_in_classes(content: Run) -> None:
    assert cube(content, "reports_year") == [
        ("property", "male", "adult", "year", "2024", 1),
        ("property", "male", "minor", "year", "2024", 1),
        ("property", "unknown", "unknown", "year", "2024", 1),
        ("unknown_group", "unknown", "unknown", "year", "2024", 1),
        ("violence", "female", "adult", "year", "2024", 1),
    ]


def test_what_is_left_out_and_what_is_not_accepted_does_not_count(content: Run) -> None:
    rules = Counter(row["rule"] for row in read(content, "chain/events", "SELECT rule FROM rows WHERE kind = 'ruled'"))
    assert rules == {None: 1, "C04": 2}, "one ruling ends the case; two come after its end"
    assert cube(content, "rulings_month") == [("guilty", "month", "2024-02", 1)]


def test_the_first_or_the_last_event_of_a_unit_counts(content: Run, tmp_path: Path) -> None:
    written = "{cube: WHICH, type: flow, unit_of_count: step, kind: [case_received, ruled], which: WHICH, period: month, leaf: {}}"
    folder = write_statistics(tmp_path, [written.replace("WHICH", which) for which in ("each", "first", "last")])
    run = replace(content, lake=copy(content, tmp_path), jurisdiction=Jurisdiction(folder))
    make(run)
    assert cube(run, "each") == [("month", "2024-01", 1), ("month", "2024-02", 1)]
    assert cube(run, "first") == [("month", "2024-01", 1)]
    assert cube(run, "last") == [("month", "2024-02", 1)]


def test_cubes_are_the_same_on_one_and_two_threads(content: Run) -> None:
    written = []
    for threads in (1, 2):
        with content.begin("statistics/cubes") as draft:
            build_cubes(replace(content, settings=replace(content.settings, threads=threads)), draft)
            written.append(contents(content, {path.name: path for path in draft.folder.rglob("*.parquet")}))
    assert written[0] == written[1]


def test_all_rules_pass_on_cubes_that_are_whole(content: Run) -> None:
    live = content.lake.open("statistics/cubes")
    assert {v["rule"]: v["passed"] for v in live.verdicts} == dict.fromkeys(("F01", "F04", "F05", "F06", "F07", "F08", "F15"), True)
    assert live.facts["counted"] == {"reports_month": 5, "reports_year": 5, "rulings_month": 1}


@pytest.mark.breaks("F06")
@pytest.mark.parametrize(
    ("hierarchy", "failed"),
    [
        ("SELECT * FROM rows UNION ALL SELECT 'offence', 'group', 'theft', 'violence'", {"F05", "F06", "F08"}),  # theft would count twice
        ("SELECT * FROM rows WHERE scheme <> 'sex' OR level <> 'total' OR leaf <> 'male'", {"F06"}),  # men would be in no total
    ],
)
def test_a_hierarchy_that_is_no_partition_is_seen(content: Run, tmp_path: Path, hierarchy: str, failed: set[str]) -> None:
    run = replace(content, lake=copy(content, tmp_path))
    plant(run, "terminology/concepts", "hierarchies.parquet", hierarchy)
    with pytest.raises(GateFailed) as caught:
        make(run)
    assert {v.rule for v in caught.value.verdicts if not v.passed} == failed


@pytest.mark.breaks("F07")
@pytest.mark.parametrize(
    ("wrong", "failed"),
    [
        pytest.param(  # a leaf lost
            "SELECT * FROM rows WHERE offence <> 'violence'", {"F05", "F06", "F07", "F08"}, marks=pytest.mark.breaks("F05", "F06", "F08")
        ),
        ("SELECT * REPLACE (CASE WHEN offence = 'violence' THEN 'property' ELSE offence END AS offence) FROM rows", {"F07"}),
        ("SELECT * REPLACE (CASE WHEN offence = 'violence' THEN 'robbery' ELSE offence END AS offence) FROM rows", {"F05", "F06", "F07"}),
        ("SELECT * REPLACE (n + CASE sex WHEN 'male' THEN 5 WHEN 'female' THEN -10 ELSE 0 END AS n) FROM rows", {"F07", "F08"}),
    ],
)
def test_a_cube_that_is_not_the_events_is_seen(content: Run, wrong: str, failed: set[str]) -> None:
    assert {v.rule for v in judge(content, wrong) if not v.passed} == failed


def copy(run: Run, folder: Path) -> Lake:
    """A lake of its own with the same tables."""
    shutil.copytree(run.lake.home, folder / "home")
    return Lake(folder / "home")


def judge(run: Run, wrong: str) -> list[Verdict]:
    """The verdicts when the file of `reports_year` has the rows of `wrong`."""
    statistics = load_statistics(run.jurisdiction)
    statistics = replace(statistics, cubes=statistics.cubes[:2])
    live, hierarchies = run.lake.open("statistics/cubes"), run.lake.open("terminology/concepts").path("hierarchies.parquet")
    with run.connect(confidential=True) as connection:
        connection.execute(f"CREATE TEMP VIEW hierarchies AS SELECT * FROM {engine.parquet([hierarchies])}")
        judging.create_tables(connection, statistics)
        for one in statistics.cubes:
            rows = engine.parquet([live.path(f"{one.name}.parquet")])
            query = wrong.replace("FROM rows", f"FROM {rows}") if one.name == "reports_year" else f"SELECT * FROM {rows}"
            connection.execute(f"CREATE TEMP VIEW cube_{one.name} AS {query}")
            days = [[on, 1] for *_, on in REPORTS[:5]]
            connection.execute("CREATE OR REPLACE TEMP TABLE selected (occurred_on DATE, n BIGINT)")
            connection.executemany("INSERT INTO selected VALUES (?, ?)", days)
            judging.take_in(connection, one)
        return judging.judge_cubes(connection, statistics, date(2024, 3, 31), Limits())


@pytest.mark.breaks("F15")
def test_a_series_that_starts_half_full_is_seen() -> None:
    assert not _starting_with(40, 53).passed


def test_a_series_that_starts_a_little_low_is_not() -> None:
    assert _starting_with(60, 58).passed
    assert _starting_with(66, 41).passed


def _starting_with(*first: int) -> Verdict:
    with duckdb.connect(":memory:") as connection:
        judging.create_tables(connection, Statistics((), ()))
        for place, n in enumerate([*first, 71, 60, 56, 85, 85, 68, 73, 63, 77, 62, 74, 66]):
            connection.execute("INSERT INTO totals VALUES ('suspects', ?, ?)", [f"{2023 + place // 12}-{place % 12 + 1:02}", n])
        return judging.series_start_full(connection, Limits().half_full)
