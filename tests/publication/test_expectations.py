"""What a release is expected to be: suites from definitions and the release before, judged by great-expectations, shown on one page."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from das_pipeline.lake import Version
from das_pipeline.policy import load_policy
from das_pipeline.publication import judging
from das_pipeline.publication.candidate import defined_codes
from das_pipeline.publication.data_docs import PAGE
from das_pipeline.publication.definitions import Dimension, published_tables
from das_pipeline.publication.expectations import FILE, KEPT, NEW, REVISED, suites
from das_pipeline.publication.releases import Release
from das_pipeline.publication.texts import table_texts
from das_pipeline.rules import catalogue
from das_pipeline.run import Run
from das_pipeline.settings import PROJECT, Settings
from das_pipeline.terminology import load_schemes
from tests.conftest import TOY
from tests.publication.test_judging import folder, rewrite

__all__ = ["folder"]

BEFORE, AS_OF = date(2024, 1, 31), date(2024, 3, 31)


@pytest.fixture
def release_before(candidate: Version, tmp_path: Path) -> Release:
    """The candidate as it was known two months earlier: without the periods that had not begun."""
    root = tmp_path / "before"
    (root / "tables").mkdir(parents=True)
    for path in candidate.paths("tables/"):
        if path.suffix == ".parquet":
            begun = [("period", "not in", ["2024-02", "2024-03"])]
            pq.write_table(pq.read_table(path, filters=begun), root / "tables" / path.name)
    return Release("2024-01-31.1", root, {"as_of": BEFORE.isoformat()})


@pytest.fixture
def expected(folder: Path, candidate: Version, release_before: Release, toy_run: Run) -> Path:
    """A candidate that follows that release, with its suites."""
    tables = published_tables(toy_run, table_texts(toy_run.jurisdiction))
    codes = defined_codes(tables, load_schemes(toy_run.jurisdiction), table_texts(toy_run.jurisdiction))
    made = suites(tables, codes, release_before, AS_OF, load_policy(toy_run.jurisdiction).publication)
    (folder / FILE).write_text(json.dumps(made), encoding="utf-8")
    return folder


@pytest.fixture
def toy_run(candidate: Version) -> Run:
    """A run that reads the lake of the session's candidate."""
    root = candidate.root.parents[2]
    return Run.start(Settings(home=root / "home", inbox=root / "inbox", keys=root / "keys", jurisdiction=TOY), AS_OF)


def verdicts(folder: Path) -> dict[str, bool]:
    return {v.rule: v.passed for v in judging.as_expected(folder, folder.parent / PAGE)}


def counts(folder: Path, change: Callable[[pa.Table], pa.Array]) -> None:
    rewrite(folder / "tables" / "reports.parquet", lambda t: t.set_column(t.schema.get_field_index("n"), t.schema.field("n"), change(t)))


@pytest.mark.slow
def test_a_first_release_has_suites_of_its_definitions_alone(candidate: Version) -> None:
    made = json.loads(candidate.path(FILE).read_bytes())
    assert {(suite["meta"]["table"], suite["meta"]["rule"]) for suite in made} == {
        (t, KEPT) for t in ("flow", "reports", "reports_persons")
    }
    of_reports = next(suite for suite in made if suite["meta"]["table"] == "reports")
    assert [(e["type"], e["kwargs"]) for e in of_reports["expectations"]] == [
        ("expect_table_row_count_to_be_between", {"min_value": 1}),
        ("expect_column_distinct_values_to_contain_set", {"column": "offence", "value_set": ["all"]}),
        ("expect_column_distinct_values_to_contain_set", {"column": "period_kind", "value_set": ["month", "year"]}),
    ]


def test_suites_follow_the_release_before(expected: Path) -> None:
    made = {(s["meta"]["table"], s["meta"]["rule"]): s for s in json.loads((expected / FILE).read_bytes())}
    kept, revised, new = (made["reports", rule] for rule in (KEPT, REVISED, NEW))
    assert kept["expectations"][0]["kwargs"]["min_value"] == len(kept["meta"]["rows"]["period"]) * 4  # three offences and their total
    assert "2024" in kept["meta"]["rows"]["period"]
    assert "2024" not in revised["meta"]["rows"]["period"]  # a year that was not over grows
    assert new["meta"]["rows"] == {"period": ["2024-02", "2024-03"], "offence": ["all"]}
    assert {e["severity"] for e in kept["expectations"]} == {"critical"}
    assert {e["severity"] for e in new["expectations"]} == {"warning"}
    assert ("flow", NEW) not in made


def test_a_category_that_the_definitions_no_longer_have_is_not_expected(release_before: Release, toy_run: Run) -> None:
    tables = [t for t in published_tables(toy_run, table_texts(toy_run.jurisdiction)) if t.name == "reports"]
    limits = load_policy(toy_run.jurisdiction).publication
    (kept, *_) = suites(tables, {"reports": {"offence": ["property", "all"]}}, release_before, AS_OF, limits)
    assert kept["expectations"][1]["kwargs"] == {"column": "offence", "value_set": ["all", "property"]}
    assert kept["expectations"][0]["kwargs"]["min_value"] == len(kept["meta"]["rows"]["period"]) * 2


