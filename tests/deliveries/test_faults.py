"""The faults that the simulation plants, against what the intake found: every one noticed by its rule, and no false alarm."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import date

import pytest

from das_pipeline.deliveries import account_rows, partners_in, pending, take_in
from das_pipeline.engine import parquet
from das_pipeline.gate import GateFailed
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.run import Run
from das_pipeline.settings import PROJECT, Settings
from das_pipeline.simulation import simulate

pytestmark = [pytest.mark.slow]

Place = tuple[str, str, str, int]  # partner, delivery, file, line


def set_aside(run: Run) -> dict[Place, set[str]]:
    """The rules for which lines are in quarantine, by line."""
    found: dict[Place, set[str]] = {}
    with run.connect(identifying=True) as connection:
        for partner, version in partners_in(run).items():
            for name in (n for n in version.files if n.startswith("quarantine/")):
                _, file, delivery = name.removesuffix(".parquet").split("/")
                for line, rule in connection.execute(
                    f"SELECT line_no, rule FROM {parquet([version.path(name)], encrypted=True)}"
                ).fetchall():
                    found.setdefault((partner, delivery, file, line), set()).add(rule)
    return found


def test_every_planted_fault_ends_as_it_should_and_nothing_else_does(settings: Settings) -> None:
    made = replace(settings, jurisdiction=PROJECT / "jurisdictions" / "nl")
    sent = simulate(Jurisdiction(made.jurisdiction), made.inbox, size=40_000, seed=3, until=date(2025, 12, 31))
    run = Run.start(made, date.max)
    refused = set()
    while ready := [d for d in pending(run) if d.state == "ready"]:
        for delivery in ready:
            try:
                take_in(run, delivery)
            except GateFailed:
                refused.add((delivery.partner, delivery.delivery))
    planted = [json.loads(line) for line in (sent.truth / "faults.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {(f["partner"], f["delivery"]) for f in planted if f["outcome"] == "refused"} == refused
    by_row = {(f["partner"], f["delivery"], f["file"], f["line"]): f for f in planted if f["line"] is not None}
    found = set_aside(run)
    missed = Counter(
        f["fault"] for place, f in by_row.items() if f["outcome"] == "quarantined" and f["rule"] not in found.get(place, set())
    )
    false_alarms = Counter(
        rule for place, rules in found.items() for rule in rules if by_row.get(place, {}).get("outcome") != "quarantined" and rule != "K03"
    )  # a child goes where its parent went: K03 is no false alarm
    assert (missed, false_alarms) == (Counter(), Counter())
    assert {f["rule"] for f in by_row.values() if f["outcome"] == "quarantined"} >= {"I05", "K01", "K02", "K03", "K06", "K08"}
    assert all(a.read == a.accepted + a.duplicate + a.superseded + a.quarantined for a in account_rows(run))
