"""A day tells anew what it touched, and what readers see is equal to everything told anew, row for row."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from das_pipeline import layered
from das_pipeline.deliveries import pending, take_in
from das_pipeline.run import Run
from tests.chain.making import make_events, make_flows, make_spells
from tests.conftest import TOY, toy_settings
from tests.content import read
from tests.linkage.conftest import link_as_of
from tests.toy_deliveries import bench_cases, watch_csv, write_delivery

FIRST = date(2024, 2, 1)
PEOPLE = (
    "101,Abernathy,Ada,1990-05-01,F",
    "102,Brockhurst,Ben,1985-07-12,M",
    ",Abernathy,Ada,1990-05-01,F",
    "101,Abernathy,Ada,1990-01-01,F",
)
ENDS = ("", "2024-01-20", "2024-01-02")  # the last before it was reported: out of order


def report(number: int, mutation: str, person: int = 0, end: int = 0, offence: str = "10") -> str:
    rest = f"{PEOPLE[person]},{offence},n,2024-01-02,2024-01-03,{ENDS[end]}," if mutation != "W" else ",,,,,,,,,,"
    return f"{mutation},R{number:04},{rest}"


class Place:
    """A home in which the watch delivers day by day, and whose chain is told each day."""

    def __init__(self, root: Path, jurisdiction: Path = TOY) -> None:
        self.settings = toy_settings(root, jurisdiction)
        write_delivery(
            self.settings.inbox, "bench", FIRST, 1, {"cases": ("cases.jsonl", bench_cases((1, 2, 3))), "rulings": ("rulings.txt", b"")}
        )

    def told(self, on: date, sequence: int = 0, lines: Sequence[str] = ()) -> Run:
        """Deliver `lines`, if there are any, and tell the chain as known on `on`."""
        if sequence:
            write_delivery(self.settings.inbox, "watch", on, sequence, {"reports": ("reports.csv", watch_csv(list(lines)))})
        run = Run.start(self.settings, date.max)
        for delivery in pending(run):
            take_in(run, delivery)
        run = run.known_on(on)
        link_as_of(run)
        make_events(run)
        make_spells(run)
        make_flows(run)
        return run

    def told_whole(self, on: date) -> Run:
        """The chain of a day, told without what was told before."""
        shutil.rmtree(self.settings.home / "chain")
        return self.told(on)


def rows(run: Run) -> list[Any]:
    """All rows of the three tables, and what their rules say."""
    tables = [read(run, f"chain/{table}", "SELECT * FROM rows ORDER BY ALL") for table in ("events", "spells", "flows")]
    return [*tables, *(run.lake.live(f"chain/{table}").verdicts for table in ("events", "spells", "flows"))]


@pytest.fixture(autouse=True)
def any_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layered, "LARGEST", 100)  # a few rows are a large share of a few rows


change = st.tuples(st.integers(1, 8), st.sampled_from("NCCW"), st.integers(0, 3), st.integers(0, 2), st.sampled_from(("10", "11", "21")))
day = st.lists(change, max_size=5, unique_by=lambda row: row[0])


@pytest.mark.slow
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(days=st.lists(day, min_size=2, max_size=4))
def test_day_by_day_equals_whole(days: list[list[tuple[int, str, int, int, str]]]) -> None:
    """Deltas with corrections, also of the person, withdrawals and returns; an earlier day told again between them."""
    with TemporaryDirectory() as folder:
        place = Place(Path(folder))
        place.told(FIRST, 1, [report(n, "N", n % 3) for n in range(1, 6)])
        for number, changes in enumerate(days, start=1):
            run = place.told(FIRST + timedelta(days=number), number + 1, [report(*row) for row in changes])
            assert run.lake.live("chain/events").places().keys() >= {"watch/report.touched.parquet", "bench/case.touched.parquet"}
        day_by_day = rows(run)
        assert rows(place.told_whole(run.as_of)) == day_by_day
        earlier = rows(place.told(FIRST + timedelta(days=1)))
        assert rows(place.told_whole(FIRST + timedelta(days=1))) == earlier


@pytest.mark.slow
def test_a_day_shares_the_base_and_adds_what_it_touched(tmp_path: Path) -> None:
    place = Place(tmp_path)
    first = place.told(FIRST, 1, [report(n, "N") for n in range(1, 6)]).lake.live("chain/events")
    run = place.told(FIRST + timedelta(days=1), 2, [report(2, "C", end=1), report(6, "N"), report(3, "W")])
    live = run.lake.live("chain/events")
    assert live.files["watch/report.parquet"] == first.files["watch/report.parquet"]
    assert len(read(run, "chain/events", "SELECT * FROM rows WHERE record_no = 2 AND kind = 'reported'")) == 1, "as before, and once"
    assert live.rows == len(read(run, "chain/events")), "rows that the overlay takes the place of are not counted"
    assert live.files["watch/report.overlay.parquet"].rows < live.files["watch/report.parquet"].rows


@pytest.mark.slow
def test_who_gets_another_person_is_touched(tmp_path: Path) -> None:
    """The report of day 2 says who the person of report 1 is, which no delivery touched."""
    place = Place(tmp_path)
    place.told(FIRST, 1, [report(1, "N", 0), report(2, "N", 1)])
    run = place.told(FIRST + timedelta(days=1), 2, [report(2, "C", 0)])
    persons = read(
        run, "chain/events", "SELECT DISTINCT record_no, person_id, case_id FROM rows WHERE unit = 'report' AND known_until > '2025-01-01'"
    )
    assert len({row["person_id"] for row in persons}) == 1
    assert rows(place.told_whole(run.as_of)) == rows(run)
