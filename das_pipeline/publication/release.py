"""Releases: when a candidate goes live, the immutable folder it becomes, and the one pointer that tables and site share.

A release is `releases/<as_of>.<n>/`. `releases/current.json` names the live one; on a disk a link `current` beside it does the same for a
web server. Nothing in a release is ever changed.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from das_pipeline.errors import ConfigurationError, LakeError
from das_pipeline.gate import GateFailed, blocking
from das_pipeline.lake import Version, canonical, replace_file, sha256_of, sync
from das_pipeline.privacy import keyed
from das_pipeline.publication.checks import expectations
from das_pipeline.publication.periods import last_month_end
from das_pipeline.run import Run, code_version
from das_pipeline.settings import PROJECT

SITE = "website/site"
MANIFEST = "manifest.json"
SIGNATURE = "manifest.json.sig"
PUBLIC_KEY = "manifest.json.pub"
DERIVED = ("das.duckdb",)  # made from the tables; a database engine need not write the same bytes twice


class ReleasePolicy(BaseModel, extra="forbid"):
    """The part `release` of policy.yaml: when candidates go live, who approves, and how long periods stay provisional."""

    approval: dict[str, str]
    cadence: Literal["month_end"]
    provisional_months: int | None = None


@dataclass(frozen=True)
class Decision:
    """Whether the candidate goes live, by which rule of the policy, and the sentence for the person on duty."""

    live: bool
    rule: str
    sentence: str


@dataclass(frozen=True)
class Release:
    """One immutable release."""

    id: str
    folder: Path
    manifest: Mapping[str, Any]

    @property
    def as_of(self) -> date:
        return date.fromisoformat(self.manifest["as_of"])


def release_policy(run: Run) -> ReleasePolicy:
    """The release policy of the jurisdiction."""
    section = run.jurisdiction.yaml("policy.yaml").get("release")
    try:
        return ReleasePolicy.model_validate(section)
    except ValueError as error:
        raise ConfigurationError(f"{run.jurisdiction.folder / 'policy.yaml'}: release: {error}") from None


def releases(run: Run) -> list[Release]:
    """Every finished release as known on the run's date, oldest first."""
    found = [_read(p.parent) for p in _root(run).glob(f"[0-9]*/{MANIFEST}")]
    return sorted((r for r in found if r.as_of <= run.as_of), key=lambda r: (r.as_of, _number(r.id)))


def release_folders(run: Run) -> list[Path]:
    """The folders of `releases`, oldest first: what a reader may hold beside a new release."""
    return [r.folder for r in releases(run)]


def previous_release(run: Run) -> Release | None:
    """The last release of an earlier day, against which changes are computed: so that doing a day again gives the same bytes."""
    earlier = [r for r in releases(run) if r.as_of < run.as_of]
    return earlier[-1] if earlier else None


def current_release(run: Run) -> Release | None:
    """The live release, whatever its date; None before the first."""
    pointer = _root(run) / "current.json"
    return _read(_root(run) / json.loads(pointer.read_text(encoding="utf-8"))["release"]) if pointer.exists() else None


def release_decision(run: Run) -> Decision:
    """What the policy says of the candidate in `website/site`: the first goes live, then one for each month's end.

    Snapshots that follow each other faster than the finest published period would be a hidden time dimension (disclosure.md).
    """
    policy = release_policy(run)
    live = current_release(run)
    approval = f"approved by {policy.approval['by']}: {policy.approval['reason'].rstrip('.')}"
    if live is None:
        return Decision(True, "first_candidate", f"The first candidate goes live, {approval}.")
    if _same_content(live, run.lake.live(SITE)):
        return Decision(True, "unchanged", f"The candidate is release {live.id}, byte for byte: it stays live.")
    ended = last_month_end(run.as_of)
    if live.as_of < ended:
        return Decision(True, policy.cadence, f"A month ended on {ended} since release {live.id}: the candidate goes live, {approval}.")
    return Decision(False, policy.cadence, f"Held: no month has ended since release {live.id}. The next goes live at a month's end.")


def next_release(run: Run) -> str:
    """The name of the release that the candidate in `website/site` becomes; that of an existing release when the bytes are the same."""
    site = run.lake.live(SITE)
    today = [r for r in releases(run) if r.as_of == run.as_of]
    for release in today:
        if _same_content(release, site):
            return release.id
    return f"{run.as_of}.{max((_number(r.id) for r in today), default=0) + 1}"


