"""Making a release again from its inputs, in a process of its own with another number of threads, to see that the bytes are the same.

The rebuilt candidate lies in a folder of its own inside the home, and goes when it has been compared. Nothing of the home changes.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path

from das_pipeline.disk import REBUILT, RELEASES
from das_pipeline.errors import DasError, unknown_name
from das_pipeline.lake import Lake, Version, using
from das_pipeline.publication import build_candidate, revisions
from das_pipeline.publication.releases import CITED, DERIVED, Release, release_folders, releases, withdrawn_releases
from das_pipeline.release.auditing import site_of
from das_pipeline.release.candidate import SITE
from das_pipeline.release.citing import citation_files
from das_pipeline.run import Run, code_version, produce
from das_pipeline.settings import Settings
from das_pipeline.stages import READS
from das_pipeline.website import build_site

CANDIDATE = "publication/candidate"
MADE_AGAIN = {"publication", "website"}  # stages; what they read is that of the home


def rebuild_release(run: Run, name: str) -> list[str]:
    """Make the release `name` again, the newest when empty; return a sentence for each file that differs, none when every byte is the same.

    Files that are never the same twice (das.duckdb) are left out. DasError when it cannot be made again here: another home, other code or
    other files of the jurisdiction made it, or an input was cleaned away.
    """
    release = _release(run, name)
    site = site_of(run, release)
    if site is None:
        raise DasError(f"Release {release.id} was made by another home: it can be made again there.")
    made_by = {"code": code_version(), "jurisdiction": run.jurisdiction.limited_to(READS).hash}
    others = [key for key, ours in made_by.items() if ours != _made_by(release)[key]]
    if others:
        raise DasError(
            f"Release {release.id} was made with another version of {' and '.join(others)}: put those back that made it, and ask again."
        )
    threads = 1 if run.settings.threads > 1 else 2
    with using(run.lake.home), tempfile.TemporaryDirectory(prefix=REBUILT, dir=run.lake.home) as folder, using(Path(folder)):
        _lay_out(run, release, Path(folder))
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as processes:
            made = processes.submit(_rebuild, replace(run.settings, threads=threads), site, Path(folder)).result()
        made |= _citations(release, Path(folder) / SITE / made.pop(""))
    expected = {path: file["sha256"] for path, file in release.manifest["files"].items() if path not in DERIVED}
    faults = dict.fromkeys(expected.keys() - made.keys(), "is not made again.")
    faults |= dict.fromkeys(made.keys() - expected.keys(), "is made now, and not in the release.")
    faults |= {path: "has other bytes." for path in expected.keys() & made.keys() if expected[path] != made[path]}
    return [f"{path} {what}" for path, what in sorted(faults.items())]


def _release(run: Run, name: str) -> Release:
    known = [*withdrawn_releases(run), *releases(run)]
    found = [release for release in known if name in ("", release.id)]
    if not found:
        raise unknown_name("release", name, [r.id for r in known]) if known else DasError("There is no release yet: run das run.")
    return found[-1]


def _made_by(release: Release) -> Mapping[str, str]:
    return {"code": release.manifest["code"], "jurisdiction": release.manifest["jurisdiction"]["sha256"]}


def _lay_out(run: Run, release: Release, folder: Path) -> None:
    """Let a home in `folder` see the inputs of this one, and the releases that there were when `release` was made."""
    for entry in run.lake.home.iterdir():
        if entry.is_dir() and entry.name not in {*MADE_AGAIN, RELEASES, "withdrawn", folder.name}:
            (folder / entry.name).symlink_to(entry)
    (folder / RELEASES).mkdir()
    previous = json.loads((release.folder / "changes.json").read_bytes())["previous"]
    known = {previous, *revisions.editions(release.folder)}  # some of them may have been withdrawn since
    before = [f for f in release_folders(run) if f.name in known or (f.parent.name == RELEASES and f.name[:10] < release.id[:10])]
    for earlier in before:
        (folder / RELEASES / earlier.name).symlink_to(earlier)


def _rebuild(settings: Settings, site: Version, folder: Path) -> dict[str, str]:
    """Make the candidate and its site in the home `folder`; return the hashes of their files, and the new version under an empty name."""
    here = Run.start(settings, date.fromisoformat(site.as_of))
    candidate = here.lake.version(CANDIDATE, site.inputs[CANDIDATE])
    inputs = {**candidate.inputs, **{name: version for name, version in site.inputs.items() if name != CANDIDATE}}
    fixed = {name: here.lake.version(name, version) for name, version in inputs.items()}
    run = replace(here, lake=Lake(folder, fixed))
    produce(run, CANDIDATE, build_candidate, inputs=list(candidate.inputs))
    made = produce(run, SITE, build_site, inputs=list(site.inputs)).version
    return {path: entry.sha256 for path, entry in made.files.items() if path not in DERIVED} | {"": made.id}


def _citations(release: Release, site: Path) -> dict[str, str]:
    """Return the hashes of the files by which the release is cited, as they follow from the rebuilt data package."""
    if not set(CITED) & release.manifest["files"].keys():
        return {}
    package, changes = (json.loads((site / name).read_bytes()) for name in ("datapackage.json", "changes.json"))
    files = citation_files(release.id, package, changes["previous"])
    return {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
