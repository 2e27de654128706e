"""The lake: immutable table versions behind pointers, with a manifest that says what each version is.

A table is a folder `<home>/<stage>/<table>/`. A version is a folder in it; its manifest lists every file with its SHA-256 and the
versions it was made from. `current.json`, replaced as the last act, names the live version, so no reader ever sees half a table.
Writers of one table take turns: who writes holds `.lock` from reading the live version to moving the pointer.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from das_pipeline.disk import is_encrypted, locked, move, replace_file, sha256_of, sync, using
from das_pipeline.errors import LakeError
from das_pipeline.gate import Verdict, blocking

MANIFEST = "manifest.json"
POINTER = "current.json"
LOCK = ".lock"
MENDED = "das doctor tells how to mend it."


@dataclass(frozen=True)
class Entry:
    """One file of a version: its path from the table's root (so that versions share files), SHA-256, rows (None: not a table)."""

    path: str
    sha256: str
    bytes: int
    rows: int | None = None


@dataclass(frozen=True)
class Version:
    """A sealed version of a table. `name` keys are logical file names: `om/zaken.parquet` whatever version wrote the bytes."""

    table: str
    id: str
    root: Path  # the table's folder
    files: Mapping[str, Entry]
    inputs: Mapping[str, str]  # table -> version id
    inputs_hash: str
    as_of: str
    verdicts: tuple[dict[str, Any], ...]
    facts: Mapping[str, Any]  # what readers of the manifest need: counts, code version, rule-set version …
    previous: str | None = None
    removed: str = ""  # why its files are gone (das_pipeline/retention.py); "" while they are there
    follows: str | None = None  # the version that was live when this one's draft began; known only until it is promoted

    @property
    def folder(self) -> Path:
        return self.root / self.id

    @property
    def rows(self) -> int:
        return sum(e.rows or 0 for e in self.files.values())

    def path(self, name: str) -> Path:
        """The file with the logical name `name`."""
        self.require_files()
        try:
            return self.root / self.files[name].path
        except KeyError:
            raise LakeError(
                f"{self.table} version {self.id} has no file {name}; it has {', '.join(sorted(self.files)) or 'none'}."
            ) from None

    def require_files(self) -> None:
        """Raise LakeError when retention removed the files of this version."""
        if self.removed:
            raise LakeError(f"{self.table} version {self.id} {self.removed}")

    def places(self) -> dict[str, Path]:
        """Every file by its logical name."""
        self.require_files()
        return {name: self.root / entry.path for name, entry in self.files.items()}

    def paths(self, prefix: str = "") -> list[Path]:
        """The files whose logical name starts with `prefix`, by name."""
        return [self.path(name) for name in sorted(self.files) if name.startswith(prefix)]


