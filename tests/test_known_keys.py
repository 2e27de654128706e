"""The keys that a home was made with, and who may read what lies in it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from das_pipeline.errors import KeyMissing, KeyReplaced
from das_pipeline.gate import Verdict
from das_pipeline.known_keys import check_value, replaced_keys
from das_pipeline.lake import Draft
from das_pipeline.privacy import USES, Keys, write_key
from das_pipeline.run import Run, produce
from das_pipeline.settings import Settings
from tests.content import put, read

NEW = bytes(range(32))


def modes(home: Path) -> dict[str, str]:
    """The rights of everything in `home`: path → octal."""
    return {p.relative_to(home).as_posix(): f"{p.stat().st_mode & 0o777:o}" for p in (home, *home.rglob("*"))}


def make(run: Run) -> None:
    put(run, "statistics/cubes", {"a.parquet": ({"n": "int64"}, [{"n": 3}])})


@pytest.mark.parametrize("use", USES)
def test_a_replaced_key_is_refused_before_anything_is_read(run: Run, start: Callable[[date], Run], use: str) -> None:
    make(run)
    write_key(run.settings.keys / use, NEW)
    with pytest.raises(KeyReplaced, match=f"^The {use} key is not what .*home was made with. With another one .* Nothing was read"):
        start(run.as_of)


def test_two_replaced_keys_are_both_named(run: Run, start: Callable[[date], Run]) -> None:
    make(run)
    for use in ("pseudonym", "rounding"):
        write_key(run.settings.keys / use, NEW)
    with pytest.raises(KeyReplaced, match=r"^The pseudonym and the rounding key are not"):
        start(run.as_of)


def test_a_home_remembers_check_values_and_no_keys(run: Run) -> None:
    assert not (run.lake.home / "keys.json").exists()  # reading alone claims nothing
    make(run)
    known = json.loads((run.lake.home / "keys.json").read_text(encoding="ascii"))
    assert set(known) == set(USES)
    for use in USES:
        key: bytes = getattr(run.keys, use)
        assert key.hex() not in known[use]
        assert known[use] not in key.hex()
    assert replaced_keys(run.lake.home, run.keys) == []
    assert replaced_keys(run.lake.home, replace(run.keys, rounding=NEW)) == ["rounding"]


def test_a_run_with_other_keys_that_began_before_the_home_was_claimed_writes_nothing(run: Run) -> None:
    late = replace(run, keys=replace(run.keys, encryption=NEW))
    make(run)
    (run.lake.home / "keys.json").write_text(json.dumps({"encryption": check_value("encryption", run.keys.encryption)}), encoding="ascii")
    with pytest.raises(KeyReplaced, match="The encryption key is not"):
        make(late)


@pytest.mark.parametrize(("folder", "file", "is_refused"), [(0o755, 0o644, True), (0o750, 0o640, True), (0o700, 0o644, False)])
def test_keys_that_others_can_read_are_refused(settings: Settings, folder: int, file: int, is_refused: bool) -> None:
    (settings.keys / "rounding").chmod(file)
    settings.keys.chmod(folder)
    if is_refused:
        with pytest.raises(KeyMissing, match=r"Other users of this machine can read .*rounding.* chmod -R go="):
            Keys.load(settings)
    else:
        Keys.load(settings)


def test_only_the_owner_reads_the_home(settings: Settings) -> None:
    before = os.umask(0)  # whatever the umask is
    try:
        run = Run.start(settings, date(2024, 3, 31))
        make(run)
        produce(run, "chain/a", _build)
    finally:
        os.umask(before)
    seen = modes(run.lake.home)
    assert seen.pop(".") == "711"  # others may pass through to releases/, and list nothing
    assert set(seen.values()) == {"700", "600"}


def _build(_: Run, draft: Draft) -> list[Verdict]:
    draft.path("deep/a.txt", rows=1).write_text("a", encoding="utf-8")
    return []


def test_a_home_and_its_keys_restored_from_a_copy_go_on(run: Run, tmp_path: Path) -> None:
    make(run)
    restored = tmp_path / "restored"
    for name in ("home", "keys"):
        shutil.copytree(tmp_path / name, restored / name)
    settings = replace(run.settings, home=restored / "home", keys=restored / "keys")
    again = Run.start(settings, run.as_of)
    assert read(again, "statistics/cubes") == [{"n": 3}]
    assert produce(again, "chain/a", _build, inputs=["statistics/cubes"]).is_new
    with pytest.raises(KeyMissing, match="The pseudonym key is missing"):
        Run.start(replace(settings, keys=restored / "lost"), run.as_of)
