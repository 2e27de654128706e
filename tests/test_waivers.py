"""A waiver lets so many rows through until a day; expired or exceeded, the rule is itself again. Its maximum only falls."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.status import read_waivers
from das_pipeline.deliveries import refusals, replay
from das_pipeline.errors import DasError
from das_pipeline.gate import Verdict
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.references import find_faults
from das_pipeline.rules import catalogue
from das_pipeline.settings import Settings
from das_pipeline.waivers import waived
from tests.conftest import TOY
from tests.deliveries.conftest import DAY, NEXT, Desk, report

WAIVER: dict[str, Any] = {
    "table": "deliveries/watch",
    "rule": "I12",
    "part": "reports",
    "owner": "team:watch",
    "reason": "The watch moves to another register.",
    "expires_on": date(2024, 3, 31),
    "maximum": [{"since": date(2024, 1, 1), "count": 40}, {"since": date(2024, 3, 1), "count": 20}],
}
LINES = [report(f"R{n:04}") for n in range(1, 71)] + [report(f"R{n:04}", reported="never") for n in range(71, 101)]  # 30 of 100 are wrong


def with_waivers(folder: Path, *waivers: dict[str, Any]) -> Jurisdiction:
    if not folder.exists():
        shutil.copytree(TOY, folder)
    (folder / "waivers.yaml").write_text(yaml.safe_dump({"waivers": list(waivers)}), encoding="utf-8")
    return Jurisdiction(folder)


@pytest.fixture
def desk(settings: Settings, tmp_path: Path) -> Desk:
    """The intake of the toy partners, whose jurisdiction has the waiver."""
    return Desk(replace(settings, jurisdiction=with_waivers(tmp_path / "waiving", WAIVER).folder))


def test_what_a_waiver_covers_is_taken_in_and_shown(desk: Desk) -> None:
    desk.send(LINES)
    live = desk.take_in()
    (verdict,) = [v for v in live.verdicts if v["rule"] == "I12"]
    assert (verdict["passed"], verdict["severity"], verdict["failing"]) == (False, "warn", {"reports": 30})
    assert (verdict["facts"]["reports_failing"], verdict["facts"]["reports_waived_at_most"]) == (30, 40)
    assert len(desk.records()) == 70
    receipt = json.loads(live.path(f"receipts/{DAY}.1.json").read_text(encoding="utf-8"))
    (sentence,) = [f["sentence"] for f in receipt["findings"] if f["rule"] == "I12"]
    assert "Let through until 2024-03-31: 30 of at most 40 of reports (waiver of team:watch: The watch moves to another reg" in sentence
    (state,) = read_waivers(desk.run)
    assert (state.state, state.failing, state.limit) == ("holds", 30, 40)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"maximum": [{"since": date(2024, 1, 1), "count": 29}]}, "lets at most 29 through, and there are 30"),
        ({"expires_on": date(2024, 1, 30), "maximum": WAIVER["maximum"][:1]}, "The waiver of team:watch for reports ended on 2024-01-30"),
        ({"maximum": [{"since": NEXT, "count": 40}]}, "the file or its contract is wrong. See the receipt."),
        ({"rule": "I08"}, "the file or its contract is wrong. See the receipt."),
    ],
)
def test_a_waiver_that_does_not_cover_it_leaves_the_rule_as_it_is(desk: Desk, change: dict[str, Any], sentence: str) -> None:
    with_waivers(desk.settings.jurisdiction, WAIVER | change)
    desk.send(LINES)
    verdict = desk.refused()["I12"]
    assert (verdict.severity, verdict.sentence.endswith(sentence) or f"{sentence}." in verdict.sentence) == ("block", True)


@pytest.mark.slow
def test_a_refused_delivery_is_replayed_once_it_is_waived(desk: Desk) -> None:
    with_waivers(desk.settings.jurisdiction)
    desk.send(LINES)
    desk.refused()
    with_waivers(desk.settings.jurisdiction, WAIVER)
    assert replay(desk.run, "watch").taken_in == (f"{DAY}.1",)
    assert refusals(desk.run) == []


def test_every_part_that_fails_needs_a_waiver(tmp_path: Path) -> None:
    jurisdiction = with_waivers(tmp_path / "toy", WAIVER)
    both = Verdict("I12", False, "Two files fail.", failing={"reports": 30, "cases": 1})
    (verdict,) = waived(jurisdiction, "deliveries/watch", [both], DAY)
    assert (verdict.severity, verdict.facts["reports_failing"]) == ("block", 30)
    other = Verdict("I01", False, "Another rule.")
    assert waived(jurisdiction, "deliveries/watch", [other], DAY) == [other]
    assert waived(jurisdiction, "deliveries/bench", [both], DAY) == [both]


@pytest.mark.parametrize(("on", "limit"), [("2024-02-29", 40), ("2024-03-01", 20), ("2024-03-31", 20), ("2024-04-01", 0)])
def test_the_maximum_falls_on_its_days(tmp_path: Path, on: str, limit: int) -> None:
    jurisdiction = with_waivers(tmp_path / "toy", WAIVER)
    for failing in (limit, limit + 1):
        verdict = Verdict("I12", False, "It fails.", failing={"reports": failing})
        (after,) = waived(jurisdiction, "deliveries/watch", [verdict], date.fromisoformat(on))
        assert after.severity == ("warn" if 0 < failing <= limit else "block")


NEXT_ONE = {"expires_on": date(2024, 5, 31), "maximum": [{"since": date(2024, 4, 1), "count": 30}]}
MISTAKES = [
    ([WAIVER | {"maximum": [*WAIVER["maximum"], {"since": date(2024, 3, 8), "count": 50}]}], "maximum[2].count", "and 50 is not below 20"),
    ([WAIVER | {"maximum": [{"since": NEXT, "count": 40}, {"since": DAY, "count": 20}]}], "maximum[1].since", "write the first day first"),
    ([WAIVER | {"expires_on": date(2024, 4, 1)}], "expires_on", "a waiver holds 90 days at most: until 2024-03-31"),
    ([WAIVER | {"expires_on": date(2024, 2, 1)}], "expires_on", "it ends before its maximum of 2024-03-01 begins"),
    ([WAIVER | {"rule": "I11"}], "rule", "rule I11 cannot be waived. Did you mean I15?"),
    ([WAIVER | {"table": "deliveries/wacth"}], "table", "Did you mean deliveries/watch?"),
    ([WAIVER | {"part": "report"}], "part", "has no report: a part is here quarantined lines of a file. Did you mean reports"),
    ([WAIVER | {"table": "terminology/records", "rule": "T02", "part": "watch/reports.offense"}], "part", "mean watch/reports.offence"),
    ([WAIVER | {"table": "chain/events", "rule": "C04", "part": "watch/reports"}], "part", "Did you mean watch/report?"),
    ([WAIVER | {"owner": ""}], "owner", "it may not be empty"),
    ([{k: v for k, v in WAIVER.items() if k != "reason"}], "reason", "this key is missing"),
    ([WAIVER | {"limit": 5}], "limit", "this key is not known here"),
    ([WAIVER, WAIVER | NEXT_ONE], "reason", "let 20 through at last: more needs another reason"),
    ([WAIVER, WAIVER | {"maximum": [{"since": DAY, "count": 9}], "expires_on": DAY}], "maximum[0].since", "holds until 2024-03-31"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "key", "sentence"), MISTAKES, ids=[m[2][:40] for m in MISTAKES])
def test_a_mistake_in_a_waiver_is_named(tmp_path: Path, written: list[dict[str, Any]], key: str, sentence: str) -> None:
    (fault,) = find_faults(with_waivers(tmp_path / "toy", *written))
    assert (fault.file, fault.key) == ("waivers.yaml", f"waivers[{len(written) - 1}].{key}")
    assert sentence in fault.sentence
    assert fault.line


def test_a_waiver_may_follow_another_with_a_lower_maximum_or_another_reason(tmp_path: Path) -> None:
    lower = NEXT_ONE | {"maximum": [{"since": date(2024, 4, 1), "count": 20}]}
    for following in (WAIVER | lower, WAIVER | NEXT_ONE | {"reason": "The move takes until May."}):
        assert find_faults(with_waivers(tmp_path / "toy", WAIVER, following)) == []


def test_only_a_rule_that_blocks_and_counts_can_be_waived() -> None:
    assert {rule.id for rule in catalogue().values() if rule.waiver} == {"I03", "I08", "I12", "I15", "K06", "T02", "C04"}
    with pytest.raises(DasError, match="I11 counts failing rows, and cannot be waived"):
        Verdict("I11", False, "", failing={"reports": 1})
