"""Which days the schedule asks for: with simulated deliveries the days known, with real ones also the day that ended."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from das_pipeline import deliveries, retention
from tests.installation import Installation, installation, real_installation
from tests.orchestration.servers import webhook
from tests.orchestration.ticking import ticking
from tests.toy_deliveries import DAYS, WATCH, take_in_all, watch_csv, write_delivery, write_toy_deliveries

pytestmark = [pytest.mark.slow]


def test_with_real_deliveries_silence_is_judged_by_the_day_of_the_tick(tmp_path: Path) -> None:
    """Nobody delivers after 31 January. On 5 February the chain is to run as known on the 4th."""
    made = real_installation(tmp_path)
    write_delivery(made.inbox, "watch", DAYS[0], 1, {"reports": ("reports.csv", watch_csv(WATCH[DAYS[0]]))}, is_simulated=False)
    with ticking(made) as tick:
        assert "is done" in tick("daily", at="2024-02-01T05:00")["skipped"], "nothing was delivered: there is no day to run"
        assert tick("delivery_arrived")["succeeded"] == [True]
        asked = tick("daily", at="2024-02-05T05:00", runs=False)
        assert (asked["requested"], asked["partitions"]["days"]) == ([["2024-01-31", "2024-02-04"]], ["2024-01-31", "2024-02-04"])
        early = tick("daily", at="2024-01-31T05:00", runs=False)
        assert early["requested"] == [], "the day of the delivery is not over"


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
            asked = tick("daily", at="2024-05-31T05:00", runs=False)
    assert {r["cause"]["key"] for r in reported} == ({"late watch", "late bench"} if has_calendar else set())
    known = {day.isoformat() for day in DAYS}
    assert set(asked["partitions"]["days"]) == (known | {"2024-05-30"} if has_calendar else known)
    assert retention.judged_on(made.run()) == (date.today() if has_calendar else DAYS[2])


def test_a_home_with_keys_of_its_own_and_no_delivery_yet_has_the_calendar(tmp_path: Path) -> None:
    assert deliveries.has_calendar(real_installation(tmp_path).run())
