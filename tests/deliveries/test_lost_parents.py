"""Children in force are judged again when their parent ends: each is named, stays in force, and is right again when the parent is back."""

from __future__ import annotations

from typing import Any

import pytest

from das_pipeline.deliveries import lost_parents
from das_pipeline.engine import parquet
from das_pipeline.lake import Version
from tests.deliveries.conftest import DAY, NEXT, THIRD, Desk

KEPT = {"rulings": "nothing", "cases": "all"}  # rulings that are not in the file stay in force


def cases(*numbers: int) -> bytes:
    return "".join(f'{{"case_no": "C{n:04}", "received_on": "2024-01-02"}}\n' for n in numbers).encode()


def rulings(*numbers: int) -> bytes:
    return "".join(f"C{n:04} 120240130GU\n" for n in numbers).encode()


def without_parent(desk: Desk, version: Version) -> list[tuple[Any, ...]]:
    with desk.run.connect(identifying=True) as connection:
        table = parquet([version.path("without_parent/rulings.parquet")])
        return connection.execute(f"SELECT record_no, delivery, line_no, parent_file, parent_no, ended_by FROM {table}").fetchall()


@pytest.mark.slow
@pytest.mark.breaks("K03")
def test_a_child_whose_parent_is_withdrawn_is_named_until_the_parent_is_back(desk: Desk, failed) -> None:
    desk.send_bench(cases(1, 2, 3), rulings(1, 2))
    assert failed(desk.take_in()) == {}
    desk.send_bench(cases(1, 3), b"", NEXT, sequence=2, complete_for=KEPT)
    version = desk.take_in()
    assert failed(version)["K03"]["sentence"].startswith(
        "1 rows in force of rulings have no parent in cases any more, 1 of them since this delivery: record 2 (2024-01-31.1 line 2)."
    )
    assert without_parent(desk, version) == [(2, f"{DAY}.1", 2, "cases", 2, f"{NEXT}.1")]
    assert [r["record_no"] for r in desk.records(file="rulings", partner="bench")] == [1, 2], "both stay in force"
    assert lost_parents(desk.run, "bench")["rulings"]["rows"] == 1
    desk.send_bench(cases(1, 2, 3), b"", THIRD, sequence=3, complete_for=KEPT)
    version = desk.take_in()
    assert (failed(version), without_parent(desk, version), lost_parents(desk.run, "bench")) == ({}, [], {})


@pytest.mark.slow
def test_a_child_that_ends_later_is_named_no_more(desk: Desk, failed) -> None:
    desk.send_bench(cases(1, 2), rulings(1, 2))
    desk.send_bench(cases(1), b"", NEXT, sequence=2, complete_for=KEPT)
    desk.send_bench(cases(1), rulings(1), THIRD, sequence=3)
    assert without_parent(desk, desk.take_in()) == []


@pytest.mark.slow
def test_a_child_that_goes_with_its_parent_is_not_named(desk: Desk, failed) -> None:
    desk.send_bench(cases(1, 2), rulings(1, 2))
    desk.send_bench(cases(1), rulings(1), NEXT, sequence=2)
    assert failed(desk.take_in()) == {}


@pytest.mark.slow
def test_a_child_that_is_delivered_again_without_its_parent_is_set_aside_and_named(desk: Desk, failed) -> None:
    desk.send_bench(cases(1, 2), rulings(1, 2))
    desk.take_in()
    desk.send_bench(cases(1), rulings(1, 2), NEXT, sequence=2)
    version = desk.take_in()
    assert version.facts["account"]["rulings"]["quarantined"] == 1
    assert [row[0] for row in without_parent(desk, version)] == [2]