@dataclass
class Draft:
    """A version being written: nobody reads it until it is sealed and promoted."""

    table: str
    root: Path
    folder: Path
    live: Version | None  # the live version when this draft began
    follows: str | None = None  # its id, also of one that is damaged
    rows: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    adopted: dict[str, Entry] = field(default_factory=dict)
    derived: set[str] = field(default_factory=set)  # files made from the others, whose bytes may differ per write: not in the version's id

    def path(self, name: str, rows: int | None = None) -> Path:
        """Where to write the file `name`; give `rows` here, or set `draft.rows[name]` when they are known."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if rows is not None:
            self.rows[name] = rows
        return target

    def places(self, within: str = "") -> dict[str, Path]:
        """The files written or adopted so far in the folder `within` ("" for all, else with a / at its end), by logical name."""
        files = {name: self.root / entry.path for name, entry in self.adopted.items() if name.startswith(within)}
        written = (path for path in (self.folder / within).rglob("*") if path.is_file())
        return files | {path.relative_to(self.folder).as_posix(): path for path in written}

    def paths(self, within: str = "") -> list[Path]:
        """Those files, by name."""
        files = self.places(within)
        return [files[name] for name in sorted(files)]

    def adopt(self, version: Version, prefix: str = "") -> None:
        """Take over the files of an earlier version as they are: immutable files are shared, not copied."""
        self.adopted.update({name: entry for name, entry in version.files.items() if name.startswith(prefix)})


class Lake:
    """The tables of one installation. Those in `fixed` are read as that version, whatever another process makes live meanwhile."""

    def __init__(self, home: Path, fixed: Mapping[str, Version] | None = None) -> None:
        self.home = home
        self.fixed = fixed or {}

    def root(self, table: str) -> Path:
        return self.home / table

    def current(self, table: str) -> Version | None:
        """The live version, its manifest read, its files not yet verified; None before the first."""
        if table in self.fixed:
            return self.fixed[table]
        version_id = self._live_id(table)
        return None if version_id is None else self.version(table, version_id)

    def _live_id(self, table: str) -> str | None:
        """What the pointer of `table` names; None before the first version."""
        try:
            return json.loads((self.root(table) / POINTER).read_text(encoding="utf-8"))["version"]
        except FileNotFoundError:
            return None

    def version(self, table: str, version_id: str) -> Version:
        """The sealed version `version_id` of `table`."""
        root = self.root(table)
        path = root / version_id / MANIFEST
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise LakeError(f"{table} has no version {version_id}: {path} is missing. {MENDED}") from None
        except json.JSONDecodeError:
            raise LakeError(f"The manifest {path} is torn. {MENDED}") from None
        return Version(
            table=table,
            id=version_id,
            root=root,
            files={name: Entry(**entry) for name, entry in manifest["files"].items()},
            inputs=manifest["inputs"],
            inputs_hash=manifest["inputs_hash"],
            as_of=manifest["as_of"],
            verdicts=tuple(manifest["verdicts"]),
            facts=manifest["facts"],
            previous=manifest["previous"],
            removed=removal(manifest),
        )

    def live(self, table: str) -> Version:
        """The live version of what must be there, its files not verified: for a stage's inputs, which `produce` has opened."""
        version = self.current(table)
        if version is None:
            raise LakeError(f"{table} has no live version yet: materialise it first.")
        return version

    def open(self, table: str, *, is_whole: bool = False) -> Version:
        """The live version, verified as `verify` does. What is missing, different or failed stops the reader."""
        version = self.live(table)
        verify(version, is_whole=is_whole)
        return version

    @contextmanager
    def lock(self, table: str) -> Iterator[None]:
        """Hold the right to write `table`. Other processes wait for it; it is free again when its owner ends, however that ends.

        Nothing of the home is cleaned away meanwhile.
        """
        with using(self.home), locked(self.root(table) / LOCK, table):
            yield

    @contextmanager
    def begin(self, table: str, *, is_damaged: bool = False) -> Iterator[Draft]:
        """Hold the lock of `table` with a draft, which is removed unless sealed; of an `is_damaged` live version it takes the place."""
        root = self.root(table)
        with self.lock(table):
            for left in root.glob(".draft-*"):  # a living owner would hold the lock
                shutil.rmtree(left, ignore_errors=True)
            folder = root / f".draft-{uuid.uuid4().hex[:12]}"
            folder.mkdir()
            try:
                live = None if is_damaged else self.current(table)
                yield Draft(table=table, root=root, folder=folder, live=live, follows=self._live_id(table))
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def seal(
        self,
        draft: Draft,
        *,
        as_of: str,
        inputs: Mapping[str, str],
        inputs_hash: str,
        verdicts: Iterable[Verdict] = (),
        encrypted: bool = False,
        previous: str | None = None,
    ) -> Version:
        """Turn the draft into an immutable version and return it. Its id is the hash of its content.

        Encrypted bytes differ per write, so the id of an `encrypted` version is the hash of its inputs and of the version before it.
        """
        judged = list(verdicts)
        files = dict(draft.adopted)
        written: dict[str, tuple[str, int]] = {}
        for path in sorted(p for p in draft.folder.rglob("*") if p.is_file()):
            written[path.relative_to(draft.folder).as_posix()] = (sha256_of(path), path.stat().st_size)
        content = {n: h for n, (h, _) in written.items() if n not in draft.derived} | {n: e.sha256 for n, e in draft.adopted.items()}
        basis: dict[str, Any] = {"inputs": inputs_hash}
        basis |= {"previous": previous} if encrypted else {"files": content, "facts": draft.facts, "as_of": as_of}
        digest = hashlib.sha256(canonical(basis)).hexdigest()[:12]
        version_id = f"{as_of}-{digest}"
        if blocking(judged):
            version_id = f"rejected-{version_id}"
        for name, (sha, size) in written.items():
            files[name] = Entry(path=f"{version_id}/{name}", sha256=sha, bytes=size, rows=draft.rows.get(name))
        manifest = {
            "table": draft.table,
            "version": version_id,
            "as_of": as_of,
            "previous": previous,
            "inputs": dict(inputs),
            "inputs_hash": inputs_hash,
            "facts": draft.facts,
            "verdicts": [v.as_dict() for v in judged],
            "files": {n: e.__dict__ for n, e in sorted(files.items())},
        }
        if not self.is_whole(draft.table, version_id):  # else it was sealed before a crash: the bytes that are there are as good
            shutil.rmtree(draft.root / version_id, ignore_errors=True)
            (draft.folder / MANIFEST).write_bytes(canonical(manifest, indent=1))
            sync(draft.folder)
            move(draft.folder, draft.root / version_id)
        return replace(self.version(draft.table, version_id), follows=draft.follows)

    def is_whole(self, table: str, version_id: str) -> bool:
        """Whether the version is sealed and every file of it is what its manifest says."""
        try:
            _verify_files(self.version(table, version_id), is_whole=True)
        except LakeError:
            return False
        return True

    def promote(self, version: Version) -> None:
        """Make a version that `seal` returned live: one small file replaced, the last act.

        LakeError when another one went live since its draft began: then this one was not made from what is live.
        """
        if any(not v["passed"] and v["severity"] == "block" for v in version.verdicts):
            raise LakeError(f"{version.table} version {version.id} failed a blocking check and cannot go live.")
        with self.lock(version.table):
            live = self._live_id(version.table)
            if live != version.follows:
                raise LakeError(
                    f"{version.table} version {version.id} was made while {version.follows or 'none'} was live, and now {live} is. "
                    f"It does not go live: run again, so that it is made from what is live."
                )
            replace_file(version.root / POINTER, canonical({"version": version.id, "as_of": version.as_of}, indent=1))


