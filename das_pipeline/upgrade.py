"""Bringing the home of an earlier version to the current format, one step from format to format.

Releases, originals, record numbers, person ids and the ledger keep what they hold; the next run makes the tables that follow from them
again. A home that is not of the current format is refused by everything else, and its number is written last: an upgrade that is killed
goes on when it is run again, since every step finds out what is done already.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from das_pipeline import engine
from das_pipeline.disclosure import ENTRIES
from das_pipeline.disk import alone, make_private, move, replace_file, sync, sync_folder
from das_pipeline.errors import DasError, KeyReplaced, LakeError
from das_pipeline.home_format import FORMAT, format_of, require_current, write_format
from das_pipeline.known_keys import remember_keys, verify_keys
from das_pipeline.lake import MANIFEST, canonical
from das_pipeline.privacy import Keys, decrypted
from das_pipeline.release import DECISION, installation_key
from das_pipeline.release.folder import point_to
from das_pipeline.release.signing import PUBLIC_KEY
from das_pipeline.rewriting import put_in_place, remove_staged, write_again
from das_pipeline.settings import Settings
from das_pipeline.stages import zone_of

STAGED, READY = ".upgrade", "ready"  # a folder of the home, and the file in it that says that its files are complete
FORMER_DECISION = "website/live"


def upgrade(settings: Settings) -> list[str]:
    """Bring the home to the current format; return a sentence for each thing that was changed, none when it is current."""
    home = settings.home
    number = format_of(home)
    if number is None:
        raise DasError(f"There is nothing to upgrade in {home}: the first run makes a home of the current format. Is DAS_HOME right?")
    if number > FORMAT:
        require_current(home)
    keys = Keys.load(settings)
    verify_keys(home, keys)
    changes: list[str] = []
    with alone(home), engine.errors_of_engine("a table of the earlier format"):
        for step in range(number, FORMAT):
            changes += STEPS[step](settings, keys)
            write_format(home, step + 1)
    return changes


def _number_the_format(settings: Settings, keys: Keys) -> Iterator[str]:
    """From format 1 to 2: what homes had before they had a number; the oldest ones have plain confidential tables and another decision."""
    home = settings.home
    _verify_unknown_keys(home, keys)
    remember_keys(home, keys)
    yield "The home remembers its keys."
    if encrypted := _encrypt_confidential(settings, keys):
        yield f"{encrypted} confidential files that lay unencrypted, the ledger among them, are encrypted."
    if _move_decisions(home):
        yield f"The decisions of {FORMER_DECISION} are those of {DECISION}."
    if _leave_one_pointer(home):
        yield "The link releases/current is the only pointer to the live release."
    make_private(home)
    yield "The home is its owner's alone, but for releases."


STEPS: dict[int, Callable[[Settings, Keys], Iterator[str]]] = {1: _number_the_format}


def _verify_unknown_keys(home: Path, keys: Keys) -> None:
    """Raise KeyReplaced when the keys for encryption or signing are others than those that the home was made with.

    The oldest homes have no check values. Of the other two keys nothing that is kept shows which they were.
    """
    for path in sorted((home / "landing" / "objects").glob("[0-9a-f]*"))[:1]:
        try:
            next(decrypted(path, keys.encryption))
        except LakeError:
            raise KeyReplaced(
                "The encryption key does not open the originals of this home. Nothing was changed: put the right one back."
            ) from None
    for path in sorted((home / "releases").glob(f"[0-9]*/{PUBLIC_KEY}"))[-1:]:
        if path.read_text(encoding="ascii").strip() != installation_key(keys):
            raise KeyReplaced(f"The signing key did not sign {path.parent.name}. Nothing was changed: put the right one back.")


def _encrypt_confidential(settings: Settings, keys: Keys) -> int:
    """Encrypt the confidential Parquet files that lie plain, and return their number; no version gets another id."""
    home, staged = settings.home, settings.home / STAGED
    if not (staged / READY).exists():
        shutil.rmtree(staged, ignore_errors=True)
        plain = [path for path in _confidential(home) if not engine.is_encrypted(path)]
        if not plain:
            return 0
        staged.mkdir()
        with engine.in_memory() as connection:
            engine.configure(connection, settings, keys.encryption)
            write_again(connection, "das", home, plain, staged)
        sync(staged)
        replace_file(staged / READY, b"")
    moved = put_in_place(home, staged, READY)
    remove_staged(staged, READY)
    return sum(path.suffix == ".parquet" for path in moved)


def _confidential(home: Path) -> Iterator[Path]:
    """The files of sealed versions that must be encrypted, whatever version they belong to. (What identifies always was.)"""
    for manifest in sorted(home.glob(f"*/*/*/{MANIFEST}")):
        table = manifest.parent.parent.relative_to(home).as_posix()
        if zone_of(table) == "confidential":
            yield from sorted(manifest.parent.rglob("*.parquet"))
        elif table == "disclosure/leaves":
            yield from manifest.parent.glob(ENTRIES)


def _move_decisions(home: Path) -> bool:
    """Give the decisions the name and facts that they have now; return whether there were any of the former name."""
    former, table = home / FORMER_DECISION, home / DECISION
    if not former.exists():
        return False
    if table.exists():  # a later version decided anew
        shutil.rmtree(former)
        return True
    for path in sorted(former.glob(f"*/{MANIFEST}")):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        manifest["facts"] = {"release": f"{manifest['as_of']}.1"} | manifest["facts"]
        replace_file(path, canonical(manifest | {"table": DECISION}, indent=1))
    table.parent.mkdir(exist_ok=True)
    move(former, table)
    sync_folder(table.parent.parent)
    return True


def _leave_one_pointer(home: Path) -> bool:
    """Let the link lead where the second pointer of earlier homes does, and remove that; return whether there was one."""
    pointer = home / "releases" / "current.json"
    if not pointer.exists():
        return False
    point_to(pointer.parent, json.loads(pointer.read_text(encoding="utf-8"))["release"])
    pointer.unlink()
    return True
