"""A home of an earlier version: refused by everything, brought up by `das upgrade`, and from then on as if it had never been another.

`tests/homes/format-1.tar.xz` is the home that commit fbc24b4, before formats had numbers, made of the toy deliveries of 2024-01-31 with the
demo keys of seed 7; without the history of Dagster.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from das_pipeline import engine
from das_pipeline.disk import sha256_of
from das_pipeline.errors import KeyReplaced, WrongFormat
from das_pipeline.home_format import FORMAT, format_of, write_format
from das_pipeline.lake import verify
from das_pipeline.release import DECISION, verify_release
from das_pipeline.settings import PROJECT
from das_pipeline.upgrade import upgrade
from orchestration import configuration
from tests.content import contents
from tests.installation import Installation, installation
from tests.toy_deliveries import write_toy_deliveries

ARCHIVE = Path(__file__).parent / "homes" / "format-1.tar.xz"
READERS = [
    "status",
    "quarantine",
    "clean",
    "release list",
    "release show",
    "keys check",
    "keys rotate",
    "serve",
    "audit",
    "terminology unmapped",
    "terminology propose",
    "terminology diff",
    "run",
    "ui",
]
KILL = """
import importlib, os, signal, sys
from das_pipeline import upgrade
from das_pipeline.settings import Settings

where, step = sys.argv[1].rsplit(".", 1)
module, calls = importlib.import_module(where), 0
act = getattr(module, step)

def killed(*arguments, **named):
    global calls
    calls += 1
    if calls == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return act(*arguments, **named)

