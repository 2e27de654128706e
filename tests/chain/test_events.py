"""Rows become events: what they report, whose attributes they have, and which of them do not count."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from das_pipeline.chain import build_events, load_chain
from das_pipeline.chain.judging import transitions_are_allowed
from das_pipeline.gate import GateFailed
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.policy import load_policy
from das_pipeline.run import Run
from tests.chain.conftest import MANY_ROWS_CHAIN, MANY_ROWS_EVENTS, write_full_chain
from tests.chain.making import make_events
from tests.content import contents, put_content, read

DAY = date(2024, 3, 1)
KNOWN = "SELECT kind, occurred_on, outcome, role, rule FROM rows ORDER BY record_no, occurred_on, kind"


def case(record_no: int, received_on: date) -> dict[str, Any]:
    return {"record_no": record_no, "known_from": DAY, "received_on": received_on}


def ruling(record_no: int, sub: str, ruled_on: date, concept: str) -> dict[str, Any]:
    return {"record_no": record_no, "sub": sub, "known_from": DAY, "ruling_no": int(sub), "ruled_on": ruled_on, "ruling_concept": concept}


def events(run: Run, query: str = KNOWN) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in read(run, "chain/events", query)]


def verdict(run: Run, rule: str) -> dict[str, Any]:
    return next(v for v in run.lake.open("chain/events").verdicts if v["rule"] == rule)


def test_a_row_reports_an_event_for_every_date_it_has(run: Run) -> None:
    report = {"record_no": 1, "known_from": DAY, "offence_concept": "theft", "ward_concept": "north", "sex_concept": "male"}
    dates = {"committed_on": date(2024, 1, 2), "reported_on": date(2024, 1, 3), "closed_on": date(2024, 2, 5)}
    link = {"unit": "report", "record_no": 1, "person_id": 5, "case_id": 7}
    age = {"unit": "report", "record_no": 1, "date": date(2024, 1, 2), "age": 30}
    put_content(run, {"watch/reports": [report | dates, report | {"record_no": 2}]}, [link], [age])
    make_events(run)
    assert read(run, "chain/events") == [
        {"partner": "watch", "unit": "report", "record_no": 1, "sub": "", "kind": kind, "occurred_on": on}
        | {"outcome": None, "to_partner": to, "amount": None}
        | {"person_id": 5, "case_id": 7, "offence": "theft", "region": "north", "age": 30, "sex": "male"}
        | {"role": role, "rule": None, "known_from": DAY, "known_until": date(9999, 12, 31)}
        for kind, on, to, role in [("report_closed", date(2024, 2, 5), "bench", "exit"), ("reported", date(2024, 1, 3), None, "entry")]
    ]


def test_a_correction_ends_one_stretch_and_begins_another_and_leaves_other_events_alone(run: Run) -> None:
    wrong = case(1, date(2024, 1, 20)) | {"known_until": date(2024, 3, 9)}
    right = case(1, date(2024, 1, 21)) | {"known_from": date(2024, 3, 9)}
    put_content(run, {"bench/cases": [wrong, right], "bench/rulings": [ruling(1, "1", date(2024, 2, 1), "guilty")]})
    make_events(run)
    assert events(run, "SELECT kind, occurred_on, known_from, known_until FROM rows ORDER BY occurred_on") == [
        ("case_received", date(2024, 1, 20), DAY, date(2024, 3, 9)),
        ("case_received", date(2024, 1, 21), date(2024, 3, 9), date(9999, 12, 31)),
        ("ruled", date(2024, 2, 1), DAY, date(9999, 12, 31)),
    ]


def test_the_attribute_of_a_unit_is_that_of_the_row_that_is_picked(full: Run) -> None:
    rulings = [ruling(1, "1", date(2024, 2, 1), "guilty"), ruling(1, "2", date(2024, 1, 25), "unknown")]
    put_content(full, {"bench/cases": [case(1, date(2024, 1, 20))], "bench/rulings": rulings})
    make_events(full)
    assert events(full, "SELECT DISTINCT offence FROM rows") == [("unknown",)]


def test_an_event_that_the_state_machine_forbids_is_shown_and_does_not_count(full: Run) -> None:
    rulings = [
        ruling(1, "1", date(2024, 2, 1), "acquitted"),
        ruling(1, "2", date(2024, 2, 2), "guilty"),  # closed already
        ruling(1, "3", date(2024, 2, 3), "referred_back"),  # the event before was no acquittal: it changes nothing
        ruling(2, "1", date(2024, 2, 1), "acquitted"),
        ruling(2, "2", date(2024, 2, 3), "referred_back"),  # opens again
        ruling(2, "3", date(2024, 2, 4), "guilty"),
        ruling(3, "1", date(2024, 2, 1), "unknown"),  # there is no case to adjourn
    ]
    put_content(full, {"bench/cases": [case(n, date(2024, 1, 20)) for n in (1, 2)], "bench/rulings": rulings})
    make_events(full)
    assert events(full) == [
        ("case_received", date(2024, 1, 20), None, "entry", None),
        ("ruled", date(2024, 2, 1), "acquitted", "exit", None),
        ("ruled", date(2024, 2, 2), "guilty", None, "C04"),
        ("retried", date(2024, 2, 3), None, None, None),
        ("case_received", date(2024, 1, 20), None, "entry", None),
        ("ruled", date(2024, 2, 1), "acquitted", "exit", None),
        ("retried", date(2024, 2, 3), None, "entry", None),
        ("ruled", date(2024, 2, 4), "guilty", "exit", None),
        ("adjourned", date(2024, 2, 1), "unknown", None, "C04"),
    ]
    assert verdict(full, "C04")["passed"], "two of nine is no share to block for: fewer than twenty rows"


@pytest.mark.breaks("C04")
def test_c04_blocks_when_many_transitions_are_forbidden(full: Run) -> None:
    put_content(full, {"bench/rulings": [ruling(n, "1", date(2024, 2, 1), "guilty") for n in range(20)]})
    with pytest.raises(GateFailed, match=r"C04 .* do not fit .*: 20\. .* case of bench \(20 of 20\)"):
        make_events(full)
    assert full.lake.current("chain/events") is None


@pytest.mark.breaks("C04")
def test_c04_names_the_parents_that_were_withdrawn(toy: Jurisdiction) -> None:
    lost = {"bench": {"rulings": {"rows": 20, "parents": ["cases"], "ended_by": ["2024-02-01.1"]}}}
    limit = load_policy(toy).chain.forbidden_share
    verdict = transitions_are_allowed([("case", "bench", "ruled", "C04", 20)], load_chain(toy), limit, lost)
    cause = "20 rows in force of bench/rulings have lost their parent in cases, which was withdrawn in 2024-02-01.1 (rule K03)"
    assert cause in verdict.sentence


@pytest.mark.breaks("K10")
def test_k10_sees_days_and_months_that_were_swapped(full: Run) -> None:
    days = [date(2024, 1 + n % 2, 3 + n % 9) for n in range(40)]  # rulings a day later, or, in every second case, on another day
    received = [case(n, day.replace(month=day.day, day=day.month) if n % 2 and day.day > day.month else day) for n, day in enumerate(days)]
    ruled = [ruling(n, "1", day + timedelta(days=1), "guilty") for n, day in enumerate(days)]
    put_content(full, {"bench/cases": received, "bench/rulings": ruled})
    make_events(full)
    assert "case_received of bench (20 of 40)" in verdict(full, "K10")["sentence"]


@pytest.mark.breaks("C01")
def test_an_event_before_an_earlier_step_of_its_unit_is_shown_and_does_not_count(full: Run) -> None:
    put_content(full, {"bench/cases": [case(1, date(2024, 2, 20))], "bench/rulings": [ruling(1, "1", date(2024, 2, 1), "guilty")]})
    make_events(full)
    assert events(full) == [
        ("ruled", date(2024, 2, 1), "guilty", None, "C01"),
        ("case_received", date(2024, 2, 20), None, "entry", None),
    ]
    assert verdict(full, "C01") | {"sentence": ""} == {
        "rule": "C01",
        "name": "dates_run_forward",
        "passed": False,
        "sentence": "",
        "severity": "warn",
        "facts": {"events": 2, "in_units": 1, "in_cases": 0},
    }


@pytest.mark.breaks("C01")
def test_an_event_before_an_earlier_step_of_another_unit_of_its_case_is_reported_and_counts(full: Run) -> None:
    report = {"record_no": 1, "known_from": DAY, "reported_on": date(2024, 2, 1)}
    links = [{"unit": unit, "record_no": 1, "case_id": 7} for unit in ("report", "case")]
    put_content(full, {"watch/reports": [report], "bench/cases": [case(1, date(2024, 1, 20))]}, links)
    make_events(full)
    assert [rule for *_, rule in events(full)] == [None, None]
    assert verdict(full, "C01")["facts"] == {"events": 2, "in_units": 0, "in_cases": 1}


def test_an_event_that_several_rows_of_a_unit_report_counts_once(run: Run, tmp_path: Path) -> None:
    rulings = [
        ruling(1, "1", date(2024, 2, 1), "guilty"),
        ruling(1, "2", date(2024, 2, 1), "guilty"),
        ruling(1, "3", date(2024, 2, 2), "guilty"),
        ruling(1, "4", date(2024, 2, 2), "acquitted"),
    ]
    many = replace(run, jurisdiction=Jurisdiction(write_full_chain(tmp_path, MANY_ROWS_EVENTS, MANY_ROWS_CHAIN)))
    put_content(many, {"bench/rulings": rulings})
    make_events(many)
    assert events(many, "SELECT sub, occurred_on, outcome, offence FROM rows ORDER BY sub") == [
        ("1", date(2024, 2, 1), "guilty", "acquitted"),
        ("3", date(2024, 2, 2), "guilty", "acquitted"),
        ("4", date(2024, 2, 2), "acquitted", "acquitted"),
    ]


def test_a_file_that_was_never_delivered_stops_nothing(run: Run) -> None:
    put_content(run, {"bench/cases": [case(1, date(2024, 1, 20))]})
    live = run.lake.open("terminology/records")
    with run.begin("terminology/records") as draft:
        draft.adopt(live, "bench/")
        run.lake.promote(run.lake.seal(draft, as_of=live.as_of, inputs={}, inputs_hash="late", verdicts=[]))
    make_events(run)
    assert events(run) == [("case_received", date(2024, 1, 20), None, "entry", None)]


@pytest.mark.slow
def test_one_and_two_threads_write_the_same(full: Run) -> None:
    cases = [case(n, date(2024, 1, 1 + n % 28)) for n in range(3000)]
    put_content(full, {"bench/cases": cases, "bench/rulings": [ruling(n, "1", date(2024, 2, 1 + n % 28), "guilty") for n in range(3000)]})
    written = []
    for threads in (1, 2):
        with full.begin("chain/events") as draft:
            build_events(replace(full, settings=replace(full.settings, threads=threads)), draft)
            written.append(contents(full, {path.name: path for path in draft.folder.rglob("*.parquet")}))
    assert written[0] == written[1]
