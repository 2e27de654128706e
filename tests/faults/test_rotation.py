"""Replacing the encryption key, and a rotation that is killed for real."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from das_pipeline import engine
from das_pipeline.errors import KeyReplaced
from das_pipeline.lake import verify
from das_pipeline.privacy import decrypted
from das_pipeline.settings import PROJECT
from tests.content import contents
from tests.installation import Installation, installation
from tests.toy_deliveries import take_in_all, write_toy_deliveries

pytestmark = [pytest.mark.slow]

TABLES = ("deliveries/watch", "deliveries/bench")
KILL = """
import os, signal, sys
from das_pipeline import rewriting, rotation
from das_pipeline.settings import Settings

calls, step = 0, sys.argv[1]
modules = [module for module in (rewriting, rotation) if hasattr(module, step)]
act = getattr(modules[0], step)

def killed(*arguments):
    global calls
    calls += 1
    if calls == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return act(*arguments)

for module in modules:
    setattr(module, step, killed)
rotation.rotate_encryption(Settings.from_environment())
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The toy deliveries taken in: originals in the landing zone, encrypted tables that share files."""
    place = installation(tmp_path_factory.mktemp("filled"))
    write_toy_deliveries(place.inbox)
    run = place.run()
    take_in_all(run.settings)
    return place


@pytest.fixture
def place(filled: Installation, tmp_path: Path) -> Installation:
    shutil.copytree(filled.root, tmp_path / "place")
    return Installation(tmp_path / "place", filled.jurisdiction)


def originals(place: Installation) -> dict[str, bytes]:
    key = place.run().keys.encryption
    objects = sorted((place.home / "landing" / "objects").iterdir())
    return {path.name: b"".join(decrypted(path, key)) for path in objects}


def state(place: Installation) -> tuple[dict[str, str], dict[str, dict[str, str]], dict[str, bytes]]:
    """The ids of the live versions, what is in them, and the originals; every file of every version is what its manifest says."""
    for table in TABLES:
        version = place.lake.open(table)
        while version.previous is not None:
            version = place.lake.version(table, version.previous)
            verify(version)
    ids = {table: place.lake.open(table).id for table in TABLES}
    run = place.run()
    held = {table: contents(run, {name: place.lake.open(table).path(name) for name in place.lake.open(table).files}) for table in TABLES}
    return ids, held, originals(place)


def test_a_new_encryption_key_changes_no_id_and_no_content(place: Installation) -> None:
    before, old = state(place), place.run()
    printed = place.das("keys", "rotate")
    assert "files are encrypted with the new key" in printed
    new = place.run()
    assert new.keys.encryption != old.keys.encryption
    assert (new.keys.pseudonym, new.keys.rounding, new.keys.signing) == (old.keys.pseudonym, old.keys.rounding, old.keys.signing)
    assert state(place) == before
    path = next(p for p in place.lake.open("deliveries/watch").paths("content/") if engine.is_encrypted(p))
    with old.connect(identifying=True) as connection, pytest.raises(engine.duckdb.Error):
        engine.read_table(connection, path)
    assert not (place.home / ".rotation").exists()
    assert place.das("keys", "check").count("fine") == 4
    with pytest.raises(KeyReplaced, match="The encryption key is not"), old.begin("deliveries/watch"):
        pass


def killed(place: Installation, step: str, call: int) -> None:
    command = [sys.executable, "-c", KILL, step, str(call)]
    done = subprocess.run(command, env=place.environment, cwd=PROJECT, capture_output=True, timeout=300, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def test_a_rotation_killed_while_it_writes_leaves_the_old_key_valid(place: Installation) -> None:
    before, key = state(place), place.run().keys.encryption
    killed(place, "copy_table", 3)
    assert place.run().keys.encryption == key
    assert state(place) == before
    place.das("keys", "rotate")
    assert place.run().keys.encryption != key
    assert state(place) == before


MOMENTS = {
    "at the first file": ("move", 1),
    "at a later file": ("move", 4),
    "before the old key is copied": ("write_key", 2),
    "between the two keys": ("move", -1),
    "after the new key": ("remember_keys", 1),
}


@pytest.mark.parametrize(("step", "call"), MOMENTS.values(), ids=MOMENTS)
def test_a_rotation_killed_while_it_changes_places_is_refused_until_it_is_finished(place: Installation, step: str, call: int) -> None:
    before, key = state(place), place.run().keys.encryption
    killed(place, step, call if call > 0 else _moves(place))
    assert "is being replaced. Run das keys rotate: it goes on where it stopped." in " ".join(place.das("run", code=1).split())
    assert "run das keys rotate, which goes on where it stopped" in " ".join(place.das("keys", "check", code=1).split())
    place.das("keys", "rotate")
    assert place.run().keys.encryption != key
    assert (place.root / "keys" / "encryption.before").read_text(encoding="ascii") == key.hex()
    assert state(place) == before


def _moves(place: Installation) -> int:
    """How often a rotation moves a file: each object, each encrypted file, each manifest that names one, and the new key."""
    tables = [p for p in place.home.glob("deliveries/*/*/**/*.parquet") if engine.is_encrypted(p)]
    manifests = list(place.home.glob("deliveries/*/*/manifest.json"))
    return len(list((place.home / "landing" / "objects").iterdir())) + len(tables) + len(manifests) + 1


def test_keys_check_names_the_key_that_is_another(place: Installation) -> None:
    (place.root / "keys" / "rounding").write_text("ab" * 32, encoding="ascii")
    printed = place.das("keys", "check", code=1)
    assert "rounding: not the key that this home was made with. With another one counts are rounded anew" in printed
    assert printed.count("fine") == 3
