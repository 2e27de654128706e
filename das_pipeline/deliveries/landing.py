"""The landing zone: originals encrypted, content-addressed and never changed; what was accepted of them, and what was refused.

Everything of a folder is landed before anything of it is removed from the inbox, so that a crash at any moment loses nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from das_pipeline.deliveries.inbox import Unusable, open_plain
from das_pipeline.deliveries.manifest import MANIFEST, PLAIN_NAME, Manifest, parse_manifest
from das_pipeline.disk import move, replace_file, sha256_of
from das_pipeline.gate import Verdict
from das_pipeline.known_keys import claim_home
from das_pipeline.lake import canonical, removal
from das_pipeline.policy import load_policy
from das_pipeline.privacy import encrypt_file
from das_pipeline.run import Run


@dataclass(frozen=True)
class Landed:
    """A delivery in the landing zone: its manifest, the hash of every file that came with it by file name, and the day it came.

    `decided_on` is the last day whose figures had been decided on by then, date.min before the first: they were made without it.
    """

    manifest: Manifest
    objects: Mapping[str, str]
    landed_on: date
    decided_on: date
    removed: str = ""  # why the files are gone (das_pipeline/retention.py); "" while they are there

    @property
    def hash(self) -> str:
        """What the version made from it depends on."""
        return hashlib.sha256(canonical({"manifest": self.manifest.model_dump(mode="json"), "objects": dict(self.objects)})).hexdigest()


@dataclass(frozen=True)
class Accepted:
    """A delivery that is in force, as the live version of its partner remembers it."""

    delivery: str
    sequence: int
    reference_on: date
    known_on: date
    landed: str  # Landed.hash


def accepted(run: Run, partner: str) -> list[Accepted]:
    """The accepted deliveries of a partner, in the order in which they were taken in."""
    live = run.lake.current(f"deliveries/{partner}")
    return [] if live is None else accepted_in(live.facts)


def accepted_in(facts: Mapping[str, Any]) -> list[Accepted]:
    """The accepted deliveries that the facts of a version of `deliveries/<partner>` list."""
    return [
        Accepted(d["delivery"], d["sequence"], date.fromisoformat(d["reference_on"]), date.fromisoformat(d["known_on"]), d["landed"])
        for d in facts["deliveries"]
    ]


# -- originals


def landing_object(run: Run, sha256: str) -> Path:
    """Where the original with this hash is kept, encrypted."""
    return run.settings.home / "landing" / "objects" / sha256


def manifests_of(run: Run, partner: str) -> Path:
    """The folder with the manifests and refusals of a partner's landed deliveries."""
    return run.settings.home / "landing" / "manifests" / partner


def landed(run: Run, partner: str, delivery: str) -> Landed | None:
    """The delivery as it was landed; None when it was not."""
    path = manifests_of(run, partner) / f"{delivery}.json"
    if not path.exists():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    manifest = Manifest.model_validate(content["manifest"])
    # Landing zones from before December 2026 do not have these days.
    landed_on = date.fromisoformat(content["landed_on"]) if "landed_on" in content else manifest.delivered_on
    decided_on = date.fromisoformat(content["decided_on"]) if "decided_on" in content else date.min
    return Landed(manifest, content["objects"], landed_on, decided_on, removal(content))


def all_landed(run: Run, partner: str) -> list[Landed]:
    """Every landed delivery of a partner, by name."""
    deliveries = sorted(p.stem for p in manifests_of(run, partner).glob("*.json") if not p.stem.endswith(".refused"))
    return [original for delivery in deliveries if (original := landed(run, partner, delivery)) is not None]


