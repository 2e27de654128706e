"""Which days the schedule asks for: with simulated deliveries the days known, with real ones also the day that ended."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from das_pipeline import deliveries, retention
from tests.installation import Installation, installation, real_installation, store_of
from tests.orchestration.servers import webhook
from tests.orchestration.ticking import ticking
from tests.toy_deliveries import (
    CASES,
    DAYS,
    RULINGS,
    WATCH,
    bench_cases,
    bench_rulings,
    take_in_all,
    watch_csv,
    write_delivery,
    write_toy_deliveries,
)

pytestmark = [pytest.mark.slow]


def test_with_real_deliveries_silence_is_judged_by_the_day_of_the_tick(tmp_path: Path) -> None:
    """Nobody delivers after 31 January. On 5 February the chain is to run as known on the 4th."""
    made = real_installation(tmp_path)
    with ticking(made) as tick:
        assert "is done" in tick("daily", at="2024-02-01T05:00")["skipped"], "nothing was delivered: there is no day to run"
        write_delivery(made.inbox, "watch", DAYS[0], 1, {"reports": ("reports.csv", watch_csv(WATCH[DAYS[0]]))}, is_simulated=False)
        assert tick("delivery_arrived")["succeeded"] == [True]
        assert "is done" in tick("daily", at="2024-01-31T05:00")["skipped"], "the day of the delivery is not over"
        assert "2 until 2024-02-04." in tick("daily", at="2024-02-05T05:00")["skipped"]
        assert [day for day, _ in tick("day_follows", runs=False)["requested"]] == ["2024-01-31"]


def deliver(made: Installation, partner: str, day: int) -> None:
    rulings = ("rulings.txt", bench_rulings(RULINGS[DAYS[day]]))
    files = {
        "watch": {"reports": ("reports.csv", watch_csv(WATCH[DAYS[day]]))},
        "bench": {"cases": ("cases.jsonl", bench_cases(CASES[DAYS[day]])), "rulings": rulings},
    }
    write_delivery(made.inbox, partner, DAYS[day], day + 1, files[partner])


def test_a_day_waits_until_what_was_delivered_by_then_is_taken_in(tmp_path: Path) -> None:
    """Else the delivery would change what was known on a day that is done. One that fails again and again is not waited for."""
    made = installation(tmp_path)
    bench = made.home / "landing" / "manifests" / "bench"
    with ticking(made) as tick:
        deliver(made, "watch", 0)
        assert tick("delivery_arrived")["succeeded"] == [True]
        deliver(made, "bench", 0)
        bench.write_text("a file where a folder must come: nothing of bench can be landed", encoding="utf-8")
        assert tick("delivery_arrived")["succeeded"] == [False]
        assert "2024-01-31 waits" in tick("daily", at="2024-02-01T05:00")["skipped"]
        assert tick("day_follows", runs=False)["skipped"].startswith("2024-01-31 waits")
        bench.unlink()
        assert tick("delivery_arrived", impatient=True)["succeeded"] == [True]
        assert [day for day, _ in tick("day_follows", runs=False)["requested"]] == ["2024-01-31"]

        deliver(made, "watch", 1)
        assert tick("delivery_arrived")["succeeded"] == [True]
        deliver(made, "bench", 1)
        bench.rename(made.root / "aside")
        bench.write_text("a file again, and this time it stays", encoding="utf-8")
        asked = []
        for _ in range(5):
            assert tick("delivery_arrived", impatient=True)["succeeded"] == [False]
            asked.append("2024-02-29 waits" in tick("daily", at="2024-03-01T05:00")["skipped"])
        assert asked == [True] * 4 + [False]
        assert [tick("day_follows")["succeeded"] for _ in range(2)] == [[True], [True]], "January, then February without bench"
        bench.unlink()
        (made.root / "aside").rename(bench)
        take_in_all(made.run().settings)  # a person has removed the cause
        assert [d["known_on"] for d in made.lake.live("deliveries/bench").facts["deliveries"]] == ["2024-01-31", "2024-03-01"]


def test_what_arrives_when_a_day_has_begun_is_known_on_the_day_after_it(tmp_path: Path) -> None:
    """Else the figures of a day would lack what was known on it, and a rebuild of that day would differ from it."""
    made = installation(tmp_path)
    with ticking(made) as tick:
        deliver(made, "watch", 0)
        deliver(made, "bench", 0)
        assert tick("delivery_arrived")["succeeded"] == [True, True]
        corrected = {"reports": ("reports.csv", watch_csv(WATCH[DAYS[0]]))}
        late = write_delivery(made.inbox, "watch", DAYS[0], 1, corrected, number=2, replaces="2024-01-31.1")
        with store_of(made) as store:
            tags = {"dagster/partition": "2024-01-31"}
            store.run_storage.add_run(dg.DagsterRun("chain", run_id="b" * 36, status=dg.DagsterRunStatus.STARTED, tags=tags))
            assert "watch 2024-01-31.2 waits until 2024-01-31 is done" in tick("delivery_arrived")["skipped"]
            store.delete_run("b" * 36)
        late.rename(made.root / "aside")
        tick("daily", at="2024-02-02T05:00")
        assert tick("day_follows")["succeeded"] == [True]
        (made.root / "aside").rename(late)
        assert tick("delivery_arrived")["succeeded"] == [True]
        facts = made.lake.live("deliveries/watch").facts
        assert [(d["delivery"], d["known_on"]) for d in facts["deliveries"]] == [
            ("2024-01-31.1", "2024-01-31"),
            ("2024-01-31.2", "2024-02-01"),
        ]
        tick("daily", at="2024-02-02T05:00")
        assert [day for day, _ in tick("day_follows", runs=False)["requested"]] == ["2024-02-01"]
    replayed = deliveries.replay(made.run(), "watch").version  # the landing zone remembers which figures were made without it
    assert [d["known_on"] for d in replayed.facts["deliveries"]] == ["2024-01-31", "2024-02-01"]


def taken_in(made: Installation, real: tuple[str, ...]) -> Installation:
    """The toy deliveries taken in, those of the `real` partners as real ones."""
    write_toy_deliveries(made.inbox)
    for path in (path for partner in real for path in made.inbox.glob(f"{partner}/*/manifest.json")):
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"is_simulated": False}), encoding="utf-8")
    take_in_all(made.run().settings)
    return made


@pytest.mark.parametrize(
    ("has_real_keys", "real", "has_calendar"),
    [(False, (), False), (True, (), False), (True, ("watch",), True), (True, ("watch", "bench"), True)],
    ids=["demo keys", "own keys, all simulated", "own keys, one partner real", "own keys, all real"],
)
def test_the_deliveries_and_not_the_keys_say_whether_lateness_is_judged_by_the_calendar(
    tmp_path: Path, has_real_keys: bool, real: tuple[str, ...], has_calendar: bool
) -> None:
    """All delivered until 31 March 2024, and nobody since: years late by the calendar, in time by the days of the deliveries."""
    made = taken_in(real_installation(tmp_path) if has_real_keys else installation(tmp_path / "made"), real)
    reported: list[dict[str, Any]] = []
    with webhook(reported) as port:
        channels = {"chat": {"kind": "webhook", "url": f"http://127.0.0.1:{port}/"}}
        (made.root / "alerts.yaml").write_text(json.dumps({"remind_hours": 24, "channels": channels}), encoding="utf-8")
        with ticking(made, DAS_ALERTS=str(made.root / "alerts.yaml")) as tick:
            tick("alerts")
            asked = tick("daily", at="2024-05-31T05:00")["skipped"]
    assert {r["cause"]["key"] for r in reported} == ({"late watch", "late bench"} if has_calendar else set())
    assert ("4 until 2024-05-30." if has_calendar else "3 until 2024-03-31.") in asked
    assert retention.judged_on(made.run()) == (date.today() if has_calendar else DAYS[2])


def test_a_home_with_keys_of_its_own_and_no_delivery_yet_has_the_calendar(tmp_path: Path) -> None:
    assert deliveries.has_calendar(real_installation(tmp_path).run())
