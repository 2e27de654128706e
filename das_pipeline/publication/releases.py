"""Releases as they lie in the folder: which there are, which one is live, and what their manifests say.

A release is `releases/<as_of>.<n>/`. `releases/current.json` names the live one; on a disk a link `current` beside it does the same for a
web server. Nothing in a release is ever changed. The stage `release` makes them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from das_pipeline.lake import Version
from das_pipeline.run import Run

MANIFEST = "manifest.json"
DERIVED = ("das.duckdb",)  # made from the tables; a database engine need not write the same bytes twice


@dataclass(frozen=True)
class Release:
    """One immutable release."""

    id: str
    folder: Path
    manifest: Mapping[str, Any]

    @property
    def as_of(self) -> date:
        return date.fromisoformat(self.manifest["as_of"])


def releases(run: Run) -> list[Release]:
    """Every finished release as known on the run's date, oldest first."""
    found = [read_release(p.parent) for p in releases_root(run).glob(f"[0-9]*/{MANIFEST}")]
    return sorted((r for r in found if r.as_of <= run.as_of), key=lambda r: (r.as_of, number_of(r.id)))


def release_folders(run: Run) -> list[Path]:
    """The folders of `releases`, oldest first: what a reader may hold beside a new release."""
    return [r.folder for r in releases(run)]


def previous_release(run: Run) -> Release | None:
    """The last release of an earlier day, against which changes are computed: so that doing a day again gives the same bytes."""
    earlier = [r for r in releases(run) if r.as_of < run.as_of]
    return earlier[-1] if earlier else None


def current_release(run: Run) -> Release | None:
    """The live release, whatever its date; None before the first."""
    pointer = releases_root(run) / "current.json"
    return read_release(releases_root(run) / json.loads(pointer.read_text(encoding="utf-8"))["release"]) if pointer.exists() else None


def has_same_content(release: Release, site: Version) -> bool:
    """Whether `site` would give the same bytes as `release`, derived files aside."""
    ours = {n: e.sha256 for n, e in site.files.items() if n not in DERIVED}
    return ours == {n: f["sha256"] for n, f in release.manifest["files"].items() if not f.get("derived")}


def read_release(folder: Path) -> Release:
    """The finished release in `folder`."""
    return Release(folder.name, folder, json.loads((folder / MANIFEST).read_text(encoding="utf-8")))


def number_of(release: str) -> int:
    """The number of a release among those of its day."""
    return int(release.rpartition(".")[2])


def releases_root(run: Run) -> Path:
    """The folder of all releases."""
    root = run.lake.home / "releases"
    root.mkdir(parents=True, exist_ok=True)
    return root
