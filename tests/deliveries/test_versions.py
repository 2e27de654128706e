"""What is in force, as known on a date: corrections, withdrawals, returns, snapshots, completeness."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from das_pipeline.deliveries import account_rows, completeness, newest_vintage, partners_in, quarantine_summary, register_records, replay
from das_pipeline.errors import ConfigurationError, LakeError
from das_pipeline.run import Run
from das_pipeline.settings import Settings
from tests.deliveries.conftest import DAY, NEXT, THIRD, Desk, report
from tests.toy_deliveries import DAYS, WATCH_HEADER, bench_cases, bench_rulings, take_in_all, write_toy_deliveries

FOREVER = date(9999, 12, 31)


def short(rows: list[dict[str, Any]], *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[c] for c in ("record_no", "known_from", "known_until", "is_only", *columns)) for row in rows]


@pytest.mark.slow
def test_a_correction_closes_the_old_version_and_leaves_no_trace_before_it_was_known(desk: Desk) -> None:
    desk.send([report("R0001"), report("R0002")])
    desk.send([report("R0001", mutation="C", offence="11")], NEXT, sequence=2)
    desk.take_in()
    assert short(desk.records(), "offence") == [
        (1, DAY, NEXT, False, "10"),
        (1, NEXT, FOREVER, False, "11"),
        (2, DAY, FOREVER, True, "10"),
    ]
    assert short(desk.records(DAY), "offence") == [(1, DAY, FOREVER, True, "10"), (2, DAY, FOREVER, True, "10")]


@pytest.mark.slow
def test_some_records_are_read_as_they_are_among_all(desk: Desk) -> None:
    desk.send([report("R0001"), report("R0002"), report("R0003")])
    desk.send([report("R0001", mutation="C", offence="11"), "W,R0002,,,,,,,,,,,"], NEXT, sequence=2)
    desk.take_in()
    for on in (DAY, NEXT):
        some = desk.records(on, only="(SELECT unnest([1, 2]) AS record_no)")
        assert some == [row for row in desk.records(on) if row["record_no"] in (1, 2)]
    assert [row["is_only"] for row in some] == [False, False, True]


@pytest.mark.slow
def test_a_new_month_merges_the_files_of_the_one_before(desk: Desk) -> None:
    day = date(2024, 1, 29)
    desk.send([report(f"R{n:04}") for n in range(1, 5)], day)
    desk.send([report("R0001", mutation="C", offence="11"), report("R0005")], date(2024, 1, 30), sequence=2)
    desk.send(["W,R0002,,,,,,,,,,,"], DAY, sequence=3)
    january = desk.take_in()
    before = {half: desk.records(half=half) for half in ("content", "direct")}
    desk.send([report("R0001", mutation="C", offence="12"), report("R0002")], NEXT, sequence=4)
    february = desk.take_in()
    tables = ("content", "direct", "opened", "closed", "keys")
    names = [name for name in february.files if name.startswith(tables)]
    assert sorted(n.split("/")[0] for n in names if "2024-01" in n) == ["closed", "content", "direct", "keys", "opened"]
    assert sum(january.files[n].rows or 0 for n in january.files if n.startswith(tables)) == sum(
        february.files[n].rows or 0 for n in names if "2024-01" in n
    )
    assert {half: desk.records(DAY, half=half) for half in ("content", "direct")} == before
    assert short(desk.records(), "offence") == [
        (1, day, date(2024, 1, 30), False, "10"),
        (1, date(2024, 1, 30), NEXT, False, "11"),
        (1, NEXT, FOREVER, False, "12"),
        (2, day, DAY, False, "10"),
        (2, NEXT, FOREVER, False, "10"),
        (3, day, FOREVER, True, "10"),
        (4, day, FOREVER, True, "10"),
        (5, date(2024, 1, 30), FOREVER, True, "10"),
    ]
    rows = desk.records()
    replay(desk.run, "watch")
    assert desk.records() == rows


@pytest.mark.slow
def test_a_withdrawn_row_can_come_back(desk: Desk) -> None:
    desk.send([report("R0001")])
    desk.send(["W,R0001,,,,,,,,,,,"], NEXT, sequence=2)  # a withdrawal needs its key only
    desk.send([report("R0001")], THIRD, sequence=3)
    desk.take_in()
    assert short(desk.records()) == [(1, DAY, NEXT, False), (1, THIRD, FOREVER, False)]
    assert [(a.accepted, a.duplicate) for a in account_rows(desk.run)] == [(1, 0), (1, 0), (1, 0)]


@pytest.mark.slow
def test_the_same_row_again_is_a_duplicate_and_not_stored(desk: Desk) -> None:
    desk.send([report("R0001"), report("R0001")])
    desk.send([report("R0001", mutation="C"), "W,R0009,,,,,,,,,,,"], NEXT, sequence=2)
    desk.take_in()
    assert len(desk.records()) == 1
    assert [(a.accepted, a.duplicate, a.quarantined) for a in account_rows(desk.run)] == [(1, 1, 0), (0, 1, 1)]


@pytest.mark.slow
def test_a_quarantined_update_leaves_the_old_version_in_force(desk: Desk) -> None:
    desk.send([report("R0001")])
    desk.send([report("R0001", mutation="C", damage="much"), report("R0002", damage="much")], NEXT, sequence=2)
    desk.take_in()
    assert short(desk.records()) == [(1, DAY, FOREVER, True)]
    assert [(q.rule, q.state, q.rows, q.first_lines) for q in quarantine_summary(desk.run)] == [
        ("K06", "open", 1, ("2024-02-01.1:3",)),
        ("K06", "stale", 1, ("2024-02-01.1:2",)),
    ]
    assert account_rows(desk.run)[-1].stale == 1


@pytest.mark.slow
def test_a_snapshot_withdraws_what_it_leaves_out_but_nothing_that_it_names(desk: Desk) -> None:
    desk.send_bench(bench_cases((1, 2, 3)), b"")
    named = bench_cases((3,)).replace(b"2024-01-25", b"2099-01-25")  # a fault in the row, its key can be read
    desk.send_bench(bench_cases((1,)) + named, b"", NEXT, sequence=2)
    desk.take_in()
    assert short(desk.records(file="cases", partner="bench")) == [(1, DAY, FOREVER, True), (2, DAY, NEXT, True), (3, DAY, FOREVER, True)]


@pytest.mark.slow
def test_nothing_is_withdrawn_when_the_line_without_a_key_may_be_it(desk: Desk, failed) -> None:
    desk.send_bench(bench_cases((1, 2, 3)), b"")
    desk.take_in()
    desk.send_bench(bench_cases((1, 2)) + b"{torn\n", b"", NEXT, sequence=2)
    assert "nothing of it counts as withdrawn" in failed(desk.take_in())["I08"]["sentence"]
    assert len(desk.records(file="cases", partner="bench")) == 3
    assert {r["known_until"] for r in desk.records(file="cases", partner="bench")} == {FOREVER}


@pytest.mark.slow
def test_a_window_withdraws_inside_it_only(desk: Desk) -> None:
    desk.send_bench(bench_cases((1, 2, 3)), b"")  # received on 21, 15 and 25 January
    desk.take_in()
    window = {"column": "received_on", "from": "2024-01-20", "until": "2024-02-01"}
    desk.send_bench(bench_cases((1,)), b"", NEXT, sequence=2, complete_for={"cases": window})
    desk.take_in()
    assert [r["known_until"] for r in desk.records(file="cases", partner="bench")] == [FOREVER, FOREVER, NEXT]


@pytest.mark.slow
def test_the_same_period_again_withdraws_what_only_the_first_one_brought(desk: Desk) -> None:
    desk.send([report("R0001")])
    desk.send([report("R0002"), report("R0003")], NEXT, sequence=2)
    desk.take_in()
    desk.send([report("R0002", offence="11")], NEXT, sequence=2, number=2, replaces="2024-02-01.1", delivered_on="2024-02-02")
    desk.take_in()
    assert short(desk.records(), "offence") == [
        (1, DAY, FOREVER, True, "10"),
        (2, NEXT, THIRD, False, "10"),
        (2, THIRD, FOREVER, False, "11"),
        (3, NEXT, THIRD, True, "10"),
    ]


@pytest.mark.slow
def test_a_replaced_delivery_is_undone(desk: Desk) -> None:
    desk.send([report("R0001"), report("R0002")])
    desk.send([report("R0001", mutation="C", offence="11"), "W,R0002,,,,,,,,,,,"], NEXT, sequence=2)
    desk.send([], NEXT, sequence=2, number=2, replaces="2024-02-01.1", delivered_on="2024-02-02")
    desk.take_in()
    assert short(desk.records(), "offence") == [
        (1, DAY, NEXT, False, "10"),
        (1, NEXT, THIRD, False, "11"),
        (1, THIRD, FOREVER, False, "10"),
        (2, DAY, NEXT, False, "10"),
        (2, THIRD, FOREVER, False, "10"),
    ]
    desk.send([], NEXT, sequence=2, number=3, replaces="2024-02-01.2", delivered_on="2024-02-03")
    desk.take_in()
    assert len(desk.records()) == 5


@pytest.mark.slow
def test_a_replaced_snapshot_restores_nothing_that_it_leaves_out(desk: Desk) -> None:
    desk.send_bench(bench_cases((1, 2)), b"")
    desk.send_bench(bench_cases((1,)), b"", NEXT, sequence=2)
    desk.send_bench(bench_cases((1,)), b"", NEXT, sequence=2, number=2, replaces="2024-02-01.1")
    desk.take_in()
    assert [r["known_until"] for r in desk.records(file="cases", partner="bench")] == [FOREVER, NEXT]


@pytest.mark.slow
def test_a_new_column_of_a_contract_makes_no_new_versions(desk: Desk, tmp_path: Path) -> None:
    desk.send([report("R0001"), report("R0002")])
    desk.take_in()
    folder = tmp_path / "toy"
    shutil.copytree(desk.settings.jurisdiction, folder)
    contract = folder / "contracts" / "watch" / "reports.yaml"
    colour = "  - {name: colour, type: text, since: 2024-02-01, description: {nl: Kleur, en: Colour}}\n"
    contract.write_text(contract.read_text(encoding="utf-8") + colour, encoding="utf-8")
    desk.settings = replace(desk.settings, jurisdiction=folder)
    assert [r["colour"] for r in desk.records()] == [None, None]
    lines = [WATCH_HEADER + ",colour", report("R0001", mutation="C") + ",", report("R0002", mutation="C") + ",red"]
    desk.send(("\n".join(lines) + "\n").encode(), NEXT, sequence=2)
    desk.take_in()
    assert short(desk.records(), "colour") == [(1, DAY, FOREVER, True, None), (2, DAY, NEXT, False, None), (2, NEXT, FOREVER, False, "red")]


def test_files_of_one_unit_share_its_record_numbers(desk: Desk) -> None:
    desk.send_bench(bench_cases((4, 2)), bench_rulings([(2, 1, "20240129", "NG"), (4, 1, "20240130", "GU"), (4, 2, "20240131", "NG")]))
    desk.take_in()
    assert [(r["record_no"], r["sub"], r["ruling"]) for r in desk.records(file="rulings", partner="bench")] == [
        (1, "1", "GU"),
        (1, "2", "NG"),
        (2, "1", "NG"),
    ]


def test_an_empty_delivery_is_accounted_for(desk: Desk) -> None:
    desk.send([])
    version = desk.take_in()
    assert desk.records() == []
    assert [(a.read, a.accepted) for a in account_rows(desk.run)] == [(0, 0)]
    assert {"receipts/2024-01-31.1.json", "receipts/2024-01-31.1.html"} <= version.files.keys()


def test_only_linkage_gets_what_names_a_person(desk: Desk) -> None:
    desk.send([report("R0001")])
    desk.take_in()
    own = {"record_no", "sub", "known_from", "known_until", "is_only", "delivery", "line_no"}
    assert desk.records()[0].keys() - own == {"mutation", "sex", "offence", "ward", "committed_on", "reported_on", "closed_on", "damage"}
    direct = desk.records(half="direct")[0]
    assert {k: direct[k] for k in direct.keys() - own} == {
        "report_no": "R0001", "chain_no": "101", "surname": "Abernathy", "given_names": "Ada", "born_on": date(1990, 5, 1), "sex": "F",
    }  # fmt: skip


def test_records_that_do_not_exist_are_an_error(desk: Desk) -> None:
    with desk.run.connect(identifying=True) as connection:
        with pytest.raises(ConfigurationError, match="no contract for watch/nothing"):
            register_records(desk.run, connection, "watch", "nothing")
        with pytest.raises(LakeError, match="take in a delivery first"):
            register_records(desk.run, connection, "watch", "reports")


@pytest.mark.slow
def test_completeness_as_known_on_a_date(settings: Settings) -> None:
    write_toy_deliveries(settings.inbox)
    assert [(s.state, s.allowed) for s in completeness(Run.start(settings, DAYS[0]))] == [("missing", True), ("missing", False)]
    assert newest_vintage(Run.start(settings, DAYS[0])) is None
    take_in_all(settings)

    def states(on: date) -> list[tuple[str, str, int, bool]]:
        return [(s.partner, s.state, s.late_days, s.allowed) for s in completeness(Run.start(settings, on))]

    assert states(DAYS[2]) == [("bench", "on_time", 0, True), ("watch", "on_time", 0, True)]
    assert states(date(2024, 4, 2)) == [("bench", "late", 1, True), ("watch", "late", 1, True)]
    assert states(date(2024, 4, 9)) == [("bench", "late", 8, True), ("watch", "late", 8, False)]
    assert states(DAYS[0]) == [("bench", "on_time", 0, True), ("watch", "on_time", 0, True)]
    assert newest_vintage(Run.start(settings, date(2024, 3, 1))) == DAYS[1]
    assert partners_in(Run.start(settings, date(2024, 1, 1))) == {}
