"""Which days the schedule asks for: with simulated deliveries the days known, with real ones also the day that ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.installation import real_installation
from tests.orchestration.ticking import ticking
from tests.toy_deliveries import DAYS, WATCH, watch_csv, write_delivery

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
