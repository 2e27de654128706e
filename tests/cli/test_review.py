"""`das review`, as the linkage steward types it: nothing of a person is printed unless it is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.exits import Exit
from tests.installation import Installation, copy_of

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def home(day_by_day: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A copy of the toy home, to which decisions are added."""
    return copy_of(day_by_day, tmp_path_factory.mktemp("review"))


def test_list_names_records_by_number(home: Installation) -> None:
    printed = home.das("review", "list")
    items = json.loads(home.das("review", "list", "--json"))
    assert all(item["record"] in printed and item["reason"] in printed for item in items)


def test_explanation_has_no_value_of_a_person_unless_it_is_asked_for(home: Installation) -> None:
    printed = home.das("explain", "link", "report:3", "case:3")
    assert "One person" in printed
    assert "astellane" not in printed.lower()
    assert printed == home.das("review", "show", "report:3", "case:3")
    assert "castellane" in home.das("review", "show", "report:3", "case:3", "--values")
    assert "needs two records" in home.das("explain", "link", "report:3", code=Exit.FAILED)


def test_decision_is_kept_with_who_and_why(home: Installation, tmp_path: Path) -> None:
    printed = home.das("review", "decide", "report:11", "case:3", "two", "--by", "anna", "--why", "Another Cleo.")
    assert "Decision 1 counts as known from" in printed
    [decision] = json.loads(home.das("review", "decisions", "--json"))
    assert (decision["record"], decision["outcome"], decision["decided_by"], decision["reason"]) == (
        "report:11",
        "two",
        "anna",
        "Another Cleo.",
    )
    assert "Another Cleo." in home.das("review", "decisions")
    assert "anna" in home.das("review", "show", "case:3", "report:11")
