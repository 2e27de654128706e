"""The releases on disk: which there are, which one is live, and what their manifests declare.

A release is `releases/<as_of>.<n>/`. The link `releases/current` leads to the live one, for a web server and for us: there is no other
pointer that could differ from it. Nothing in a release is ever changed; a withdrawn one moves to `withdrawn/` and leaves a notice
in its place. The stage `release` makes them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from das_pipeline.disk import RELEASES, sha256_of
from das_pipeline.errors import LakeError
from das_pipeline.lake import Version
from das_pipeline.run import Run

MANIFEST = "manifest.json"
CURRENT = "current"
CITED = ("CITATION.cff", "citation.bib", "citation.ris", "datacite.json")  # made with the name of a release, which no candidate has
SUMS = "SHA256SUMS"  # of every other file of a release, for `sha256sum -c`
CITATIONS = "citations.json"  # lies beside the releases, as the feeds do
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

    @property
    def is_withdrawn(self) -> bool:
        """Whether this is the notice in place of a withdrawn release."""
        return "withdrawn" in self.manifest


def feed_name(language: str) -> str:
    """Return the name of the feed of releases in a language."""
    return f"feed.{language}.atom"


def releases(run: Run) -> list[Release]:
    """Return every finished release as known on the run's date that was not withdrawn, oldest first."""
    return [r for r in _in_folder(run, releases_root(run)) if not r.is_withdrawn]


def withdrawn_releases(run: Run) -> list[Release]:
    """Return the withdrawn releases as they were, as known on the run's date, oldest first."""
    return _in_folder(run, withdrawn_root(run))


def _in_folder(run: Run, folder: Path) -> list[Release]:
    finished = [read_release(p.parent) for p in folder.glob(f"[0-9]*/{MANIFEST}")]
    return sorted((r for r in finished if r.as_of <= run.as_of), key=_order)


def _order(release: Release) -> tuple[date, int]:
    return release.as_of, number_of(release.id)


def release_folders(run: Run) -> list[Path]:
    """Return the folders of all releases, withdrawn ones as they were, oldest first: what a reader may hold beside a new release."""
    return [r.folder for r in sorted([*releases(run), *withdrawn_releases(run)], key=_order)]


def release_names(run: Run) -> list[str]:
    """Return the names that releases of any date have or had."""
    return [p.name for root in (releases_root(run), withdrawn_root(run)) for p in root.glob("[0-9]*")]


def earlier_releases(run: Run) -> list[Release]:
    """Return the releases of earlier days, oldest first: a day that is done again is compared with the same ones."""
    return [r for r in releases(run) if r.as_of < run.as_of]


def current_release(run: Run) -> Release | None:
    """Return the live release, whatever its date; None before the first."""
    name = live_name(run)
    return read_release(releases_root(run) / name) if name else None


def live_name(run: Run) -> str | None:
    """Return the name of the live release: where the link leads."""
    link = releases_root(run) / CURRENT
    return link.readlink().name if link.is_symlink() else None


def has_same_content(release: Release, site: Version) -> bool:
    """Return whether `site` would give the same bytes as `release`, derived files and citations aside."""
    ours = {n: e.sha256 for n, e in site.files.items() if n not in DERIVED}
    return ours == {n: f["sha256"] for n, f in release.manifest["files"].items() if not f.get("derived") and n not in CITED}


def read_release(folder: Path) -> Release:
    """Return the finished release in `folder`; LakeError when its manifest is torn."""
    try:
        return Release(folder.name, folder, json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except ValueError:
        raise damaged_release(folder, [f"{MANIFEST}: torn."]) from None


def wrong_files(folder: Path, listed: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each file of a release that is missing or differs from what its manifest lists."""
    wrong = [f"{name}: missing." for name in sorted(listed) if not (folder / name).exists()]
    return wrong + [f"{n}: other bytes." for n in sorted(listed) if (folder / n).exists() and sha256_of(folder / n) != listed[n]["sha256"]]


def damaged_release(folder: Path, wrong: Sequence[str]) -> LakeError:
    """Return the error for a release that is not as it was published. It is never mended by making it again: its readers have the bytes."""
    return LakeError(
        f"Release {folder.name} is not as it was published. {' '.join(wrong[:5])} Restore {folder} from backup. "
        "Until then no candidate is made and nothing is released."
    )


def require_intact_releases(run: Run) -> None:
    """Raise LakeError when a file of a release is damaged: a candidate is compared with them, and would keep what it read."""
    for release in [*releases(run), *withdrawn_releases(run)]:
        if wrong := wrong_files(release.folder, release.manifest["files"]):
            raise damaged_release(release.folder, wrong)


def number_of(release: str) -> int:
    """Return the number of a release among those of its day."""
    return int(release.rpartition(".")[2])


def withdrawn_root(run: Run) -> Path:
    """Return the folder of withdrawn releases as they were, which nobody outside sees."""
    return run.lake.home / "withdrawn"


def releases_root(run: Run) -> Path:
    """Return the folder of all releases: of the whole home this alone is for others to read."""
    root = run.lake.home / RELEASES
    if not root.is_dir():
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(0o755)
    return root
