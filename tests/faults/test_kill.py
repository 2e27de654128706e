"""A process killed for real, between writing a version and moving its pointer."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from das_pipeline.settings import PROJECT
from tests.installation import Installation, installation, published
from tests.toy_deliveries import write_toy_deliveries

pytestmark = [pytest.mark.slow]

KILL_BEFORE_PROMOTE = """
import os, signal, sys
from das_pipeline.lake import Lake
from das_pipeline.settings import Settings
from orchestration.runs import Operator, instance

table, promote = sys.argv[1], Lake.promote

def killed(self, version):
    if version.table == table:
        os.kill(os.getpid(), signal.SIGKILL)
    promote(self, version)

Lake.promote = killed
Operator(instance(Settings.from_environment())).take_in(lambda text, total: None)
"""


@pytest.mark.parametrize("table", ["chain/events", "disclosure/ledger"])
def test_a_killed_run_leaves_the_last_good_state_and_the_next_run_mends_it(day_by_day: Installation, tmp_path: Path, table: str) -> None:
    broken = installation(tmp_path / "broken")
    write_toy_deliveries(broken.inbox)
    command = [sys.executable, "-c", KILL_BEFORE_PROMOTE, table]
    killed = subprocess.run(command, env=broken.environment, cwd=PROJECT, capture_output=True, timeout=300, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert broken.lake.current(table) is None
    assert broken.releases() == []
    broken.das("run")
    for name in ("linkage/links", "chain/flows", "statistics/cubes"):
        assert broken.contents(name) == day_by_day.contents(name), name
    assert [published(r) for r in broken.releases()] == [published(r) for r in day_by_day.releases()]
