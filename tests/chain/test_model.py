"""events.yaml and chain.yaml are read together, and every mistake is named with its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from das_pipeline.chain import load_chain
from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from tests.chain.conftest import write_full_chain

CHAIN, EVENTS = "chain.yaml", "contracts/bench/events.yaml"


def test_a_chain_is_its_units_and_spells(toy: Jurisdiction) -> None:
    chain = load_chain(toy)
    assert {name: [unit.partner for unit in by_partner] for name, by_partner in chain.units.items()} == {
        "report": ["watch"],
        "case": ["bench"],
    }
    assert chain.attributes == {"offence": "VARCHAR", "region": "VARCHAR", "age": "SMALLINT", "sex": "VARCHAR"}
    assert chain.outcome_scheme("ruled") == "ruling"
    assert chain.unit_of("reported") == "report"


def test_a_kind_that_reopens_is_an_entry(tmp_path: Path) -> None:
    chain = load_chain(Jurisdiction(write_full_chain(tmp_path)))
    assert [(kind, role) for spell, kind, role in chain.roles() if spell == "open_case"] == [
        ("case_received", "entry"),
        ("retried", "entry"),
        ("adjourned", "move"),
        ("ruled", "exit"),
    ]


@pytest.mark.parametrize(
    ("file", "written", "instead", "complaint"),
    [
        (EVENTS, "of: cases", "of: cases\n  rows: rulings", "case: a unit has either `of`"),
        (EVENTS, "date: received_on", "date: recieved_on", "case.events[0].date: cases has no content column recieved_on"),
        (
            EVENTS,
            "date: received_on",
            "date: case_no",
            "cases has no content column case_no; columns with `privacy: direct`",
        ),
        (EVENTS, "from: rulings, date: ruled_on", "from: rulings, date: ruling", "event adjourned: rulings.ruling is not a date"),
        (EVENTS, "from: rulings.ruling_concept", "from: verdicts.ruling_concept", "partner bench has no contract for a file verdicts"),
        (EVENTS, "outcome: ruling_concept, when", "outcome: ruled_on_age, when", "rulings has no content column ruled_on_age"),
        (EVENTS, "pick: last_ruling", "pick: first_ruling", "pick first_ruling is not among the picks of chain.yaml"),
        (EVENTS, "attributes: {offence:", "attributes: {crime:", "attribute crime is not among the attributes of chain.yaml"),
        (EVENTS, "kind: retried", "kind: ruled", "`order` must list every kind of the units once; look at retried"),
        (EVENTS, "kind: adjourned", "kind: case_received", "event case_received is reported more than once"),
        (
            CHAIN,
            "reported, report_closed, case_received",
            "reported, case_received",
            "`order` must list every kind of the units once; look at report_closed",
        ),
        (CHAIN, "order_across: [reported,", "order_across: [arrested,", "`order_across` names kinds that no unit has: arrested"),
        (CHAIN, "unit: report,", "unit: story,", "spell open_report: there is no unit story"),
        (CHAIN, "opens: [reported]", "opens: [ruled]", "spell open_report: unit report has no event ruled"),
        (CHAIN, "moves: [adjourned]", "moves: [case_received]", "case_received turns more than one spell, or one in two ways"),
        (CHAIN, "{ruled: acquitted, by: retried}", "{adjourned: acquitted, by: retried}", "adjourned does not close it"),
        (
            CHAIN,
            "{ruled: acquitted, by: retried}",
            "{ruled: acquitted}",
            "write {<kind that closed>: <its outcome>, by: <kind that reopens>}",
        ),
        (CHAIN, "2024-01-01", "2024-01-02", "opening_month: it must be the first day of a month: 2024-01-01"),
        (CHAIN, "picks: {last_ruling: [-ruling_no]}", "picks: {last_ruling: [-ruling_date]}", "rulings has no content column ruling_date"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, file: str, written: str, instead: str, complaint: str) -> None:
    folder = write_full_chain(tmp_path)
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert written in text
    path.write_text(text.replace(written, instead, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=re.escape(complaint)):
        load_chain(Jurisdiction(folder))


def test_a_kind_may_be_reported_in_several_ways_by_rows_with_different_values(tmp_path: Path) -> None:
    folder = write_full_chain(tmp_path)
    path = folder / EVENTS
    text = path.read_text(encoding="utf-8")
    entry = "    - {kind: ruled, from: rulings, date: ruled_on, to: bench, when: {ruling_concept: [VALUE]}}\n"
    path.write_text(text + entry.replace("VALUE", "not_proven"), encoding="utf-8")
    assert len(load_chain(Jurisdiction(folder)).units["case"][0].reported) == 5
    path.write_text(text + entry.replace("VALUE", "guilty"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="event ruled is reported more than once"):
        load_chain(Jurisdiction(folder))


def test_an_age_is_an_attribute_and_nothing_else(tmp_path: Path) -> None:
    folder = write_full_chain(tmp_path)
    path = folder / "contracts/watch/events.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("date: reported_on", "date: reported_on, outcome: committed_on_age"), encoding="utf-8"
    )
    with pytest.raises(ConfigurationError, match="event reported: committed_on_age is an age, and only attributes can be ages"):
        load_chain(Jurisdiction(folder))
