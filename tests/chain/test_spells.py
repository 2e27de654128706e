"""Accepted events become spells: segments, ends that are learned later, and one stay at a time."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from das_pipeline.run import Run
from tests.chain.making import make_events, make_spells
from tests.chain.test_events import DAY, case, ruling
from tests.content import put_content, read

OPEN = date(9999, 12, 31)
SEGMENTS = "SELECT spell_no, segment_no, start_on, end_on, opened_by, closed_by, state FROM rows ORDER BY record_no, spell_no, segment_no"


def make(run: Run) -> dict[str, Any]:
    """Make the spells; return the verdict C06."""
    make_events(run)
    return next(v for v in make_spells(run).version.verdicts if v["rule"] == "C06")


def spells(run: Run, query: str = SEGMENTS) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in read(run, "chain/spells", query)]


def test_a_move_begins_a_segment_and_a_reopening_begins_a_spell(full: Run) -> None:
    rulings = [
        ruling(1, "1", date(2024, 1, 25), "unknown"),
        ruling(1, "2", date(2024, 2, 1), "acquitted"),
        ruling(1, "3", date(2024, 2, 10), "referred_back"),
    ]
    put_content(full, {"bench/cases": [case(1, date(2024, 1, 20))], "bench/rulings": rulings})
    make(full)
    assert spells(full) == [
        (1, 1, date(2024, 1, 20), date(2024, 1, 25), "case_received", "adjourned", None),
        (1, 2, date(2024, 1, 25), date(2024, 2, 1), "adjourned", "ruled", "unknown"),
        (2, 1, date(2024, 2, 10), None, "retried", None, None),
    ]


def test_a_spell_that_only_ends_stays_one_row_and_one_whose_end_changes_does_not(run: Run) -> None:
    report = {"record_no": 1, "known_from": DAY, "known_until": date(2024, 3, 9), "reported_on": date(2024, 1, 3)}
    closed = report | {"known_from": date(2024, 3, 9), "known_until": date(2024, 3, 20), "closed_on": date(2024, 2, 5)}
    other = closed | {"known_from": date(2024, 3, 20), "known_until": OPEN, "closed_on": date(2024, 2, 6)}
    put_content(run, {"watch/reports": [report, closed, other]})
    make(run)
    assert spells(run, "SELECT end_on, known_from, end_known, known_until FROM rows ORDER BY known_from") == [
        (date(2024, 2, 5), DAY, date(2024, 3, 9), date(2024, 3, 20)),
        (date(2024, 2, 6), date(2024, 3, 20), date(2024, 3, 20), OPEN),
    ]


@pytest.mark.breaks("C06")
def test_c06_reports_a_person_with_two_spells_at_once_and_removes_none(full: Run) -> None:
    cases = [case(1, date(2024, 1, 20)), case(2, date(2024, 1, 25)), case(3, date(2024, 2, 20))]
    rulings = [ruling(1, "1", date(2024, 2, 1), "guilty"), ruling(2, "1", date(2024, 2, 20), "guilty")]
    links = [{"unit": "case", "record_no": n, "person_id": 5} for n in (1, 2, 3)]
    put_content(full, {"bench/cases": cases, "bench/rulings": rulings}, links)
    verdict = make(full)
    assert (verdict["passed"], verdict["severity"], verdict["facts"]) == (False, "warn", {"spells": 3, "overlapping": 1})
    assert len(spells(full)) == 3


def test_spells_that_follow_each_other_do_not_overlap(full: Run) -> None:
    links = [{"unit": "case", "record_no": n, "person_id": 5} for n in (1, 2)]
    put_content(
        full,
        {
            "bench/cases": [case(1, date(2024, 1, 20)), case(2, date(2024, 2, 1))],
            "bench/rulings": [ruling(1, "1", date(2024, 2, 1), "guilty")],
        },
        links,
    )
    assert make(full)["passed"]
