"""A backup of home and keys that is made while runs are in progress, as docs/backup.md says, and restored elsewhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from das_pipeline.disk import using
from das_pipeline.settings import PROJECT
from tests.installation import Installation, installation, published
from tests.toy_deliveries import write_toy_deliveries

pytestmark = [pytest.mark.slow]


def test_a_copy_waits_for_whoever_uses_the_home(tmp_path: Path) -> None:
    copy = ["flock", "--nonblock", "--conflict-exit-code", "9", str(tmp_path), "true"]
    with using(tmp_path):
        assert subprocess.run(copy, check=False).returncode == 9
    assert subprocess.run(copy, check=False).returncode == 0


def test_a_backup_made_during_runs_is_whole_and_goes_on_elsewhere(day_by_day: Installation, tmp_path: Path) -> None:
    made, restored = installation(tmp_path / "made"), installation(tmp_path / "restored")
    write_toy_deliveries(made.inbox)
    write_toy_deliveries(restored.inbox)  # as the partners would deliver again
    with subprocess.Popen(
        [sys.executable, "-m", "cli.main", "run"], env=made.environment, cwd=PROJECT, stdout=subprocess.DEVNULL
    ) as running:
        while not made.releases():
            assert running.poll() is None
        copied = ["flock", str(made.home), "cp", "-a", f"{made.home}/.", str(restored.home)]
        subprocess.run(copied, check=True, timeout=300)
        assert running.poll() is None, "the copy was made while runs were in progress"
    assert running.returncode == 0
    for history in ("history", "schedules"):
        shutil.rmtree(restored.home / "dagster" / history)
    key = restored.root / "keys" / "rounding"
    lost = key.rename(tmp_path / "rounding")
    for verb in (("doctor",), ("keys", "check")):
        assert "The rounding key is missing" in " ".join(restored.das(*verb, code=1).replace("│", " ").split())
    lost.rename(key)
    assert "All is well" in restored.das("doctor")
    restored.das("run")
    for place in (made, restored):
        assert [published(r) for r in place.releases()] == [published(r) for r in day_by_day.releases()]
