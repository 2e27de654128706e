"""The inbox: folders that partners write. Nothing in it is trusted; symbolic links are never followed, and nothing but a copy is removed.

A sender writes the files of a delivery first and manifest.json last. One folder that cannot be read is that folder's fault alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from das_pipeline.deliveries.manifest import MANIFEST, PLAIN_NAME, Manifest, parse_manifest
from das_pipeline.errors import DasError
from das_pipeline.run import Run

MANIFEST_BYTES = 1 << 20  # far above what a manifest of a thousand files needs


@dataclass(frozen=True)
class Unusable:
    """A folder of a partner that cannot be taken in, and why. An unfinished one is not refused: it is still being written."""

    partner: str
    folder: Path
    reason: str
    is_unfinished: bool = False

    @property
    def sentence(self) -> str:
        return f"{shown(self.folder)}: {self.reason} It is left as it is."


@dataclass(frozen=True)
class Inbox:
    """What is in the inbox: the manifests of deliveries, folders that cannot be taken in, and a sentence for whatever else is there."""

    manifests: tuple[Manifest, ...]
    unusable: tuple[Unusable, ...]
    sentences: tuple[str, ...]


class Unfinished(DasError):
    """A delivery whose manifest is not there yet."""


def read_inbox(run: Run) -> Inbox:
    """Return what is in the inbox of the partners that have a contract."""
    inbox = run.settings.inbox
    manifests: list[Manifest] = []
    unusable: list[Unusable] = []
    sentences: list[str] = []
    try:
        entries = sorted(inbox.iterdir())
    except OSError as error:
        return Inbox((), (), (f"The inbox {shown(inbox)} cannot be read ({error.strerror}): create it, or set DAS_INBOX.",))
    for entry in entries:
        try:
            for folder in _folders(run, entry):
                try:
                    manifests.append(_manifest_of(folder, entry.name))
                except (DasError, OSError, ValueError, RecursionError) as error:
                    unusable.append(Unusable(entry.name, folder, _reason(error), isinstance(error, Unfinished)))
        except (DasError, OSError) as error:
            sentences.append(f"{shown(entry)}: {_reason(error)} It is left as it is.")
    return Inbox(tuple(manifests), tuple(unusable), tuple(sentences))


def shown(path: Path) -> str:
    """The path as text that can be printed, whatever bytes its sender put in it."""
    return str(path).encode(errors="backslashreplace").decode()


def open_plain(path: Path) -> BinaryIO:
    """Open a file that a sender wrote, without following a symbolic link; DasError names a file that cannot be read."""
    try:
        return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    except OSError as error:
        raise DasError(f"{shown(path)} cannot be read ({error.strerror}). {_PERMIT}") from None


_PERMIT = "Give the account that takes deliveries in permission to read it."


def _reason(error: Exception) -> str:
    if isinstance(error, DasError):
        return str(error)
    return f"cannot be read ({error.strerror}). {_PERMIT}" if isinstance(error, OSError) else f"cannot be read ({type(error).__name__})."


def _folders(run: Run, entry: Path) -> Iterator[Path]:
    """The deliveries of the partner whose folder is `entry`; DasError when it is not a partner's folder."""
    if entry.is_symlink():
        raise DasError("is a symbolic link, which is not followed: put a folder in its place.")
    if not entry.is_dir():
        raise DasError("is a file in the inbox itself; deliveries come as <partner>/<delivery>/.")
    if entry.name not in run.jurisdiction.partners:
        name = shown(Path(entry.name))
        raise DasError(f"{name} is not a partner of {run.jurisdiction.name}. Write contracts/{name}/ or move the folder.")
    yield from sorted(entry.iterdir())


def _manifest_of(folder: Path, partner: str) -> Manifest:
    """The manifest of a delivery all of whose files can be read; DasError says what is wrong with it."""
    if folder.is_symlink():
        raise DasError("is a symbolic link, which is not followed. Ask the sender for the files themselves.")
    if not folder.is_dir():
        raise DasError("is not a delivery, which is a folder with files and a manifest.json.")
    files = sorted(folder.iterdir())
    odd = [path for path in files if path.is_symlink() or not path.is_file() or not PLAIN_NAME.fullmatch(path.name)]
    if odd:
        raise DasError(
            f"holds {len(odd)} entries that are not plain files with a plain name (symbolic links are not followed). "
            "Ask the sender for files only."
        )
    if folder / MANIFEST not in files:
        raise Unfinished("manifest.json is missing: the sender writes it last, so the delivery is unfinished. Wait, or ask for it.")
    with open_plain(folder / MANIFEST) as file:
        content = file.read(MANIFEST_BYTES + 1)
    if len(content) > MANIFEST_BYTES:
        raise DasError(f"manifest.json has more than {MANIFEST_BYTES:,} bytes. Ask the sender for a new one.")
    manifest = parse_manifest(content)
    if (manifest.partner, manifest.delivery) != (partner, folder.name):
        raise DasError(f"manifest.json is about {manifest.partner}/{manifest.delivery}: the folder's name must agree.")
    for path in files:
        open_plain(path).close()
    return manifest
