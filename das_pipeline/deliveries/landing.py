"""From the inbox to the landing zone: originals encrypted, content-addressed and never changed; what waits, and what is wrong.

A sender writes the files of a delivery first and manifest.json last. Everything of a folder is landed before anything of it is
removed, so that a crash at any moment loses nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from das_pipeline.deliveries.contract import Model, load_contracts, load_partners
from das_pipeline.disk import move, replace_file, sha256_of
from das_pipeline.errors import DasError, DeliveryRefused
from das_pipeline.gate import Verdict
from das_pipeline.lake import canonical
from das_pipeline.policy import load_policy
from das_pipeline.privacy import encrypt_file
from das_pipeline.run import Run

MANIFEST = "manifest.json"
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


class Window(Model):
    """A delivered file is complete for the rows whose date in `column` lies in [from, until)."""

    column: str
    start: date = Field(alias="from")
    until: date


class DeliveredFile(Model):
    """What the sender says of one file."""

    file: str
    name: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)
    lines: int = Field(ge=0)  # physical lines, header included; of XML, records
    sums: Mapping[str, Decimal] = Field(default_factory=dict)
    complete_for: Literal["nothing", "all"] | Window | None = None  # None: as the contract says


class Manifest(Model):
    """What the sender says of one delivery: the state of its register on `reference_on`, handed over on `delivered_on`."""

    partner: str
    delivery: str
    reference_on: date
    delivered_on: date
    sequence: int = Field(ge=1)
    replaces: str | None = None
    is_simulated: bool
    files: tuple[DeliveredFile, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Manifest:
        if not re.fullmatch(re.escape(self.reference_on.isoformat()) + r"\.[1-9][0-9]{0,3}", self.delivery):
            raise ValueError(f"delivery must be the reference date and a number, {self.reference_on}.1")
        if self.delivered_on < self.reference_on:
            raise ValueError("delivered_on lies before reference_on")
        if len({f.file for f in self.files}) < len(self.files) or len({f.name for f in self.files}) < len(self.files):
            raise ValueError("a file is listed twice")
        if any(not _FILE_NAME.fullmatch(f.name) or f.name == MANIFEST for f in self.files):
            raise ValueError("a file name may have letters, digits, dots, - and _ only")
        return self


@dataclass(frozen=True)
class Landed:
    """A delivery in the landing zone: its manifest and the hash of every file that came with it, by file name."""

    manifest: Manifest
    objects: Mapping[str, str]

    @property
    def hash(self) -> str:
        """What the version made from it depends on."""
        return hashlib.sha256(canonical({"manifest": self.manifest.model_dump(mode="json"), "objects": dict(self.objects)})).hexdigest()


@dataclass(frozen=True)
class PendingDelivery:
    """A delivery that is not in force yet, in the inbox or landed."""

    manifest: Manifest
    state: Literal["ready", "waiting"]
    known_on: date  # the day on which it can become known
    reason: str = ""

    @property
    def partner(self) -> str:
        return self.manifest.partner

    @property
    def delivery(self) -> str:
        return self.manifest.delivery

    @property
    def sequence(self) -> int:
        return self.manifest.sequence


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


# -- the inbox


def _inbox(run: Run) -> tuple[list[Manifest], list[str]]:
    """The manifests in the inbox of partners that have a contract, and a sentence for each folder that is not a delivery."""
    found: list[Manifest] = []
    wrong: list[str] = []
    if not run.settings.inbox.is_dir():
        return found, [f"The inbox {run.settings.inbox} is missing: make it, or set DAS_INBOX."]
    for entry in sorted(run.settings.inbox.iterdir()):
        if not entry.is_dir():
            wrong.append(f"{entry}: a file in the inbox itself; deliveries come as <partner>/<delivery>/. It is left as it is.")
        elif entry.name not in run.jurisdiction.partners:
            wrong.append(
                f"{entry}: {entry.name} is no partner of {run.jurisdiction.name}. Write contracts/{entry.name}/ or move the folder. "
                "It is left as it is."
            )
        else:
            for folder in sorted(entry.iterdir()):
                try:
                    found.append(_manifest_of(folder, entry.name))
                except DasError as error:
                    wrong.append(f"{folder}: {error} It is left as it is.")
    return found, wrong


def _manifest_of(folder: Path, partner: str) -> Manifest:
    if not folder.is_dir():
        raise DasError("no delivery; a delivery is a folder with files and a manifest.json.")
    if not (folder / MANIFEST).is_file():
        raise DasError("manifest.json is missing: the sender writes it last, so the delivery is unfinished. Wait, or ask for it.")
    manifest = _parse((folder / MANIFEST).read_bytes())
    if (manifest.partner, manifest.delivery) != (partner, folder.name):
        raise DasError(f"manifest.json says it is {manifest.partner}/{manifest.delivery}: the folder's name must agree.")
    odd = sorted(p.name for p in folder.iterdir() if not p.is_file() or not _FILE_NAME.fullmatch(p.name))
    if odd:
        raise DasError(f"holds {len(odd)} entries that are no plain files with a plain name. Ask the sender for files only.")
    return manifest


def _parse(content: bytes) -> Manifest:
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        places = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors(include_input=False))
        raise DasError(f"manifest.json cannot be read ({places}). Ask the sender for a new one.") from None


# -- the landing zone


def landing_object(run: Run, sha256: str) -> Path:
    """Where the original with this hash is kept, encrypted."""
    return run.settings.home / "landing" / "objects" / sha256


def _place(run: Run, partner: str, delivery: str, kind: str = "") -> Path:
    return run.settings.home / "landing" / "manifests" / partner / f"{delivery}{kind}.json"


def landed(run: Run, partner: str, delivery: str) -> Landed | None:
    """The delivery as it was landed; None when it was not."""
    path = _place(run, partner, delivery)
    if not path.exists():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    return Landed(Manifest.model_validate(content["manifest"]), content["objects"])


def _all_landed(run: Run, partner: str) -> list[Landed]:
    folder = run.settings.home / "landing" / "manifests" / partner
    deliveries = sorted(p.stem for p in folder.glob("*.json") if not p.stem.endswith(".refused"))
    return [found for delivery in deliveries if (found := landed(run, partner, delivery)) is not None]


def land(run: Run, manifest: Manifest) -> Landed:
    """The delivery in the landing zone: taken from the inbox, encrypted, and only then removed there.

    Real data is never encrypted with demo keys, nor taken in under a policy that would release it by itself: it stays in the inbox.
    """
    run.keys.require_for(is_simulated=manifest.is_simulated)
    load_policy(run.jurisdiction).release.require_for(is_simulated=manifest.is_simulated)
    folder = run.settings.inbox / manifest.partner / manifest.delivery
    known = landed(run, manifest.partner, manifest.delivery)
    if known is None:
        objects = {path.name: _keep(run, path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}
        known = Landed(manifest, objects)
        content = {"manifest": manifest.model_dump(mode="json", by_alias=True), "objects": objects}
        replace_file(_place(run, manifest.partner, manifest.delivery), canonical(content, indent=1))
    if folder.is_dir() and _is_copy(folder, known):
        _remove(folder)
    return known


def _keep(run: Run, path: Path) -> str:
    """The hash of the file at `path`, now an object of the landing zone."""
    temporary = landing_object(run, f".{uuid.uuid4().hex}")
    try:
        with path.open("rb") as source:
            sha256 = encrypt_file(source, temporary, run.keys.encryption)
        move(temporary, landing_object(run, sha256))
    finally:
        temporary.unlink(missing_ok=True)
    return sha256


def _is_copy(folder: Path, known: Landed) -> bool:
    """Whether everything in `folder` is in the landing zone already (part of it may be removed: a crash while removing)."""
    files = [p for p in folder.iterdir() if p.name != MANIFEST]
    manifest = folder / MANIFEST
    return (not manifest.exists() or _parse(manifest.read_bytes()) == known.manifest) and all(
        known.objects.get(p.name) == sha256_of(p) for p in files
    )


def _remove(folder: Path) -> None:
    """Remove a landed folder, its manifest last, so that what is left after a crash is still known as this delivery."""
    for path in sorted(folder.iterdir(), key=lambda p: p.name == MANIFEST):
        path.unlink()
    folder.rmdir()


# -- refusals


def refusal_path(run: Run, partner: str, delivery: str) -> Path:
    """Where the refusal of a delivery is recorded."""
    return _place(run, partner, delivery, ".refused")


def refusal(run: Run, partner: str, delivery: str) -> dict[str, Any] | None:
    """The record of a refused delivery: its verdicts and receipt; None when it was not refused."""
    path = refusal_path(run, partner, delivery)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def record_refusal(run: Run, manifest: Manifest, verdicts: Iterable[Verdict], receipt: Mapping[str, Any]) -> None:
    """Remember that a delivery was refused and why, so that it is not tried again."""
    content = {"verdicts": [v.as_dict() for v in verdicts], "receipt": dict(receipt)}
    replace_file(refusal_path(run, manifest.partner, manifest.delivery), canonical(content, indent=1))


# -- order


def order(manifest: Manifest, before: Sequence[Accepted], *, is_delta: bool) -> tuple[Literal["next", "gap", "past"], str]:
    """Whether a delivery is the next one of its partner, with a sentence when it is not (rule I09).

    A delta needs every delivery before it; a snapshot only must not be older than what is in force.
    """
    last = before[-1] if before else None
    if last is None:
        is_gap = is_delta and manifest.sequence > 1
        return ("gap", "It waits for sequence 1, which has not been accepted.") if is_gap else ("next", "")
    if manifest.reference_on < last.reference_on:
        return "past", f"It is about {manifest.reference_on}, before {last.delivery}, which is in force."
    if manifest.sequence == last.sequence and manifest.replaces == last.delivery:
        return "next", ""
    if manifest.sequence <= last.sequence:
        return "past", f"Sequence {manifest.sequence} is taken by an earlier delivery; a correction of {last.delivery} must say replaces."
    if is_delta and manifest.sequence > last.sequence + 1:
        return "gap", f"It waits for sequence {last.sequence + 1}, which has not been accepted."
    return "next", ""


def known_on(manifest: Manifest, before: Sequence[Accepted]) -> date:
    """The day on which a delivery becomes known: when what comes before it is delivered later than itself, that day."""
    return max(manifest.delivered_on, before[-1].known_on) if before else manifest.delivered_on


def is_delta(run: Run, partner: str) -> bool:
    """Whether a partner delivers changes in any of its files, so that no delivery can be left out."""
    return any(c.delivery.mode == "delta" for (p, _), c in load_contracts(run.jurisdiction).items() if p == partner)


def pending(run: Run) -> list[PendingDelivery]:
    """What arrived by `run.as_of` and is neither in force nor refused, in the order in which it became known.

    `ready` ones can be taken in, in this order; a `waiting` one says for what.
    """
    arrived = {(m.partner, m.delivery): m for m in _inbox(run)[0]}
    for partner in load_partners(run.jurisdiction):
        arrived.update({(partner, known.manifest.delivery): known.manifest for known in _all_landed(run, partner)})
    found: list[PendingDelivery] = []
    for partner in load_partners(run.jurisdiction):
        before = accepted(run, partner)
        done = {a.delivery for a in before}
        delta = is_delta(run, partner)
        mine = [m for (p, d), m in arrived.items() if p == partner and d not in done and m.delivered_on <= run.as_of]
        for manifest in sorted(mine, key=lambda m: (m.sequence, m.delivered_on, m.delivery)):
            if refusal(run, partner, manifest.delivery) is not None:
                continue
            place, reason = order(manifest, before, is_delta=delta)
            day = known_on(manifest, before)
            if place == "next":  # what comes after it may count on it
                before = [*before, Accepted(manifest.delivery, manifest.sequence, manifest.reference_on, day, "")]
            found.append(PendingDelivery(manifest, "waiting" if place == "gap" else "ready", day, reason if place == "gap" else ""))
    return sorted(found, key=lambda d: (d.known_on, d.partner, d.sequence, d.delivery))


def next_deliveries(run: Run) -> list[PendingDelivery]:
    """The delivery of each partner that can be taken in now: the ones after it count on it, and wait."""
    following: dict[str, PendingDelivery] = {}
    for delivery in pending(run):
        if delivery.state == "ready":
            following.setdefault(delivery.partner, delivery)
    return list(following.values())


@dataclass(frozen=True)
class Refusal:
    """A refused delivery, what it lacked, and whether a later delivery made it good."""

    manifest: Manifest
    rules: tuple[str, ...]
    is_made_good: bool

    @property
    def partner(self) -> str:
        return self.manifest.partner

    @property
    def delivery(self) -> str:
        return self.manifest.delivery


def refusals(run: Run) -> list[Refusal]:
    """Every refused delivery, by partner. One is made good when its sequence is in force, or a later one of a partner that sends wholes."""
    found = []
    for partner in load_partners(run.jurisdiction):
        newest = max((a.sequence for a in accepted(run, partner)), default=0)
        for known in _all_landed(run, partner):
            record = refusal(run, partner, known.manifest.delivery)
            if record is not None:
                rules = tuple(sorted({v["rule"] for v in record["verdicts"] if not v["passed"] and v["severity"] == "block"}))
                found.append(Refusal(known.manifest, rules, is_made_good=known.manifest.sequence <= newest))
    return found


def problems(run: Run) -> list[str]:
    """A sentence for everything in the inbox that is not taken in by itself, and for each refusal that is not mended yet."""
    manifests, found = _inbox(run)
    for manifest in manifests:
        known = landed(run, manifest.partner, manifest.delivery)
        folder = run.settings.inbox / manifest.partner / manifest.delivery
        if known is None:
            continue
        if refusal(run, manifest.partner, manifest.delivery) is not None:
            found.append(f"{folder}: this delivery was refused. Deliver the mended one under the next number, with replaces.")
        elif not _is_copy(folder, known):
            found.append(f"{folder}: this delivery came before with other content. Deliver it under the next number, with replaces.")
    return found + [
        f"{r.partner} {r.delivery} was refused and is not corrected: sequence {r.manifest.sequence} must be delivered again."
        for r in refusals(run)
        if not r.is_made_good
    ]


def arrived(run: Run, partner: str, delivery: str) -> PendingDelivery:
    """The delivery with this name, wherever it is in its life; DeliveryRefused when it never arrived."""
    for candidate in pending(replace(run, as_of=date.max)):
        if (candidate.partner, candidate.delivery) == (partner, delivery):
            return candidate
    known = landed(run, partner, delivery)
    if known is None:
        raise DeliveryRefused(f"{partner} {delivery} is not in the inbox {run.settings.inbox} and was never landed.")
    return PendingDelivery(known.manifest, "ready", known_on(known.manifest, accepted(run, partner)))
