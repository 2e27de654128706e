"""A process killed for real, between writing a version and moving its pointer."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from das_pipeline.settings import PROJECT
from tests.installation import Installation, installation, published, store_of
from tests.toy_deliveries import write_toy_deliveries

pytestmark = [pytest.mark.slow]

KILL_BEFORE_PROMOTE = """
import os, signal, sys
from das_pipeline.lake import Lake
from das_pipeline.release import folder
from das_pipeline.settings import Settings
from orchestration.runs import Operator, instance

point, promote, move = sys.argv[1], Lake.promote, folder.move

def killed(self, version):
    if version.table == point:
        os.kill(os.getpid(), signal.SIGKILL)
    promote(self, version)

def killed_at_the_link(source, target):
    if f"{target.parent.name}/{target.name}" == point:
        os.kill(os.getpid(), signal.SIGKILL)
    move(source, target)

Lake.promote, folder.move = killed, killed_at_the_link
Operator(instance(Settings.from_environment())).take_in(lambda text, total: None)
"""


def test_a_killed_run_leaves_the_last_good_state_and_the_next_run_mends_it(day_by_day: Installation, tmp_path: Path) -> None:
    """Killed at one point after another of the first day: each run must mend what the one before left to come as far as it does."""
    broken = installation(tmp_path / "broken")
    write_toy_deliveries(broken.inbox)
    for point in ("chain/events", "disclosure/ledger", "releases/current"):
        command = [sys.executable, "-c", KILL_BEFORE_PROMOTE, point]
        killed = subprocess.run(command, env=broken.environment, cwd=PROJECT, capture_output=True, timeout=300, check=False)
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
        assert broken.lake.current(point) is None, point
        assert not (broken.home / "releases" / "current").exists(), point
    broken.das("run")
    for name in ("linkage/links", "chain/flows", "statistics/cubes"):
        assert broken.contents(name) == day_by_day.contents(name), name
    assert [published(r) for r in broken.releases()] == [published(r) for r in day_by_day.releases()]
    assert broken.current().name == day_by_day.current().name


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_told_to_stop_starts_nothing_else_and_the_next_run_goes_on(
    day_by_day: Installation, tmp_path: Path, number: signal.Signals
) -> None:
    made = installation(tmp_path / "made")
    write_toy_deliveries(made.inbox)
    command = [sys.executable, "-m", "cli.main", "run"]
    with subprocess.Popen(command, env=made.environment, cwd=PROJECT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as run:
        end = time.monotonic() + 200
        while made.lake.current("terminology/concepts") is None:  # the chain of the first day has begun
            assert time.monotonic() < end
            time.sleep(0.05)
        run.send_signal(number)
        printed, _ = run.communicate(timeout=200)
    assert run.returncode == 1, printed
    assert "Stopped in chain 2024-01-31, as you asked" in printed
    live = made.lake.current("deliveries/watch")
    assert live is not None
    assert [d["delivery"] for d in live.facts["deliveries"]] == ["2024-01-31.1"], "no delivery of a later day was begun"
    made.das("run", "--as-of", "2024-01-31")
    assert [published(r) for r in made.releases()] == [published(r) for r in day_by_day.releases()[:1]]


def test_a_day_waits_for_a_delivery_whose_intake_failed(day_by_day: Installation, tmp_path: Path) -> None:
    made = installation(tmp_path / "made")
    write_toy_deliveries(made.inbox)
    landing = made.home / "landing"
    made.home.mkdir(parents=True)
    landing.write_text("a file where a folder must come: no delivery can be landed", encoding="utf-8")
    printed = " ".join(made.das("run", code=1).split())
    assert "It waits for bench 2024-01-31.1, watch 2024-01-31.1: once the cause is gone, das run goes on." in printed
    with store_of(made) as store:
        assert {run.job_name for run in store.get_runs()} == {"intake_bench", "intake_watch"}, "no day of the chain was run"
    landing.unlink()
    made.das("run", "--as-of", "2024-01-31")
    assert [published(r) for r in made.releases()] == [published(r) for r in day_by_day.releases()[:1]]
