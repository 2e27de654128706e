"""A day counts anew what it touched, and the cubes are equal to those of everything counted anew, row for row."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from das_pipeline import layered
from das_pipeline.run import Run
from tests.chain.test_base import FIRST, Place, day, report
from tests.content import rows
from tests.statistics.test_kinds import make, toy
from tests.toy_deliveries import bench_cases, bench_rulings, write_delivery


class Counted(Place):
    """A home in which the cubes of every kind are counted each day."""

    def counted(self, run: Run) -> dict[str, Any]:
        """The rows of every cube, what the rules say, and the facts that others read."""
        make(run)
        live = run.lake.live("statistics/cubes")
        cubes = {name: rows(run, live, name) for name in live.files if "/" not in name}
        facts = {name: fact for name, fact in live.facts.items() if name != "base"}
        return cubes | facts | {"verdicts": live.verdicts}

    def counted_whole(self, run: Run) -> dict[str, Any]:
        """The same, of everything, without what was counted before."""
        shutil.rmtree(self.settings.home / "statistics")
        return self.counted(run)


def is_carried_forward(run: Run) -> bool:
    return any(name.startswith("base/") for name in run.lake.live("statistics/cubes").files)


@pytest.fixture(autouse=True)
def any_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layered, "LARGEST", 100)


@pytest.mark.slow
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(days=st.lists(st.tuples(day, st.integers(1, 3)), min_size=1, max_size=3))
def test_day_by_day_equals_whole(days: list[tuple[list[tuple[int, str, int, int, str]], int]]) -> None:
    """Deltas, corrections, also of persons, and withdrawals; days pass between them, so that open spells take longer."""
    with TemporaryDirectory() as folder:
        place = Counted(Path(folder), toy(Path(folder)))
        first = place.told(FIRST, 1, [report(n, "N", n % 3, n % 2) for n in range(1, 6)])
        assert place.counted(first)["counted"]["reports"] == 5
        on = FIRST
        for number, (changes, passed) in enumerate(days, start=1):
            on += timedelta(days=passed)
            run = place.told(on, number + 1, [report(*row) for row in changes])
            day_by_day = place.counted(run)
            assert is_carried_forward(run)
        assert place.counted_whole(run) == day_by_day


@pytest.mark.slow
def test_what_another_partner_reports_of_a_case_counts_anew(tmp_path: Path) -> None:
    """The bench receives the case of a report that no delivery touched, and rules in it: its state in the cohort is another one."""
    place = Counted(tmp_path, toy(tmp_path))
    place.counted(place.told(FIRST, 1, [report(n, "N", n % 3, n % 2) for n in range(1, 6)]))
    files = {
        "cases": ("cases.jsonl", bench_cases((1, 2, 3, 4))),
        "rulings": ("rulings.txt", bench_rulings([(4, 1, "20240130", "GU"), (1, 1, "20240131", "NG")])),
    }
    write_delivery(place.settings.inbox, "bench", FIRST + timedelta(days=1), 2, files)
    run = place.told(FIRST + timedelta(days=1))
    day_by_day = place.counted(run)
    assert is_carried_forward(run)
    assert place.counted_whole(run) == day_by_day


@pytest.mark.slow
def test_a_new_month_and_an_earlier_day_are_counted_whole(tmp_path: Path) -> None:
    place = Counted(tmp_path, toy(tmp_path))
    place.counted(place.told(date(2024, 2, 10), 1, [report(n, "N") for n in range(1, 6)]))
    for told in (place.told(date(2024, 3, 1), 2, [report(6, "N")]), place.told(date(2024, 2, 10))):
        place.counted(told)
        assert not is_carried_forward(told)
