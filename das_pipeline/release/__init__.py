"""Release, the last stage: the auditor reads the finished candidate, the policy and two persons decide, and what goes live is signed.

A candidate is draft → audited → reviewed → approved → released, or returned; a release can be withdrawn (docs/releases.md). The ledger is
appended to before the pointer moves. A crash between the two leaves the old release live, and doing the step again appends nothing twice;
the other order could publish numbers that the ledger does not know.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

from das_pipeline import publication
from das_pipeline.auditor import audit
from das_pipeline.deliveries import is_real
from das_pipeline.disclosure import LEDGER
from das_pipeline.errors import DasError
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft, canonical
from das_pipeline.policy import load_policy
from das_pipeline.publication import expectations
from das_pipeline.publication.data_docs import PAGE
from das_pipeline.publication.judging import as_expected
from das_pipeline.publication.releases import current_release, damaged_release, live_name, number_of, releases, withdrawn_releases
from das_pipeline.release.approvals import Action, Signature, Standing, sign_candidate, signatures, standing_of
from das_pipeline.release.auditing import audit_release, folders_to_audit
from das_pipeline.release.candidate import LEAVES, SITE, Candidate, candidate_of
from das_pipeline.release.decision import LEDGER_MOVED, SIGNATURES, UNCHANGED, Decision, release_decision
from das_pipeline.release.declared import declared, limits_of, made_before
from das_pipeline.release.feed import write_feeds
from das_pipeline.release.folder import publish_release
from das_pipeline.release.ledger import append_ledger, judge_ledger
from das_pipeline.release.rebuilding import rebuild_release
from das_pipeline.release.signing import installation_key, new_person_key, read_person_key, sign_manifest
from das_pipeline.release.verification import verify_release
from das_pipeline.release.withdrawal import complete_withdrawals, withdraw_release
from das_pipeline.release.words import judge_words
from das_pipeline.run import Produced, Run, is_made_here, produce
from das_pipeline.stages import DECISION

__all__ = [
    "DECISION",
    "Action",
    "Candidate",
    "Decision",
    "Signature",
    "Standing",
    "append_ledger",
    "audit_release",
    "candidate_of",
    "declared",
    "describe",
    "folders_to_audit",
    "go_live",
    "installation_key",
    "is_done",
    "limits_of",
    "new_person_key",
    "read_person_key",
    "rebuild_release",
    "release_decision",
    "sign_manifest",
    "sign_release",
    "signatures",
    "standing",
    "standing_of",
    "verify_release",
    "withdraw",
]


def go_live(run: Run) -> Produced:
    """Audit the candidate that is put forward and decide; when so decided it is the live release afterwards.

    GateFailed when a verdict blocks it. What an earlier run was killed in is completed first.
    """
    with run.lake.lock("release"):
        complete_withdrawals(run)
        candidate = _put_forward(run)
        reading = replace(run, lake=candidate.run.lake)
        produced = produce(reading, DECISION, partial(build_decision, candidate=candidate), inputs=[SITE], salt=_salt(candidate))
        if produced.version.facts["live"] and produced.version.facts["rule"] != UNCHANGED:
            append = partial(append_ledger, release=candidate.release)
            produce(candidate.run, LEDGER, append, inputs=[LEAVES], chained=True)
            publish_release(candidate, standing_of(candidate).counted)
            if candidate.site.id != run.lake.live(SITE).id:  # it had waited: the newest one is no longer behind it
                return go_live(run)
        write_feeds(run)
        return produced


def build_decision(run: Run, draft: Draft, candidate: Candidate) -> list[Verdict]:
    """Audit the finished candidate and write the policy's decision on it to `decision.json`; return the verdicts."""
    earlier, key = publication.release_folders(run), bytes.fromhex(installation_key(run.keys))
    for folder in earlier:
        if wrong := verify_release(folder, key):
            raise damaged_release(folder, wrong)
    limits = limits_of(load_policy(run.jurisdiction).disclosure, is_real=is_real(candidate.run))
    of_jurisdiction = declared(run.jurisdiction, made_before(candidate), by_this_code=is_made_here(run, candidate.site))
    decision = release_decision(standing_of(candidate))
    if not candidate.can_be_appended:
        earlier = _known_to(candidate, earlier)
    verdicts = audit(candidate.site.folder, earlier, limits, publication.readers(), of_jurisdiction)
    draft.facts |= {"candidate": candidate.site.id, "release": candidate.release}
    draft.facts |= {"live": decision.live, "rule": decision.rule, "decision": decision.sentence}
    if decision.puts_forward:
        verdicts.append(judge_words(run, candidate.site.folder, of_jurisdiction.texts))
    # great-expectations takes seconds to import, and a held candidate is followed by another. One of an earlier version has no suites.
    if decision.puts_forward and expectations.FILE in candidate.site.files:
        verdicts += as_expected(candidate.site.folder, draft.path(PAGE))
        draft.facts["expectations"] = candidate.site.files[expectations.FILE].sha256
    draft.path("decision.json").write_bytes(canonical(draft.facts, indent=1))
    return [*verdicts, judge_ledger(run)]


