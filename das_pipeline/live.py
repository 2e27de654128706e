"""The last step: the auditor reads the finished candidate, then the release policy says whether it goes live or is held.

The ledger is appended to before the pointer moves. A crash between the two leaves the old release live, and doing the step again appends
nothing twice; the other order could publish numbers that the ledger does not know.
"""

from __future__ import annotations

from functools import partial

from das_pipeline import disclosure, publication
from das_pipeline.disclosure import audit
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft, canonical
from das_pipeline.run import Produced, Run, produce

SITE = "website/site"


def build_live(run: Run, draft: Draft) -> list[Verdict]:
    """The auditor's verdicts on the finished candidate and, in `decision.json`, what the release policy says of it."""
    site = run.lake.current(SITE)
    assert site is not None, "produce() opened it"
    verdicts = audit.audit(site.folder, publication.release_folders(run), run.jurisdiction.yaml("policy.yaml"))
    decision = publication.release_decision(run)
    draft.facts.update({"candidate": site.id, "live": decision.live, "rule": decision.rule, "decision": decision.sentence})
    draft.path("decision.json").write_bytes(canonical(draft.facts, indent=1))
    return verdicts


def go_live(run: Run) -> Produced:
    """The audited decision; when it says so, the candidate is the live release afterwards. GateFailed when the auditor breaks it."""
    produced = produce(run, "website/live", build_live, inputs=[SITE])
    if produced.version.facts["live"]:
        release = publication.next_release(run)
        produce(run, "disclosure/ledger", partial(disclosure.append_ledger, release=release), inputs=["disclosure/leaves"], chained=True)
        publication.publish_release(run, release)
    return produced
