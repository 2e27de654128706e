"""Spells become flows and stocks that close, and a fault planted in any of the three is seen."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from das_pipeline import engine
from das_pipeline.chain import load_chain, tables
from das_pipeline.chain.judging import judge_flows
from das_pipeline.gate import GateFailed, Verdict
from das_pipeline.run import Run
from tests.chain.making import make_chain, make_events, make_flows, make_spells
from tests.chain.test_events import case, ruling
from tests.content import plant, put_content, read

BALANCE = "SELECT state, month, opening, inflow, outflow, corrections, closing FROM rows WHERE spell = 'open_case' ORDER BY ALL"

JANUARY, FEBRUARY, MARCH = (date(2024, n, 1) for n in (1, 2, 3))


@pytest.fixture
def content(full: Run) -> Run:
    """Three cases: decided, adjourned and open, and received long before the opening month."""
    rulings = [ruling(1, "1", date(2024, 2, 1), "guilty"), ruling(2, "1", date(2024, 2, 10), "unknown")]
    put_content(
        full, {"bench/cases": [case(1, date(2024, 1, 20)), case(2, date(2024, 1, 25)), case(3, date(2019, 6, 1))], "bench/rulings": rulings}
    )
    return full


def test_opening_and_flows_are_the_closing_stock(content: Run) -> None:
    make_chain(content)
    assert [tuple(row.values()) for row in read(content, "chain/flows", BALANCE)] == [
        ("not_applicable", JANUARY, 0, 3, 0, 0, 3),  # the first month takes in the case of 2019
        ("not_applicable", FEBRUARY, 3, 0, 1, -1, 1),
        ("not_applicable", MARCH, 1, 0, 0, 0, 1),
        ("unknown", JANUARY, 0, 0, 0, 0, 0),
        ("unknown", FEBRUARY, 0, 0, 0, 1, 1),  # adjourned: moved here from the state before
        ("unknown", MARCH, 1, 0, 0, 0, 1),
    ]


def test_months_run_to_the_month_of_the_run(content: Run) -> None:
    make_chain(content)
    assert read(content, "chain/flows", "SELECT MIN(month) AS first, MAX(month) AS last FROM rows") == [{"first": JANUARY, "last": MARCH}]


@pytest.mark.slow
@pytest.mark.breaks("F01")
def test_f01_blocks_when_a_spell_was_lost(content: Run) -> None:
    make_events(content)
    make_spells(content)
    plant(content, "chain/spells", "bench/case.parquet", "SELECT * FROM rows WHERE record_no <> 2")
    with pytest.raises(GateFailed, match=r"F01 .* 1 from the accepted events, in spells open_case of bench"):
        make_flows(content)


@pytest.mark.breaks("F01")
def test_f01_blocks_when_a_spell_was_invented(content: Run) -> None:
    make_events(content)
    make_spells(content)
    plant(
        content,
        "chain/spells",
        "bench/case.parquet",
        "SELECT * FROM rows UNION ALL SELECT * REPLACE (99 AS record_no) FROM rows WHERE record_no = 1",
    )
    with pytest.raises(GateFailed, match="F01"):
        make_flows(content)


@pytest.mark.slow
@pytest.mark.breaks("F01", "F02")
def test_f01_and_f02_see_one_wrong_number(content: Run) -> None:
    make_chain(content)
    flows = f"(SELECT * FROM {engine.parquet(content.lake.open('chain/flows').paths())})"
    assert passed(judge(content, flows)) == {"F01": True, "F02": True}
    for column in ("opening", "inflow", "outflow", "corrections", "closing"):
        one_more = f"{column} + CASE WHEN month = DATE '2024-02-01' AND state = 'unknown' THEN 1 ELSE 0 END AS {column}"
        wrong = f"(SELECT * REPLACE ({one_more}) FROM {flows})"
        assert passed(judge(content, wrong)) == {"F01": False, "F02": column not in {"opening", "closing"}}, column
    missing = f"(SELECT * FROM {flows} WHERE month <> DATE '2024-02-01')"
    assert passed(judge(content, missing)) == {"F01": False, "F02": False}


def judge(run: Run, flows: str) -> list[Verdict]:
    """The verdicts on `flows` beside the live spells and events."""
    chain = load_chain(run.jurisdiction)
    with run.connect(confidential=True) as connection:
        tables.create_months(connection, chain, run.as_of)
        tables.create_spell_tables(connection, chain)
        for name in ("spells", "events"):
            tables.view(connection, name, run.lake.open(f"chain/{name}"))
        connection.execute(f"CREATE TEMP VIEW flows AS SELECT * FROM {flows}")
        return judge_flows(connection, {"as_of": run.as_of, "opening_month": chain.opening_month})


def passed(verdicts: list[Verdict]) -> dict[str, Any]:
    return {v.rule: v.passed for v in verdicts}
