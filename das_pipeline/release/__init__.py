"""Release, the last stage: the auditor reads the finished candidate, the policy decides, and what goes live is signed and pointed to.

The ledger is appended to before the pointer moves. A crash between the two leaves the old release live, and doing the step again appends
nothing twice; the other order could publish numbers that the ledger does not know.
"""

from __future__ import annotations

from functools import partial

from das_pipeline import publication
from das_pipeline.auditor import audit
from das_pipeline.disclosure import LEDGER
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft, canonical
from das_pipeline.policy import load_policy
from das_pipeline.release.decision import SITE, Decision, release_decision
from das_pipeline.release.folder import next_release, publish_release
from das_pipeline.release.ledger import append_ledger, judge_ledger
from das_pipeline.release.signing import verify_release
from das_pipeline.run import Produced, Run, produce

DECISION = "release/decision"

__all__ = ["DECISION", "Decision", "append_ledger", "go_live", "next_release", "publish_release", "release_decision", "verify_release"]


def build_decision(run: Run, draft: Draft) -> list[Verdict]:
    """The verdicts on the finished candidate; `decision.json` says what the release policy makes of it."""
    site = run.lake.live(SITE)
    verdicts = audit(site.folder, publication.release_folders(run), load_policy(run.jurisdiction).disclosure.bases)
    decision = release_decision(run)
    draft.facts.update({"candidate": site.id, "live": decision.live, "rule": decision.rule, "decision": decision.sentence})
    draft.path("decision.json").write_bytes(canonical(draft.facts, indent=1))
    return [*verdicts, judge_ledger(run)]


def go_live(run: Run) -> Produced:
    """The audited decision; when it says so, the candidate is the live release afterwards. GateFailed when a verdict blocks it."""
    produced = produce(run, DECISION, build_decision, inputs=[SITE])
    if produced.version.facts["live"]:
        release = next_release(run)
        produce(run, LEDGER, partial(append_ledger, release=release), inputs=["disclosure/leaves"], chained=True)
        publish_release(run, release)
    return produced
