"""Retention: removing what is no longer needed once its term has passed (policy.yaml, retention).

Files go; the manifest that named them stays, says when and why they went, and keeps inputs, facts and verdicts, so that the way from a
release back to its deliveries can always be walked. These stay whole, whatever their age:

- every release, and every file that a version which stays names, whichever version wrote it (those of the ledger, among others);
- the live version of every table, and every version that it was made from, directly or not;
- of a table that remembers its versions, those since the day of the last decision, from which an interrupted day is done again.

A manifest is rewritten before the first of its files goes, so a process that is killed leaves a home that reads as before, and the next
cleaning finishes the work.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from das_pipeline import deliveries
from das_pipeline.deliveries import landing
from das_pipeline.deliveries.landing import Landed
from das_pipeline.disk import REBUILT, RELEASES, alone, is_locked, make_folder, replace_file
from das_pipeline.engine import SPILL
from das_pipeline.lake import LOCK, MANIFEST, Lake, Version, canonical
from das_pipeline.policy import Retention, load_policy
from das_pipeline.release import DECISION
from das_pipeline.release.candidate import lineage
from das_pipeline.run import Run
from das_pipeline.stages import STAGES, stage_of

Kind = Literal["versions", "rejected", "refused", "originals", "unfinished"]


@dataclass(frozen=True)
class Expired:
    """Files that may go together, and how many bytes they hold; `record` is the manifest that will say why they went.

    Those that a process which is dead left in a `folder` of its own go with all that is in it.
    """

    kind: Kind
    files: tuple[Path, ...]
    bytes: int
    record: Path | None = None
    folder: Path | None = None


def judged_on(run: Run) -> date:
    """The day on which terms are judged: today; of simulated deliveries, which have a calendar of their own, the day of the newest."""
    return date.today() if deliveries.has_calendar(run) else deliveries.newest_vintage(run) or date.min


def expired(run: Run) -> list[Expired]:
    """What may go on the run's date."""
    terms, stays = load_policy(run.jurisdiction).retention, needed(run)
    found = leftovers(run.lake.home)
    for table in _tables(run.lake):
        found += _expired_versions(run.lake, table, stays, terms, run.as_of)
    return [*found, *_expired_originals(run, terms)]


def clean(run: Run) -> list[Expired]:
    """Remove what may go on the run's date, and return it. Waits for runs in progress, and keeps new ones waiting."""
    terms = load_policy(run.jurisdiction).retention
    make_folder(run.lake.home / SPILL)
    with alone(run.lake.home), alone(run.lake.home / SPILL):
        removed = expired(run)
        for found in removed:
            _remove(found, terms, run.as_of)
    return removed


def next_day(run: Run) -> date | None:
    """The first day after the run's date on which a term ends of what nothing else needs now; None when there is none."""
    terms, stays, days = load_policy(run.jurisdiction).retention, needed(run), set[date]()
    for table in _tables(run.lake):
        for manifest in run.lake.root(table).glob(f"*/{MANIFEST}"):
            version = run.lake.version(table, manifest.parent.name)
            if (table, version.id) not in stays and version.files:
                days.add(date.fromisoformat(version.as_of) + _term(terms, _kind(version)))
    for partner in run.jurisdiction.partners:
        for landed in landing.all_landed(run, partner):
            if (kind := _kind_of_original(run, landed)) is not None and not landed.removed:
                days.add(landed.manifest.delivered_on + _term(terms, kind))
    return min((day for day in days if day > run.as_of), default=None)


def _tables(lake: Lake) -> list[str]:
    """Every table that was ever begun, live or not."""
    stages = {stage.name for stage in STAGES}
    folders = [path for path in sorted(lake.home.glob("*/*")) if path.is_dir()]
    return [table for path in folders if stage_of(table := path.relative_to(lake.home).as_posix()) in stages]


# -- what stays


def needed(run: Run) -> set[tuple[str, str]]:
    """The versions, as table and id, that stay whole whatever their age."""
    lake = run.lake
    decided = lake.current(DECISION)
    kept: set[tuple[str, str]] = set()
    for live in (version for table in _tables(lake) if (version := lake.current(table)) is not None):
        kept |= {(live.table, live.id), *lineage(run, live).items(), *_since(lake, live, decided)}
    return kept


def _since(lake: Lake, live: Version, decided: Version | None) -> Iterator[tuple[str, str]]:
    """The versions before `live` down to the first as of the last decided day or earlier; all of them before the first decision."""
    version = live
    while version.previous is not None and (decided is None or version.as_of > decided.as_of):
        version = lake.version(version.table, version.previous)
        yield version.table, version.id


# -- what may go


