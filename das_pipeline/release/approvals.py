"""Approval by two persons: what was signed about a candidate, and the state that follows from it.

A signature is a file in `<home>/release/approvals/<release>/`; none is ever changed or removed. It is about one manifest and one head of
the ledger: when a byte of the candidate or the ledger changes, it is void, and the candidate is to be reviewed again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from das_pipeline.disk import make_folder, sync_folder
from das_pipeline.errors import DasError
from das_pipeline.lake import canonical, verify
from das_pipeline.policy import load_policy
from das_pipeline.publication.releases import has_same_content, releases, withdrawn_releases
from das_pipeline.release.candidate import Candidate
from das_pipeline.release.signing import installation_key, is_signed, read_person_key
from das_pipeline.run import Run

Action = Literal["review", "approve", "return", "withdraw"]
State = Literal["audited", "reviewed", "approved", "released", "returned", "withdrawn"]
ALLOWED: dict[Action, tuple[State, ...]] = {
    "review": ("audited",),
    "approve": ("reviewed",),
    "return": ("audited", "reviewed", "approved"),
}


@dataclass(frozen=True)
class Statement:
    """What a person signs: `action` on the candidate with this manifest, to be appended to this head of the ledger."""

    action: Action
    person: str
    at: str  # the clock of the machine it was signed on
    release: str
    manifest: str  # SHA-256
    ledger_head: str | None
    reason: str = ""

    @property
    def content(self) -> bytes:
        return canonical(asdict(self))


@dataclass(frozen=True)
class Signature:
    """A signed statement, as it is kept and published."""

    statement: Statement
    public_key: str
    signature: str

    @classmethod
    def parse(cls, record: dict[str, Any]) -> Signature:
        return cls(Statement(**record["statement"]), record["public_key"], record["signature"])

    @property
    def is_genuine(self) -> bool:
        """Whether the signature is that of the statement by the key beside it."""
        return is_signed(self.statement.content, self.signature, self.public_key)

    def __str__(self) -> str:
        reason = f": {self.statement.reason}" if self.statement.reason else ""
        return f"{self.statement.action} by {self.statement.person} at {self.statement.at}{reason}"


@dataclass(frozen=True)
class Standing:
    """The state of a candidate: the signatures that count, and those that do not with the reason."""

    candidate: Candidate
    state: State
    counted: tuple[Signature, ...]
    void: tuple[tuple[Signature, str], ...]

    @property
    def sentence(self) -> str:
        """What the candidate waits for and what to type, with what was signed in vain."""
        release, void = self.candidate.release, "".join(f" Void: {signature} ({why})." for signature, why in self.void)
        by = " and ".join(str(s) for s in self.counted)
        match self.state:
            case "audited":
                return f"{release} is audited and waits for a reviewer: das release review NAME --key FILE.{void}"
            case "reviewed":
                return f"{release} is reviewed ({by}) and waits for another person's approval: das release approve NAME --key FILE.{void}"
            case "approved":
                return f"{release} is approved ({by}).{void}"
            case _:
                return f"{release} is {self.state}{f' ({by})' if by else ''}.{void}"


def standing_of(candidate: Candidate) -> Standing:
    """Return the standing of a candidate that the auditor has passed."""
    run, site = candidate.run, candidate.site
    valid: dict[Action, Signature] = {}
    void: list[tuple[Signature, str]] = []
    for signature in signatures(run, candidate.release):
        why = _why_void(candidate, signature, valid)
        if why:
            void.append((signature, why))
        else:
            valid.setdefault(signature.statement.action, signature)
    state: State = "approved" if "approve" in valid else "reviewed" if "review" in valid else "audited"
    if any(has_same_content(r, site) for r in withdrawn_releases(run)):
        state = "withdrawn"
    elif any(has_same_content(r, site) for r in releases(run)):
        state = "released"
    elif "return" in valid:
        state = "returned"
    return Standing(candidate, state, tuple(valid.values()), tuple(void))


def _why_void(candidate: Candidate, signature: Signature, valid: dict[Action, Signature]) -> str:
    """Return why a signature does not count, given the valid ones before it; empty when it does."""
    statement = signature.statement
    if wrong := _why_not(candidate.run, statement.person, statement.action, signature.public_key):
        return wrong
    if not signature.is_genuine:
        return "the record was changed after it was signed"
    if statement.manifest != candidate.hash:
        return "the candidate's bytes, code or policy have changed since"
    if statement.action != "return" and statement.ledger_head != candidate.ledger_head:
        return "the ledger has moved since"
    if statement.action == "approve" and (
        "review" not in valid or valid["review"].statement.person == statement.person or valid["review"].public_key == signature.public_key
    ):
        return "it needs a valid review by another person before it"
    return ""


def _why_not(run: Run, name: str, action: Action, public_key: str) -> str:
    """Return why a person with this key may not do `action`; empty when the policy lets them."""
    persons = load_policy(run.jurisdiction).release.persons
    if name not in persons:
        return f"policy.yaml, release.persons, does not name {name}; it names {', '.join(sorted(persons)) or 'nobody'}"
    if public_key != persons[name].public_key:
        return f"the key is not the one that policy.yaml names for {name}"
    if public_key == installation_key(run.keys):
        return f"{name} has the key of the installation, which made the candidate: its author cannot sign for it"
    if action in {"review", "approve"} and action not in persons[name].roles:
        return f"{name} may {' and '.join(persons[name].roles)}, not {action}"
    return ""


def sign_candidate(candidate: Candidate, action: Action, person: str, key_file: Path, reason: str = "") -> Signature:
    """Record `person`'s signature of `action` on the candidate and return it; DasError when it is not theirs to give, or not now."""
    standing = standing_of(candidate)
    if standing.state not in ALLOWED[action]:
        raise DasError(f"Not signed: {action} needs a candidate that is {' or '.join(ALLOWED[action])}. {standing.sentence}")
    verify(candidate.site)
    signature = sign(candidate.run, action, person, key_file, candidate.release, candidate.hash, candidate.ledger_head, reason)
    if wrong := _why_void(candidate, signature, {s.statement.action: s for s in standing.counted}):
        raise DasError(f"Not signed: {wrong}.")
    record(candidate.run, signature)
    return signature


def sign(run: Run, action: Action, person: str, key_file: Path, release: str, manifest: str, head: str | None, reason: str) -> Signature:
    """Return the signature of a statement made now; DasError when it is not the person's to give."""
    key = read_person_key(key_file)
    public_key = bytes(key.verify_key).hex()
    if wrong := _why_not(run, person, action, public_key):
        raise DasError(f"Not signed: {wrong}.")
    statement = Statement(action, person, datetime.now(UTC).isoformat(timespec="seconds"), release, manifest, head, reason)
    return Signature(statement, public_key, key.sign(statement.content).signature.hex())


def signatures(run: Run, release: str) -> list[Signature]:
    """Return every signature ever recorded about a release or its candidates, in order."""
    return [Signature.parse(json.loads(path.read_bytes())) for path in sorted(_folder(run, release).glob("*.json"))]


def record(run: Run, signature: Signature) -> None:
    """Keep a signature for good."""
    folder = _folder(run, signature.statement.release)
    make_folder(folder)
    statement = signature.statement
    path = folder / f"{len(list(folder.glob('*.json'))) + 1:04}-{statement.action}-{statement.person}.json"
    with path.open("xb") as file:
        file.write(canonical(asdict(signature), indent=1))
    sync_folder(path)
    sync_folder(folder)


def _folder(run: Run, release: str) -> Path:
    return run.lake.home / "release" / "approvals" / release
