"""What a figure says of its table, and what its chart draws."""

from __future__ import annotations

import json
from datetime import date

import altair
import pytest
from jsonschema import ValidationError
from markupsafe import Markup

from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.publication.texts import load_words
from das_pipeline.website.cells import Cell
from das_pipeline.website.charts import Curve, Line, _points, _spread, bar_chart, curve_chart, line_chart, panel_chart
from das_pipeline.website.figures import figure, places
from das_pipeline.website.language import Language
from tests.conftest import TOY
from tests.website.tables import published

ENGLISH = Language("en", load_words(Jurisdiction(TOY)))
UNITS = {"case": "cases"}
END = date(2024, 12, 31)


def said(text: Markup) -> str:
    return text.striptags()


def test_the_finding_names_the_total_its_change_and_the_largest_group() -> None:
    table = published("cases", {"a": 600, "b": 300}, before={"a": 500, "b": 300})
    found = figure(table, END, ENGLISH, UNITS)
    assert said(found.finding) == "In 2024: 900 cases, 12% more than in 2023. The largest group is label a: 600, which is 67%."


def test_a_month_is_compared_with_the_same_month_of_the_year_before() -> None:
    a_year_ago = {"outcome": "all", "period_kind": "month", "period": "2023-02", "n": 400, "status": "final"}

    def as_of_a_stock(rows):  # which has no years
        return [*(row for row in rows if row["period_kind"] == "month"), a_year_ago]

    table = published("cases", {"a": 600}, months=[{"a": 500}, {"a": 600}], change=as_of_a_stock)
    assert said(figure(table, END, ENGLISH, UNITS).finding).startswith("In February 2024: 600 cases, 50% more than in February 2023.")


def test_groups_with_close_counts_are_not_ranked() -> None:
    table = published("cases", {"a": 305, "b": 300}, before={"a": 300, "b": 300})
    assert said(figure(table, END, ENGLISH, UNITS).finding) == "In 2024: 605 cases, about the same as in 2023."


def test_a_period_that_is_not_over_is_not_shown() -> None:
    table = published("cases", {"a": 600, "b": 300}, before={"a": 500, "b": 300}, months=[{"a": 50, "b": 25}, {"a": 40, "b": 25}])
    found = figure(table, date(2024, 2, 15), ENGLISH, UNITS)
    assert found.grids[0].heads == ["2023"]
    assert [row.label for row in found.grids[1].rows] == ["January 2024"]


def test_a_year_that_a_source_has_not_delivered_in_full_is_counted_but_is_not_the_finding() -> None:
    def of_2024(status):
        return lambda rows: [row | {"status": status} if row["period"].startswith("2024") else row for row in rows]

    for status, heads in (("incomplete", ["2024†", "2023"]), ("not_shown", ["2024", "2023"])):
        table = published("cases", {"a": 600, "b": 300}, before={"a": 500, "b": 300}, change=of_2024(status))
        found = figure(table, END, ENGLISH, UNITS)
        assert said(found.finding).startswith("In 2023: 800 cases.")
        assert found.chart_note == "In 2023."
        assert found.grids[0].heads == heads


def test_a_month_that_a_source_has_not_delivered_in_full_is_not_drawn_as_a_fall() -> None:
    def july_is_late(rows):
        return [row | {"status": "incomplete"} if row["period"] == "2024-07" else row for row in rows]

    months = [{"a": 50} for _ in range(6)] + [{"a": 5}]
    found = figure(published("cases", {"a": 305}, months=months, change=july_is_late), END, ENGLISH, UNITS)
    assert found.chart is not None
    assert [row["n"] for row in found.chart.wide["layer"][0]["data"]["values"]] == [50] * 6
    assert found.grids[1].rows[0].label == "July 2024†"


def test_provisional_periods_are_marked() -> None:
    table = published("cases", {"a": 600, "b": 300}, months=[{"a": 50, "b": 25}], status="provisional")
    found = figure(table, END, ENGLISH, UNITS)
    assert found.has_provisional
    assert [row.label for row in found.grids[1].rows] == ["January 2024*"]


def test_a_line_of_small_counts_is_not_drawn() -> None:
    months = [{"a": 50, "b": 25} for _ in range(6)]
    found = figure(published("cases", {"a": 600, "b": 300}, months=months), END, ENGLISH, UNITS)
    assert found.chart is not None
    drawn = json.dumps([found.chart.wide, found.chart.narrow])
    assert ("label a" in drawn, "label b" in drawn) == (True, False)
    assert found.chart_note == "Drawn: 1 of the 2 groups, the largest."


