"""What a power cut leaves, and a disk that is full."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from das_pipeline import engine
from das_pipeline.deliveries import landing, pending, take_in
from das_pipeline.errors import NoRoom
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft
from das_pipeline.run import Build, Run, produce
from das_pipeline.settings import Settings
from tests.installation import Installation, installation
from tests.toy_deliveries import write_toy_deliveries

pytestmark = [pytest.mark.slow]

# -- power


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Path]]:
    """What is to be forced to the disk and what is renamed, in order."""
    done: list[tuple[str, Path]] = []
    fsync, replacing, rename = os.fsync, os.replace, os.rename

    def synced(descriptor: int) -> None:
        done.append(("sync", Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    def renamed(act: Callable[[str | Path, str | Path], None]) -> Callable[[str | Path, str | Path], None]:
        def call(source: str | Path, target: str | Path) -> None:
            done.append(("from", Path(source)))
            act(source, target)
            done.append(("to", Path(target)))

        return call

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed(replacing))
    monkeypatch.setattr(os, "rename", renamed(rename))
    return done


def unsafe(calls: list[tuple[str, Path]]) -> list[str]:
    """The renames that a power cut could undo or leave with a torn file: one not synced before it, or whose folder is not synced next."""
    wrong = []
    for n, (kind, path) in enumerate(calls):
        if kind == "from" and ("sync", path) not in calls[:n]:
            wrong.append(f"{path.name} was renamed before it was on the disk")
        if kind == "to" and calls[n + 1 : n + 2] != [("sync", path.parent)]:
            wrong.append(f"the folder of {path.name} is not on the disk")
    return wrong


def write(text: str) -> Build:
    def build(_: Run, draft: Draft) -> list[Verdict]:
        draft.path("deep/a.txt", rows=1).write_text(text, encoding="utf-8")
        return []

    return build


def test_everything_is_on_the_disk_before_the_pointer_names_it(run: Run, calls: list[tuple[str, Path]]) -> None:
    version = produce(run, "chain/a", write("one")).version
    assert unsafe(calls) == []
    draft = next(path for kind, path in calls if kind == "from" and path.name.startswith(".draft-"))
    synced = [path for kind, path in calls[: calls.index(("from", draft))] if kind == "sync"]
    assert {draft / "manifest.json", draft / "deep" / "a.txt", draft / "deep", draft} <= set(synced)
    assert {version.root.parent, run.lake.home} <= set(synced)  # the folders above it are new too
    assert [path.name for kind, path in calls if kind == "to"] == ["format", "keys.json", version.id, "current.json"]


def test_a_landed_original_is_on_the_disk_before_the_inbox_loses_it(
    run: Run, calls: list[tuple[str, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_toy_deliveries(run.settings.inbox)
    removed: list[list[str]] = []
    remove = landing._remove
    monkeypatch.setattr(landing, "_remove", lambda folder: (removed.append(unsafe(calls)), remove(folder)))
    first = next(d for d in pending(run) if d.state == "ready")
    take_in(run, first)
    assert removed == [[]]
    assert unsafe(calls) == []


# -- a full disk


@pytest.fixture
def small(tmp_path: Path, settings: Settings) -> Iterator[Run]:
    """A run over a home on a disk of 100 MB."""
    home = tmp_path / "small"
    home.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", home], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"needs the right to mount a small disk: {mounted.stderr.strip()}")
    try:
        yield Run.start(replace(settings, home=home), date(2024, 3, 31))
    finally:
        subprocess.run(["umount", "--lazy", home], check=True)  # this process holds the lock of its folder for spilled rows


def by_the_engine(run: Run, draft: Draft) -> list[Verdict]:
    with run.connect() as connection:
        rows = "SELECT i, hash(i) AS a, hash(i + 1) AS b FROM range(20_000_000) t(i)"
        engine.write_parquet(connection, rows, draft.path("rows.parquet"), order_by="i")
    return []


def by_python(_: Run, draft: Draft) -> list[Verdict]:
    with draft.path("rows.bin").open("wb") as file:
        for _ in range(200):
            file.write(os.urandom(1 << 20))
    return []


@pytest.mark.parametrize("build", [by_the_engine, by_python])
def test_a_disk_that_fills_up_leaves_the_live_version_and_says_what_to_do(small: Run, build: Build) -> None:
    live = produce(small, "chain/a", write("good")).version
    with pytest.raises(NoRoom, match=r"^chain/a could not be written: the disk is full\. .* Make room, or move DAS_HOME") as failure:
        produce(small, "chain/a", build, salt="more")
    assert failure.value.__suppress_context__
    assert small.lake.open("chain/a").id == live.id
    assert produce(small, "chain/a", write("next"), salt="more").is_new  # what was half written is gone, so there is room again


def test_a_delivery_that_does_not_fit_stays_in_the_inbox(small: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write_toy_deliveries(small.settings.inbox)
    first = next(d for d in pending(small) if d.state == "ready")
    folder = small.settings.inbox / first.partner / first.delivery
    before = sorted(p.name for p in folder.iterdir())
    filler = small.lake.home / "filler"
    fill(filler, leave=0)
    with pytest.raises(NoRoom, match=rf"^deliveries/{first.partner} could not be written: the disk is full"):
        take_in(small, first)
    assert sorted(p.name for p in folder.iterdir()) == before
    filler.unlink()
    assert take_in(small, first).is_new


def fill(path: Path, leave: int) -> None:
    """Fill the disk of `path` with one file, but for `leave` bytes."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while shutil.disk_usage(path).free > leave:
            file.write(bytes(1 << 16))


@pytest.mark.slow
def test_nothing_starts_on_a_disk_that_is_all_but_full(small: Run) -> None:
    place = installation(small.settings.home.parent / "place")
    write_toy_deliveries(place.inbox)
    filler = small.lake.home / "filler"
    fill(filler, leave=10 << 20)

    class Full(Installation):
        @property
        def home(self) -> Path:
            return small.settings.home

    said = Full(place.root, place.jurisdiction).das("run", code=1)
    assert "MB free, and a run needs at least 64 MB to start" in " ".join(said.split())
    assert "Traceback" not in said
