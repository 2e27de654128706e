"""Files that survive a crash, a power cut and a second writer."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISREG

from das_pipeline.errors import LakeError, NoRoom

WAIT = 600.0  # seconds that a writer waits for another one before it gives up
RELEASES = "releases"  # the folder of a home that others may read
REBUILT = ".rebuilt-"  # and a number: a folder of the home in which a release is made again, to be compared
RESERVE = 64 << 20  # bytes that must be free before a table is made: enough for Dagster to record how its run ended
_held: set[tuple[Path, int, int]] = set()  # the locks of this process, with process and thread


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_encrypted(path: Path) -> bool:
    """Whether a Parquet file is encrypted: it says so in its first bytes."""
    with path.open("rb") as file:
        return file.read(4) == b"PARE"


def replace_file(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all, so that a power cut after this cannot undo it."""
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def move(source: Path, target: Path) -> None:
    """Rename a file or folder on the same disk, so that a power cut after this cannot undo it. What is in it must be synced before."""
    source.replace(target)
    sync_folder(target.parent)


def make_folder(folder: Path) -> None:
    """Create `folder` and the folders above it, so that a power cut after this cannot undo it."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync(folder: Path) -> None:
    """Force every file and folder under `folder`, itself included, to the disk."""
    for path in folder.rglob("*"):
        sync_folder(path)
    sync_folder(folder)


def sync_folder(path: Path) -> None:
    """Force the names in a folder (or the bytes of a file) to the disk: a rename in it is only safe against a power cut after this."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def size_of(folder: Path) -> int:
    """The bytes of the files under `folder`; those of a file with two names count once."""
    stats = (path.lstat() for path in folder.rglob("*"))
    return sum({stat.st_ino: stat.st_size for stat in stats if S_ISREG(stat.st_mode)}.values())


def make_private(home: Path) -> None:
    """Create `home` and close it, and what this process writes from now on, to others: all but `releases/`, which a web server reads.

    Others may pass through `home` to a name that they know, and list nothing; every folder in it but `releases/` is its owner's alone.
    """
    os.umask(0o077)
    make_folder(home)
    home.chmod(0o711)
    for entry in home.iterdir():
        if not entry.is_symlink():
            entry.chmod(0o755 if entry.name == RELEASES else 0o700 if entry.is_dir() else 0o600)


def make_public(folder: Path) -> None:
    """Let others read `folder` and what is in it."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def require_room(folder: Path) -> None:
    """Raise NoRoom when the disk of `folder` is so full that a run could not even record its own failure."""
    existing = next(f for f in (folder, *folder.parents) if f.exists())
    free = shutil.disk_usage(existing).free
    if free < RESERVE:
        raise NoRoom(
            f"The disk of {folder} has {free >> 20} MB free, and a run needs at least {RESERVE >> 20} MB to start. Nothing was changed: "
            "make room, or move DAS_HOME to a larger disk, and run again."
        )


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file `path` for as long as the block runs. The same thread may take it again.

    The kernel frees the lock when its owner ends, however it ends. LakeError names an owner who keeps it for longer than WAIT seconds.
    """
    me = (path, os.getpid(), threading.get_ident())
    if me in _held:
        yield
        return
    make_folder(path.parent)
    with path.open("ab", buffering=0) as file:
        if not _acquire(file.fileno()):
            owner = path.read_text(encoding="ascii") or "unknown"
            raise LakeError(
                f"{what} is still being written by process {owner} after {WAIT:.0f} seconds. Nothing was changed: "
                "wait for that run to end (or end it when it hangs), and run again."
            )
        with suppress(OSError):  # the lock holds on a full disk too; only its owner is not named
            os.truncate(file.fileno(), 0)
            os.write(file.fileno(), str(os.getpid()).encode())
        _held.add(me)
        try:
            yield
        finally:
            _held.remove(me)


@contextmanager
def using(folder: Path) -> Iterator[None]:
    """Keep `alone` out of the folder for as long as the block runs; any number of processes may use it at once."""
    make_folder(folder)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until nobody is `using` the folder, and keep others waiting for as long as the block runs. LakeError after WAIT seconds."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if not _acquire(descriptor):
            raise LakeError(f"A run was using {folder} for {WAIT:.0f} seconds. Nothing was changed: try again when it has ended.")
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock of a file or folder."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _acquire(descriptor: int) -> bool:
    """Take the lock of an open file; return False when its owner keeps it for longer than WAIT seconds."""
    end, pause = time.monotonic() + WAIT, 0.002
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                return False
            time.sleep(pause)
            pause = min(pause * 1.5, 0.1)
        else:
            return True
