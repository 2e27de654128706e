"""The real daemon, as a process with nobody at the keyboard: deliveries arrive, then all their days are caught up with by one backfill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import dagster as dg
import pytest

from das_pipeline.settings import PROJECT
from tests.installation import Installation, installation, published, store_of
from tests.toy_deliveries import write_toy_deliveries

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


def test_deliveries_are_taken_in_and_one_backfill_makes_every_day_as_it_was(day_by_day: Installation, tmp_path: Path) -> None:
    made = installation(tmp_path / "made")
    write_toy_deliveries(made.inbox)
    with daemon(made) as store:
        wait_until(lambda: taken(made) == 6, "all deliveries are taken in by the sensor")
        wait_until(lambda: len(store.get_dynamic_partitions("days")) == 3, "their days are there to click on")
        environment = {**made.environment, "DAGSTER_HOME": str(made.home / "dagster")}
        backfill = ["job", "backfill", "-w", str(PROJECT / "workspace.yaml"), "-j", "chain", "--noprompt", "--all", "days"]
        subprocess.run([str(BIN / "dagster"), *backfill], env=environment, cwd=PROJECT, check=True, capture_output=True)
        chain = dg.RunsFilter(job_name="chain", statuses=[dg.DagsterRunStatus.SUCCESS])
        wait_until(lambda: len(store.get_runs(chain)) == 3, "the chain of every day came to its end")
        records = sorted(store.get_run_records(dg.RunsFilter(job_name="chain")), key=lambda record: record.start_time or 0)
    assert [record.dagster_run.tags["dagster/partition"] for record in records] == ["2024-01-31", "2024-02-29", "2024-03-31"]
    spans = [(record.start_time or 0, record.end_time or 0) for record in records]
    assert all(ended <= started for (_, ended), (started, _) in pairwise(spans)), "no two runs of the chain at once"
    assert [published(r) for r in made.releases()] == [published(r) for r in day_by_day.releases()]
