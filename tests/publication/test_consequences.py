"""Which published figures a changed mapping set would move."""

from __future__ import annotations

import pytest

from das_pipeline.publication import consequences
from das_pipeline.run import Run
from das_pipeline.terminology import Difference
from das_pipeline.terminology.columns import ConceptColumn
from das_pipeline.terminology.judging import CodeRows, Compared

OFFENCE = ConceptColumn("watch", "reports", "offence", "offence", "watch_offence", "committed_on", None)


GROUPS = {"theft": "property", "burglary": "property", "assault": "violence", "unknown": "unknown_group"}


def moved(run: Run, *changes: tuple[str, str, int]) -> list[tuple[str, str, str, str, int]]:
    listed = [CodeRows(OFFENCE, "10", was, becomes, rows, "2024-01", "2024-02") for was, becomes, rows in changes]
    before = {("offence", concept, "group"): group for concept, group in GROUPS.items()}
    found = consequences(run, Difference("a", "b", [Compared(OFFENCE, listed)], [], before=before))
    return [(c.table, c.dimension, c.was, c.becomes, c.rows) for c in found]


def test_rows_that_move_within_a_published_group_move_no_figure(run: Run) -> None:
    assert moved(run, ("theft", "burglary", 3)) == []


def test_rows_that_move_between_groups_move_every_table_that_shows_them(run: Run) -> None:
    assert moved(run, ("theft", "assault", 3), ("burglary", "assault", 4), ("theft", "unknown", 1)) == [
        (table, "offence", "property", group, rows) for table in ("reports", "reports_persons") for group, rows in MOVES
    ]


def test_rows_whose_concept_has_another_parent_move_without_changing_concept(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GROUPS, "assault", "property")  # as the live records were counted; the files say violence
    assert moved(run, ("assault", "assault", 5), ("theft", "theft", 9)) == [
        (table, "offence", "property", "violence", 5) for table in ("reports", "reports_persons")
    ]


MOVES = (("violence", 7), ("unknown_group", 1))
