"""What is unusual about a file that is right line by line: I06, I14, K09 and F03."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from das_pipeline.deliveries.plausibility import nearly_empty, usual_rows
from das_pipeline.policy import Months, RowCount
from tests.deliveries.conftest import DAY, NEXT, Desk, report

FROM_200 = [(DAY + timedelta(days=n), 200 + n) for n in range(12)]


@pytest.mark.parametrize(
    ("rows", "usual"), [(205, True), (184, True), (240, True), (120, False), (320, False), (0, False)], ids=lambda value: str(value)
)
def test_a_number_of_rows_is_usual_within_chance_and_a_tenth(rows: int, usual: bool) -> None:
    assert (usual_rows(FROM_200, rows, RowCount()) is None) == usual


def test_a_small_file_varies_more_and_a_short_history_says_nothing() -> None:
    assert usual_rows([(DAY, 11)] * 12, 4, RowCount()) is None
    assert usual_rows(FROM_200[:5], 0, RowCount()) is None


def send_days(desk: Desk, days: int, rows: int = 30) -> int:
    """Take in so many days of changes; return the number of the next one."""
    for sequence in range(1, days + 1):
        desk.send([report(f"R{sequence:02}{n:02}") for n in range(rows)], DAY + timedelta(days=sequence), sequence=sequence)
    desk.take_in()
    return days + 1


@pytest.mark.slow
@pytest.mark.breaks("I06")
def test_far_fewer_rows_than_usual_warn_and_with_enough_earlier_files_block(desk: Desk, failed) -> None:
    sequence = send_days(desk, 7)
    desk.send([report("R9901")], DAY + timedelta(days=sequence), sequence=sequence)
    verdict = failed(desk.take_in())["I06"]
    assert verdict["severity"] == "warn"
    assert verdict["sentence"].startswith("reports has 1 rows, where")
    for sequence in range(9, 15):
        desk.send([report(f"R{sequence:02}{n:02}") for n in range(30)], DAY + timedelta(days=sequence), sequence=sequence)
    assert failed(desk.take_in()) == {}
    desk.send([report("R9902")], DAY + timedelta(days=15), sequence=15)
    assert desk.refused()["I06"].severity == "block"


def dated(days: list[date]) -> list[str]:
    return [report(f"R{n:04}", reported=day.isoformat()) for n, day in enumerate(days)]


@pytest.mark.breaks("I14")
def test_a_month_that_is_left_out_of_a_history_is_named(desk: Desk, failed) -> None:
    days = [date(2023, month, 2 + n % 26) for month in range(1, 11) if month != 5 for n in range(45)]
    desk.send(dated(days))
    assert failed(desk.take_in())["I14"]["sentence"].startswith("Months with next to nothing in them: reports.reported_on: 2023-05.")


def test_a_month_is_compared_with_its_neighbours() -> None:
    assert nearly_empty(dict.fromkeys(range(24240, 24250), 100) | {24245: 24}, Months()) == ["2020-06"]
    assert nearly_empty(dict.fromkeys(range(24240, 24250), 100) | {24245: 26}, Months()) == []
    assert nearly_empty(dict.fromkeys(range(24240, 24250), 39) | {24245: 0}, Months()) == []
    assert nearly_empty({}, Months()) == []


@pytest.mark.breaks("K09")
def test_a_day_that_stands_for_others_is_named(desk: Desk, failed) -> None:
    desk.send(dated([date(2023, 1 + n % 12, 2 + n % 26) for n in range(200)] + [date(2023, 1, 1)] * 30))
    assert "reports.reported_on: 1 January. Ask" in failed(desk.take_in())["K09"]["sentence"]


def count_stock(folder: Path, stock: int) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["files"][0]["stock"] = stock
    path.write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.breaks("F03")
def test_a_stock_that_is_not_the_senders_warns_and_blocks_when_it_is_far_off(desk: Desk, failed) -> None:
    count_stock(desk.send([report(f"R{n:04}") for n in range(300)]), 298)  # the sender deleted two without a word
    assert failed(desk.take_in())["F03"]["sentence"].startswith("reports has 300 rows in force, and 298 by the sender's own count.")
    count_stock(desk.send([report("R0400")], NEXT, sequence=2), 260)
    assert desk.refused()["F03"].facts == {"reports_stock_difference": 41}


def test_a_stock_that_is_right_is_right(desk: Desk, failed) -> None:
    count_stock(desk.send([report("R0001"), report("R0002")]), 2)
    count_stock(desk.send([report("R0001", mutation="W")], NEXT, sequence=2), 1)
    assert failed(desk.take_in()) == {}
