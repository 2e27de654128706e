"""Replacing the encryption key: every encrypted file of the home is written again under a new key, and no version gets another id.

The old key stays valid until everything is written: the new files lie in `<home>/.rotation` until its file `ready` says that they are
complete. From then on the home is refused until the rotation is finished, and doing it again finishes it. So a rotation that is killed
leaves either the old state or the way to the new one.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb

from das_pipeline import engine
from das_pipeline.disk import alone, make_folder, move, replace_file, sha256_of, sync, sync_folder
from das_pipeline.errors import ConfigurationError, LakeError
from das_pipeline.known_keys import READY, ROTATION, is_rotating, remember_keys, verify_keys
from das_pipeline.lake import MANIFEST, canonical
from das_pipeline.privacy import Keys, decrypted, encrypt_file, write_key
from das_pipeline.settings import Settings

KEY, NEXT, BEFORE = "encryption", "encryption.next", "encryption.before"


def rotate_encryption(settings: Settings) -> int:
    """Make a new encryption key, or go on with one that a killed rotation made; return how many files are encrypted with it now.

    The key before stays beside it as `encryption.before`, for backups that were made with it.
    """
    if os.environ.get("DAS_KEY_ENCRYPTION"):
        raise ConfigurationError("The encryption key comes from DAS_KEY_ENCRYPTION, which das cannot change: put it in a file of DAS_KEYS.")
    home, keys = settings.home, settings.keys
    make_folder(home)
    with alone(home), engine.errors_of_engine("the new files of the rotation"):
        if not is_rotating(home):
            verify_keys(home, Keys.load(settings))
            shutil.rmtree(home / ROTATION, ignore_errors=True)
            write_key(keys / NEXT, secrets.token_bytes(32))
            _write_again(settings, Keys.load(settings).encryption, bytes.fromhex((keys / NEXT).read_text(encoding="ascii")))
        return _finish(settings)


def _write_again(settings: Settings, old: bytes, new: bytes) -> None:
    """Write every encrypted file under the new key into the folder of the rotation, with the manifests that name them."""
    home = settings.home
    target = home / ROTATION
    target.mkdir()
    for path in sorted((home / "landing" / "objects").glob("[0-9a-f]*")):
        if encrypt_file(_Chunks(decrypted(path, old)), target / path.relative_to(home), new) != path.name:
            raise LakeError(f"The original {path.name} in the landing zone has other bytes than its name says: restore it from backup.")
    written: dict[Path, Path] = {}
    with engine.in_memory() as connection:
        engine.configure(connection, settings, old)
        engine.add_key(connection, "new", new)
        for path in _encrypted_tables(home):
            written[path] = target / path.relative_to(home)
            _copy(connection, path, written[path])
    for path in sorted(home.glob(f"*/*/*/{MANIFEST}")):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        changed = {name: entry for name, entry in manifest.get("files", {}).items() if path.parent.parent / entry["path"] in written}
        for entry in changed.values():
            copy = written[path.parent.parent / entry["path"]]
            entry |= {"sha256": sha256_of(copy), "bytes": copy.stat().st_size}
        if changed:
            replace_file(target / path.relative_to(home), canonical(manifest, indent=1))
    sync(target)
    replace_file(target / READY, b"")


class _Chunks:
    """The chunks of a file as something that is read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.chunks = chunks

    def read(self, _size: int, /) -> bytes:
        return next(self.chunks, b"")


def _encrypted_tables(home: Path) -> Iterator[Path]:
    """Every encrypted Parquet file of a sealed version, live or not: earlier ones are read too."""
    for manifest in sorted(home.glob(f"*/*/*/{MANIFEST}")):
        yield from (path for path in sorted(manifest.parent.rglob("*.parquet")) if engine.is_encrypted(path))


def _copy(connection: duckdb.DuckDBPyConnection, path: Path, target: Path) -> None:
    make_folder(target.parent)
    place = str(target).replace("'", "''")
    connection.execute(
        f"COPY (SELECT * FROM {engine.parquet([path])}) TO '{place}' ({engine.OPTIONS}, ENCRYPTION_CONFIG {{footer_key: 'new'}})"
    )


def _finish(settings: Settings) -> int:
    """Put the new files and the new key in their places; what a killed rotation moved already is not moved again."""
    home, keys = settings.home, settings.keys
    target = home / ROTATION
    moved = [path for path in sorted(target.rglob("*")) if path.is_file() and path != target / READY]
    for path in moved:
        move(path, home / path.relative_to(target))
    if (keys / NEXT).exists():
        if (keys / KEY).exists():
            move(keys / KEY, keys / BEFORE)
        move(keys / NEXT, keys / KEY)
    remember_keys(home, Keys.load(settings))
    (target / READY).unlink()
    sync_folder(target)
    shutil.rmtree(target)
    return sum(path.suffix != ".json" for path in moved)
