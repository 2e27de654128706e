"""Bringing the home of an earlier version to the current format, one step from format to format.

Releases, originals, record numbers, person ids and the ledger keep what they hold; the next run makes the tables that follow from them
again. A home that is not of the current format is refused by everything else, and its number is written last: an upgrade that is killed
goes on when it is run again, since every step finds out what is done already.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from das_pipeline import engine
from das_pipeline.deliveries.state import ORDER as STATE_ORDER
from das_pipeline.disclosure import ENTRIES
from das_pipeline.disk import alone, make_private, move, replace_file, sha256_of, sync, sync_folder
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


def _split_versions(settings: Settings, keys: Keys) -> Iterator[str]:
    """From format 2 to 3: record versions and keys, once tables that each delivery wrote again, are files of the delivery that made it."""
    split, replaced = 0, set[Path]()
    with engine.in_memory() as connection:
        engine.configure(connection, settings, keys.encryption)
        for path in sorted(settings.home.glob(f"deliveries/*/*/{MANIFEST}")):
            manifest = json.loads(path.read_text(encoding="utf-8"))
            former = {name: entry for name, entry in manifest["files"].items() if re.fullmatch(r"(versions|keys)/\w+\.parquet", name)}
            if not former:
                continue
            files = {name: entry for name, entry in manifest["files"].items() if name not in former}
            for name, entry in former.items():
                table, of = name.removesuffix(".parquet").split("/")
                source = engine.parquet([path.parent.parent / entry["path"]])
                for written in _split(connection, source, table, of, manifest["facts"]["deliveries"], path.parent):
                    files[written.pop("name")] = written
            sync(path.parent)
            replace_file(path, canonical(manifest | {"files": dict(sorted(files.items()))}, indent=1))
            replaced |= {path.parent.parent / entry["path"] for entry in former.values()}  # a replay shares keys between versions
            split += 1
    for path in replaced:
        path.unlink()
    if split:
        yield f"What deliveries opened, closed and numbered is in files of each delivery, in {split} versions of partners' tables."


def _split(
    connection: duckdb.DuckDBPyConnection, source: str, table: str, of: str, deliveries: Sequence[Mapping[str, Any]], folder: Path
) -> Iterator[dict[str, Any]]:
    """Write the rows of a former `versions` or `keys` file as files of each delivery; yield their entries in the manifest with `name`.

    A version that came back because a delivery was replaced has the name of the one that first brought it; it was opened on another day.
    """
    connection.execute("CREATE OR REPLACE TEMP TABLE known (delivery VARCHAR, known_on DATE, place INTEGER)")
    for place, delivery in enumerate(deliveries):
        connection.execute("INSERT INTO known VALUES (?, ?, ?)", [delivery["delivery"], delivery["known_on"], place])
    parts = {"keys": ("first_delivery", f"SELECT * FROM {source}")}
    if table == "versions":
        connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE versions AS
            SELECT v.*, CASE WHEN v.opened_as = 'returned' AND v.known_from <> k.known_on THEN (
                SELECT MAX_BY(o.delivery, o.place) FROM known AS o WHERE o.known_on = v.known_from) ELSE v.delivery END AS opened_by
            FROM {source} AS v JOIN known AS k ON k.delivery = v.delivery"""
        )
        opened = "record_no, sub, known_from, delivery, line_no, opened_by, opened_as, content_hash"
        closed = "record_no, sub, opened_by, known_until, closed_as, closed_by"
        parts = {
            "opened": ("opened_by", f"SELECT {opened} FROM versions"),
            "closed": ("closed_by", f"SELECT {closed} FROM versions WHERE closed_by IS NOT NULL"),
        }
    for part, (column, query) in parts.items():
        for (delivery,) in connection.execute(f"SELECT DISTINCT {column} FROM ({query}) ORDER BY 1").fetchall():
            name = f"{part}/{of}/{delivery}.parquet"
            path = folder / name
            rows = engine.write_parquet(
                connection,
                f"SELECT * FROM ({query}) WHERE {column} = $delivery",
                path,
                order_by=STATE_ORDER[part],
                encrypted=True,
                parameters={"delivery": delivery},
            )
            version_path = path.relative_to(folder.parent).as_posix()
            yield {"name": name, "path": version_path, "sha256": sha256_of(path), "bytes": path.stat().st_size, "rows": rows}


STEPS: dict[int, Callable[[Settings, Keys], Iterator[str]]] = {1: _number_the_format, 2: _split_versions}


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
