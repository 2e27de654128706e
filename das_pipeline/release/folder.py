"""The folder that a candidate becomes when it is released, and the one pointer that tables and site share."""

from __future__ import annotations

import json
import shutil
import uuid
from typing import Any

from das_pipeline.disk import move, replace_file, sha256_of, sync
from das_pipeline.errors import LakeError
from das_pipeline.gate import GateFailed, blocking
from das_pipeline.lake import Version, canonical
from das_pipeline.privacy import keyed
from das_pipeline.publication.checks import expectations
from das_pipeline.publication.releases import (
    DERIVED,
    MANIFEST,
    Release,
    has_same_content,
    number_of,
    read_release,
    releases,
    releases_root,
)
from das_pipeline.release.decision import SITE
from das_pipeline.release.signing import sign
from das_pipeline.run import Run, code_version
from das_pipeline.settings import PROJECT
from das_pipeline.stages import READS


def next_release(run: Run) -> str:
    """The name of the release that the candidate in `website/site` becomes; that of an existing release when the bytes are the same."""
    site = run.lake.live(SITE)
    today = [r for r in releases(run) if r.as_of == run.as_of]
    for release in today:
        if has_same_content(release, site):
            return release.id
    return f"{run.as_of}.{max((number_of(r.id) for r in today), default=0) + 1}"


def publish_release(run: Run, release: str) -> Release:
    """The candidate in `website/site` as the live release named `release` (from `next_release`).

    Files first, then the manifest and its signature, then the pointer as the last act: a process killed at any point leaves the release
    before it live, and doing it again ends in the same bytes.
    """
    site = run.lake.live(SITE)
    root = releases_root(run)
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
        sign(run, draft, manifest)
        replace_file(draft / MANIFEST, manifest)
        sync(draft)
        move(draft, folder)
    made = read_release(folder)
    if not has_same_content(made, site):
        raise LakeError(f"Release {release} exists with other bytes: releases are immutable. Ask next_release for a free name.")
    replace_file(root / "current.json", canonical({"release": release}, indent=1))
    link = root / f".current-{uuid.uuid4().hex[:8]}"
    link.symlink_to(release)
    move(link, root / "current")
    return made


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
        "jurisdiction": {"name": run.jurisdiction.name, "sha256": run.jurisdiction.limited_to(READS).hash},
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