def leftovers(home: Path) -> list[Expired]:
    """What dead processes left in folders of their own: drafts of tables and releases, spilled rows, unfinished replays and rebuilds."""
    owned = [(draft, draft.parent / LOCK) for draft in home.glob("*/*/.draft-*")]
    owned += [(draft, home / "release" / LOCK) for draft in home.glob(f"{RELEASES}/.draft-*")]
    owned += [(aside, home / "deliveries" / aside.name.split("-", 1)[1].rpartition("-")[0] / LOCK) for aside in home.glob(".replay-*")]
    owned += [(rebuilt, rebuilt) for rebuilt in home.glob(f"{REBUILT}*")]
    owned += [(spilled, spilled) for spilled in home.glob(f"{SPILL}/*") if any(spilled.glob("*"))]  # a copy of a home has empty ones
    left = sorted(folder for folder, lock in owned if not is_locked(lock))
    return [replace(_expired("unfinished", _files(folder)), folder=folder) for folder in left]


def _expired_versions(lake: Lake, table: str, stays: set[tuple[str, str]], terms: Retention, on: date) -> Iterator[Expired]:
    """The versions of `table` whose term has passed, with those of their files that no version which stays names."""
    going: list[tuple[Kind, Version]] = []
    named: set[Path] = set()
    for manifest in sorted(lake.root(table).glob(f"*/{MANIFEST}")):
        version = lake.version(table, manifest.parent.name)
        kind = _kind(version)
        if (table, version.id) not in stays and date.fromisoformat(version.as_of) + _term(terms, kind) <= on:
            going.append((kind, version))
        else:
            named |= {version.root / entry.path for entry in version.files.values()}
    for kind, version in going:
        if files := _files(version.folder) - {*named, version.folder / MANIFEST}:
            yield _expired(kind, files, version.folder / MANIFEST)


def _kind(version: Version) -> Kind:
    if not version.id.startswith("rejected-"):
        return "versions"
    return "refused" if stage_of(version.table) == "deliveries" else "rejected"


def _term(terms: Retention, kind: Kind) -> timedelta:
    return timedelta(days=getattr(terms, kind).days)


def _expired_originals(run: Run, terms: Retention) -> Iterator[Expired]:
    """The originals of deliveries that were accepted or refused, that no other delivery names; and those that no delivery names at all."""
    present = _files(run.lake.home / "landing" / "objects")
    going: list[tuple[Kind, Landed]] = []
    stays: set[Path] = set()
    named: set[Path] = set()
    for partner in sorted(folder.name for folder in (run.lake.home / "landing" / "manifests").glob("*")):
        for landed in landing.all_landed(run, partner):
            objects = {landing.landing_object(run, sha256) for sha256 in landed.objects.values()}
            kind = _kind_of_original(run, landed)
            named |= objects
            if kind is not None and landed.manifest.delivered_on + _term(terms, kind) <= run.as_of:
                going.append((kind, landed))
            else:
                stays |= objects
    for kind, landed in going:
        files = present & {landing.landing_object(run, sha256) for sha256 in landed.objects.values()} - stays
        stays |= files  # of two deliveries with the same file the first removes it
        if files:
            yield _expired(kind, files, landing.manifests_of(run, landed.manifest.partner) / f"{landed.manifest.delivery}.json")
    if unnamed := present - named:
        yield _expired("unfinished", unnamed)


def _kind_of_original(run: Run, landed: Landed) -> Kind | None:
    """The term of a landed delivery; None for one that still waits."""
    partner, delivery = landed.manifest.partner, landed.manifest.delivery
    if any(a.delivery == delivery for a in landing.accepted(run, partner)):
        return "originals"
    return "refused" if landing.is_refused(run, partner, delivery) else None


def _files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if not path.is_dir()}


def _expired(kind: Kind, files: set[Path], record: Path | None = None) -> Expired:
    stats = (path.stat() for path in files)  # of a file with two names (a site shares its candidate's tables) half for each
    return Expired(kind, tuple(sorted(files)), sum(stat.st_size // stat.st_nlink for stat in stats), record)


# -- removing


def _remove(found: Expired, terms: Retention, on: date) -> None:
    """Write down in the manifest why the files go, and remove them with the folders of a version that are empty without them."""
    if found.record is not None:
        content = json.loads(found.record.read_bytes())
        if "removed" not in content:  # else a cleaning was killed after writing it
            reason = {"on": on.isoformat(), "term": found.kind, "days": _term(terms, found.kind).days}
            emptied = {"files": {}} if "files" in content else {}  # of a landed delivery the hashes stay: they are what it is known by
            replace_file(found.record, canonical(content | emptied | {"removed": reason}, indent=1))
    if found.folder is not None:
        shutil.rmtree(found.folder)
        return
    for path in found.files:
        path.unlink()
        with suppress(OSError):  # a folder that is not empty, at the latest the one with the manifest
            for folder in path.parents:
                folder.rmdir()
