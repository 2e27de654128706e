"""A toy chain with everything in it: a pick, a move, a reopening, an order over days, one stay at a time."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from das_pipeline.run import Run
from das_pipeline.settings import Settings
from tests.conftest import TOY

EVENTS = """
case:
  of: cases
  attributes: {offence: {from: rulings.ruling_concept, pick: last_ruling}}
  events:
    - {kind: case_received, date: received_on}
    - {kind: adjourned, from: rulings, date: ruled_on, outcome: ruling_concept, when: {ruling_concept: [unknown]}}
    - {kind: ruled, from: rulings, date: ruled_on, outcome: ruling_concept, when: {ruling_concept: [guilty, acquitted]}}
    - {kind: retried, from: rulings, date: ruled_on, to: bench, when: {ruling_concept: [referred_back]}}
"""
CHAIN = """
attributes: [offence, region, age, sex]
picks: {last_ruling: [-ruling_no]}
opening_month: 2024-01-01
order: [reported, report_closed, case_received, adjourned, retried, ruled]
order_across: [reported, case_received, ruled]
spells:
  open_report: {unit: report, opens: [reported], closes: [report_closed], law: "house rule 1"}
  open_case:
    unit: case
    opens: [case_received]
    moves: [adjourned]
    closes: [ruled]
    reopens: [{ruled: acquitted, by: retried}]
    one_per_person: true
    law: "house rule 2"
"""


MANY_ROWS_EVENTS = """
case:
  rows: rulings
  pick: last_ruling
  attributes: {offence: ruling_concept}
  events: [{kind: ruled, date: ruled_on, outcome: ruling_concept}]
"""
MANY_ROWS_CHAIN = """
attributes: [offence, region, age, sex]
picks: {last_ruling: [-ruling_no]}
opening_month: 2024-01-01
order: [reported, report_closed, ruled]
spells: {open_report: {unit: report, opens: [reported], closes: [report_closed], law: "house rule 1"}}
"""


def write_full_chain(folder: Path, events: str = EVENTS, chain: str = CHAIN) -> Path:
    """A copy of the toy jurisdiction in `folder` with this chain."""
    jurisdiction = folder / "full"
    shutil.copytree(TOY, jurisdiction)
    (jurisdiction / "contracts" / "bench" / "events.yaml").write_text(events, encoding="utf-8")
    (jurisdiction / "chain.yaml").write_text(chain, encoding="utf-8")
    return jurisdiction


@pytest.fixture
def full(settings: Settings, tmp_path: Path) -> Run:
    """A run over an empty lake of that jurisdiction, as known on 31 March 2024."""
    return Run.start(replace(settings, jurisdiction=write_full_chain(tmp_path)), date(2024, 3, 31))
