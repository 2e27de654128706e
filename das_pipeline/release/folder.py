"""The folder that a candidate becomes when it is released, and the one pointer that tables and site share."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from das_pipeline.disclosure import LEDGER
from das_pipeline.disk import make_public, move, replace_file, sync, sync_folder
from das_pipeline.errors import LakeError
from das_pipeline.lake import canonical
from das_pipeline.policy import load_policy
from das_pipeline.privacy import Keys
from das_pipeline.publication.releases import CURRENT, MANIFEST, SUMS, Release, has_same_content, read_release, releases_root
from das_pipeline.release.approvals import Signature
from das_pipeline.release.candidate import Candidate, shown
from das_pipeline.release.signing import sign_manifest
from das_pipeline.release.verification import sums


def publish_release(candidate: Candidate, signatures: Sequence[Signature] = ()) -> Release:
    """Make the candidate the live release, with the signatures that approve it in its manifest, and return it.

    Files first, then the manifest and its signature, then the pointer as the last act: a process killed at any point leaves the release
    before it live, and doing it again ends in the same bytes.
    """
    run, site = candidate.run, candidate.site
    root = releases_root(run)
    folder = root / candidate.release
    if not (folder / MANIFEST).exists():
        ledger = run.lake.current(LEDGER)
        approval = load_policy(run.jurisdiction).release.approval
        manifest = candidate.manifest | {
            "ledger_head": shown(run, LEDGER, ledger.id) if ledger else None,
            "approval": {"by": approval.by, "reason": approval.reason, "signatures": [asdict(s) for s in signatures]},
        }
        draft = new_draft(root)
        for name in site.files:
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(site.path(name), draft / name)
        for name, content in candidate.citations.items():
            (draft / name).write_bytes(content)
        seal(run.keys, draft, manifest, folder)
    release = read_release(folder)
    if not has_same_content(release, site):
        raise LakeError(f"Release {release.id} exists with other bytes: releases are immutable. Ask next_release for a free name.")
    point_to(root, release.id)
    return release


def new_draft(root: Path) -> Path:
    """Create an empty folder beside the releases and return it; those that a killed process left behind are removed."""
    for left in root.glob(".draft-*"):
        shutil.rmtree(left, ignore_errors=True)
    draft = root / f".draft-{uuid.uuid4().hex[:8]}"
    draft.mkdir()
    return draft


def seal(keys: Keys, draft: Path, manifest: Mapping[str, Any], folder: Path) -> None:
    """Turn a finished draft with this manifest into the release folder `folder`, signed by the installation."""
    content = canonical(manifest, indent=1)
    sign_manifest(keys, draft, content)
    replace_file(draft / MANIFEST, content)
    (draft / SUMS).write_text(sums(draft, manifest["files"]), encoding="utf-8")
    make_public(draft)
    sync(draft)
    move(draft, folder)


def point_to(root: Path, release: str | None) -> None:
    """Make `release` the live one: the link `current` is the only pointer, replaced in one step. With None, no release is live."""
    if release is None:
        (root / CURRENT).unlink(missing_ok=True)
        sync_folder(root)
        return
    link = root / f".{CURRENT}-{uuid.uuid4().hex[:8]}"
    link.symlink_to(release)
    move(link, root / CURRENT)
