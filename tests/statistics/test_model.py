"""Cubes and tables are read together with the chain and the schemes, and every mistake is named with its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.statistics import Statistics, load_statistics
from tests.statistics.conftest import write_statistics

MONTH = "{cube: month, type: flow, unit_of_count: report, kind: [reported], period: month, leaf: {offence: [offence, group]}}"
TABLE = "table: reports\ncube: month\nby: {offence: group, period: [month, year]}"


def load(folder: Path, *cubes: str, table: str = TABLE) -> Statistics:
    return load_statistics(Jurisdiction(write_statistics(folder, cubes, [table])))


def test_a_cube_knows_its_unit_partner_schemes_and_what_is_unknown(toy: Jurisdiction) -> None:
    year = load_statistics(toy).cube("reports_year")
    assert (year.unit, year.partners, year.adds_up_to) == ("report", ["watch"], "reports_month")
    assert year.leaf == {"offence": ("offence", "group"), "sex": ("sex", "sex"), "age": ("age", "age_class")}
    assert year.scheme == {"offence": "offence", "sex": "sex", "age": "age"}
    assert year.unknown == {"offence": "unknown_group", "sex": "unknown", "age": "unknown"}


def test_without_a_level_a_dimension_is_at_the_lowest_of_its_scheme(tmp_path: Path) -> None:
    cube = MONTH.replace("[offence, group]", "[offence], age: [age]")
    assert load(tmp_path, cube).cube("month").leaf == {"offence": ("offence", "offence"), "age": ("age", "age_class")}


def test_a_cube_extends_another_with_more_dimensions(tmp_path: Path) -> None:
    extended = "{cube: year, extends: month, period: year, adds_up_to: month, leaf: {sex: [sex]}}"
    year = load(tmp_path, MONTH, extended).cube("year")
    assert (year.kinds, year.period, list(year.leaf)) == (["reported"], "year", ["offence", "sex"])


def test_a_table_names_its_cubes_levels_and_periods(toy: Jurisdiction) -> None:
    tables = {table.name: table for table in load_statistics(toy).tables}
    assert (tables["reports"].cubes, tables["reports"].by, tables["reports"].periods) == (
        ["reports_month"],
        {"offence": "group"},
        ["month", "year"],
    )
    assert tables["flow"].cubes == ["reports_month", "rulings_month"]


@pytest.mark.parametrize(
    ("written", "instead", "complaint"),
    [
        ("type: flow", "type: balance", "cubes[0]: a cube of type balance needs spell"),
        ("kind: [reported]", "kind: [reported], weeks: [4]", "cubes[0]: a cube of type flow has no weeks"),
        ("kind: [reported]", "kind: [arrested]", "cube month: no unit has events of kind arrested"),
        ("kind: [reported]", "kind: [reported, ruled]", "cube month: its kinds are events of several units: case, report"),
        ("period: month", "period: week", "cubes[0].period: week is not one of the words here. There are: month, quarter, year."),
        ("[offence, group]", "[offence, scm_group]", "leaf offence: scheme offence has no level scm_group; it has offence, group, total"),
        ("[offence, group]", "[weapon]", "leaf offence: weapon of these events has no concepts"),
        ("[offence, group]", "[outcome]", "leaf offence: outcome of these events has no concepts"),
        ("period: month", "period: month, leave_out: {weapon: [knife]}", "leave_out: events have no column weapon"),
        ("period: month", "period: month, adds_up_to: other", "adds_up_to other, which is not a cube above it"),
        ("type: flow", "extends: other", "cube month extends other, which is not above it"),
        ("cube: month\n", "cube: weeks\n", "table_0.yaml:6: cube: there is no cube weeks in statistics/cubes.yaml"),
        ("offence: group, period", "sex: sex, period", "by.sex: cube month has no dimension sex"),
        (
            "offence: group, period",
            "offence: offence, period",
            "dimension offence: level offence is not at or above the leaf's level group",
        ),
        ("[month, year]", "[week]", "period week is finer than the month of cube month, or is not a period"),
        ("period: [month, year]", "sex: sex", "`by` needs a period"),
        ("cube: month\n", "", "a table has either `cube` or `stack`"),
        ("cube: month\n", "stack: {dimension: step, rows: {told: month}}\n", "a stack is of totals: its `by` has a period only"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, written: str, instead: str, complaint: str) -> None:
    cube, table = (text.replace(written, instead, 1) for text in (MONTH, TABLE))
    assert (cube, table) != (MONTH, TABLE)
    with pytest.raises(ConfigurationError, match=re.escape(complaint)):
        load(tmp_path, cube, table=table)


def test_a_cube_adds_up_to_one_that_counts_the_same_events(tmp_path: Path) -> None:
    other = MONTH.replace("cube: month", "cube: closed, adds_up_to: month").replace("[reported]", "[report_closed]")
    with pytest.raises(ConfigurationError, match="cube closed: adds_up_to month, which counts other events"):
        load(tmp_path, MONTH, other)
