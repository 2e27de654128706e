"""A day maps what it touched, and what readers see is equal to everything mapped anew, row for row."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from das_pipeline import layered
from das_pipeline.deliveries import partners_in, pending, replay, take_in
from das_pipeline.lake import Version
from das_pipeline.run import Run, produce
from das_pipeline.terminology import build_concepts, build_records, records
from tests.conftest import toy_settings
from tests.toy_deliveries import watch_csv, write_delivery

FIRST = date(2024, 2, 1)
OFFENCES = ("10", "11", "21", "zz", "")


def report(number: int, mutation: str, offence: str) -> str:
    rest = "" if mutation == "W" else f"101,Abernathy,Ada,1990-05-01,F,{offence},n,2024-01-02,2024-01-03,,"
    return f"{mutation},R{number:04},{rest or ',,,,,,,,,,'}"


class Place:
    """A home with the watch's reports, which is run day by day."""

    def __init__(self, root: Path) -> None:
        self.settings = toy_settings(root)

    def deliver(self, on: date, sequence: int, lines: Sequence[str], **said: Any) -> None:
        write_delivery(self.settings.inbox, "watch", on, sequence, {"reports": ("reports.csv", watch_csv(list(lines)))}, **said)
        run = Run.start(self.settings, date.max)
        for delivery in pending(run):
            take_in(run, delivery)

    def mapped(self, on: date) -> Version:
        run = Run.start(self.settings, on)
        with patch.multiple("das_pipeline.terminology.mapped_records", judge_completeness=lambda _: complete()):
            produce(run, "terminology/concepts", build_concepts)
            inputs = ["terminology/concepts", *(f"deliveries/{partner}" for partner in partners_in(run))]
            return produce(run, "terminology/records", build_records, inputs=inputs).version

    def mapped_whole(self, on: date) -> Version:
        """The records of a day, made without what was made before."""
        root = self.settings.home / "terminology" / "records"
        shutil.rmtree(root)
        return self.mapped(on)

    def rows(self, on: date) -> list[tuple[Any, ...]]:
        run = Run.start(self.settings, on)
        with run.connect(confidential=True) as connection:
            view = records(run, connection, "watch", "reports")
            return connection.execute(f"SELECT * FROM {view} ORDER BY record_no, sub, known_from, delivery, line_no").fetchall()


def complete() -> Any:
    from das_pipeline.gate import Verdict

    return Verdict("I10", passed=True, sentence="Every partner has delivered in time.")


def judged(version: Version) -> tuple[Any, ...]:
    return version.verdicts, version.facts["columns"]


@pytest.fixture(autouse=True)
def any_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layered, "LARGEST", 100)  # a few rows are a large share of a few rows


change = st.tuples(st.integers(1, 8), st.sampled_from("NCCW"), st.sampled_from(OFFENCES))
day = st.lists(change, max_size=6, unique_by=lambda row: row[0])


@pytest.mark.slow
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(days=st.lists(st.tuples(day, st.booleans()), min_size=2, max_size=4), is_replayed=st.booleans())
def test_day_by_day_equals_whole(days: list[tuple[list[tuple[int, str, str]], bool]], is_replayed: bool) -> None:
    """Deltas with corrections, withdrawals and returns; a delivery may replace the one before; deliveries may be replayed."""
    with TemporaryDirectory() as folder:
        place = Place(Path(folder))
        place.deliver(FIRST, 1, [report(n, "N", OFFENCES[n % 2]) for n in range(1, 6)])
        place.mapped(FIRST)
        sequence, number, on = 1, 1, FIRST
        for changes, is_again in days:
            before, on = on, on + timedelta(days=1)
            again = is_again and sequence > 1
            said = {"number": number + 1, "replaces": f"{before}.{number}", "delivered_on": on.isoformat()} if again else {}
            if again:
                place.deliver(before, sequence, [report(*row) for row in changes], **said)
                number, on = number + 1, before
            else:
                sequence, number = sequence + 1, 1
                place.deliver(on, sequence, [report(*row) for row in changes])
            last = FIRST + timedelta(days=20)
            live = place.mapped(last)
        if is_replayed:
            rows = place.rows(last)
            replay(Run.start(place.settings, date.max), "watch")
            assert "watch/reports.overlay.parquet" not in place.mapped(last).files, "what was replayed is mapped anew"
            assert place.rows(last) == rows
        rows, live = place.rows(last), place.mapped(last)
        whole = place.mapped_whole(last)
        assert place.rows(last) == rows
        assert judged(whole) == judged(live)


@pytest.mark.slow
def test_a_day_shares_the_base_and_adds_what_it_touched(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.deliver(FIRST, 1, [report(n, "N", "10") for n in range(1, 6)])
    first = place.mapped(FIRST)
    place.deliver(FIRST + timedelta(days=1), 2, [report(2, "C", "11"), report(6, "N", "zz"), report(3, "W", "")])
    day = place.mapped(FIRST + timedelta(days=1))
    assert day.files["watch/reports.parquet"] == first.files["watch/reports.parquet"]
    assert day.files["watch/reports.overlay.parquet"].rows == 4  # two versions of 2, one of 3 and of 6
    assert [row[0] for row in place.rows(FIRST + timedelta(days=1))] == [1, 2, 2, 3, 4, 5, 6]
    rows = place.rows(FIRST + timedelta(days=1))
    assert judged(place.mapped_whole(FIRST + timedelta(days=1))) == judged(day)
    assert place.rows(FIRST + timedelta(days=1)) == rows


@pytest.mark.slow
def test_a_new_month_and_an_earlier_day_are_made_whole(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.deliver(FIRST, 1, [report(n, "N", "10") for n in range(1, 6)])
    place.mapped(FIRST + timedelta(days=5))
    place.deliver(FIRST + timedelta(days=1), 2, [report(2, "C", "11")])
    assert "watch/reports.overlay.parquet" in place.mapped(FIRST + timedelta(days=6)).files
    assert "watch/reports.overlay.parquet" not in place.mapped(FIRST + timedelta(days=2)).files
    assert "watch/reports.overlay.parquet" not in place.mapped(FIRST + timedelta(days=35)).files
