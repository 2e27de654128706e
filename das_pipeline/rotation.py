"""Replacing the encryption key: every encrypted file of the home is written again under a new key, and no version gets another id.

The old key stays valid until everything is written: the new files lie in `<home>/.rotation` until its file `ready` says that they are
complete. From then on the home is refused until the rotation is finished, and doing it again finishes it. So a rotation that is killed
leaves either the old state or the way to the new one.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from das_pipeline import engine
from das_pipeline.disk import alone, make_folder, move, replace_file, sync
from das_pipeline.errors import ConfigurationError, LakeError
from das_pipeline.home_format import require_current
from das_pipeline.known_keys import READY, ROTATION, is_rotating, remember_keys, verify_keys
from das_pipeline.lake import MANIFEST
from das_pipeline.privacy import Keys, decrypted, encrypt_file, write_key
from das_pipeline.rewriting import put_in_place, remove_staged, write_again
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
            require_current(home)
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
    with engine.in_memory() as connection:
        engine.configure(connection, settings, old)
        engine.add_key(connection, "new", new)
        write_again(connection, "new", home, _encrypted_tables(home), target)
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


def _finish(settings: Settings) -> int:
    """Put the new files and the new key in their places; what a killed rotation moved already is not moved again."""
    home, keys = settings.home, settings.keys
    moved = put_in_place(home, home / ROTATION, READY)
    if (keys / NEXT).exists():
        if (keys / KEY).exists():  # copied, not moved: at no moment is there no key, and a killed rotation is known for what it is
            write_key(keys / BEFORE, Keys.load(settings).encryption)
        move(keys / NEXT, keys / KEY)
    remember_keys(home, Keys.load(settings))
    remove_staged(home / ROTATION, READY)
    return sum(path.suffix != ".json" for path in moved)