def test_a_follow_up_is_expected_in_the_periods_that_had_it(release_before: Release, toy_run: Run) -> None:
    """A year that has been followed for 6 months has later been followed for 12 too: twice the rows, of which nothing is wrong."""
    (table,) = [t for t in published_tables(toy_run, table_texts(toy_run.jurisdiction)) if t.name == "reports"]
    months = Dimension("months", None, "row")
    cohort = replace(table, name="onward", dimensions=(months,), follow_up={"after_month_6": 6, "after_month_12": 12}, periods=("year",))
    followed = [("after_month_6", "2021", 700), ("after_month_6", "2022", 800), ("after_month_12", "2021", 700)]
    rows = pa.Table.from_pylist([{"months": code, "period_kind": "year", "period": year, "n": n} for code, year, n in followed])
    facts = json.dumps({"dims": {"months": {"scheme": None, "level": "row"}}})
    pq.write_table(rows.replace_schema_metadata({"das": facts}), release_before.folder / "tables" / "onward.parquet")
    limits = load_policy(toy_run.jurisdiction).publication
    made = suites([cohort], {"onward": {"months": list(cohort.follow_up)}}, release_before, AS_OF, limits)
    assert [(suite["meta"]["rule"], suite["meta"]["rows"]) for suite in made] == [
        (KEPT, {"months": ["after_month_12"], "period": ["2021"]}),
        (KEPT, {"months": ["after_month_6"], "period": ["2021", "2022"]}),
        (REVISED, {"months": ["after_month_6"], "period": ["2021", "2022"]}),
    ], "the 700 of a follow-up are too few to judge how they are revised"
    assert made[2]["expectations"][0]["kwargs"] == {"column": "n", "min_value": 1125.0, "max_value": 1875.0}


@pytest.mark.slow
def test_a_release_that_follows_the_one_before_is_as_expected(expected: Path) -> None:
    assert verdicts(expected) == {KEPT: True, REVISED: True, NEW: True}


@pytest.mark.slow
@pytest.mark.breaks("P01")
def test_a_category_that_is_gone_is_seen(expected: Path) -> None:
    rewrite(expected / "tables" / "reports.parquet", lambda t: t.filter(pc.not_equal(t["offence"], "violence")))
    assert verdicts(expected) == {KEPT: False, REVISED: True, NEW: True}


@pytest.mark.slow
@pytest.mark.breaks("P02")
def test_half_of_what_was_published_is_seen(expected: Path) -> None:
    counts(expected, lambda t: pc.if_else(pc.less(t["period"], "2024"), pc.divide(t["n"], 2), t["n"]))
    found = judging.as_expected(expected, expected.parent / PAGE)
    assert {v.rule: v.passed for v in found} == {KEPT: True, REVISED: False, NEW: True}
    assert "reports: column n: sum to be between" in found[1].sentence


@pytest.mark.breaks("P03")
def test_a_month_without_figures_is_seen_and_warns(expected: Path) -> None:
    counts(expected, lambda t: pc.if_else(pc.equal(t["period"], "2024-03"), 0, t["n"]))
    found = judging.as_expected(expected, expected.parent / PAGE)
    assert {v.rule: (v.passed, v.severity) for v in found} == {KEPT: (True, "block"), REVISED: (True, "block"), NEW: (False, "warn")}


@pytest.mark.slow
def test_the_page_loads_nothing_and_has_no_figure_of_the_candidate(expected: Path) -> None:
    counts(expected, lambda t: pc.if_else(pc.equal(t["period"], "2024-03"), 987654321, t["n"]))
    verdicts(expected)
    page = (expected.parent / PAGE).read_text(encoding="utf-8")
    assert "✗ reports P03 new_period_is_like_the_last" in page
    assert "987654321" not in page
    assert re.findall(r"(?:src|href|url\(|@import|<script|<link)[^>]*", page) == []


def judged_rules() -> Iterator[tuple[str, str]]:
    """(engine, rule) of the judging of published tables."""
    source = (PROJECT / "das_pipeline" / "publication" / "judging.py").read_text(encoding="utf-8")
    for body in re.split(r"\ndef ", source)[1:]:
        rules = re.findall(r'"""(\w\d\d)(?:, (\w\d\d))?(?: and (\w\d\d))?: ', body)
        engine = "pandera" if "pandera_schema(path)" in body else "great-expectations" if "unmet(" in body else "SQL"
        yield from ((engine, rule) for found in rules for rule in found if rule)


def test_no_rule_on_published_tables_is_judged_by_two_engines_that_share_expectations() -> None:
    """D10 alone has two judges, of two things: the files' bytes and columns against their descriptor, and their cells by its schema."""
    assert sorted(judged_rules()) == [
        *[("SQL", rule) for rule in ("D01", "D03", "D10", "P04")],
        *[("great-expectations", rule) for rule in (KEPT, REVISED, NEW)],
        ("pandera", "D10"),
    ]
    for rule in (KEPT, REVISED, NEW):
        assert catalogue()[rule].tables == ("release/decision",)


@pytest.mark.slow  # a process that starts anew
def test_making_suites_does_not_import_great_expectations() -> None:
    code = "import sys, das_pipeline.release, das_pipeline.publication.data_docs; print('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True).stdout == "False\n"
