"""Survival curves: drawn from a hundred through each published percentage, and seen by the auditor when they are not."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import altair
import pyarrow as pa
import pytest
from lxml import html

from das_pipeline.auditor import charts as judged
from das_pipeline.auditor.declared import Forms
from das_pipeline.auditor.release import Table
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.publication.texts import load_words
from das_pipeline.website import charts
from das_pipeline.website.cells import PublishedTable
from das_pipeline.website.figures import Figure, figure
from das_pipeline.website.language import Language
from tests.conftest import TOY
from tests.website.tables import Row, published

ENGLISH = Language("en", load_words(Jurisdiction(TOY)))
FORMS = Forms(",", ".", "{day} {month} {year}", (), "")
OPEN = {"after_week_4": 80, "after_week_13": 40, "after_week_26": 10}


def table_of_curves(**statuses: str) -> PublishedTable:
    """Percentages in 2024 and 2023; `statuses` are those of cells of 2024 by code."""

    def with_statuses(rows: list[Row]) -> list[Row]:
        return [
            row | ({"status": statuses[row["outcome"]]} if row["period"] == "2024" and row["outcome"] in statuses else {}) for row in rows
        ]

    return published("cases", OPEN, before={"after_week_4": 90, "after_week_13": 55, "after_week_26": 20}, change=with_statuses)


def shown(table: PublishedTable) -> Figure:
    return figure(table, date(2024, 12, 31), ENGLISH, {"case": "per cent"})


def test_a_curve_is_said_in_a_sentence_and_stands_in_a_table_of_years() -> None:
    made = shown(table_of_curves())
    assert made.finding.striptags() == "Of what began in 2024, an estimated 40 per cent is still open label after_week_13."
    grid = made.grids[0]
    assert [row.label for row in grid.rows] == ["2024", "2023"]
    assert [[cell.n for cell in row.cells if cell] for row in grid.rows] == [[80, 40, 10], [90, 55, 20]]


def test_a_curve_begins_at_a_hundred_and_has_no_point_for_what_is_not_shown() -> None:
    made = shown(table_of_curves(after_week_26="not_shown"))
    assert made.chart is not None
    for specification in (made.chart.wide, made.chart.narrow):
        altair.Chart.from_dict(specification)
        line = specification["layer"][0]["data"]["values"]
        of_2024 = sorted((point["week"], point["n"]) for point in line if point["label"] == "2024")
        assert of_2024 == [(0, 100), (4, 80), (13, 40)]
        assert specification["layer"][0]["encoding"]["x"]["scale"]["domain"] == [0, 26]


def test_curves_of_which_nothing_is_known_are_not_drawn() -> None:
    made = shown(published("cases", OPEN, change=lambda rows: [row | {"status": "not_shown"} for row in rows]))
    assert made.chart is None
    assert "still open" not in made.finding


@pytest.fixture(scope="module")
def drawn() -> str:
    made = shown(table_of_curves())
    assert made.chart is not None
    return charts.draw(made.chart.wide, ENGLISH)


def faults(svg: str) -> int:
    table = table_of_curves()
    rows = [{"outcome": k[0], "period_kind": k[1], "period": k[2], "n": c.n, "status": c.status} for k, c in table.cells.items()]
    root: Any = html.fromstring(svg)
    return judged.wrong_in_chart(root, Table("cases", Path(), pa.Table.from_pylist(rows), table.facts), FORMS)


def test_the_auditor_finds_no_fault_in_what_is_published(drawn: str) -> None:
    assert faults(drawn) == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"(L[\d.]+),[\d.]+L", r"\1,7L"),  # another percentage
        (r"L[\d.]+(,[\d.]+)L", r"L77\1L"),  # another week
        (r'translate\([\d.]+,[\d.]+\)(" d="M[\d.]+,0A)', r"translate(7,7)\1"),  # a dot of its own
        (r">26<", ">52<"),  # another axis
    ],
)
def test_the_auditor_sees_a_curve_that_is_not_the_data(drawn: str, old: str, new: str) -> None:
    changed = re.sub(old, new, drawn, count=1)
    assert changed != drawn
    assert faults(changed) > 0


def test_the_number_of_a_dot_is_where_it_is_drawn(drawn: str) -> None:
    """A height of 320 is a hundred per cent."""
    dots = [float(y) for y in re.findall(r'translate\([\d.]+,([\d.]+)\)" d="M[\d.]+,0A', drawn)]
    assert sorted(round(100 - y / 3.2) for y in dots) == sorted([80, 40, 10, 90, 55, 20]), json.dumps(dots)
