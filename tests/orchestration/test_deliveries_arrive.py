"""Deliveries that go wrong, as the sensor meets them tick by tick: refused and corrected, failed by a passing fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from tests.installation import Installation, installation, store_of
from tests.orchestration.ticking import ticking
from tests.toy_deliveries import CASES, DAYS, RULINGS, WATCH, bench_cases, bench_rulings, watch_csv, write_delivery

pytestmark = [pytest.mark.slow]

REFUSED_DELIVERY = ("intake_watch", "2024-02-29.1")


def watch(made: Installation, day: int, *, number: int = 1, whole: bool = True, **said: Any) -> None:
    """A delivery of reports; one that is not whole lost its last bytes on the way."""
    folder = write_delivery(
        made.inbox, "watch", DAYS[day], day + 1, {"reports": ("reports.csv", watch_csv(WATCH[DAYS[day]]))}, number=number, **said
    )
    if not whole:
        path = folder / "reports.csv"
        path.write_bytes(path.read_bytes()[:-25])


def bench(made: Installation, day: int) -> None:
    content = {"cases": ("cases.jsonl", bench_cases(CASES[DAYS[day]])), "rulings": ("rulings.txt", bench_rulings(RULINGS[DAYS[day]]))}
    write_delivery(made.inbox, "bench", DAYS[day], day + 1, content)


def taken(made: Installation, partner: str) -> list[str]:
    live = made.lake.current(f"deliveries/{partner}")
    return [d["delivery"] for d in live.facts["deliveries"]] if live else []


def test_a_refused_delivery_waits_for_its_successor_and_stops_nobody_else(tmp_path: Path) -> None:
    made = installation(tmp_path / "made")
    watch(made, 0)
    watch(made, 1, whole=False)
    watch(made, 2)
    bench(made, 0)
    with ticking(made) as tick:
        # Only the next delivery of each partner, although three of watch are there.
        first = tick("delivery_arrived")
        assert first["requested"] == [["2024-01-31.1", "bench|2024-01-31.1|1"], ["2024-01-31.1", "watch|2024-01-31.1|1"]]
        refused = tick("delivery_arrived")
        assert (refused["requested"], refused["succeeded"]) == ([["2024-02-29.1", "watch|2024-02-29.1|1"]], [False])
        # A refusal is no passing fault, and what follows it would leave a gap: nothing is requested, however often the sensor looks.
        bench(made, 1)
        assert tick("delivery_arrived", impatient=True)["requested"] == [["2024-02-29.1", "bench|2024-02-29.1|1"]]
        quiet = tick("delivery_arrived", impatient=True)
        assert (quiet["requested"], quiet["partitions"]["deliveries_watch"]) == ([], ["2024-01-31.1", "2024-02-29.1"])
        # The corrected one comes, and the delivery that waited follows by itself. The partition of the refused one is gone.
        watch(made, 1, number=2)
        assert tick("delivery_arrived")["requested"] == [["2024-02-29.2", "watch|2024-02-29.2|1"]]
        assert tick("delivery_arrived")["requested"] == [["2024-03-31.1", "watch|2024-03-31.1|1"]]
        last = tick("delivery_arrived")
    assert last["requested"] == []
    assert last["partitions"]["deliveries_watch"] == taken(made, "watch") == ["2024-01-31.1", "2024-02-29.2", "2024-03-31.1"]
    check_results_belong_to_what_they_judged(made)


def check_results_belong_to_what_they_judged(made: Installation) -> None:
    """In Dagster's event log: an accepted delivery is judged under its own materialisation, a refused one under none."""
    with store_of(made) as store:
        delivery_of = {run.run_id: (run.job_name, run.tags["dagster/partition"]) for run in store.get_runs()}
        logs = [entry for run in delivery_of for entry in store.all_logs(run, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)]
    results = [(entry.run_id, entry.asset_check_evaluation) for entry in logs]
    refused = [(result, result.target_materialization_data) for run, result in results if delivery_of[run] == REFUSED_DELIVERY]
    assert [(result.check_name, target) for result, target in refused if not result.passed] == [("I01_manifest_equals_what_was_read", None)]
    assert {target for _, target in refused} == {None}
    (failed,) = (result for result, _ in refused if not result.passed)
    assert str(failed.metadata["candidate"].value).startswith("rejected-2024-02-29-")
    assert "- I01: " in str(failed.metadata["receipt"].value)
    assert failed.metadata["partition"].value == "2024-02-29.1"
    assert failed.metadata["rows"].value == "`das quarantine watch`"
    accepted = [(run, result.target_materialization_data) for run, result in results if delivery_of[run] != REFUSED_DELIVERY]
    assert accepted
    assert all(target is not None and target.run_id == run for run, target in accepted)


def test_a_passing_fault_is_tried_again_after_a_pause_and_not_for_ever(tmp_path: Path) -> None:
    made = installation(tmp_path / "made")
    watch(made, 0)
    landing = made.home / "landing"
    made.home.mkdir(parents=True)
    landing.write_text("a file where a folder must come: no delivery can be landed", encoding="utf-8")
    with ticking(made) as tick:
        assert tick("delivery_arrived")["requested"] == [["2024-01-31.1", "watch|2024-01-31.1|1"]]
        soon = tick("delivery_arrived")
        assert soon["requested"] == []
        assert "attempt 2 follows at" in soon["skipped"]
        for attempt in (2, 3, 4):
            assert tick("delivery_arrived", impatient=True)["requested"] == [["2024-01-31.1", f"watch|2024-01-31.1|{attempt}"]]
        landing.unlink()
        fixed = tick("delivery_arrived", impatient=True)
        assert (fixed["requested"], fixed["succeeded"]) == ([["2024-01-31.1", "watch|2024-01-31.1|5"]], [True])
        assert taken(made, "watch") == ["2024-01-31.1"]
        # The same fault, and this time it stays.
        landing.rename(made.home / "aside")
        landing.write_text("a file again", encoding="utf-8")
        watch(made, 1)
        assert [len(tick("delivery_arrived", impatient=True)["requested"]) for _ in range(7)] == [1, 1, 1, 1, 1, 0, 0]
        assert "failed 5 times" in tick("delivery_arrived", impatient=True)["skipped"]