def publish_release(run: Run, release: str) -> Release:
    """The candidate in `website/site` as the live release named `release` (from `next_release`).

    Files first, then the manifest and its signature, then the pointer as the last act: a process killed at any point leaves the release
    before it live, and doing it again ends in the same bytes.
    """
    site = run.lake.live(SITE)
    root = _root(run)
    folder = root / release
    if not (folder / MANIFEST).exists():
        failed = blocking(verdicts := expectations(site.folder))
        if failed:
            raise GateFailed(f"release {release}", verdicts)
        for left in root.glob(".draft-*"):
            shutil.rmtree(left, ignore_errors=True)
        draft = root / f".draft-{uuid.uuid4().hex[:8]}"
        for name in site.files:
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(site.path(name), draft / name)
        manifest = canonical(_manifest(run, site, release), indent=1)
        _sign(run, draft, manifest)
        replace_file(draft / MANIFEST, manifest)
        sync(draft)
        draft.rename(folder)
    made = _read(folder)
    if not _same_content(made, site):
        raise LakeError(f"Release {release} exists with other bytes: releases are immutable. Ask next_release for a free name.")
    replace_file(root / "current.json", canonical({"release": release}, indent=1))
    link = root / f".current-{uuid.uuid4().hex[:8]}"
    link.symlink_to(release)
    link.replace(root / "current")
    return made


def verify_release(folder: Path, public_key: bytes | None = None) -> list[str]:
    """What is wrong with the release in `folder`; empty when every byte is what the signed manifest says.

    With `public_key` (32 bytes, known from elsewhere) the signature is checked against it, else against the key in the folder, which
    proves only that nothing was changed by somebody without that key.
    """
    from nacl.exceptions import BadSignatureError
    from nacl.signing import VerifyKey

    content = (folder / MANIFEST).read_bytes()
    key = public_key or bytes.fromhex((folder / PUBLIC_KEY).read_text(encoding="ascii"))
    try:
        VerifyKey(key).verify(content, bytes.fromhex((folder / SIGNATURE).read_text(encoding="ascii")))
    except BadSignatureError:
        return [f"{MANIFEST}: the signature does not fit."]
    listed = json.loads(content)["files"]
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {MANIFEST, SIGNATURE, PUBLIC_KEY}
    wrong = [f"{name}: not in the manifest." for name in sorted(present - set(listed))]
    wrong += [f"{name}: missing." for name in sorted(set(listed) - present)]
    return wrong + [f"{n}: other bytes." for n in sorted(present & set(listed)) if sha256_of(folder / n) != listed[n]["sha256"]]


def _manifest(run: Run, site: Version, release: str) -> dict[str, Any]:
    lock = PROJECT / "requirements.lock"
    ledger = run.lake.current("disclosure/ledger")
    changed = json.loads(site.path("changes.json").read_bytes())
    return {
        "release": release,
        "as_of": run.as_of.isoformat(),
        "version": changed["version"],
        "is_simulated": json.loads(site.path("datapackage.json").read_bytes())["is_simulated"],
        "code": code_version(),
        "lock": sha256_of(lock) if lock.exists() else None,
        "jurisdiction": {"name": run.jurisdiction.name, "sha256": run.jurisdiction.hash},
        "ledger_head": _shown(run, "disclosure/ledger", ledger.id) if ledger else None,
        "build": _shown(run, site.table, site.inputs_hash),
        "inputs": {table: _shown(run, table, version) for table, version in sorted(_lineage(run, site).items())},
        "files": {
            name: {"sha256": entry.sha256, "bytes": entry.bytes} | ({"derived": True} if name in DERIVED else {})
            for name, entry in sorted(site.files.items())
        },
    }


def _shown(run: Run, table: str, version: str) -> str:
    """A version id as a reader may see it: keyed, since an open hash of a confidential cube lets anyone test a guess of its counts."""
    return keyed(run.keys.signing, "input", table, version).hex()[:16]


def _lineage(run: Run, version: Version) -> dict[str, str]:
    """Every table version that went into `version`, directly or not."""
    found: dict[str, str] = {}
    ahead = [version]
    while ahead:
        for table, version_id in ahead.pop().inputs.items():
            if table not in found:
                found[table] = version_id
                ahead.append(run.lake.version(table, version_id))
    return found


def _sign(run: Run, folder: Path, content: bytes) -> None:
    from nacl.signing import SigningKey

    key = SigningKey(run.keys.signing)
    (folder / SIGNATURE).write_text(key.sign(content).signature.hex(), encoding="ascii")
    (folder / PUBLIC_KEY).write_text(bytes(key.verify_key).hex(), encoding="ascii")


def _same_content(release: Release, site: Version) -> bool:
    """Whether `site` would give the same bytes as `release`, derived files aside."""
    ours = {n: e.sha256 for n, e in site.files.items() if n not in DERIVED}
    return ours == {n: f["sha256"] for n, f in release.manifest["files"].items() if not f.get("derived")}


def _read(folder: Path) -> Release:
    return Release(folder.name, folder, json.loads((folder / MANIFEST).read_text(encoding="utf-8")))


def _number(release: str) -> int:
    return int(release.rpartition(".")[2])


def _root(run: Run) -> Path:
    root = run.lake.home / "releases"
    root.mkdir(parents=True, exist_ok=True)
    return root
