"""One of each kind of statistic in the toy jurisdiction is a line in cubes.yaml and a file, counted by hand."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.compute as pc
import pytest

from das_pipeline import engine
from das_pipeline.auditor import tables
from das_pipeline.auditor.release import Published
from das_pipeline.auditor.release import read as read_release
from das_pipeline.deliveries import take_in_external
from das_pipeline.disclosure import build_leaves
from das_pipeline.errors import ConfigurationError
from das_pipeline.gate import GateFailed
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.lake import Lake
from das_pipeline.policy import Statistics as Limits
from das_pipeline.publication import build_candidate
from das_pipeline.publication.texts import load_words
from das_pipeline.references.files import rates
from das_pipeline.run import Run, produce
from das_pipeline.statistics import build_cubes, judging, load_statistics
from das_pipeline.terminology import build_concepts, build_external
from das_pipeline.website.cells import PublishedTable
from das_pipeline.website.figures import Figure, figure
from das_pipeline.website.language import Language
from tests.chain.making import make_events, make_spells
from tests.conftest import TOY, toy_settings
from tests.content import plant, put_content
from tests.statistics.conftest import write_statistics

CUBES = [
    "{cube: persons, type: persons, unit_of_count: person, kind: [reported], period: year, leaf: {offence: [offence, group]}}",
    "{cube: reports, type: flow, unit_of_count: report, kind: [reported], period: month, leaf: {offence: [offence, group]}}",
    "{cube: open, type: balance, unit_of_count: report, spell: open_report, period: month, same_as: {inflow: reports}, older_than: [1, 3],"
    " leaf: {offence: [offence, group]}}",
    "{cube: handling, type: duration, unit_of_count: report, spell: open_report, period: year, weeks: [1, 4, 10], leaf: {}}",
    "{cube: onward, type: cohort, unit_of_count: report, start: reported, period: month, follow_up: [1, 2, 6], adds_up_to: reports,"
    " states: {nothing: [], closed: [report_closed], with_bench: [case_received], decided: [ruled]}, leaf: {}}",
    "{cube: rulings, type: flow, unit_of_count: report, kind: [ruled], period: year, bands: {number: [2, 5]}, leaf: {}}",
    "{cube: to_bench, type: cohort, unit_of_count: report, start: report_closed, sent_to: bench, period: month, follow_up: [1],"
    " states: {sent: [], received: [case_received]}, leaf: {}}",
    "{cube: onward_closed, type: cohort, unit_of_count: report, start: reported, period: month, follow_up: [1], linked_by: report_closed,"
    " states: {nothing: [], closed: [report_closed], with_bench: [case_received]}, leaf: {}}",
]
REPORTS = [  # offence, reported on, closed on, person
    ("theft", date(2023, 11, 20), None, 1),  # before the opening month: in stock from the start
    ("theft", date(2024, 1, 3), date(2024, 1, 3), 1),  # in and out within a month
    ("theft", date(2024, 1, 5), date(2024, 2, 10), 1),
    ("assault", date(2024, 1, 31), None, 2),
    ("assault", date(2024, 3, 1), date(2024, 3, 29), 1),
    ("assault", date(2024, 3, 2), date(2024, 4, 2), 3),  # the partner's plan: after the run's date
]


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The cubes of these reports, and of two cases that come from the third and the fourth; tests read them only."""
    root = tmp_path_factory.mktemp("kinds")
    settings = toy_settings(root, toy(root))
    run = Run.start(settings, date(2024, 3, 31))
    known = {"known_from": date(2024, 3, 1)}
    reports = [
        {"record_no": n, "offence_concept": offence, "committed_on": on, "reported_on": on, "closed_on": closed} | known
        for n, (offence, on, closed, _) in enumerate(REPORTS)
    ]
    cases = [{"record_no": n, "received_on": date(2024, 2, day)} | known for n, day in ((1, 12), (2, 20))]
    rulings = [
        {"record_no": n, "sub": "1", "ruling_no": number, "ruled_on": date(2024, 3, day), "ruling_concept": "guilty"} | known
        for n, number, day in ((1, 2, 20), (2, 1, 31))
    ]
    links = [{"unit": "report", "record_no": n, "person_id": person, "case_id": n} for n, (*_, person) in enumerate(REPORTS)]
    links += [{"unit": "case", "record_no": n, "person_id": n, "case_id": n + 1} for n in (1, 2)]
    put_content(run, {"watch/reports": reports, "bench/cases": cases, "bench/rulings": rulings}, links=links)
    produce(run, "terminology/concepts", build_concepts)
    make_events(run)
    make_spells(run)
    make(run)
    return run


