"""The demo in small: a simulated Dutch chain of some thousand rows, through `make demo`, as a newcomer runs it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from das_pipeline.privacy import find_canaries
from tests.browser import chromium
from tests.cli.test_readme import NEXT_DAY, SHELL
from tests.end_to_end.questions import walk
from tests.installation import Installation

pytestmark = [pytest.mark.slow]

DAILY = ("cjib", "dji", "gerechtshof", "halt", "om", "politie", "rechtspraak", "reclassering", "rvdk")
MONTHLY = ("justid", "kmar")


def test_history_and_the_end_of_the_month_are_released_and_the_days_between_are_held(demo: tuple[Installation, str]) -> None:
    made, printed = demo
    assert [r.name for r in made.releases()] == ["2025-12-27.1", "2025-12-31.1"]
    assert made.current().name == "2025-12-31.1"
    assert "Releases 2025-12-27.1 and 2025-12-31.1" in printed


def test_one_file_is_refused_and_mended_and_one_partner_is_late_without_stopping_the_others(demo: tuple[Installation, str]) -> None:
    made, printed = demo
    said = " ".join(printed.split())
    assert "Refused dji 2025-12-28.1, as a whole, as the demo plans." in said
    assert "It came again, correct, as 2025-12-28.2" in said
    taken = {p: [d["delivery"] for d in made.live(f"deliveries/{p}").facts["deliveries"]] for p in (*DAILY, *MONTHLY)}
    assert "2025-12-28.2" in taken["dji"]
    assert {p: len(d) for p, d in taken.items()} == dict.fromkeys(DAILY, 5) | dict.fromkeys(MONTHLY, 1)
    assert "Failed" not in said, "the monthly partners came before those that the chain needs"
    assert "Late dji on 2025-12-29, rvdk on 2025-12-29: the figures of that day were made without." in said


def test_every_planted_kind_of_row_fault_is_set_aside_or_seen(demo: tuple[Installation, str]) -> None:
    made, printed = demo
    planted = {json.loads(line)["fault"] for line in (made.root / "truth" / "faults.jsonl").read_text(encoding="utf-8").splitlines()}
    assert len(planted) >= 12
    assert "set aside. None is lost." in " ".join(printed.split())
    assert "Set aside   Lines with mistakes" in printed


def test_no_check_is_told_in_english_on_a_dutch_page(demo: tuple[Installation, str]) -> None:
    page = (demo[0].current() / "site" / "kwaliteit.html").read_text(encoding="utf-8")
    assert page.count('<span class="holds">') > 30
    assert '<span lang="en">' not in page


def test_the_ten_questions_are_answered_from_the_start_page(demo: tuple[Installation, str]) -> None:
    made, _ = demo
    with chromium() as browser:
        walk(browser, made.current())


def test_nothing_identifying_lies_anywhere(demo: tuple[Installation, str]) -> None:
    made, printed = demo
    canaries = (made.root / "truth" / "canaries.txt").read_text(encoding="utf-8").splitlines()
    assert len(canaries) > 500
    assert find_canaries(canaries, [made.home, made.inbox]) == []
    assert "none is found in any file that was made" in " ".join(printed.split())


def test_the_real_police_figures_come_out_as_published(demo: tuple[Installation, str]) -> None:
    """Main-group shares of 2022 within one point of Criminaliteit en Rechtshandhaving 2022: 56, 13, 10, 17, 2 and 1 %."""
    made, _ = demo
    table = str(made.current() / "tables" / "police_recorded_crime.parquet")
    rows = duckdb.execute(
        "SELECT scm_group, n FROM read_parquet($f) WHERE period = '2022' AND police_class = 'all'", {"f": table}
    ).fetchall()
    counts = dict(rows)
    assert counts["all"] == 799_895
    published = {"property": 56, "public_order": 13, "violence_sexual": 10, "traffic": 17, "drugs": 2, "weapons": 1}
    for group, share in published.items():
        assert abs(100 * counts[group] / counts["all"] - share) < 1, group


def test_every_protected_count_is_a_multiple_of_five(demo: tuple[Installation, str]) -> None:
    made, _ = demo
    for path in sorted((made.current() / "tables").glob("*.parquet")):
        facts = json.loads(pq.read_schema(path).metadata[b"das"])
        if facts["kind"] == "protected":
            odd = duckdb.execute("SELECT COUNT(*) FROM read_parquet($f) WHERE n % 5 <> 0", {"f": str(path)}).fetchall()
            assert odd == [(0,)], path.name


def test_one_more_day_is_taken_in(demo: tuple[Installation, str]) -> None:
    made, _ = demo
    assert NEXT_DAY in SHELL
    _, printed = [made.shell(sys.executable, "-m", "cli.main", *command.split()[1:]) for command in NEXT_DAY.split(" && ")]
    assert re.search(r"^ *Row account *$", printed, re.MULTILINE)
    assert re.search(r"^Set aside by rule  [A-Z]\d\d \d", printed, re.MULTILINE)
    assert re.search(r"^Checks  \d+ passed", printed, re.MULTILINE)
    assert re.search(r"^Against the simulated truth  .*precision", printed, re.MULTILINE)
    assert "none found" in printed
    assert made.live("release/decision").as_of == "2026-01-01"
    assert made.live("release/decision").facts["live"] is False
    assert Path(made.home / "releases" / "current").resolve().name == "2025-12-31.1"
