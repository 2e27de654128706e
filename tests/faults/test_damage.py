"""A byte that flips on the disk: das doctor names the damaged version, and what it advises mends it. A release is never made again."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from cli.exits import Exit
from tests.installation import Installation, copy_of, published
from tests.toy_deliveries import CASES, DAYS, RULINGS, bench_cases, bench_rulings, watch_csv, write_delivery

pytestmark = [pytest.mark.slow]

APRIL = date(2024, 4, 30)


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def words(printed: str) -> str:
    return " ".join(printed.replace("│", " ").split())


def test_what_the_doctor_advises_mends_a_damaged_table(day_by_day: Installation, tmp_path: Path) -> None:
    made = copy_of(day_by_day, tmp_path / "made")
    tables = ("chain/flows", "statistics/cubes", "publication/candidate", "website/site")
    contents = {table: made.contents(table) for table in tables}
    releases = [published(release) for release in made.releases()]
    candidate, site = made.live("publication/candidate"), made.live("website/site")
    parquet = [made.live(table).paths()[0] for table in tables[:2]]
    for path in (*parquet, candidate.path("tables/reports.parquet"), site.path("site/index.html")):
        flip(path)
    said = words(made.das("doctor", code=Exit.FAILED))
    for table in tables:
        assert f"live version of {table} wrong" in said
    assert "das rebuild makes it again" in said
    assert "das run" not in said
    assert "Made again: chain/flows, publication/candidate, statistics/cubes, website/site." in words(made.das("rebuild"))
    assert "All is well." in made.das("doctor")
    assert {table: made.contents(table) for table in tables} == contents
    assert [published(release) for release in made.releases()] == releases
    assert "Nothing is damaged" in made.das("rebuild")

    flip(made.live("deliveries/bench").paths("opened/cases/")[0])
    said = words(made.das("doctor", code=Exit.FAILED))
    assert "live version of deliveries/bench wrong" in said
    assert "das replay bench makes it again" in said
    made.das("replay", "bench")
    assert "All is well." in made.das("doctor")

    flip(made.live("linkage/links").path("links.parquet"))
    said = words(made.das("rebuild", code=Exit.FAILED))
    assert "linkage/links" in said
    assert "Restore it from backup" in said


def test_a_damaged_release_stops_the_next_one_until_it_is_restored(day_by_day: Installation, tmp_path: Path) -> None:
    made = copy_of(day_by_day, tmp_path / "made")
    table = made.current() / "tables" / "reports.csv"
    whole = table.read_bytes()
    flip(table)
    damaged = table.read_bytes()
    said = words(made.das("doctor", code=Exit.FAILED))
    assert "release 2024-03-31.1 wrong tables/reports.csv: other bytes." in said
    write_delivery(made.inbox, "watch", APRIL, 4, {"reports": ("reports.csv", watch_csv([APRIL_REPORT]))})
    files = {"cases": ("cases.jsonl", bench_cases(CASES[DAYS[2]])), "rulings": ("rulings.txt", bench_rulings(RULINGS[DAYS[2]]))}
    write_delivery(made.inbox, "bench", APRIL, 4, files)
    said = words(made.das("run", code=Exit.FAILED))
    assert "Release 2024-03-31.1 is not as it was published. tables/reports.csv: other bytes. Restore" in said
    assert table.read_bytes() == damaged, "nobody but the operator puts it back"
    assert made.current().name == "2024-03-31.1"
    assert made.live("website/site").as_of == "2024-03-31", "no candidate was made beside a damaged release"
    table.write_bytes(whole)
    made.das("run")
    assert made.current().name == "2024-04-30.1"
    assert json.loads((made.current() / "changes.json").read_bytes())["previous"] == "2024-03-31.1"


APRIL_REPORT = "N,R0021,108,Gainsbury,Gus,2008-08-08,M,10,n,2024-04-02,2024-04-03,,10.00"