def toy(root: Path) -> Path:
    """The toy jurisdiction with these cubes, where a ruling has an amount and another publisher counts inhabitants."""
    folder = write_statistics(root, CUBES)
    events = folder / "contracts" / "bench" / "events.yaml"
    with_amount = events.read_text(encoding="utf-8").replace("outcome: ruling_concept", "outcome: ruling_concept, amount: ruling_no")
    events.write_text(with_amount, encoding="utf-8")
    for name, text in ALMANAC.items():
        (folder / "external" / "almanac").mkdir(parents=True, exist_ok=True)
        (folder / "external" / "almanac" / name).write_text(text, encoding="utf-8")
    return folder


def make(run: Run) -> None:
    produce(run, "statistics/cubes", build_cubes, inputs=["chain/events", "chain/spells", "terminology/concepts"])


def cube(run: Run, name: str) -> list[tuple[Any, ...]]:
    """The rows of a cube without the kind of period."""
    path = run.lake.open("statistics/cubes").path(f"{name}.parquet")
    with run.connect(confidential=True) as connection:
        return [(*row[:-3], *row[-2:]) for row in connection.execute(f"SELECT * FROM {engine.parquet([path])}").fetchall()]


@pytest.mark.slow
def test_a_balance_counts_what_began_ended_and_is_open_at_the_end_of_each_month(counted: Run) -> None:
    assert cube(counted, "open_inflow") == [("property", "2024-01", 2), ("violence", "2024-01", 1), ("violence", "2024-03", 2)]
    assert cube(counted, "open_outflow") == [("property", "2024-01", 1), ("property", "2024-02", 1), ("violence", "2024-03", 1)]
    assert cube(counted, "open_closing") == [
        ("property", "2023-12", 1),
        ("property", "2024-01", 2),
        ("property", "2024-02", 1),
        ("property", "2024-03", 1),
        ("violence", "2024-01", 1),
        ("violence", "2024-02", 1),
        ("violence", "2024-03", 2),
    ]


@pytest.mark.slow
def test_the_stock_is_counted_by_the_calendar_months_since_it_began(counted: Run) -> None:
    assert cube(counted, "open_waiting") == [
        ("from_month_0", "2024-01", 2),
        ("from_month_0", "2024-03", 1),
        ("from_month_1", "2023-12", 1),
        ("from_month_1", "2024-01", 1),
        ("from_month_1", "2024-02", 1),
        ("from_month_1", "2024-03", 1),
        ("from_month_3", "2024-02", 1),
        ("from_month_3", "2024-03", 1),
    ]


def test_a_duration_counts_whole_weeks_and_what_is_open_as_long_as_it_has_been(counted: Run) -> None:
    assert cube(counted, "handling") == [
        ("0", "closed", "2024", 1),  # a day
        ("4", "closed", "2024", 1),  # 28 days
        ("4", "open", "2024", 1),  # since 2 March; its end is a plan
        ("5", "closed", "2024", 1),  # 36 days
        ("8", "open", "2024", 1),  # 60 days
    ]


def test_a_cohort_is_in_the_furthest_state_that_it_reached_in_time(counted: Run) -> None:
    assert cube(counted, "onward_1") == [
        ("closed", "2024-01", 1),
        ("nothing", "2024-01", 1),
        ("with_bench", "2024-01", 1),
    ], "of those of March the month is not over"
    assert cube(counted, "onward_2") == [("closed", "2024-01", 1), ("with_bench", "2024-01", 2)]


def test_a_case_of_another_unit_counts_once_the_event_that_links_it_happened(counted: Run) -> None:
    """The fourth report has a case, but was not closed."""
    assert cube(counted, "onward_closed_1") == [("closed", "2024-01", 1), ("nothing", "2024-01", 2)]


