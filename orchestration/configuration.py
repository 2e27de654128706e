"""The file `dagster.yaml` of a home: a copy of deploy/dagster.yaml, which an operator may change."""

from __future__ import annotations

import hashlib
from pathlib import Path

import yaml

from das_pipeline.disk import replace_file
from das_pipeline.settings import PROJECT

DEPLOYED = PROJECT / "deploy" / "dagster.yaml"
SHIPPED = {
    "cbe3c36c6df9ad111477c2b606727656a0f20922e3489cb7e2e00c5b7f222912",
    "c0817701062afb36dce662ac7bddca3b56c3c388a3cb824bfe4fee86c69968a2",
    "7d6cadde944e7d2435220ce53772e66b76f267d3a8415f92589ef78930da5df8",
    "5c70f9c9718a426a51b0684d06828dcfe2f61f90c28bdb61731c952252bf3927",
    "195356891b6669f087b61fda7b6bed23d15dee923e68af2c881bb4b6b0176a39",
}
"""SHA-256 of deploy/dagster.yaml in every version so far: a copy with one of these was changed by nobody."""


def provide(folder: Path) -> Path:
    """Copy deploy/dagster.yaml into Dagster's folder of a home unless there is one; return its path."""
    path = folder / "dagster.yaml"
    if not path.exists():
        replace_file(path, DEPLOYED.read_bytes())
    return path


def renew(folder: Path) -> list[str]:
    """Bring what is new in deploy/dagster.yaml into the copy of a home; return a sentence for each change, and for what differs.

    A copy that nobody changed is replaced. One that was changed keeps all that it says, and gets the settings that it does not have.
    """
    path = provide(folder)
    content, deployed = path.read_bytes(), DEPLOYED.read_bytes()
    if content == deployed:
        return []
    if hashlib.sha256(content).hexdigest() in SHIPPED:
        replace_file(path, deployed)
        return [f"{path} was that of an earlier version and is replaced by deploy/dagster.yaml."]
    here, there = yaml.safe_load(content) or {}, yaml.safe_load(deployed)
    if missing := {name: setting for name, setting in there.items() if name not in here}:
        replace_file(path, content.rstrip() + b"\n" + yaml.safe_dump(missing, sort_keys=False).encode())
    other = sorted(name for name, setting in there.items() if name in here and here[name] != setting)
    added = [f"{path} was changed by hand and is kept; it got the settings {', '.join(missing)} of deploy/dagster.yaml."] if missing else []
    return added + ([f"{path} sets {', '.join(other)} otherwise than deploy/dagster.yaml: compare them by hand."] if other else [])
