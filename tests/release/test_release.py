"""Releases: what goes live, that it never changes, and that a reader sees one release or the other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from das_pipeline import publication, release
from das_pipeline.publication.changes import next_version
from das_pipeline.release.ledger import judge_ledger
from das_pipeline.run import Run
from das_pipeline.settings import Settings
from tests.publication.conftest import leaves, months_until, protect
from tests.release.conftest import finished


@pytest.mark.slow
def test_the_first_candidate_goes_live_then_one_a_month(published: Callable[..., Run]) -> None:
    names = []
    for day in (date(2024, 3, 28), date(2024, 3, 29), date(2024, 3, 30), date(2024, 3, 31), date(2024, 4, 1)):
        run = published(day)
        decided = run.lake.live(release.DECISION).facts
        names.append((publication.current_release(run).id, decided["rule"], decided["live"]))
    assert names == [
        ("2024-03-28.1", "first_candidate", True),
        ("2024-03-28.1", "month_end", False),
        ("2024-03-28.1", "month_end", False),
        ("2024-03-31.1", "month_end", True),
        ("2024-03-31.1", "month_end", False),
    ]
    assert [r.id for r in publication.releases(run)] == ["2024-03-28.1", "2024-03-31.1"]


@pytest.mark.slow
def test_no_release_follows_another_within_the_window(settings: Settings, tmp_path: Path) -> None:
    """The ledger says when the last one was; the window is the policy's."""
    toy = Path(shutil.copytree(settings.jurisdiction, tmp_path / "toy"))
    policy = (toy / "policy.yaml").read_text(encoding="utf-8")
    (toy / "policy.yaml").write_text(policy.replace("window: {days: 1,", "window: {days: 28,"), encoding="utf-8")
    decided = []
    for day in (date(2024, 3, 28), date(2024, 3, 31), date(2024, 4, 30)):
        run = Run.start(replace(settings, jurisdiction=toy), day)
        protect(run, leaves(20, months_until(day)))
        finished(run)
        release.go_live(run)
        decided.append(run.lake.live(release.DECISION).facts)
    assert [(d["rule"], d["live"]) for d in decided] == [("first_candidate", True), ("window", False), ("month_end", True)]
    assert "2024-04-25" in decided[1]["decision"]


def test_a_release_is_whole_signed_and_described(published: Callable[..., Run]) -> None:
    run = published(date(2024, 3, 31))
    live = publication.current_release(run)
    assert release.verify_release(live.folder, bytes(SigningKey(run.keys.signing).verify_key)) == []
    manifest = live.manifest
    assert (manifest["release"], manifest["version"], manifest["is_simulated"]) == ("2024-03-31.1", "1.0.0", True)
    assert manifest["files"]["das.duckdb"]["derived"] is True
    assert {"disclosure/leaves", "terminology/concepts", "publication/candidate"} <= set(manifest["inputs"])
    assert (run.lake.home / "releases" / "current").resolve() == live.folder.resolve()
    ids = {run.lake.current(t).id for t in manifest["inputs"]}
    assert not ids & set(manifest["inputs"].values())  # an open hash of a confidential cube would let anyone test a guess


@pytest.mark.parametrize("fault", ["changed", "missing", "added", "manifest"])
def test_tampering_is_seen(published: Callable[..., Run], fault: str) -> None:
    path = publication.current_release(published(date(2024, 3, 31))).folder
    table = path / "tables" / "reports.csv"
    match fault:
        case "changed":
            table.write_text(table.read_text(encoding="utf-8").replace("700", "705"), encoding="utf-8")
        case "missing":
            table.unlink()
        case "added":
            (path / "tables" / "more.csv").write_text("a\n", encoding="utf-8")
        case _:
            (path / "manifest.json").write_text((path / "manifest.json").read_text(encoding="utf-8") + " ", encoding="utf-8")
    assert len(release.verify_release(path)) == 1


@pytest.mark.breaks("D17")
def test_a_release_that_the_ledger_does_not_hold_blocks_the_next(published: Callable[..., Run]) -> None:
    run = published(date(2024, 3, 31))
    assert judge_ledger(run).passed
    (run.lake.root("disclosure/ledger") / "current.json").unlink()
    assert judge_ledger(run).facts == {"releases": 1, "wrong": 1}


def test_the_same_bytes_make_no_new_release(published: Callable[..., Run]) -> None:
    run = published(date(2024, 3, 31))
    before = snapshot(run.lake.home / "releases")
    release.go_live(run)
    assert snapshot(run.lake.home / "releases") == before


@pytest.mark.slow
def test_a_release_is_never_overwritten(published: Callable[..., Run], protected: Callable[..., Run]) -> None:
    run = published(date(2024, 3, 31))
    before = snapshot(run.lake.home / "releases")
    finished(protected(date(2024, 3, 31), scale=40))
    release.go_live(run)
    decided = run.lake.live(release.DECISION).facts
    assert (decided["release"], decided["live"]) == ("2024-03-31.2", False)
    assert snapshot(run.lake.home / "releases") == before


@pytest.mark.slow
def test_changes_are_counted_against_the_release_of_an_earlier_day(published: Callable[..., Run]) -> None:
    published(date(2024, 2, 29))
    run = published(date(2024, 3, 31), scale=40)
    changed = json.loads((publication.current_release(run).folder / "changes.json").read_bytes())
    assert (changed["previous"], changed["version"]) == ("2024-02-29.1", "1.1.0")
    assert changed["tables"]["reports"]["added"] == 4  # March, for two groups, unknown and the total
    cells = changed["tables"]["reports"]["cells"]
    assert {
        "offence": "property",
        "period_kind": "month",
        "period": "2024-01",
        "old": 400,
        "new": 800,
        "lag_months": 2,
        "why": "late",
    } in cells
    assert [c.added for c in publication.compare(*publication.release_folders(run)) if c.table == "reports"] == [4]


@pytest.mark.parametrize(
    ("change", "version"),
    [
        ({"removed": 1, "added": 1}, "2.0.0"),
        ({"added": 3, "revised": 1}, "1.3.0"),
        ({"revised": 1}, "1.2.4"),
        ({"became_final": 1}, "1.2.4"),
        ({}, "1.2.3"),
    ],
)
def test_the_version_number_follows_from_the_change(change: dict[str, int], version: str) -> None:
    total = {"added": 0, "removed": 0, "revised": 0, "became_final": 0} | change
    assert next_version("1.2.3", total) == version


def test_a_cell_is_explained(published: Callable[..., Run]) -> None:
    facts = dict(publication.explain(published(date(2024, 3, 31)), "reports", {"period": "2024-01", "offence": "property"}))
    assert facts["value"].startswith("400 (provisional")
    assert facts["counts"] == "each reported"
    assert facts["protection"] == "sum of leaves rounded to 5"
    assert "made from disclosure/leaves" in facts


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {p.as_posix(): (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.rglob("*") if p.is_file()}


@pytest.mark.slow
def test_great_expectations_judges_what_goes_live_and_nothing_that_is_held_or_unchanged(
    protected: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[date] = []

    def put_forward(day: date) -> None:
        run = protected(day)
        monkeypatch.setattr(release, "as_expected", lambda folder, page: judged.append(day) or [])
        finished(run)
        release.go_live(run)

    put_forward(date(2024, 2, 29))
    put_forward(date(2024, 3, 20))  # held: no month has ended
    put_forward(date(2024, 3, 31))
    put_forward(date(2024, 3, 31))  # the same bytes
    assert judged == [date(2024, 2, 29), date(2024, 3, 31)]
