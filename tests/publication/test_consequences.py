"""Which published figures a changed mapping set would move."""

from __future__ import annotations

from das_pipeline.publication import consequences
from das_pipeline.run import Run
from das_pipeline.terminology import Difference
from das_pipeline.terminology.columns import ConceptColumn
from das_pipeline.terminology.judging import Change, Compared

OFFENCE = ConceptColumn("watch", "reports", "offence", "offence", "watch_offence", "committed_on", None)


def moved(run: Run, *changes: tuple[str, str, int]) -> list[tuple[str, str, str, str, int]]:
    listed = [Change(OFFENCE, "10", was, becomes, rows, "2024-01", "2024-02") for was, becomes, rows in changes]
    found = consequences(run, Difference("a", "b", [Compared(OFFENCE, 100, listed)]))
    return [(c.table, c.dimension, c.was, c.becomes, c.rows) for c in found]


def test_rows_that_move_within_a_published_group_move_no_figure(run: Run) -> None:
    assert moved(run, ("theft", "burglary", 3)) == []


def test_rows_that_move_between_groups_move_every_table_that_shows_them(run: Run) -> None:
    assert moved(run, ("theft", "assault", 3), ("burglary", "assault", 4), ("theft", "unknown", 1)) == [
        (table, "offence", "property", group, rows) for table in ("reports", "reports_persons") for group, rows in MOVES
    ]


MOVES = (("violence", 7), ("unknown_group", 1))
