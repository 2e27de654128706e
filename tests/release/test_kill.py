"""A release step that is killed for real: readers see the old release or the new one, and the next step ends what was begun."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date

import pytest

from das_pipeline import publication, release
from das_pipeline.run import Run
from das_pipeline.settings import PROJECT, Settings
from tests.release.conftest import finished

pytestmark = [pytest.mark.slow]

KILL = """
import os, signal, sys
from datetime import date
from das_pipeline import release
from das_pipeline.release import folder
from das_pipeline.run import Run
from das_pipeline.settings import Settings

point, move, audit = sys.argv[1], folder.move, release.audit
release.as_expected = lambda folder, page: []  # as tests/release/conftest.py has it
release.audit = lambda folder, earlier, limits, readers, _: audit(folder, earlier, limits, readers, None)

def killed(source, target):
    if point == f"before {target.name}":
        os.kill(os.getpid(), signal.SIGKILL)
    move(source, target)
    if point == f"after {target.name}":
        os.kill(os.getpid(), signal.SIGKILL)

folder.move = killed
release.go_live(Run.start(Settings.from_environment(), date(2024, 3, 31)))
"""


@pytest.mark.parametrize(
    ("point", "live"),
    [
        ("before 2024-03-31.1", "2024-02-29.1"),
        ("after 2024-03-31.1", "2024-02-29.1"),
        ("before current", "2024-02-29.1"),
        ("after current", "2024-03-31.1"),
    ],
)
def test_a_killed_release_step_leaves_one_release_live_and_the_next_step_ends_it(
    published: Callable[..., Run], protected: Callable[..., Run], settings: Settings, point: str, live: str
) -> None:
    published(date(2024, 2, 29))
    run = protected(date(2024, 3, 31))
    finished(run)
    places = {"DAS_HOME": settings.home, "DAS_INBOX": settings.inbox, "DAS_KEYS": settings.keys, "DAS_JURISDICTION": settings.jurisdiction}
    environment = os.environ | {name: str(place) for name, place in places.items()}
    killed = subprocess.run(
        [sys.executable, "-c", KILL, point], env=environment, cwd=PROJECT, capture_output=True, timeout=120, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert (run.lake.home / "releases" / "current").resolve().name == publication.current_release(run).id == live
    assert release.verify_release(publication.current_release(run).folder) == []
    assert release.is_done(run) == (live == "2024-03-31.1")
    release.go_live(run)
    assert (publication.current_release(run).id, release.is_done(run)) == ("2024-03-31.1", True)
    assert (
        [r.id for r in publication.releases(run)]
        == run.lake.live("disclosure/ledger").facts["releases"]
        == ["2024-02-29.1", "2024-03-31.1"]
    )
