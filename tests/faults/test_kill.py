"""A process killed for real, between writing a version and moving its pointer."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from das_pipeline.settings import PROJECT
from tests.installation import hashes, installation
from tests.toy_deliveries import write_toy_deliveries

pytestmark = [pytest.mark.slow]

KILL_BEFORE_PROMOTE = """
import os, signal, sys
from datetime import date
from das_pipeline.lake import Lake
from assets.operate import Report, run_job, take_in

table = sys.argv[1]
promote = Lake.promote

def killed(self, version):
    if version.table == table:
        os.kill(os.getpid(), signal.SIGKILL)
    promote(self, version)

Lake.promote = killed
take_in(Report(), lambda text, total: None)
"""


@pytest.mark.parametrize("table", ["deliveries/watch", "chain/events", "website/live", "disclosure/ledger"])
def test_a_killed_run_leaves_the_last_good_state_and_the_next_run_mends_it(tmp_path: Path, table: str) -> None:
    broken, whole = installation(tmp_path / "broken"), installation(tmp_path / "whole")
    for made in (broken, whole):
        write_toy_deliveries(made.inbox)
    killed = subprocess.run(
        [sys.executable, "-c", KILL_BEFORE_PROMOTE, table],
        env=broken.environment,
        cwd=PROJECT,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert broken.lake.current(table) is None
    broken.das("run")
    whole.das("run")
    for name in ("chain/flows", "statistics/cubes", "disclosure/leaves"):
        assert hashes(broken.live(name)) == hashes(whole.live(name)), name
    assert [r.name for r in broken.releases()] == [r.name for r in whole.releases()]
