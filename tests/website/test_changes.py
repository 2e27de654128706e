"""What the page of changes shows: each revised count, and how many by period where there are too many."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.lake import Version
from das_pipeline.publication.texts import load_words
from das_pipeline.website.cells import PublishedTable
from das_pipeline.website.changes import LISTED, changed_tables
from das_pipeline.website.figures import Figure, figure
from das_pipeline.website.language import Language
from tests.conftest import TOY

MARCH = date(2024, 3, 31)
ENGLISH = Language("en", load_words(Jurisdiction(TOY)))


@pytest.fixture(scope="module")
def figures(site: Version) -> dict[str, Figure]:
    table = PublishedTable(site.path("tables/reports.parquet"))
    return {"reports": figure(table, MARCH, ENGLISH, {"report": "reports", "case": "cases", "step": "steps"})}


def changes(cells: list[dict[str, Any]]) -> Mapping[str, Any]:
    counts = {"added": 0, "removed": 0, "revised": len(cells), "became_final": 0}
    return {"previous": "2024-02-29.1", "tables": {"reports": counts | {"cells": cells, "why": "deliveries"}}}


@pytest.mark.slow
def test_a_revised_count_has_its_group_its_old_count_and_its_lag(figures: dict[str, Figure]) -> None:
    cells = [{"offence": o, "period_kind": "month", "period": "2022-01", "old": 5, "new": 400} for o in ("all", "property")]
    (changed,) = changed_tables(changes(cells), figures, MARCH, ENGLISH)
    assert [(r.group, r.was, r.cell.n, r.lag) for r in changed.listed] == [("Total", 5, 700, 26), ("Property", 5, 400, 26)]
    assert changed.by_period == []


@pytest.mark.slow
def test_of_very_many_the_page_shows_how_many_by_period(figures: dict[str, Figure]) -> None:
    cells = [{"offence": "all", "period_kind": "month", "period": f"2022-{1 + i % 2:02d}", "old": 5, "new": 10} for i in range(LISTED + 1)]
    (changed,) = changed_tables(changes(cells), figures, MARCH, ENGLISH)
    assert (changed.listed, changed.by_period) == ([], [("2022-02", 20), ("2022-01", 21)])


def test_a_first_release_and_a_table_without_changes_show_nothing(figures: dict[str, Figure]) -> None:
    assert changed_tables(changes([]), figures, MARCH, ENGLISH) == []
    assert changed_tables({**changes([{}]), "previous": None}, figures, MARCH, ENGLISH) == []
