"""The calendar of a partner: which deliveries are expected when, and what came. 2024-03-29 is a Friday, and Good Friday."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from das_pipeline.deliveries import completeness, expected_deliveries, load_schedule
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.references import find_faults
from das_pipeline.run import Run
from tests.conftest import TOY
from tests.deliveries.conftest import Desk, report

WORKDAYS = "calendar: {weekdays: [mon, tue, wed, thu, fri], holidays: holidays.csv}"
HOLIDAYS = "day,name\n2024-03-29,Good Friday\n2024-04-01,Easter Monday\n"
THURSDAY, TUESDAY, WEDNESDAY = date(2024, 3, 28), date(2024, 4, 2), date(2024, 4, 3)


def with_calendar(folder: Path, written: str, cadence: str = "daily", holidays: str = HOLIDAYS) -> Jurisdiction:
    shutil.copytree(TOY, folder)
    path = folder / "contracts/watch/partner.yaml"
    text = path.read_text(encoding="utf-8").replace("cadence: daily", f"cadence: {cadence}\n{written}")
    path.write_text(text, encoding="utf-8")
    (folder / "contracts/holidays.csv").write_text(holidays, encoding="utf-8")
    return Jurisdiction(folder)


@pytest.fixture
def desk(desk: Desk, tmp_path: Path) -> Desk:
    """The watch works from Monday to Friday, and not on Good Friday and Easter Monday."""
    desk.settings = replace(desk.settings, jurisdiction=with_calendar(tmp_path / "toy", WORKDAYS).folder)
    return desk


def test_lateness_is_counted_over_the_days_on_which_a_partner_works(desk: Desk) -> None:
    desk.send([report("R0001")], THURSDAY)
    desk.take_in()

    def late(on: date) -> tuple[str, date | None, int]:
        (state,) = [s for s in completeness(Run.start(desk.settings, on)) if s.partner == "watch"]
        return state.state, state.due_on, state.late_days

    assert late(TUESDAY) == ("on_time", WEDNESDAY, 0)  # the next one is about Tuesday, and due a day of work later
    assert late(WEDNESDAY) == ("late", WEDNESDAY, 1)


def test_a_delivery_before_a_long_weekend_is_due_after_it(desk: Desk) -> None:
    desk.send([report("R0001")], THURSDAY, delivered_on=TUESDAY.isoformat())
    receipt = json.loads(desk.take_in().path(f"receipts/{THURSDAY}.1.json").read_text(encoding="utf-8"))
    assert (receipt["due_on"], receipt["is_due_date_met"]) == (TUESDAY.isoformat(), True)


def test_what_is_expected_and_what_came_is_shown(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.send([report("R0001")], date(2024, 3, 26))
    desk.send([report("R0002")], THURSDAY, sequence=2, delivered_on=WEDNESDAY.isoformat())
    desk.take_in()
    shown = expected_deliveries(Run.start(desk.settings, WEDNESDAY), "watch", date(2024, 3, 1), date(2024, 4, 4))
    assert [(e.reference_on.isoformat(), e.due_on.isoformat(), e.delivery, e.state) for e in shown] == [
        ("2024-03-26", "2024-03-27", "2024-03-26.1", "in time"),
        ("2024-03-27", "2024-03-28", None, "none came"),
        ("2024-03-28", "2024-04-02", "2024-03-28.1", "came late"),
        ("2024-04-02", "2024-04-03", None, "late"),
        ("2024-04-03", "2024-04-04", None, "expected"),
        ("2024-04-04", "2024-04-05", None, "expected"),
    ]
    assert expected_deliveries(Run.start(desk.settings, WEDNESDAY), "bench", date(2024, 3, 1), date(2024, 4, 4)) == []
    for name in ("home", "inbox", "keys", "jurisdiction"):
        monkeypatch.setenv(f"DAS_{name.upper()}", str(getattr(desk.settings, name)))
    told = CliRunner().invoke(app, ["calendar", "watch", "--days", "8", "--json"])
    assert [row["state"] for row in json.loads(told.stdout)][:3] == ["in time", "none came", "came late"], told.output


@pytest.mark.parametrize(
    ("cadence", "written", "days"),
    [
        ("weekly", "calendar: {week_day: fri}", ["2024-03-29", "2024-04-05", "2024-04-12"]),
        ("monthly", "calendar: {month_day: 31}", ["2024-03-31", "2024-04-30", "2024-05-31"]),
        ("monthly", "calendar: {month_day: 15}", ["2024-04-15", "2024-05-15", "2024-06-15"]),
        ("weekly", "", ["2024-04-04", "2024-04-11", "2024-04-18"]),
        ("daily", "", ["2024-03-29", "2024-03-30", "2024-03-31"]),
    ],
)
def test_the_days_of_a_cadence(tmp_path: Path, cadence: str, written: str, days: list[str]) -> None:
    schedule, day, listed = load_schedule(with_calendar(tmp_path / "toy", written, cadence), "watch"), THURSDAY, []
    for _ in days:
        day = schedule.next_after(day)
        listed.append(day.isoformat())
    assert listed == days


def test_a_table_is_fresh_as_long_as_the_longest_weekend(tmp_path: Path) -> None:
    """From Thursday's delivery to that about Tuesday, which is due on Wednesday."""
    assert load_schedule(with_calendar(tmp_path / "toy", WORKDAYS), "watch").longest_wait.days == 6


MISTAKES = [
    (WORKDAYS, "daily", "day,name\n2024-02-30,x\n", "contracts/holidays.csv", "2024-02-30 is not a day of the calendar"),
    (WORKDAYS, "daily", "day,name\n2024-03-29,x\n2024-03-29,y\n", "contracts/holidays.csv", "is in an earlier row too"),
    (WORKDAYS.replace("holidays.csv", "holiday.csv"), "daily", HOLIDAYS, "contracts/watch/partner.yaml", "Did you mean holidays.csv?"),
    ("", "daily", HOLIDAYS, "contracts/holidays.csv", "no partner.yaml names this file"),
    (WORKDAYS, "weekly", HOLIDAYS, "contracts/watch/partner.yaml", "week_day is the day of a weekly delivery"),
    (WORKDAYS.replace("mon,", "mo,"), "daily", HOLIDAYS, "contracts/watch/partner.yaml", "Did you mean mon?"),
]


@pytest.mark.parametrize(("written", "cadence", "holidays", "file", "sentence"), MISTAKES, ids=[m[-1][:30] for m in MISTAKES])
def test_a_mistake_in_a_calendar_is_named(tmp_path: Path, written: str, cadence: str, holidays: str, file: str, sentence: str) -> None:
    faults = find_faults(with_calendar(tmp_path / "toy", written, cadence, holidays))
    assert [fault for fault in faults if fault.file == file and sentence in fault.sentence], faults