def land(run: Run, manifest: Manifest) -> Landed:
    """Take a delivery from the inbox into the landing zone, encrypted, and only then remove it there; return what was landed.

    Real data is never encrypted with demo keys, nor taken in under a policy that would release it by itself: it stays in the inbox. A
    folder that this account may not change stays there too; the delivery is landed all the same.
    """
    run.keys.require_for(is_simulated=manifest.is_simulated)
    load_policy(run.jurisdiction).release.require_for(is_simulated=manifest.is_simulated)
    folder = run.settings.inbox / manifest.partner / manifest.delivery
    original = landed(run, manifest.partner, manifest.delivery)
    if original is None or (original.removed and folder.is_dir()):
        claim_home(run.settings, run.keys)
        objects = {path.name: _keep(run, path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}
        original = Landed(manifest, objects, date.today(), run.decided_on())
        refusal_path(run, manifest.partner, manifest.delivery).unlink(missing_ok=True)  # of the folder as it was before it could be read
        _record(run, original)
    with contextlib.suppress(PermissionError):
        if folder.is_dir() and is_copy(folder, original):
            _remove(folder)
    return original


def defer(run: Run, original: Landed) -> Landed:
    """Return the landed delivery with what was decided on since it arrived, and record it: days passed before it could be taken in."""
    if run.decided_on() > original.decided_on:
        original = replace(original, decided_on=run.decided_on())
        _record(run, original)
    return original


def _record(run: Run, original: Landed) -> None:
    """Write down what was landed; from then on the delivery counts as landed."""
    content = {
        "manifest": original.manifest.model_dump(mode="json", by_alias=True),
        "objects": dict(original.objects),
        "landed_on": original.landed_on.isoformat(),
        "decided_on": original.decided_on.isoformat(),
    }
    replace_file(manifests_of(run, original.manifest.partner) / f"{original.manifest.delivery}.json", canonical(content, indent=1))


def _keep(run: Run, path: Path) -> str:
    """Encrypt the file at `path` into the landing zone; return its hash."""
    temporary = landing_object(run, f".{uuid.uuid4().hex}")
    try:
        with open_plain(path) as source:
            sha256 = encrypt_file(source, temporary, run.keys.encryption)
        move(temporary, landing_object(run, sha256))
    finally:
        temporary.unlink(missing_ok=True)
    return sha256


def is_copy(folder: Path, original: Landed) -> bool:
    """Whether everything in `folder` is in the landing zone already (part of it may be removed: a crash while removing)."""
    files = [p for p in folder.iterdir() if p.name != MANIFEST]
    manifest = folder / MANIFEST
    return (not manifest.exists() or parse_manifest(manifest.read_bytes()) == original.manifest) and all(
        original.objects.get(p.name) == sha256_of(p) for p in files
    )


def _remove(folder: Path) -> None:
    """Remove a landed folder, its manifest last, so that what is left after a crash is still recognised as this delivery."""
    for path in sorted(folder.iterdir(), key=lambda p: p.name == MANIFEST):
        path.unlink()
    folder.rmdir()


# -- refusals


def refusal_path(run: Run, partner: str, delivery: str) -> Path:
    """Where the refusal of a delivery is recorded."""
    return manifests_of(run, partner) / f"{delivery}.refused.json"


def refusal(run: Run, partner: str, delivery: str) -> dict[str, Any] | None:
    """The record of a refused delivery: its verdicts and receipt; None when it was not refused."""
    path = refusal_path(run, partner, delivery)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def is_refused(run: Run, partner: str, delivery: str) -> bool:
    """Whether a landed delivery was refused. A folder of the inbox that could not be landed does not count: it is tried again."""
    return refusal_path(run, partner, delivery).exists() and landed(run, partner, delivery) is not None


def record_refusal(run: Run, manifest: Manifest, verdicts: Iterable[Verdict], receipt: Mapping[str, Any]) -> None:
    """Record that a delivery was refused and why, so that it is not tried again, and what of its partner was the newest in force then."""
    in_force = accepted(run, manifest.partner)
    newest = in_force[-1].delivery if in_force else None
    content = {"verdicts": [v.as_dict() for v in verdicts], "receipt": dict(receipt), "in_force": newest}
    replace_file(refusal_path(run, manifest.partner, manifest.delivery), canonical(content, indent=1))


def record_unusable(run: Run, unusable: Unusable) -> None:
    """Record the refusal of a folder that cannot be landed as it is. It holds nothing back: the folder is looked at again each time."""
    partner, delivery = unusable.partner, unusable.folder.name
    if not PLAIN_NAME.fullmatch(delivery) or landed(run, partner, delivery) is not None:
        return
    verdict = Verdict("I01", False, unusable.reason)
    finding = {"rule": "I01", "sentence": unusable.reason, "refuses": True}
    receipt = {"partner": partner, "delivery": delivery, "is_accepted": False, "files": [], "findings": [finding]}
    content = canonical({"verdicts": [verdict.as_dict()], "receipt": receipt}, indent=1)
    path = refusal_path(run, partner, delivery)
    if not path.exists() or path.read_bytes() != content:
        claim_home(run.settings, run.keys)
        replace_file(path, content)