setattr(module, step, killed)
upgrade.upgrade(Settings.from_environment())
"""


@pytest.fixture
def earlier(tmp_path: Path) -> Installation:
    """The home of the archive."""
    made = installation(tmp_path)
    with tarfile.open(ARCHIVE) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Debian's Python 3.11.2 has none
        archive.extractall(tmp_path)
    return made


def files(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def rows(made: Installation, table: str) -> dict[str, str]:
    """What a live table holds; receipts stay as the partner got them, and the earlier version took no profile of its delivery."""
    apart = ("receipts/", "profiles/2024-01-31.1.parquet")
    return {name: content for name, content in made.contents(table).items() if not name.startswith(apart)}


def tables(made: Installation) -> dict[str, dict[str, str]]:
    """What every sealed version holds, as table and version: file → hash of its content; each file is what its manifest says."""
    run, held = made.run(), {}
    for manifest in sorted(made.home.glob("*/*/*/manifest.json")):
        version = made.lake.version(manifest.parent.parent.relative_to(made.home).as_posix(), manifest.parent.name)
        verify(version)
        held[f"{version.table} {version.id}"] = contents(run, {name: version.path(name) for name in version.files})
    return held


@pytest.mark.parametrize("verb", READERS)
def test_a_home_of_another_format_is_refused_with_what_to_do(earlier: Installation, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in earlier.environment.items():
        monkeypatch.setenv(name, value)
    for number, words in ((1, "run das upgrade"), (FORMAT + 1, "Install that version, or restore the backup")):
        if number > 1:
            write_format(earlier.home, number)
        before = files(earlier.home)
        raised = CliRunner().invoke(app, verb.split()).exception
        assert isinstance(raised, WrongFormat), raised
        assert words in str(raised)
        assert files(earlier.home) == before


@pytest.mark.slow
def test_a_new_home_has_the_current_format(day_by_day: Installation, tmp_path: Path) -> None:
    assert format_of(tmp_path / "nothing") is None
    assert (day_by_day.home / "format").read_text(encoding="ascii") == f"{FORMAT}\n"


@pytest.mark.slow
def test_an_upgraded_home_counts_what_one_that_was_always_current_does(earlier: Installation, day_by_day: Installation) -> None:
    before = files(earlier.home / "landing"), files(earlier.home / "releases")
    printed = earlier.das("upgrade")
    for words in (
        "remembers its keys",
        "confidential files that lay unencrypted",
        "decisions of website/live",
        "only pointer",
        "dagster.yaml was that of",
        "files of each delivery",
    ):
        assert words in printed
    assert "nothing was changed" in earlier.das("upgrade")
    before[1].pop("current.json")
    assert (files(earlier.home / "landing"), files(earlier.home / "releases")) == before
    assert earlier.current().name == "2024-01-31.1"
    assert "All is well" in earlier.das("doctor")
    confidential = [path for path in earlier.home.glob("*/*/*/**/*.parquet") if path.relative_to(earlier.home).parts[0] in CONFIDENTIAL]
    assert confidential
    assert all(map(engine.is_encrypted, confidential))
    write_toy_deliveries(earlier.inbox)  # the first two are known already
    earlier.das("run")
    # The same true counts. Rounded, they differ: what the earlier version published stays where it was as long as it is near.
    assert earlier.contents("statistics/cubes") == day_by_day.contents("statistics/cubes")
    assert [r.name for r in earlier.releases()] == [r.name for r in day_by_day.releases()]
    assert all(verify_release(release) == [] for release in earlier.releases())
    for table in ("deliveries/watch", "deliveries/bench", "identifying/entities", "linkage/links"):
        upgraded, current = rows(earlier, table), rows(day_by_day, table)
        for content in (upgraded, current):  # known gap: the earlier version did not keep of which number an id is
            content.pop("number_ids.parquet", None)
        assert upgraded == current, table
    assert earlier.live("disclosure/ledger").facts["releases"] == day_by_day.live("disclosure/ledger").facts["releases"]


CONFIDENTIAL = {"chain", "statistics", "linkage"}
POINTS = [
    ("das_pipeline.upgrade.remember_keys", 1),
    ("das_pipeline.rewriting.copy_table", 4),
    ("das_pipeline.rewriting.move", 1),
    ("das_pipeline.rewriting.move", 9),
    ("das_pipeline.upgrade.remove_staged", 1),
    ("das_pipeline.upgrade.move", 1),
    ("das_pipeline.upgrade.point_to", 1),
    ("das_pipeline.upgrade.write_format", 1),
    ("das_pipeline.upgrade.sha256_of", 2),
]


@pytest.mark.slow
@pytest.mark.parametrize(("step", "call"), POINTS)
def test_a_killed_upgrade_is_refused_and_goes_on(earlier: Installation, step: str, call: int, tmp_path: Path) -> None:
    whole = Installation(tmp_path / "whole", earlier.jurisdiction)
    shutil.copytree(earlier.home, whole.home, symlinks=True)
    shutil.copytree(earlier.root / "keys", whole.root / "keys")
    upgrade(whole.settings())
    command = [sys.executable, "-c", KILL, step, str(call)]
    done = subprocess.run(command, env=earlier.environment, cwd=PROJECT, capture_output=True, timeout=300, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    with pytest.raises(WrongFormat, match="run das upgrade"):
        earlier.run()
    upgrade(earlier.settings())
    assert upgrade(earlier.settings()) == []
    assert tables(earlier) == tables(whole)
    assert files(earlier.home / "releases") == files(whole.home / "releases")
    assert sorted(p.name for p in earlier.home.iterdir()) == sorted(p.name for p in whole.home.iterdir())
    assert earlier.live(DECISION).facts["release"] == "2024-01-31.1"


@pytest.mark.parametrize(("use", "words"), [("encryption", "does not open the originals"), ("signing", "did not sign 2024-01-31.1")])
def test_another_key_is_noticed_before_the_home_remembers_it(earlier: Installation, use: str, words: str) -> None:
    (earlier.root / "keys" / use).write_text("ab" * 32, encoding="ascii")
    before = files(earlier.home)
    with pytest.raises(KeyReplaced, match=words):
        upgrade(earlier.settings())
    assert files(earlier.home) == before


def test_the_shipped_configuration_is_one_that_an_upgrade_may_replace() -> None:
    assert sha256_of(configuration.DEPLOYED) in configuration.SHIPPED, "add the hash of deploy/dagster.yaml to SHIPPED"


def test_an_upgrade_keeps_what_an_operator_changed_and_adds_what_is_missing(tmp_path: Path) -> None:
    path = configuration.provide(tmp_path)
    assert configuration.renew(tmp_path) == []
    path.write_text("telemetry:\n  enabled: false\nrun_monitoring:\n  enabled: true\n  poll_interval_seconds: 5\n", encoding="utf-8")
    kept, compare = configuration.renew(tmp_path)
    assert "was changed by hand and is kept; it got the settings nux, event_log_storage, run_retries, run_launcher, concurrency" in kept
    assert "sets run_monitoring otherwise than deploy/dagster.yaml" in compare
    assert "poll_interval_seconds: 5" in path.read_text(encoding="utf-8")
    assert configuration.renew(tmp_path) == [compare]