def test_what_was_sent_is_received_or_not(counted: Run) -> None:
    """Of three reports sent to the bench, it has a case of the second; for the third the month is not over."""
    assert cube(counted, "to_bench_1") == [("received", "2024-02", 1), ("sent", "2024-01", 1)]
    (verdict,) = [v for v in counted.lake.open("statistics/cubes").verdicts if v["rule"] == "F04"]
    assert verdict["passed"], "one of two is too few to judge"
    assert verdict["facts"] == {"to_bench_sent": 2, "to_bench_late": 0, "to_bench_not_found": 1}


@pytest.mark.breaks("F04")
@pytest.mark.parametrize(("times", "severity"), [(20, "warn"), (100, "block")])
def test_what_never_arrives_is_seen(times: int, severity: str, counted: Run) -> None:
    """Of so many and a hundred sent in January, the hundred were received."""
    statistics = load_statistics(counted.jurisdiction)
    rows = f"(VALUES ('sent', '2024-01', {times}), ('received', '2024-01', 100))"
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"CREATE VIEW cube_to_bench_1 AS SELECT * FROM {rows} AS rows (state, period, n)")
        verdict = judging.handovers_arrive(connection, statistics, Limits().not_received)
    assert (verdict.passed, verdict.severity) == (False, severity)
    assert f"{times} of {times + 100} sent to bench were not received after 1 months" in verdict.sentence


def test_an_event_is_in_the_class_of_its_amount(counted: Run) -> None:
    assert cube(counted, "rulings") == [("number_0", "2024", 1), ("number_2", "2024", 1)]


def test_a_person_counts_once_a_year_where_the_first_event_is(counted: Run) -> None:
    assert cube(counted, "persons") == [("property", "2024", 1), ("violence", "2024", 2)]


@pytest.mark.slow
@pytest.mark.breaks("F01")
def test_a_stock_that_is_not_what_came_and_went_is_seen(counted: Run, tmp_path: Path) -> None:
    run = replace(counted, lake=Lake(tmp_path / "home"))
    shutil.copytree(counted.lake.home, run.lake.home)
    wrong = "SELECT * REPLACE (CASE WHEN record_no = 2 THEN 'reported' ELSE closed_by END AS closed_by) FROM rows"
    plant(run, "chain/spells", "watch/report.parquet", wrong)
    with pytest.raises(GateFailed) as caught:
        make(run)
    assert "F01" in {v.rule for v in caught.value.verdicts if not v.passed}


ALMANAC = {
    "source.yaml": """
source: almanac
title: {nl: Almanak, en: Almanac}
publisher: {nl: De drukker, en: The printer}
description: {nl: Verzonnen., en: Invented.}
url: https://example.org/almanac
licence: {name: CC0-1.0, title: CC0, url: "https://example.org/licence"}
vintage: 2024-01-15
retrieved: {nl: Uit de almanak., en: From the almanac.}
file: heads.csv
unit: person
measure: heads
columns:
  - {name: year, type: integer, required: true, description: {nl: Jaar, en: Year}}
  - {name: heads, type: integer, required: true, description: {nl: Inwoners, en: Inhabitants}}
key: [year]
table: inhabitants
totals: {2024: 6000}
""",
    "heads.csv": "year,heads\n2024,6000\n",
}
TABLES = {  # a file each
    "reports": "cube: reports\nby: {offence: group, period: [month, year]}",
    "rulings": "cube: rulings\nby: {number: band, period: year}",
    "thefts": "cube: reports\nshares: {thefts: {where: {offence: [property]}}}\nby: {period: [month, year]}",
    "settled": "cube: reports\nshares: {settled: {cube: open_outflow}}\nby: {offence: group, period: [month, year]}",
    "ruled_share": "cube: reports\nshares: {ruled_share: {cube: rulings}}\nby: {period: year}",
    "per_head": "cube: reports\nrates: {per_head: {source: inhabitants, measure: heads, per: 1000}}\nby: {period: year}",
    "open": "cube: open\nby: {offence: group, period: month}",
    "waiting": "cube: open_waiting\nby: {waiting: band, period: month}",
    "handling_counts": "cube: handling\nby: {weeks: band, ended: ended, period: year}",
    "handling": "cube: handling\nmeasures: [median, plain_median]\nby: {period: year}",
    "still_open": "cube: handling\nmeasures: [still_open]\nby: {period: year}",
    "amounts": "cube: rulings\nmeasures: [quarter_up_to, half_up_to, three_quarters_up_to]\nby: {period: year}",
    "onward": "cube: onward\nby: {state: state, period: [month, year]}",
    "persons": "cube: persons\nby: {offence: group, period: year}",
}
WORDS = {
    "units": ("person", "week", "percent", "per_1000", "number"),
    "columns": ("number", "movement", "waiting", "weeks", "ended", "measure", "months", "state", "n_derived"),
    "codes": (
        *(
            "opening",
            "inflow",
            "outflow",
            "corrections",
            "closing",
            "from_month_0",
            "from_month_1",
            "from_month_3",
            "median",
            "plain_median",
        ),
        *("from_week_0", "from_week_1", "from_week_4", "from_week_10", "after_week_1", "after_week_4", "after_week_10", "closed", "open"),
        *("quarter_up_to", "half_up_to", "three_quarters_up_to"),
        *("number_0", "number_2", "number_5", "thefts", "settled", "ruled_share", "per_head"),
        *("after_month_1", "after_month_2", "nothing", "with_bench", "decided", "not_shown"),
    ),
}


