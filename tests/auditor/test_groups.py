"""D06: a group of which almost all have one category, in tables made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from das_pipeline.auditor import Groups
from das_pipeline.auditor.groups import no_group_is_one_category
from das_pipeline.auditor.release import Published, Table
from das_pipeline.gate import Verdict, blocking

LIMITS = Groups(categories=("decision",))
DIMS = {"district": {"scheme": "district", "level": "district"}, "decision": {"scheme": "decision", "level": "decision"}}


def judged(counts: dict[tuple[str, str], int], limits: Groups = LIMITS, *, is_simulated: bool = False) -> Verdict:
    """The verdict on one table of a year, with the totals of `counts` (district, decision)."""
    cells: dict[tuple[str, str], int] = {}
    for (district, decision), n in counts.items():
        for at in {(d, c) for d in (district, "all") for c in (decision, "all")}:
            cells[at] = cells.get(at, 0) + n
    rows = [{"district": d, "decision": c, "period_kind": "year", "period": "2024", "n": n} for (d, c), n in sorted(cells.items())]
    facts = {"kind": "protected", "base": 5, "measures": ["n"], "dims": DIMS, "is_simulated": is_simulated}
    table = Table("decisions", Path("decisions"), pa.Table.from_pylist(rows), facts)
    with duckdb.connect() as connection:
        connection.register("decisions", table.rows)
        return no_group_is_one_category(Published(Path(), {"decisions": table}, []), connection, limits)


MIXED = {("north", "fined"): 60, ("north", "dismissed"): 40, ("south", "fined"): 50, ("south", "dismissed"): 50}


def test_a_group_with_several_categories_passes() -> None:
    assert judged(MIXED).passed


@pytest.mark.breaks("D06")
@pytest.mark.parametrize("dismissed", [20, 500])
def test_a_group_that_is_one_category(dismissed: int) -> None:
    verdict = judged(MIXED | {("east", "fined"): 0, ("east", "dismissed"): dismissed})
    assert not verdict.passed
    assert "decisions (1)" in verdict.sentence
    assert blocking([verdict])


@pytest.mark.parametrize("dismissed", [5, 505])
def test_a_group_that_is_very_small_or_large_is_not_judged(dismissed: int) -> None:
    assert judged(MIXED | {("east", "dismissed"): dismissed}).passed


def test_a_category_that_nearly_everybody_has_says_nothing_about_a_group() -> None:
    assert judged({("north", "fined"): 450, ("north", "dismissed"): 50, ("east", "fined"): 100}).passed


def test_a_dimension_that_the_policy_does_not_name_is_not_judged() -> None:
    assert judged(MIXED | {("east", "dismissed"): 20}, Groups()).passed


def test_simulated_groups_are_shown_and_stop_nothing() -> None:
    verdict = judged(MIXED | {("east", "dismissed"): 20}, is_simulated=True)
    assert not verdict.passed
    assert not blocking([verdict])


@pytest.mark.breaks("D06")
def test_groups_of_simulated_tables_behind_which_real_people_are_too_are_stopped() -> None:
    verdict = judged(MIXED | {("east", "dismissed"): 20}, replace(LIMITS, is_real=True), is_simulated=True)
    assert blocking([verdict])
