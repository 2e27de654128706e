"""Every line of every file ends exactly once, whatever is in it; the same rows at one thread and at two."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from das_pipeline.deliveries import account_rows, pending, take_in
from das_pipeline.engine import parquet
from das_pipeline.lake import Version
from das_pipeline.run import Run
from das_pipeline.settings import Settings
from tests.conftest import toy_settings
from tests.deliveries.conftest import DAY, NEXT, Desk, report
from tests.toy_deliveries import take_in_all, watch_csv, write_delivery, write_toy_deliveries

lines = st.one_of(
    st.builds(
        report,
        st.sampled_from(["R0001", "r0001 ", "R0002", "R0003", "X", ""]),
        mutation=st.sampled_from("NCWQ"),
        offence=st.sampled_from(["10", "11", ""]),
        reported=st.sampled_from(["2024-01-03", "2024-02-30", "2099-01-01"]),
        damage=st.sampled_from(["", "1.00", "one"]),
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=12),
    st.just('N,"R0009'),
)


@pytest.mark.slow
@given(first=st.lists(lines, max_size=8), second=st.lists(lines, max_size=8))
@hypothesis_settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_line_ends_exactly_once(first: list[str], second: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        made = toy_settings(root)
        for sequence, (day, content) in enumerate(((DAY, first), (NEXT, second)), start=1):
            write_delivery(made.inbox, "watch", day, sequence, {"reports": ("reports.csv", watch_csv(content))})
        run = Run.start(made, date.max)
        for delivery in pending(run):
            version = take_in(run, delivery).version
        for row, content in zip(account_rows(run), (first, second), strict=True):
            assert row.read == len(content) == row.accepted + row.duplicate + row.superseded + row.quarantined
            assert row.quarantined == len(set_aside(run, version, row.delivery))


def set_aside(run: Run, version: Version, delivery: str) -> set[int]:
    name = f"quarantine/reports/{delivery}.parquet"
    if name not in version.files:
        return set()
    with run.connect(identifying=True) as connection:
        return {n for (n,) in connection.execute(f"SELECT line_no FROM {parquet([version.path(name)])}").fetchall()}


def everything(made: Settings) -> dict[str, Any]:
    """The rows of every file of every partner, encrypted ones opened, and the bytes of the others."""
    run = Run.start(made, date.max)
    found: dict[str, Any] = {}
    with run.connect(identifying=True) as connection:
        for partner in ("watch", "bench"):
            version = run.lake.open(f"deliveries/{partner}")
            for name, path in ((n, version.path(n)) for n in version.files):
                is_open = name.startswith("receipts/") or name == "account.parquet"
                rows = path.read_bytes() if is_open else connection.execute(f"SELECT * FROM {parquet([path])}").fetchall()
                found[f"{partner}/{name}"] = rows
            found[partner] = version.id
    return found


@pytest.mark.slow
def test_one_thread_and_two_give_the_same_rows_and_bytes(settings: Settings, tmp_path: Path) -> None:
    other = replace(settings, home=tmp_path / "other" / "home", inbox=tmp_path / "other" / "inbox", threads=2)
    for made in (settings, other):
        write_toy_deliveries(made.inbox)
        take_in_all(made)
    assert everything(settings) == everything(other)


def test_a_receipt_has_counts_and_line_numbers_and_no_value(desk: Desk) -> None:
    desk.send([report("R0001"), report("R0002", damage="much"), report("R0003", damage="more")], delivered_on="2024-02-09")
    version = desk.take_in()
    receipt = json.loads(version.path("receipts/2024-01-31.1.json").read_text())
    assert (receipt["due_on"], receipt["is_due_date_met"], receipt["is_accepted"]) == ("2024-02-01", False, True)
    (file,) = receipt["files"]
    assert (file["read"], file["accepted"], file["quarantined"]) == (3, 1, 2)
    assert (file["by_rule"], file["first_lines"]) == ({"K06": 2}, {"K06": [3, 4]})
    page = version.path("receipts/2024-01-31.1.html").read_text()
    assert "rule K06: 2 lines, first 3, 4" in page
    assert not any(text in page + json.dumps(receipt) for text in ("R0002", "Abernathy", "much"))
