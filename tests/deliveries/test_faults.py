"""The faults that the simulation plants, against what the intake found: every one noticed by its rule, and no false alarm (rule E08)."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from das_pipeline import terminology
from das_pipeline.deliveries import account_rows, load_contracts, partners_in, pending, take_in
from das_pipeline.engine import parquet
from das_pipeline.gate import GateFailed, Verdict, blocking
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.privacy import write_demo_keys
from das_pipeline.run import Run, produce
from das_pipeline.settings import PROJECT, Settings
from simulation import simulate

pytestmark = [pytest.mark.slow]

Place = tuple[str, str, str, int]  # partner, delivery, file, line
RECALL, FALSE_ALARMS = 0.99, 0.001
SEEDS = {"default": 4, "hostile": 3}  # with which every rule of rows has a fault, and no delivery is refused by chance


@dataclass(frozen=True)
class TakenIn:
    """Deliveries with faults, taken in until nothing was ready."""

    run: Run
    ledger: list[dict[str, Any]]
    refused: dict[tuple[str, str], list[Verdict]]
    verdicts: dict[tuple[str, str], list[dict[str, Any]]]  # of what was accepted
    waiting: set[tuple[str, str]]

    @property
    def of_rows(self) -> dict[Place, dict[str, Any]]:
        """The faults that a line of an accepted delivery carries."""
        out = {*self.refused, *self.waiting}
        placed = [f for f in self.ledger if f["line"] is not None and (f["partner"], f["delivery"]) not in out]
        return {(f["partner"], f["delivery"], f["file"], f["line"]): f for f in placed}

    @property
    def of_files(self) -> list[dict[str, Any]]:
        return [f for f in self.ledger if f["line"] is None and f["outcome"] != "left_out"]


@pytest.fixture(scope="module", params=["default", "hostile"])
def taken_in(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TakenIn:
    root = tmp_path_factory.mktemp(request.param)
    jurisdiction = Jurisdiction(PROJECT / "jurisdictions" / "nl")
    settings = Settings(home=root / "home", inbox=root / "inbox", keys=root / "keys", jurisdiction=jurisdiction.folder)
    write_demo_keys(settings.keys, seed=7)
    sent = simulate(jurisdiction, settings.inbox, size=60_000, seed=SEEDS[request.param], faults=request.param, until=date(2026, 1, 2))
    run = Run.start(settings, date.max)
    refused, verdicts = {}, {}
    while ready := [d for d in pending(run) if d.state == "ready"]:
        place = (ready[0].partner, ready[0].delivery)
        try:
            verdicts[place] = take_in(run, ready[0]).version.verdicts
        except GateFailed as failure:
            refused[place] = blocking(failure.verdicts)
    ledger = [json.loads(line) for line in (sent.truth / "faults.jsonl").read_text(encoding="utf-8").splitlines()]
    return TakenIn(run, ledger, refused, verdicts, {(d.partner, d.delivery) for d in pending(run)})


def set_aside(run: Run) -> dict[Place, set[str]]:
    """The rules for which lines are in quarantine, by line."""
    found: dict[Place, set[str]] = {}
    with run.connect(identifying=True) as connection:
        for partner, version in partners_in(run).items():
            for name in (n for n in version.files if n.startswith("quarantine/")):
                _, file, delivery = name.removesuffix(".parquet").split("/")
                for line, rule in connection.execute(f"SELECT line_no, rule FROM {parquet([version.path(name)])}").fetchall():
                    found.setdefault((partner, delivery, file, line), set()).add(rule)
    return found


def test_every_planted_row_is_set_aside_by_its_rule_and_no_other_is(taken_in: TakenIn) -> None:
    by_row, found = taken_in.of_rows, set_aside(taken_in.run)
    planted = Counter(f["fault"] for f in by_row.values() if f["outcome"] == "quarantined")
    noticed = Counter(f["fault"] for place, f in by_row.items() if f["outcome"] == "quarantined" and f["rule"] in found.get(place, set()))
    assert {kind: noticed[kind] / n for kind, n in planted.items() if noticed[kind] < RECALL * n} == {}
    assert {f["rule"] for f in by_row.values() if f["outcome"] == "quarantined"} == {"I03", "I05", "K01", "K02", "K03", "K06", "K08"}
    lines = sum(a.read for a in account_rows(taken_in.run))
    false = Counter(rule for place, rules in found.items() for rule in rules if by_row.get(place, {}).get("outcome") != "quarantined")
    assert {rule: n for rule, n in false.items() if n > FALSE_ALARMS * lines} == {}
    others = {f["fault"] for place, f in by_row.items() if f["outcome"] != "quarantined" and place in found}
    assert others == set()  # a fault that nothing should notice sets nothing aside


def test_a_code_that_is_not_listed_becomes_unknown_and_no_other_does(taken_in: TakenIn) -> None:
    run, planted = taken_in.run, {p: f for p, f in taken_in.of_rows.items() if f["outcome"] == "accepted_unknown"}
    produce(run, "terminology/concepts", terminology.build_concepts)
    kept = set()
    with run.begin("terminology/records") as draft, run.connect(confidential=True) as connection:
        terminology.build_records(run, draft)  # whatever its verdict: a partner that is late stops the chain, not this test
        for (partner, file), contract in load_contracts(run.jurisdiction).items():
            for column in (c.name for c in contract.columns if c.concept is not None and not c.is_direct):
                kept |= {
                    (partner, delivery, file, line, column)
                    for delivery, line in connection.execute(
                        f"""SELECT delivery, line_no FROM {parquet([draft.path(f"{partner}/{file}.parquet")])}
                        WHERE {column}_concept = 'unknown'"""
                    ).fetchall()
                }
        unmapped = set(
            connection.execute(f"""SELECT partner, file, "column", code FROM {parquet([draft.path("unmapped.parquet")])}""").fetchall()
        )
    assert planted
    assert [f for place, f in planted.items() if (*place, f["column"]) not in kept] == []
    assert unmapped <= {(f["partner"], f["file"], f["column"], f["after"]) for f in taken_in.ledger if f["outcome"] == "accepted_unknown"}


def test_a_file_that_is_wrong_as_a_whole_is_refused_by_its_rule(taken_in: TakenIn) -> None:
    rules = {place: {v.rule for v in verdicts} for place, verdicts in taken_in.refused.items()}
    expected = {}
    for fault in (f for f in taken_in.of_files if f["outcome"] == "refused" and (f["partner"], f["delivery"]) not in taken_in.waiting):
        expected.setdefault((fault["partner"], fault["delivery"]), set()).add(fault["rule"])
    assert expected.keys() == rules.keys()
    assert {place: wanted for place, wanted in expected.items() if not wanted & rules[place]} == {}


def test_a_fault_that_only_warns_gives_a_warning(taken_in: TakenIn) -> None:
    for fault in (f for f in taken_in.of_files if f["outcome"] == "accepted" and f["rule"] is not None):
        place = (fault["partner"], fault["delivery"])
        if place in taken_in.verdicts:
            assert fault["rule"] in {v["rule"] for v in taken_in.verdicts[place] if not v["passed"]}, fault


def test_the_account_closes(taken_in: TakenIn) -> None:
    accounts = account_rows(taken_in.run)
    assert accounts
    assert [a for a in accounts if a.read != a.accepted + a.duplicate + a.superseded + a.quarantined] == []
    twice = {(f["partner"], f["delivery"], f["file"]) for f in taken_in.of_rows.values() if f["fault"] == "duplicate_row"}
    assert [a for a in accounts if (a.partner, a.delivery, a.file) in twice and not a.duplicate] == []


def test_what_never_comes_holds_up_what_counts_on_it(taken_in: TakenIn) -> None:
    missing = {(f["partner"], f["delivery"]) for f in taken_in.of_files if f["outcome"] == "waits"}
    assert {partner for partner, _ in taken_in.waiting} == {partner for partner, _ in missing}
    assert all(delivery > lost for partner, delivery in taken_in.waiting for p, lost in missing if p == partner)
