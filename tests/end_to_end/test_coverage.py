"""Partner A delivers January and February, B only January: the figures of February that need B are marked, and are not zero."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.installation import installation
from tests.toy_deliveries import DAYS, write_toy_deliveries

pytestmark = [pytest.mark.slow]


def test_a_month_that_a_partner_has_not_delivered_is_not_known(tmp_path: Path) -> None:
    made = installation(tmp_path)
    write_toy_deliveries(made.inbox)
    for partner, day in (("bench", DAYS[1]), ("bench", DAYS[2]), ("watch", DAYS[2])):
        shutil.rmtree(made.inbox / partner / f"{day}.1")
    made.das("run")
    release = made.current()
    assert release.name == "2024-02-29.1"
    flow = duckdb.sql(f"SELECT step, period, n, status FROM '{release}/tables/flow.parquet' ORDER BY step, period").fetchall()
    assert [(step, period, status) for step, period, _, status in flow] == [
        ("reported", "2024", "provisional"),
        ("reported", "2024-01", "provisional"),
        ("reported", "2024-02", "provisional"),
        ("ruled", "2024", "incomplete"),
        ("ruled", "2024-01", "provisional"),
        ("ruled", "2024-02", "not_known"),
    ]
    page = (release / "site" / "en" / "chain.html").read_text(encoding="utf-8")
    assert "February 2024†" in page
    assert ">not known<" in page
    assert "† incomplete: not every source has delivered for the whole period yet" in page