@pytest.fixture(scope="module")
def published(counted: Run, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """A candidate with a table of each kind, of the same cubes sixtyfold: enough for a median."""
    root = tmp_path_factory.mktemp("published")
    jurisdiction = toy(root)
    for name, text in TABLES.items():
        texts = "".join(f"{key}: {{nl: n, en: e}}\n" for key in ("title", "description", "notes"))
        (jurisdiction / "statistics" / f"{name}.yaml").write_text(f"table: {name}\n{texts}theme: crime\n{text}\n", encoding="utf-8")
    words = (jurisdiction / "texts" / "tables.yaml").read_text(encoding="utf-8")
    for part, names in WORDS.items():
        listed = "".join(f"  {name}: {{nl: {name}, en: {name}}}\n" for name in names)
        words = words.replace(f"\n{part}:\n", f"\n{part}:\n{listed}")
    (jurisdiction / "texts" / "tables.yaml").write_text(words, encoding="utf-8")
    run = replace(counted, lake=Lake(root / "home"), jurisdiction=Jurisdiction(jurisdiction))
    shutil.copytree(counted.lake.home, run.lake.home)
    for one in load_statistics(run.jurisdiction).cubes:
        plant(run, "statistics/cubes", f"{one.name}.parquet", "SELECT * REPLACE (60 * n AS n) FROM rows")
    take_in_external(run, "almanac")
    produce(run, "terminology/external", build_external, inputs=["terminology/concepts", "deliveries/almanac"])
    produce(run, "disclosure/leaves", build_leaves, inputs=["statistics/cubes", "terminology/concepts"])
    made = produce(
        run, "publication/candidate", build_candidate, inputs=["disclosure/leaves", "terminology/concepts", "terminology/external"]
    )
    return read_release(made.version.folder)


def rows(release: Published, table: str, **where: str) -> list[tuple[Any, ...]]:
    """The cells of a published table with these codes, without those of 0: the other codes, the period and the count."""
    shown = release.tables[table].rows.to_pylist()
    keys = [key for key in [*release.tables[table].keys, "n"] if key not in {*where, "period_kind"}]
    return [tuple(row[key] for key in keys) for row in shown if row["n"] and all(row[key] == value for key, value in where.items())]


@pytest.mark.slow
def test_a_published_balance_closes_with_its_corrections(published: Published) -> None:
    assert rows(published, "open", offence="all", period="2024-01") == [("closing", 180), ("inflow", 180), ("opening", 60), ("outflow", 60)]
    assert rows(published, "open", movement="opening", offence="all") == [("2024-01", 60), ("2024-02", 180), ("2024-03", 120)]


@pytest.mark.slow
def test_follow_ups_of_a_cohort_have_one_total_in_the_periods_that_were_followed(published: Published) -> None:
    """On 31 March a month is over for January and February, two for January, six for none, and none for all of the year."""
    totals = rows(published, "onward", state="all")
    assert totals == [("after_month_1", "2024-01", 180), ("after_month_2", "2024-01", 180)]
    shown = published.tables["onward"].rows.group_by(["months", "period"]).aggregate([]).to_pylist()
    assert sorted((row["months"], row["period"]) for row in shown) == [
        ("after_month_1", "2024-01"),
        ("after_month_1", "2024-02"),
        ("after_month_2", "2024-01"),
    ]
    assert rows(published, "onward", months="after_month_2", period="2024-01", period_kind="month") == [
        ("all", 180),
        ("closed", 60),
        ("with_bench", 120),
    ]


def test_medians_come_from_protected_counts_with_what_is_open(published: Published) -> None:
    """Ended after 0, 4 and 5 weeks, open after 4 and 8: after 1 and 4 weeks 4/5 are open; nothing was followed for 10 weeks."""
    assert rows(published, "handling") == [("median", "2024", 5), ("plain_median", "2024", 4)]
    assert rows(published, "still_open") == [("after_week_1", "2024", 80), ("after_week_4", "2024", 80)]
    unshown = [row for row in published.tables["still_open"].rows.to_pylist() if row["status"] == "not_shown" and row["period"] == "2024"]
    assert [code for row in unshown for code in row.values() if str(code).startswith("after_")] == ["after_week_10"]


def test_amounts_come_from_protected_counts_by_class(published: Published) -> None:
    """60 of less than 2 and 60 of 2 to 5: the 30th is half of the way to 2, the 60th at 2, the 90th half of the way from 2 to 5."""
    assert rows(published, "rulings", period="2024") == [("all", 120), ("number_0", 60), ("number_2", 60)]
    assert rows(published, "amounts") == [("half_up_to", "2024", 2), ("quarter_up_to", "2024", 1), ("three_quarters_up_to", "2024", 4)]
    facts = published.tables["amounts"].facts
    assert (facts["unit_of_count"], facts["counts"], facts["shown"]) == ("number", "rulings", {"measure": "half_up_to"})


def test_a_share_is_a_percentage_of_a_protected_count(published: Published) -> None:
    """Of 300 reports 120 were of property; in March none of 120, which is shown as the least percentage of so few."""
    assert rows(published, "thefts", measure="thefts") == [("2024-01", 67), ("2024-03", 5), ("2024", 40)]
    assert rows(published, "ruled_share", measure="ruled_share") == [("2024", 40)], "of a cube by year, of one by month"
    assert rows(published, "settled", period="2024", measure="settled") == [("all", 60), ("property", 95), ("violence", 33)]


def test_a_share_of_too_few_is_not_shown(published: Published) -> None:
    february = [row for row in published.tables["thefts"].rows.to_pylist() if row["period"] == "2024-02"]
    assert [(row["n"], row["status"]) for row in february] == [(0, "not_shown")]


def test_a_rate_is_a_protected_count_by_another_publishers_figure(published: Published) -> None:
    assert rows(published, "per_head", measure="per_head") == [("2024", 50)]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("cube: reports\nmeasures: [half_up_to]\nby: {period: year}", "only a table of a duration, or of a cube with `bands`"),
        ("cube: rulings\nmeasures: [median]\nby: {period: year}", "median is no measure of a cube of type flow"),
        ("cube: handling\nmeasures: [half_up_to]\nby: {period: year}", "half_up_to is no measure of a cube of type duration"),
        (
            "cube: rulings\nmeasures: [half_up_to]\nby: {period: year}",
            r"publish the counts of cube rulings too, in a table by .*'number': 'band'",
        ),
        (
            "cube: reports\nshares: {a: {where: {offence: [property]}}}\nby: {offence: group, period: year}",
            "must be a dimension of reports",
        ),
        ("cube: reports\nshares: {a: {where: {offence: [proprty]}}}\nby: {period: year}", "proprty is no value of offence.*property"),
        ("cube: reports\nshares: {a: {cube: open_outflw}}\nby: {period: year}", "there is no cube open_outflw .* open_outflow"),
        ("cube: reports\nshares: {a: {cube: rulings}}\nby: {offence: group, period: year}", "rulings has no dimension offence"),
        ("cube: reports\nshares: {a: {cube: open_closing}}\nby: {period: year}", "does not add up over time"),
        ("cube: open\nshares: {a: {cube: reports}}\nby: {period: month}", "name a part of the statistic"),
    ],
)
def test_a_share_of_something_else_is_refused(text: str, mistake: str, tmp_path: Path) -> None:
    folder = toy(tmp_path)
    texts = "".join(f"{key}: {{nl: n, en: e}}\n" for key in ("title", "description", "notes"))
    (folder / "statistics" / "wrong.yaml").write_text(f"table: wrong\n{texts}theme: crime\n{text}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=mistake):
        load_statistics(Jurisdiction(folder))


def test_a_rate_per_what_nobody_counts_is_found(tmp_path: Path) -> None:
    folder = toy(tmp_path)
    texts = "".join(f"{key}: {{nl: n, en: e}}\n" for key in ("title", "description", "notes"))
    rate = "cube: reports\nrates: {a: {source: inhabitnts, measure: heads, per: 1000}}\nby: {period: year}"
    (folder / "statistics" / "wrong.yaml").write_text(f"table: wrong\n{texts}theme: crime\n{rate}\n", encoding="utf-8")
    (fault,) = rates(Jurisdiction(folder))
    assert "rates.a.source: no external source makes a table inhabitnts" in str(fault)


def test_what_is_derived_and_what_closes_passes_the_auditor(published: Published) -> None:
    with audited(published) as connection:
        assert tables.figures_have_enough(published, connection, 50).passed
        assert tables.balances_close(published, connection).passed
        assert tables.tables_are_full(published, connection).passed
        assert tables.totals_add_up(published, connection).passed


@pytest.mark.breaks("D04")
def test_a_median_of_too_few_is_seen(published: Published) -> None:
    counts = published.tables["handling_counts"]
    few = counts.rows.set_column(counts.rows.column_names.index("n"), "n", pc.divide(counts.rows["n"], 10))
    wrong = replace(published, tables=published.tables | {"handling_counts": replace(counts, rows=few)})
    with audited(wrong) as connection:
        assert not tables.figures_have_enough(wrong, connection, 50).passed


def test_a_balance_that_does_not_close_is_seen(published: Published) -> None:
    balance = published.tables["open"]
    moved = pc.if_else(pc.equal(balance.rows["movement"], "inflow"), pc.add(balance.rows["n"], 5), balance.rows["n"])
    wrong = replace(published, tables=published.tables | {"open": replace(balance, rows=balance.rows.set_column(4, "n", moved))})
    with audited(wrong) as connection:
        assert not tables.balances_close(wrong, connection).passed


def test_a_page_shows_the_lines_of_a_stock_and_the_follow_ups_of_a_cohort(published: Published) -> None:
    stock, cohort, median = (on_page(published, name) for name in ("open", "onward", "handling"))
    assert stock.grids[0].heads == ["opening", "inflow", "outflow", "corrections", "closing"]
    assert [cell.n for cell in stock.grids[0].rows[0].cells if cell] == [120, 120, 60, 0, 180], "all offences, the last month"
    assert "In March 2024*: 180 reports" in stock.finding.striptags()
    assert cohort.grids[0].heads == ["after_month_1"], "of the newest month"
    assert [row.label for row in cohort.grids[0].rows] == ["Total", "nothing", "closed", "with_bench", "decided"]
    assert [cell.n for row in median.grids[0].rows for cell in row.cells if cell] == [5, 4]


def on_page(release: Published, table: str) -> Figure:
    """The figure of a published table, in English."""
    words = load_words(Jurisdiction(TOY))
    units = {"report": "reports", "week": "weeks"}
    return figure(PublishedTable(release.tables[table].path), date(2024, 3, 31), Language("en", words), units)


@contextmanager
def audited(release: Published) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the tables of a release, as the auditor has them."""
    with duckdb.connect(":memory:") as connection:
        for name, table in release.tables.items():
            connection.register(name, table.rows)
        yield connection
