"""The toy chain through linkage: what leaves the identifying zone, day by day."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from das_pipeline.privacy import find_canaries
from das_pipeline.run import Run
from das_pipeline.settings import Settings
from simulation.validation.linkage import evaluate
from tests.conftest import TOY
from tests.content import contents, rows
from tests.linkage.conftest import link_as_of
from tests.toy_deliveries import DAYS, NAMES

JANUARY, FEBRUARY, MARCH = DAYS


def read(version, file):
    """All rows of one file of a version."""
    root = version.root.parents[2]
    settings = Settings(home=root / "home", inbox=root / "inbox", keys=root / "keys", jurisdiction=TOY, memory_limit="1GB")
    return [tuple(row.values()) for row in rows(Run.start(settings, date.max), version, file)]


def ids(version, column):
    """The records by id: r1 is the first report, c1 the first case."""
    records: dict[int, list[str]] = {}
    for unit, record_no, person, case, *_ in read(version, "links.parquet"):
        records.setdefault(person if column == "person" else case, []).append(f"{unit[0]}{record_no}")
    return records


@pytest.mark.slow
def test_reports_and_cases_of_a_person_come_together(links):
    """Record 8 holds a placeholder and record 11 no number: with no stored model, nothing but a number joins."""
    assert sorted(ids(links(JANUARY), "person").values()) == [
        ["c1", "r1", "r7"],
        ["c2", "r2", "r10"],
        ["c3", "r3"],
        ["c4", "r4"],
        ["c5", "r9"],
        ["r11"],
        ["r5"],
        ["r6"],
        ["r8"],
    ]


@pytest.mark.slow
def test_case_is_a_report_and_what_followed_from_it(links):
    assert ids(links(JANUARY), "case")[1] == ["c1", "r1"]
    assert ids(links(JANUARY), "case")[5] == ["c5", "r9"]


def test_ids_stay_from_day_to_day(links):
    january, march = ({row[:2]: row[2:4] for row in read(links(day), "links.parquet")} for day in (JANUARY, MARCH))
    both = january.keys() & march.keys()
    assert len(both) == 14
    assert {key: january[key] for key in both} == {key: march[key] for key in both}


def test_withdrawn_record_ends_its_ids(links):
    """Report 5 is withdrawn in February, case 2 gone in March: its person has other records, its case too."""
    events = [row[:2] + row[4:] for row in read(links(MARCH), "id_ledger.parquet") if row[2] != "birth"]
    assert events == [("case", 6, FEBRUARY), ("person", 6, FEBRUARY)]


def test_ages_are_whole_years_on_each_date(links):
    ages = {(unit, record_no): (on, age) for unit, record_no, on, age in read(links(JANUARY), "ages.parquet")}
    assert ages[("report", 1)] == (date(2024, 1, 2), 33)  # born 1 May 1990
    assert ages[("report", 3)] == (date(2024, 1, 6), 16)


def test_ledger_only_grows(links):
    january, february = (read(links(day), "id_ledger.parquet") for day in (JANUARY, FEBRUARY))
    assert february[: len(january)] == january


def test_every_rule_passes_and_is_in_the_manifest(links):
    assert [(v["rule"], v["passed"]) for v in links(MARCH).verdicts] == [
        (rule, True)
        for rule in ("L01", "L02", "L03", "K04", "K05", "L04", "L07", "L05", "L06", "L08", "L10", "L11", "L12", "L13", "L09", "L15", "L14")
    ]


def test_nothing_that_leaves_names_a_person(linked, links):
    settings, _ = linked
    assert find_canaries(NAMES, [settings.home / "linkage", settings.home / "identifying"]) == []


@pytest.mark.slow
def test_replay_gives_the_same_at_two_threads(linked, links, tmp_path):
    """As of an earlier date, after later ones, in a copy of the lake: the ids are those of that day."""
    settings, _ = linked
    home = shutil.copytree(settings.home, tmp_path / "home")
    run = Run.start(replace(settings, home=home, threads=2), FEBRUARY)
    again = link_as_of(run)
    first = links(FEBRUARY)
    assert again.previous is not None
    one, other = ({name: version.path(name) for name in version.files} for version in (again, first))
    assert contents(run, one) == contents(run, other)


def test_rates_over_few_records_are_not_given(links):
    assert links(MARCH).facts["link_rates"] == {}


def test_evaluation_counts_pairs(linked, tmp_path):
    """Of Ada's three records the truth says two are one person: one right pair, two wrong ones; and nothing is missed."""
    settings, _ = linked
    truth = [
        ("watch", "reports", "report", "R0001", 1, 1),
        ("watch", "reports", "report", "R0007", 1, 2),
        ("bench", "cases", "case", "C0001", 2, 1),
    ]
    columns = ("partner", "file", "unit", "key", "person", "case")
    pq.write_table(pa.table({name: [row[n] for row in truth] for n, name in enumerate(columns)}), tmp_path / "records.parquet")
    assert evaluate(Run.start(settings, MARCH), tmp_path) == {
        "persons": {"precision": 1 / 3, "recall": 1.0},
        "cases": {"precision": 1.0, "recall": 1.0},
    }
