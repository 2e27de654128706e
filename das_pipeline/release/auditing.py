"""The audit of a release that is out: its signature by a key known from elsewhere, its bytes by the home that made it, and the auditor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from das_pipeline import publication
from das_pipeline.auditor import audit
from das_pipeline.deliveries import is_real
from das_pipeline.disk import sha256_of
from das_pipeline.errors import DasError, unknown_name
from das_pipeline.gate import Verdict
from das_pipeline.lake import Version
from das_pipeline.policy import load_policy
from das_pipeline.publication.releases import CITED, CURRENT, MANIFEST, SUMS, Release, read_release, releases_root
from das_pipeline.release.candidate import SITE, Candidate, candidate_of, made_by, shown
from das_pipeline.release.declared import declared, limits_of, made_before
from das_pipeline.release.feed import feeds
from das_pipeline.release.signing import PUBLIC_KEY, SIGNATURE
from das_pipeline.release.verification import verify_release
from das_pipeline.release.words import judge_words
from das_pipeline.run import Run, is_made_here

FIX = "Restore the folder from backup, and find who could write to it."


def audit_release(run: Run, folder: Path, earlier: Sequence[Path], key: bytes | None) -> list[Verdict]:
    """The verdicts on the release in `folder`, beside `earlier` ones, oldest first, whose signatures are checked with `key` (32 bytes)."""
    verdicts = [judge_signatures([*earlier, folder], key)]
    if not verdicts[0].passed and not (folder / MANIFEST).exists():
        return verdicts
    release = read_release(folder)
    site = site_of(run, release)
    by_this_code = all(release.manifest.get(key) == value for key, value in made_by(run.jurisdiction).items() if key != "lock")
    if site is not None:
        verdicts.append(judge_bytes(folder, candidate_of(run, site)))
        by_this_code = is_made_here(run, site)
    if folder.parent == releases_root(run):
        verdicts.append(judge_beside(run))
    limits = limits_of(load_policy(run.jurisdiction).disclosure, is_real=is_real(run))
    made = made_before(candidate_of(run, site)) if site else {}
    of_jurisdiction = declared(run.jurisdiction, made, by_this_code=by_this_code)
    verdicts += audit(folder, earlier, limits, publication.readers(), of_jurisdiction)
    if site is not None:
        verdicts.append(judge_words(run, folder, of_jurisdiction.texts))
    return verdicts


def folders_to_audit(run: Run, release: str) -> tuple[Path, list[Path]]:
    """The folder of `release`, an id of this home (the newest when empty) or a folder, and those of earlier releases, oldest first.

    Earlier ones are sought beside a folder, and then among the releases of this home.
    """
    known = publication.release_folders(run)
    folder = next((f for f in reversed(known) if release in ("", f.name)), None)
    if folder is None and not (release and Path(release).is_dir()):
        raise unknown_name("release", release, [f.name for f in known]) if known else DasError("There is no release yet: run das run.")
    if folder is None:
        folder = Path(release).resolve()
        name = read_release(folder).manifest.get("release", folder.name) if (folder / MANIFEST).exists() else folder.name
        beside = {p.parent.name: p.parent for p in folder.parent.glob(f"[0-9]*/{MANIFEST}")}
        known = list(({f.name: f for f in known if name in {k.name for k in known}} | beside).values())
    else:
        name = folder.name
    return folder, sorted((f for f in known if _order(f.name) < _order(name)), key=lambda f: _order(f.name))


def _order(name: str) -> tuple[str, int]:
    """The day of a release and its number on that day, from its name."""
    day, _, number = name.rpartition(".")
    return (day, int(number)) if number.isdigit() else (name, 0)


def judge_signatures(folders: Iterable[Path], key: bytes | None) -> Verdict:
    """D19: every release is as it was signed with `key`. A folder does not certify itself: without a key known from elsewhere it fails."""
    if key is None:
        return Verdict("D19", False, "No public key is known from elsewhere, and the one in the folder proves nothing: give it with --key.")
    wrong = {folder.name: found for folder in folders if (found := verify_release(folder, key))}
    shown = "; ".join(f"{name}: {' '.join(found[:3])}" for name, found in wrong.items())
    sentence = f"Not as released: {shown} {FIX}" if wrong else "Every file is what the signed manifest says."
    return Verdict("D19", not wrong, sentence, facts={"releases": len(wrong)})


def judge_bytes(folder: Path, candidate: Candidate) -> Verdict:
    """D19: the files are those of the candidate that this home made, audited and approved, and the manifest says from what."""
    site, manifest = candidate.site, read_release(folder).manifest
    expected = candidate.made_from | (made_by(candidate.run.jurisdiction) if is_made_here(candidate.run, site) else {})
    present = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if not p.is_dir()}
    present = {name: path for name, path in present.items() if name not in {MANIFEST, SIGNATURE, PUBLIC_KEY, SUMS, *CITED}}
    wrong = sorted(present.keys() ^ site.files.keys())
    wrong += sorted(n for n in present.keys() & site.files.keys() if sha256_of(present[n]) != site.files[n].sha256)
    wrong += [MANIFEST] * any(manifest.get(key) != value for key, value in expected.items())
    sentence = (
        f"All {len(present)} files are those of the candidate that was audited."
        if not wrong
        else f"Other than in the candidate that was audited: {', '.join(wrong[:8])}. {FIX}"
    )
    return Verdict("D19", not wrong, sentence, facts={"files": len(present), "wrong": len(wrong)})


def judge_beside(run: Run) -> Verdict:
    """D19: beside the releases lies what follows from them, feeds and citations, and nothing else."""
    root, expected = releases_root(run), feeds(run)
    others = {p.name for p in root.iterdir()} - {p.parent.name for p in root.glob(f"[0-9]*/{MANIFEST}")} - {CURRENT}
    wrong = sorted(others ^ expected.keys())
    wrong += sorted(name for name in others & expected.keys() if (root / name).read_bytes() != expected[name])
    told = f"Other than they should be, or there besides: {', '.join(wrong[:8])}. {FIX}"
    sentence = told if wrong else "Feeds and citations are those of the releases."
    return Verdict("D19", not wrong, sentence, facts={"wrong": len(wrong)})


def site_of(run: Run, release: Release) -> Version | None:
    """The finished candidate that `release` was made from: the one that the decision named; None when another home made it.

    A day that ran again may have decided the same release for a candidate of the same bytes that was made from other versions.
    """
    decided_for: list[Version] = []
    for path in sorted((run.lake.home / "release" / "decision").glob(f"*/{MANIFEST}"), reverse=True):
        decided = run.lake.version("release/decision", path.parent.name)
        if decided.facts.get("release") == release.manifest.get("release") and decided.facts.get("live"):
            decided_for.append(run.lake.version(SITE, decided.facts["candidate"]))
    build = release.manifest.get("build")
    return next((site for site in decided_for if shown(run, SITE, site.inputs_hash) == build), next(iter(decided_for), None))