def _known_to(candidate: Candidate, earlier: list[Path]) -> list[Path]:
    """Return the releases that were there when the candidate was made: one that was overtaken is made again."""
    previous = json.loads((candidate.site.folder / "changes.json").read_bytes())["previous"]
    names = [folder.name for folder in earlier]
    return earlier[: names.index(previous) + 1] if previous in names else []


def _put_forward(run: Run) -> Candidate:
    """Return the newest candidate, or the one of an earlier day that still waits for signatures: persons need time to read it.

    One that is damaged meanwhile is not made again, since it is not live; what was signed is about bytes that are gone.
    """
    newest = candidate_of(run, run.lake.live(SITE))
    decided = run.lake.current(DECISION)
    if decided is None or decided.facts["rule"] != SIGNATURES or decided.facts["candidate"] == newest.site.id:
        return newest
    waiting = candidate_of(run, run.lake.version(SITE, decided.facts["candidate"]))
    is_newer = newest.run.as_of > waiting.run.as_of and run.lake.is_whole(SITE, waiting.site.id)
    return waiting if is_newer and waiting.can_be_appended and standing_of(waiting).state in ("audited", "reviewed", "approved") else newest


def _salt(candidate: Candidate) -> str:
    """Return what a decision depends on besides the candidate: what was signed, and the ledger's head."""
    signed = [s.signature for s in signatures(candidate.run, candidate.release)]
    return hashlib.sha256(canonical([signed, candidate.ledger_head])).hexdigest()


def is_done(run: Run) -> bool:
    """Return whether the last decision was carried out: a process may have been killed before the release was live."""
    decided = run.lake.current(DECISION)
    if decided is None or not decided.facts["live"]:
        return decided is None or decided.facts["rule"] != LEDGER_MOVED
    live = current_release(run)
    due = decided.facts["release"]
    return live is not None and (live.as_of.isoformat(), number_of(live.id)) >= (due[:10], number_of(due))


def standing(run: Run) -> Standing:
    """Return the standing of the candidate that was put forward last."""
    decided = run.lake.current(DECISION)
    if decided is None:
        raise DasError("There is no audited candidate yet: run das run first.")
    return standing_of(candidate_of(run, run.lake.version(SITE, decided.facts["candidate"])))


def sign_release(run: Run, action: Action, person: str, key_file: Path, reason: str = "") -> Standing:
    """Sign `action` for the candidate that is put forward, decide again, so that an approved one goes live, and return its standing."""
    with run.lake.lock("release"):
        candidate = standing(run).candidate
        sign_candidate(candidate, action, person, key_file, reason)
        go_live(_as_decided(run))
        return standing_of(candidate)


def withdraw(run: Run, release: str, person: str, key_file: Path, reason: str) -> None:
    """Withdraw a release: the one before it is live afterwards, and its candidate does not go live again."""
    with run.lake.lock("release"):
        withdraw_release(run, release, person, key_file, reason)
        go_live(_as_decided(run))


def describe(run: Run, release: str = "") -> list[str]:
    """Return the state of a release, or of the candidate that is put forward, and what was signed about it, a line each."""
    if not release:
        now = standing(run)
        lines = [now.sentence, f"Candidate {now.candidate.site.id}: {now.candidate.site.folder}", f"Manifest {now.candidate.hash}"]
        return [*lines, f"Ledger head {now.candidate.ledger_head or 'none: nothing was released yet'}"]
    named = next((r for r in [*withdrawn_releases(run), *releases(run)] if r.id == release), None)
    if named is None:
        raise DasError(f"There is no release {release}: das release list shows what there is.")
    is_withdrawn = any(r.id == release for r in withdrawn_releases(run))
    state = "withdrawn" if is_withdrawn else "live" if live_name(run) == release else "released, not live"
    return [f"{release} is {state}: {named.folder}", *(str(signature) for signature in signatures(run, release))]


def _as_decided(run: Run) -> Run:
    """Return the run as known on the day of the last decision, since signing brings no new deliveries."""
    return run.known_on(date.fromisoformat(run.lake.live(DECISION).as_of))
