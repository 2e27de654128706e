"""Withdrawing a release: its pages say so, the release before it is live again, and its figures stay in the ledger.

What was released moves to `<home>/withdrawn/<release>/` as it was: readers may hold it, so the auditor goes on comparing with it.
In its place comes a folder with a notice at the address of every page, and a manifest that says who withdrew it, when and why.
"""

from __future__ import annotations

import importlib.resources
import re
from dataclasses import asdict
from pathlib import Path

import jinja2

from das_pipeline.disk import make_folder, move, sha256_of
from das_pipeline.errors import DasError
from das_pipeline.publication.releases import MANIFEST, Release, live_name, read_release, releases, releases_root, withdrawn_root
from das_pipeline.publication.texts import table_texts
from das_pipeline.release.approvals import Signature, record, sign, signatures
from das_pipeline.release.candidate import manifest_hash
from das_pipeline.release.folder import new_draft, point_to, seal
from das_pipeline.run import Run

LANGUAGE = re.compile(rb'<html lang="(\w+)"')


def withdraw_release(run: Run, release: str, person: str, key_file: Path, reason: str) -> Signature:
    """Withdraw a release in the name of one person, and return the recorded signature."""
    withdrawn = next((r for r in releases(run) if r.id == release), None)
    if withdrawn is None:
        raise DasError(f"There is no release {release} to withdraw: das release list shows what there is.")
    if not reason:
        raise DasError("A withdrawal says why, to everybody who opens the release: give --reason.")
    manifest = withdrawn.manifest
    signature = sign(run, "withdraw", person, key_file, release, manifest_hash(manifest), manifest["ledger_head"], reason)
    record(run, signature)
    complete_withdrawals(run)
    return signature


def complete_withdrawals(run: Run) -> None:
    """Do what the recorded withdrawals say, as far as it is not done: also after a process was killed halfway."""
    for folder in sorted((run.lake.home / "release" / "approvals").glob("*")):
        for signature in signatures(run, folder.name):
            if signature.statement.action == "withdraw":
                _withdraw(run, signature)


def _withdraw(run: Run, signature: Signature) -> None:
    name = signature.statement.release
    root, original = releases_root(run), withdrawn_root(run) / name
    public = root / name
    if (public / MANIFEST).exists() and not read_release(public).is_withdrawn:
        if live_name(run) == name:
            names = [r.id for r in releases(run)]
            point_to(root, names[names.index(name) - 1] if names[0] != name else None)
        make_folder(original.parent)
        move(public, original)
    if not public.exists():
        _write_notice(run, read_release(original), signature, public)


def _write_notice(run: Run, release: Release, signature: Signature, public: Path) -> None:
    """Create the folder that readers find in place of a withdrawn release."""
    texts = table_texts(run.jurisdiction)
    template = jinja2.Environment(autoescape=True).from_string(
        (importlib.resources.files("das_pipeline.release") / "withdrawn.html").read_text(encoding="utf-8")
    )
    draft = new_draft(public.parent)
    for page in sorted((release.folder / "site").rglob("*.html")):
        place = page.relative_to(release.folder)
        language = match.group(1).decode() if (match := LANGUAGE.search(page.read_bytes())) else "en"
        sentence = texts.withdrawn[language].format(release=release.id, day=signature.statement.at[:10], reason=signature.statement.reason)
        target = draft / place
        target.parent.mkdir(parents=True, exist_ok=True)
        current = "../" * len(place.parts) + "current/site/index.html" if live_name(run) else ""
        page_texts = {"sentence": sentence, "current": current, "current_text": texts.current_release[language]}
        target.write_text(template.render(language=language, **page_texts), encoding="utf-8")
    files = {p.relative_to(draft).as_posix(): {"sha256": sha256_of(p), "bytes": p.stat().st_size} for p in draft.rglob("*") if p.is_file()}
    kept = {key: release.manifest[key] for key in ("release", "as_of", "version", "is_simulated")}
    seal(run.keys, draft, kept | {"withdrawn": asdict(signature), "files": files}, public)
