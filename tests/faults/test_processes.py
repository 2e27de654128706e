"""Real processes on one home at the same time, and one that dies while it writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from das_pipeline import disk
from das_pipeline.errors import LakeError
from das_pipeline.lake import MANIFEST, verify
from das_pipeline.settings import PROJECT
from tests.faults.append_rounds import CHAINED, PLAIN
from tests.installation import Installation, installation

PROCESSES, ROUNDS = 8, 50


def begin(place: Installation, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=place.environment,
        cwd=PROJECT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@pytest.mark.slow
def test_eight_processes_lose_nothing(tmp_path: Path) -> None:
    place = installation(tmp_path)
    writers = [begin(place, "-m", "tests.faults.append_rounds", str(n), str(ROUNDS)) for n in range(PROCESSES)]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    ended = [(writer.communicate(timeout=300)[0], writer.returncode) for writer in writers]
    assert ended == [("", 0)] * PROCESSES
    names = {f"{process}-{n}" for process in range(PROCESSES) for n in range(ROUNDS)}

    chained = place.lake.open(CHAINED)
    assert {name: path.read_text(encoding="ascii") for name, path in zip(sorted(names), chained.paths(), strict=True)} == {
        name: name for name in names
    }
    older = []
    version = chained
    while version.previous is not None:
        version = place.lake.version(CHAINED, version.previous)
        older.append(len(version.files))
    assert older == list(range(len(names) - 1, 0, -1))  # each was made from the one before it

    made = [place.lake.version(PLAIN, path.parent.name) for path in place.lake.root(PLAIN).glob(f"*/{MANIFEST}")]
    assert {name for version in made for name in version.files} == names
    for version in made:
        verify(version)
    assert [p.name for p in place.home.rglob(".draft-*")] == []


HOLD = """
import sys, time
from datetime import date
from das_pipeline.run import Run
from das_pipeline.settings import Settings
with Run.start(Settings.from_environment(), date(2024, 3, 31)).begin("chain/many") as draft:
    draft.path("half.txt").write_text("half")
    print("holding", flush=True)
    time.sleep(300)
"""


@pytest.mark.slow
def test_a_table_waits_for_a_living_writer_and_not_for_a_dead_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = installation(tmp_path)
    writer = begin(place, "-c", HOLD)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "holding\n"
    drafts = list(place.lake.root(PLAIN).glob(".draft-*"))
    monkeypatch.setattr(disk, "WAIT", 0.2)
    with pytest.raises(LakeError, match=f"chain/many is still being written by process {writer.pid} after"), place.lake.begin(PLAIN):
        pass
    assert list(place.lake.root(PLAIN).glob(".draft-*")) == drafts  # the other's draft is left alone
    os.kill(writer.pid, signal.SIGKILL)
    writer.communicate()
    with place.lake.begin(PLAIN) as draft:
        assert not drafts[0].exists()
        draft.path("whole.txt").write_text("whole", encoding="ascii")
        place.lake.promote(place.lake.seal(draft, as_of="2024-03-31", inputs={}, inputs_hash="1"))
    assert list(place.lake.open(PLAIN).files) == ["whole.txt"]


def test_a_version_made_from_what_is_no_longer_live_is_not_promoted(tmp_path: Path) -> None:
    lake = installation(tmp_path).lake
    with lake.begin(PLAIN) as draft:
        draft.path("a.txt").write_text("a", encoding="ascii")
        first = lake.seal(draft, as_of="2024-03-31", inputs={}, inputs_hash="1")
        pointer = {"version": "2024-03-31-another", "as_of": "2024-03-31"}  # on a disk without locks
        (lake.root(PLAIN) / "current.json").write_text(json.dumps(pointer), encoding="utf-8")
        with pytest.raises(LakeError, match="made while none was live, and now 2024-03-31-another is"):
            lake.promote(first)
