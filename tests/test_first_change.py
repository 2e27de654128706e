"""docs/first-change.md, performed: a new column goes from a partner's file to a published table by changing files of the jurisdiction."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from das_pipeline.settings import PROJECT
from tests.conftest import TOY
from tests.content import rows
from tests.installation import installation
from tests.toy_deliveries import CASES, DAYS, RULINGS, WATCH, bench_cases, bench_rulings, watch_csv, write_delivery

PAGE = PROJECT / "docs" / "first-change.md"
BLOCK = r"```\w+\n(.*?)```"
STEP = re.compile(rf"(?P<what>Append to|Create|In) `(?P<path>[^`]+)`(?::|, replace)\n\n{BLOCK}(?:\n\nwith\n\n{BLOCK})?", re.DOTALL)


def perform(page: str, folder: Path) -> list[str]:
    """Do what the page says to the jurisdiction in `folder`; return the files that it changed, in order."""
    changed = []
    for step in STEP.finditer(page):
        path, first, second = folder / step["path"], step[3], step[4]
        if step["what"] == "Create":
            assert not path.exists(), f"{step['path']} is there already"
            path.write_text(first, encoding="utf-8")
        elif step["what"] == "Append to":
            path.write_text(path.read_text(encoding="utf-8") + first, encoding="utf-8")
        else:
            before = path.read_text(encoding="utf-8")
            assert before.count(first.rstrip("\n")) == 1, f"{step['path']} has not exactly one place to replace"
            path.write_text(before.replace(first.rstrip("\n"), second.rstrip("\n")), encoding="utf-8")
        changed.append(step["path"])
    return changed


@pytest.mark.slow
def test_the_page_leads_from_a_column_to_a_published_table(tmp_path: Path) -> None:
    folder = tmp_path / "my_toy"
    shutil.copytree(TOY, folder)
    assert len(perform(PAGE.read_text(encoding="utf-8"), folder)) == 9
    made = installation(tmp_path / "place", folder)
    first, second = DAYS[:2]
    parts = ("daypart", "N", "D", "", "N", "D", "D", "D", "D", "N")  # the header and nine lines
    fields = [line.rsplit(",", 1) for line in watch_csv(WATCH[second]).decode().splitlines()]
    later = "".join(f"{before},{part},{last}\n" for (before, last), part in zip(fields, parts, strict=True))
    write_delivery(made.inbox, "watch", first, 1, {"reports": ("reports.csv", watch_csv(WATCH[first]))})
    write_delivery(made.inbox, "watch", second, 2, {"reports": ("reports.csv", later.encode())})
    for number, day in enumerate((first, second), start=1):
        files = {"cases": ("cases.jsonl", bench_cases(CASES[day])), "rulings": ("rulings.txt", bench_rulings(RULINGS[day]))}
        write_delivery(made.inbox, "bench", day, number, files)

    made.das("run")

    cells = rows(made.run(), made.live("statistics/cubes"), "reports_daypart.parquet")
    counted = Counter[str]()
    for cell in cells:
        counted[cell["daypart"]] += cell["n"] if cell["period"] == "2024-02" else 0
    # Accepted reports of February: R0012 N, R0013 N, R0016 D, R0017 N; R0014 and X15 are in quarantine.
    assert +counted == {"day": 1, "night": 3}
    table = made.current() / "tables" / "reports_by_daypart.parquet"
    published = duckdb.execute(f"SELECT DISTINCT daypart FROM '{table}' ORDER BY 1").fetchall()
    assert published == [("all",), ("day",), ("night",), ("unknown",)]
    assert "reports_by_daypart" in (made.current() / "datapackage.json").read_text(encoding="utf-8")
    assert any("reports_by_daypart" in page.read_text(encoding="utf-8") for page in (made.current() / "site").rglob("*.html"))
    assert "daypart=night" in made.das("explain", "reports_by_daypart", "daypart=night", "period=2024-02")
