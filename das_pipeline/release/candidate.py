"""The candidate that is put forward for release: which one it is, the name it gets, and the manifest that two persons sign."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

from das_pipeline.disclosure import LEDGER
from das_pipeline.disk import sha256_of
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.lake import Lake, Version, canonical
from das_pipeline.privacy import keyed
from das_pipeline.publication.releases import (
    DERIVED,
    has_same_content,
    number_of,
    release_names,
    releases,
    releases_root,
    withdrawn_releases,
)
from das_pipeline.release.citing import citation_files
from das_pipeline.run import Run, code_version
from das_pipeline.settings import PROJECT
from das_pipeline.stages import READS

SITE, LEAVES = "website/site", "disclosure/leaves"


@dataclass(frozen=True)
class Candidate:
    """A finished candidate: `run` reads it, and the leaves it was made from, whatever later runs make live."""

    run: Run

    @property
    def site(self) -> Version:
        return self.run.lake.live(SITE)

    @cached_property
    def release(self) -> str:
        """The name that it gets, or has, as a release."""
        return next_release(self.run)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What persons sign: its release's manifest, but for the approval and the ledger after it. Hashes are of the bytes on disk."""
        site = self.site
        listed = {name: {"sha256": sha256_of(site.path(name)), "bytes": site.path(name).stat().st_size} for name in site.files}
        listed |= {name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)} for name, content in self.citations.items()}
        return {
            "release": self.release,
            "as_of": site.as_of,
            "version": self._changes["version"],
            "is_simulated": self.is_simulated,
            **made_by(self.run.jurisdiction),
            **self.made_from,
            "files": {name: listed[name] | ({"derived": True} if name in DERIVED else {}) for name in sorted(listed)},
        }

    @cached_property
    def made_from(self) -> dict[str, Any]:
        """The versions that it was made from, as a reader may see them."""
        run, site = self.run, self.site
        return {
            "build": shown(run, site.table, site.inputs_hash),
            "inputs": {table: shown(run, table, version) for table, version in sorted(lineage(run, site).items())},
        }

    @cached_property
    def citations(self) -> dict[str, bytes]:
        """The files by which its release is cited, by name: they need the name that it gets."""
        return citation_files(self.release, self._package, self._changes["previous"])

    @property
    def is_simulated(self) -> bool:
        return self._package["is_simulated"]

    @cached_property
    def _package(self) -> dict[str, Any]:
        return json.loads(self.site.path("datapackage.json").read_bytes())

    @cached_property
    def _changes(self) -> dict[str, Any]:
        return json.loads(self.site.path("changes.json").read_bytes())

    @property
    def hash(self) -> str:
        """SHA-256 of the manifest."""
        return manifest_hash(self.manifest)

    @property
    def can_be_appended(self) -> bool:
        """Whether the ledger has not moved since the candidate's leaves were made: else it can never go live."""
        ledger = self.run.lake.current(LEDGER)
        made_from = self.run.lake.live(LEAVES).inputs.get(LEDGER)
        return made_from == (ledger.id if ledger is not None else None) or _appended_as(self.run) == self.release

    @property
    def ledger_head(self) -> str | None:
        """The ledger that the candidate is to be appended to, as a reader may see it: once it has been appended, the version before."""
        ledger = self.run.lake.current(LEDGER)
        if ledger is None:
            return None
        head = ledger.previous if _appended_as(self.run) == self.release else ledger.id
        return shown(self.run, LEDGER, head) if head else None


def made_by(jurisdiction: Jurisdiction) -> dict[str, Any]:
    """Return what makes a release here and now, as its manifest has it: code, libraries, and the files of the jurisdiction."""
    lock = PROJECT / "requirements.lock"
    return {
        "code": code_version(),
        "lock": sha256_of(lock) if lock.exists() else None,
        "jurisdiction": {"name": jurisdiction.name, "sha256": jurisdiction.limited_to(READS).hash},
    }


def candidate_of(run: Run, site: Version) -> Candidate:
    """Return the candidate in `site`, a version of website/site, as known on its own date."""
    leaves = lineage(run, site)[LEAVES]
    lake = Lake(run.lake.home, {SITE: site, LEAVES: run.lake.version(LEAVES, leaves)})
    return Candidate(replace(run, lake=lake, as_of=date.fromisoformat(site.as_of)))


def manifest_hash(manifest: Mapping[str, Any]) -> str:
    """SHA-256 of a candidate's manifest, computed from it or from the manifest of its release."""
    return hashlib.sha256(canonical({k: v for k, v in manifest.items() if k not in {"approval", "ledger_head"}})).hexdigest()


def next_release(run: Run) -> str:
    """Return the name of the release that the candidate becomes: that of an existing release when the bytes are the same."""
    site = run.lake.live(SITE)
    for release in [*releases(run), *withdrawn_releases(run)]:
        if release.as_of == run.as_of and has_same_content(release, site):
            return release.id
    appended = _appended_as(run)
    if appended is not None and not (releases_root(run) / appended).exists():  # a process ended between the ledger and the release
        return appended
    ledger = run.lake.current(LEDGER)
    names = {*release_names(run), *(ledger.facts["releases"] if ledger is not None else ())}
    return f"{run.as_of}.{max((number_of(n) for n in names if n.startswith(f'{run.as_of}.')), default=0) + 1}"


def _appended_as(run: Run) -> str | None:
    """Return the name under which the last entries of the ledger, if they are those of the candidate's leaves, were appended."""
    ledger, leaves = run.lake.current(LEDGER), run.lake.current(LEAVES)
    if ledger is None or leaves is None or ledger.inputs.get(LEAVES) != leaves.id:
        return None
    return ledger.facts["releases"][-1]


def shown(run: Run, table: str, version: str) -> str:
    """Return a version id as a reader may see it: keyed, since with a plain hash of a cube anyone could test a guess of its counts."""
    return keyed(run.keys.signing, "input", table, version).hex()[:16]


def lineage(run: Run, version: Version) -> dict[str, str]:
    """Return every table version that went into `version`, directly or not."""
    versions: dict[str, str] = {}
    to_visit = [version]
    while to_visit:
        for table, version_id in to_visit.pop().inputs.items():
            if table not in versions:
                versions[table] = version_id
                to_visit.append(run.lake.version(table, version_id))
    return versions