def verify(version: Version, *, is_whole: bool = False) -> None:
    """Raise LakeError unless no blocking check of `version` failed and its files are what its manifest says.

    An encrypted table that an earlier version wrote was verified when it was new. Every block of it carries an authentication tag, so a
    changed byte stops whoever reads it, and it is only looked for here: a day does not read the history to know that it is there.
    `is_whole` compares the bytes of every file with its hash.
    """
    failed = [v["rule"] for v in version.verdicts if not v["passed"] and v["severity"] == "block"]
    if failed:
        raise LakeError(f"{version.table} version {version.id} failed {', '.join(failed)} and must not be read.")
    _verify_files(version, is_whole=is_whole)


def removal(record: Mapping[str, Any]) -> str:
    """Why the files that a manifest once named are gone, as the end of a sentence; "" while they are there."""
    if "removed" not in record:
        return ""
    return "was removed on {on}, after its term of {days} days (policy.yaml, retention.{term}); its manifest stays.".format(
        **record["removed"]
    )


def _verify_files(version: Version, *, is_whole: bool = False) -> None:
    version.require_files()
    for name, entry in version.files.items():
        path = version.root / entry.path
        if not path.exists():
            raise LakeError(f"{version.table} version {version.id}: file {name} is missing. {MENDED}")
        authenticates_itself = not entry.path.startswith(f"{version.id}/") and is_encrypted(path)
        if path.stat().st_size != entry.bytes or ((is_whole or not authenticates_itself) and sha256_of(path) != entry.sha256):
            raise LakeError(f"{version.table} version {version.id}: file {name} is not what its manifest says. {MENDED}")


def canonical(value: Any, indent: int | None = None) -> bytes:
    """JSON with sorted keys: the same value gives the same bytes."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, indent=indent, default=str).encode()
