"""The check that anyone can make of a release, with nothing but its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from das_pipeline.disk import sha256_of
from das_pipeline.publication.releases import MANIFEST, SUMS, wrong_files
from das_pipeline.release.approvals import Signature
from das_pipeline.release.candidate import manifest_hash
from das_pipeline.release.signing import PUBLIC_KEY, SIGNATURE, is_signed


def verify_release(folder: Path, public_key: bytes | None = None) -> list[str]:
    """Return what is wrong with the release in `folder`; empty when every byte and approval is as the signed manifest declares.

    With `public_key` (32 bytes, known from elsewhere) the signature is checked against it, else against the key in the folder, which
    proves only that nothing was changed by somebody without that key.
    """
    if missing := [f"{name}: missing." for name in (MANIFEST, SIGNATURE, PUBLIC_KEY) if not (folder / name).exists()]:
        return missing
    content = (folder / MANIFEST).read_bytes()
    key = public_key.hex() if public_key else (folder / PUBLIC_KEY).read_text(encoding="ascii", errors="replace")
    if not is_signed(content, (folder / SIGNATURE).read_text(encoding="ascii", errors="replace"), key):
        return [f"{MANIFEST}: the signature does not fit."]
    manifest = json.loads(content)
    listed = manifest["files"]
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {MANIFEST, SIGNATURE, PUBLIC_KEY, SUMS}
    wrong = [f"{name}: not in the manifest." for name in sorted(present - set(listed))]
    if (folder / SUMS).exists() and (folder / SUMS).read_bytes() != sums(folder, listed).encode():  # releases of earlier versions have none
        wrong.append(f"{SUMS}: other sums than those of the manifest.")
    return wrong + wrong_files(folder, listed) + _wrong_approval(manifest, key)


def sums(folder: Path, listed: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what `sha256sum -c` reads in `folder`: the sums of the files that a manifest lists, of itself and of its signature."""
    of_files = {name: file["sha256"] for name, file in listed.items()}
    of_files |= {name: sha256_of(folder / name) for name in (MANIFEST, SIGNATURE, PUBLIC_KEY)}
    return "".join(f"{of_files[name]}  {name}\n" for name in sorted(of_files))


def _wrong_approval(manifest: dict[str, Any], installation: str) -> list[str]:
    """Return what is wrong with the approval that the manifest declares; that of a withdrawn release is in the release as it was."""
    if "withdrawn" in manifest:
        return [] if Signature.parse(manifest["withdrawn"]).is_genuine else ["withdrawal: the signature does not fit."]
    approval = manifest.get("approval", {"by": "policy", "signatures": []})  # releases of earlier versions have none
    signed = [Signature.parse(record) for record in approval["signatures"]]
    wrong = [f"{s}: the signature does not fit." for s in signed if not s.is_genuine]
    wrong += [f"{s}: it is about other bytes." for s in signed if s.statement.manifest != manifest_hash(manifest)]
    if not manifest["is_simulated"] or approval["by"] == "two_persons":
        actions = {s.statement.action for s in signed}
        keys = {s.public_key for s in signed} - {installation}
        if not {"review", "approve"} <= actions or len(keys) < 2:
            wrong.append("approval: no review and approval by two persons.")
    return wrong
