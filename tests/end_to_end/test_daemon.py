"""The real daemon, as a process with nobody at the keyboard: deliveries arrive, then all their days are caught up with by one backfill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import dagster as dg
import pytest

from das_pipeline.settings import PROJECT
from tests.installation import Installation, installation, published, store_of
from tests.toy_deliveries import CASES, DAYS, RULINGS, WATCH, bench_cases, bench_rulings, watch_csv, write_delivery, write_toy_deliveries

pytestmark = [pytest.mark.slow]

BIN = Path(sys.executable).parent
SUBMIT = (
    "from orchestration.runs import instance; from das_pipeline.settings import Settings; instance(Settings.from_environment()).dispose()"
)


@contextmanager
def daemon(made: Installation) -> Iterator[dg.DagsterInstance]:
    """The daemon of an installation, and its instance to look at."""
    made.python("-c", SUBMIT)
    home = made.home / "dagster"
    command = [str(BIN / "dagster-daemon"), "run", "-w", str(PROJECT / "workspace.yaml")]
    environment = {**made.environment, "DAGSTER_HOME": str(home)}
    with (made.root / "daemon.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, env=environment, cwd=PROJECT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            with store_of(made) as store:
                yield store
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=60)


def wait_until(holds: Callable[[], bool], what: str, seconds: int = 600) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"waited {seconds} s in vain: {what}"
        time.sleep(2)


def taken(made: Installation) -> int:
    live = [made.lake.current(f"deliveries/{partner}") for partner in ("watch", "bench")]
    return sum(len(version.facts["deliveries"]) for version in live if version is not None)


def backfill(made: Installation, deliveries: int, days: int) -> list[dg.RunRecord]:
    """Let the daemon take the deliveries in, and catch up with all days by one backfill; return the runs of the chain in order."""
    with daemon(made) as store:
        wait_until(lambda: taken(made) == deliveries, "all deliveries are taken in by the sensor", 3600)
        wait_until(lambda: len(store.get_dynamic_partitions("days")) == days, "their days are there to click on")
        environment = {**made.environment, "DAGSTER_HOME": str(made.home / "dagster")}
        command = ["job", "backfill", "-w", str(PROJECT / "workspace.yaml"), "-j", "chain", "--noprompt", "--all", "days"]
        subprocess.run([str(BIN / "dagster"), *command], env=environment, cwd=PROJECT, check=True, capture_output=True)
        chain = dg.RunsFilter(job_name="chain", statuses=[dg.DagsterRunStatus.SUCCESS])
        wait_until(lambda: len(store.get_runs(chain)) == days, "the chain of every day came to its end", 3600)
        records = sorted(store.get_run_records(dg.RunsFilter(job_name="chain")), key=lambda record: record.start_time or 0)
    spans = [(record.start_time or 0, record.end_time or 0) for record in records]
    assert all(ended <= started for (_, ended), (started, _) in pairwise(spans)), "no two runs of the chain at once"
    return records


def test_deliveries_are_taken_in_and_one_backfill_makes_every_day_as_it_was(day_by_day: Installation, tmp_path: Path) -> None:
    made = installation(tmp_path / "made")
    write_toy_deliveries(made.inbox, DAYS[:2])
    records = backfill(made, deliveries=4, days=2)
    assert [record.dagster_run.tags["dagster/partition"] for record in records] == ["2024-01-31", "2024-02-29"]
    assert [published(r) for r in made.releases()] == [published(r) for r in day_by_day.releases()[:2]]


def deliver_month(made: Installation, number: int) -> None:
    """What the two partners deliver at the end of a month, counted from January 2024: the toy, then a report a month."""
    day = month_end(number)
    state = DAYS[min(number, 2)]
    reports = WATCH[state] if number < 3 else [f"N,R{number:04},101,Abernathy,Ada,1990-05-01,F,10,n,{day},{day},,10.00"]
    write_delivery(made.inbox, "watch", day, number + 1, {"reports": ("reports.csv", watch_csv(reports))})
    files = {"cases": ("cases.jsonl", bench_cases(CASES[state])), "rulings": ("rulings.txt", bench_rulings(RULINGS[state]))}
    write_delivery(made.inbox, "bench", day, number + 1, files)


def month_end(number: int) -> date:
    """The last day of a month, counted from January 2024."""
    year, month = divmod(number + 1, 12)
    return date(2024 + year, month + 1, 1) - timedelta(days=1)


@pytest.mark.skipif("DAS_MONTH" not in os.environ, reason="takes half an hour: set DAS_MONTH=1")
def test_a_backfill_of_24_months_makes_every_month_as_it_was(tmp_path: Path) -> None:
    by_day, made = installation(tmp_path / "by_day"), installation(tmp_path / "made")
    for number in range(24):
        deliver_month(by_day, number)
        by_day.das("run")
        deliver_month(made, number)
    records = backfill(made, deliveries=48, days=24)
    assert [record.dagster_run.tags["dagster/partition"] for record in records] == [month_end(n).isoformat() for n in range(24)]
    assert len(made.releases()) >= 20
    assert [published(r) for r in made.releases()] == [published(r) for r in by_day.releases()]
