"""The decision on a candidate: whether it goes live, by which rule of the release policy."""

from __future__ import annotations

from dataclasses import dataclass

from das_pipeline.periods import last_month_end
from das_pipeline.policy import load_policy
from das_pipeline.publication.releases import current_release, has_same_content
from das_pipeline.run import Run

SITE = "website/site"


@dataclass(frozen=True)
class Decision:
    """Whether the candidate goes live, by which rule of the policy, and the sentence for the person on duty."""

    live: bool
    rule: str
    sentence: str


def release_decision(run: Run) -> Decision:
    """What the policy says of the candidate in `website/site`: the first goes live, then one for each month's end.

    Snapshots that follow each other faster than the finest published period would be a hidden time dimension (disclosure.md).
    """
    policy = load_policy(run.jurisdiction).release
    live = current_release(run)
    approval = f"approved by {policy.approval.by}: {policy.approval.reason.rstrip('.')}"
    if live is None:
        return Decision(True, "first_candidate", f"The first candidate goes live, {approval}.")
    if has_same_content(live, run.lake.live(SITE)):
        return Decision(True, "unchanged", f"The candidate is release {live.id}, byte for byte: it stays live.")
    ended = last_month_end(run.as_of)
    if live.as_of < ended:
        return Decision(True, policy.cadence, f"A month ended on {ended} since release {live.id}: the candidate goes live, {approval}.")
    return Decision(False, policy.cadence, f"Held: no month has ended since release {live.id}. The next goes live at a month's end.")