def test_the_dashes_of_the_provisional_part_begin_at_the_last_final_point() -> None:
    table = published("cases", {"a": 600}, months=[{"a": 50}, {"a": 60}, {"a": 70}])
    cells = table.series("month", ["2024-01", "2024-02"], {"outcome": "a"})
    later = published("cases", {"a": 600}, months=[{"a": 50}, {"a": 60}, {"a": 70}], status="provisional")
    cells += later.series("month", ["2024-03"], {"outcome": "a"})
    assert [(p["t"][:7], p["n"], p["part"]) for p in _points(Line("a", cells))] == [
        ("2024-01", 50, "final"),
        ("2024-02", 60, "final"),
        ("2024-02", 60, "provisional"),
        ("2024-03", 70, "provisional"),
    ]


def test_names_at_the_ends_of_lines_do_not_cover_each_other() -> None:
    assert _spread([100, 101, 50], gap=10) == [100, 110, 50]


@pytest.mark.slow
def test_every_kind_of_chart_is_valid_and_keeps_its_rows() -> None:
    """Altair has the schema of Vega-Lite, in which the charts are written."""
    table = published("cases", {"a": 600}, months=[{"a": 50}, {"a": 60}, {"a": 70}])
    lines = [Line(label, table.series("month", ["2024-01", "2024-02"], {"outcome": "a"})) for label in ("one", "two")]
    pictures = [line_chart(lines), panel_chart(lines), bar_chart(lines, ["January", "February"], ENGLISH)]
    drawn = [form for picture in pictures for form in (picture.wide, picture.narrow)]
    for specification in drawn:
        altair.Chart.from_dict(specification)
        data = [part["data"]["values"] for part in (specification, *specification.get("layer", ())) if "data" in part]
        assert [row["n"] for row in data[0]] == [50, 60, 50, 60]
    with pytest.raises(ValidationError):
        altair.Chart.from_dict(drawn[0] | {"width": "wide"})


def test_a_curve_of_a_final_year_begins_at_a_hundred_beside_a_provisional_one() -> None:
    cells = [Cell("open", ("all", "year", year), 60, status) for year, status in (("2025", "provisional"), ("2023", "final"))]
    drawn = curve_chart([Curve(cell.period, [(4, cell)]) for cell in cells], "weeks").wide
    line = drawn["layer"][0]["data"]["values"]
    by_curve = {label: [(row["week"], row["part"]) for row in line if row["label"] == label] for label in ("2025", "2023")}
    assert by_curve == {"2025": [(0, "provisional"), (4, "provisional")], "2023": [(0, "final"), (4, "final")]}


def test_breaks_that_are_close_have_their_labels_in_rows_of_their_own() -> None:
    table = published("cases", {"a": 600}, months=[{"a": 50}, {"a": 60}, {"a": 70}])
    line = Line("one", table.series("month", ["2024-01", "2024-02", "2024-03"], {"outcome": "a"}))
    drawn = line_chart([line], [("2024-03", "second"), ("2024-02", "first"), ("2025", "later")]).wide
    labels = [(part["data"]["values"][0]["label"], part["mark"]["y"]) for part in drawn["layer"] if "y" in part["mark"]]
    assert labels == [("first", 0), ("second", 15)]


def test_a_heading_names_the_unit_once() -> None:
    found = figure(published("cases", {"a": 600}), END, ENGLISH, {"case": "cases at court"})
    assert found.heading(ENGLISH) == "Cases, numbers."
    assert figure(published("cases", {"a": 600}), END, ENGLISH, {"case": "verdicts"}).heading(ENGLISH) == "Cases, number of verdicts."


def test_a_sentence_names_a_group_without_its_number() -> None:
    table = published("cases", {"a": 600, "b": 300})
    table.labels["outcome"]["a"]["en"] = "1.2.3 Theft from cars"
    assert "The largest group is Theft from cars: 600" in said(figure(table, END, ENGLISH, UNITS).finding)


def test_a_sentence_names_an_age_with_its_number_and_no_group_of_what_is_left_over() -> None:
    table = published("cases", {"a": 600, "b": 300, "unknown": 900})
    table.labels["outcome"]["a"]["en"] = "25 to 44 years"
    assert "The largest group is 25 to 44 years: 600" in said(figure(table, END, ENGLISH, UNITS).finding)


def test_the_only_group_is_not_said_to_be_the_largest() -> None:
    assert said(figure(published("cases", {"a": 600, "b": 0}), END, ENGLISH, UNITS).finding) == "In 2024: 600 cases."


def test_a_place_says_no_more_than_rounded_counts_can() -> None:
    """Of counts that differ by less than 10 none is the larger: they share their places, and only a clear lead is one place."""
    assert places([500, 120, 115, 110, 20]) == ["1", "2–3", "2–4", "3–4", "5"]
    assert places([5, 5]) == ["1–2", "1–2"]
    assert places([5]) == ["1"]
