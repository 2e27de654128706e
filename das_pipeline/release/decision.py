"""The decision on a candidate: whether it goes live, by which rule of the release policy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from das_pipeline.deliveries import is_real
from das_pipeline.disclosure import LEDGER, as_of
from das_pipeline.periods import SHORTEST, last_month_end
from das_pipeline.policy import load_policy
from das_pipeline.publication.releases import current_release, has_same_content
from das_pipeline.release.approvals import Standing
from das_pipeline.release.candidate import Candidate
from das_pipeline.run import Run
from das_pipeline.statistics import load_statistics

UNCHANGED, SIGNATURES, LEDGER_MOVED = "unchanged", "signatures", "ledger_moved"


@dataclass(frozen=True)
class Decision:
    """Whether the candidate goes live, by which rule of the policy, and the sentence for the person on duty."""

    live: bool
    rule: str
    sentence: str

    @property
    def puts_forward(self) -> bool:
        """Whether the candidate's figures are new and it goes live, or waits for the signatures by which it does."""
        return self.rule == SIGNATURES or (self.live and self.rule != UNCHANGED)


def release_decision(standing: Standing) -> Decision:
    """Return what the policy says of an audited candidate: the first goes live, then one for each month's end, when it is approved.

    None goes live before the policy's window since the last release, in the ledger, is over: snapshots that follow each other faster than
    the finest published period would be a hidden time dimension of their own.
    """
    candidate = standing.candidate
    run = candidate.run
    policy = load_policy(run.jurisdiction).release
    policy.require_for(is_simulated=not is_real(run))
    policy.require_window_for(is_simulated=not is_real(run), shortest_period=_shortest_period(run))
    live = current_release(run)
    if live is not None and has_same_content(live, candidate.site):
        return Decision(True, UNCHANGED, f"The candidate is release {live.id}, byte for byte: it stays live.")
    if standing.state in ("returned", "withdrawn"):
        return Decision(False, standing.state, f"Held: {standing.sentence}")
    ended = last_month_end(run.as_of)
    if live is not None and live.as_of >= ended:
        return Decision(False, policy.cadence, f"Held: no month has ended since release {live.id}. The next goes live at a month's end.")
    if (earliest := _next_release_on(candidate, policy.window.days)) > run.as_of:
        return Decision(
            False, "window", f"Held: releases lie {policy.window.days} days apart or more; the next goes live from {earliest} on."
        )
    if not candidate.can_be_appended:
        sentence = (
            f"Held: the ledger has moved since candidate {candidate.release} was made. The next run of the chain (das run) makes it again."
        )
        return Decision(False, LEDGER_MOVED, sentence)
    by_persons = policy.approval.by == "two_persons"
    if by_persons and standing.state in ("audited", "reviewed"):
        return Decision(False, SIGNATURES, f"Held: {standing.sentence}")
    approval = standing.sentence.rstrip(".") if by_persons else f"approved by policy: {policy.approval.reason.rstrip('.')}"
    if live is None:
        return Decision(True, "first_candidate", f"The first candidate goes live, {approval}.")
    return Decision(True, policy.cadence, f"A month ended on {ended} since release {live.id}: the candidate goes live, {approval}.")


def _shortest_period(run: Run) -> int:
    """Return how many days the shortest period has by which anything is counted."""
    return min(SHORTEST[cube.period] for cube in load_statistics(run.jurisdiction).cubes)


def _next_release_on(candidate: Candidate, days: int) -> date:
    """Return the day from which the ledger lets the candidate follow the last release, withdrawn ones among them."""
    ledger = candidate.run.lake.current(LEDGER)
    released = [as_of(name) for name in (ledger.facts["releases"] if ledger else []) if name != candidate.release]
    return max(released) + timedelta(days=days) if released else date.min
