"""The toy jurisdiction, some twenty rows and nothing Dutch, through all stages and real Dagster."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from das_pipeline.lake import Lake
from das_pipeline.privacy import find_canaries
from tests.installation import Installation, hashes, installation
from tests.toy_deliveries import CANARIES, write_toy_deliveries

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("toy")]

CONTENT = ("terminology/records", "linkage/links", "chain/events", "chain/spells", "chain/flows", "statistics/cubes", "disclosure/leaves")


@pytest.fixture(scope="module")
def day_by_day(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Every day's deliveries taken in, and the chain run, before the next day's arrive."""
    made = installation(tmp_path_factory.mktemp("toy"))
    write_toy_deliveries(made.inbox)
    made.das("run")
    return made


def test_every_table_of_the_chain_is_live(day_by_day: Installation) -> None:
    for table in (*CONTENT, "publication/candidate", "website/site", "website/live"):
        assert day_by_day.live(table).rows >= 0


def test_the_row_account_closes_for_every_file(day_by_day: Installation) -> None:
    import duckdb

    for partner in ("watch", "bench"):
        account = day_by_day.live(f"deliveries/{partner}").path("account.parquet")
        open_rows = duckdb.execute(
            "SELECT COUNT(*) FROM read_parquet($f) WHERE read <> accepted + duplicate + superseded + quarantined", {"f": str(account)}
        )
        assert open_rows.fetchall() == [(0,)]


def test_the_release_reads_in_duckdb_pandas_and_polars(day_by_day: Installation) -> None:
    import duckdb
    import pandas
    import polars

    tables = sorted((day_by_day.current() / "tables").glob("*.parquet"))
    assert [t.stem for t in tables] == ["flow", "reports", "reports_persons"]
    for table in tables:
        total = duckdb.execute("SELECT SUM(n)::BIGINT FROM read_parquet($f)", {"f": str(table)}).fetchall()[0][0]
        assert pandas.read_parquet(table)["n"].sum() == total
        assert polars.read_parquet(table)["n"].sum() == total


def test_the_same_deliveries_at_one_thread_give_the_same_bytes(day_by_day: Installation, tmp_path: Path) -> None:
    single = installation(tmp_path / "one", threads=1)
    write_toy_deliveries(single.inbox)
    single.das("run")
    for table in (*CONTENT, "publication/candidate", "website/site"):
        assert hashes(single.live(table)).items() - _derived(single, table) == hashes(day_by_day.live(table)).items() - _derived(
            day_by_day, table
        ), table


def _derived(made: Installation, table: str) -> set[tuple[str, str]]:
    """The database file, whose bytes DuckDB does not repeat, and what names its hash."""
    return {(name, sha) for name, sha in hashes(made.live(table)).items() if name.endswith(".duckdb")}


def test_a_replay_equals_day_by_day(day_by_day: Installation, tmp_path: Path) -> None:
    """All deliveries are there already when the chain runs as known on each day: what came later must not show."""
    replay = installation(tmp_path / "replay")
    write_toy_deliveries(replay.inbox)
    replay.python("-m", "tests.end_to_end.intake_first")
    days = sorted(
        {
            json.loads(p.read_text(encoding="utf-8"))["delivered_on"]
            for p in (replay.home / "landing" / "manifests").rglob("*.json")
            if ".refused" not in p.name
        }
    )
    for day in days:
        replay.python("-m", "tests.end_to_end.chain_as_of", day)
    for table in CONTENT:
        assert hashes(replay.live(table)) == hashes(day_by_day.live(table)), table


def test_running_again_changes_nothing(day_by_day: Installation) -> None:
    before = {table: day_by_day.live(table).id for table in CONTENT}
    releases = [r.name for r in day_by_day.releases()]
    day_by_day.das("run")
    assert {table: day_by_day.live(table).id for table in CONTENT} == before
    assert [r.name for r in day_by_day.releases()] == releases


def test_no_canary_is_anywhere_in_the_home(day_by_day: Installation) -> None:
    """Events, logs, metadata, tables, site, receipts, Dagster's database; encrypted files show nothing either."""
    assert find_canaries(CANARIES, [day_by_day.home, day_by_day.inbox]) == []


def test_the_scan_would_find_a_canary(day_by_day: Installation, tmp_path: Path) -> None:
    shutil.copytree(day_by_day.home / "dagster", tmp_path / "dagster")
    (tmp_path / "dagster" / "log").write_text(f"row of {CANARIES[0]}", encoding="utf-8")
    assert len(find_canaries(CANARIES, [tmp_path])) == 1


def test_a_tampered_table_stops_the_chain(day_by_day: Installation, tmp_path: Path) -> None:
    copy = Installation(tmp_path / "copy", day_by_day.jurisdiction)
    shutil.copytree(day_by_day.root, copy.root, symlinks=True)
    cubes = next(iter(Lake(copy.home).open("statistics/cubes").files.values()))
    path = copy.home / "statistics" / "cubes" / cubes.path
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    printed = copy.python("-m", "tests.end_to_end.chain_as_of", "2099-01-01", code=1)
    assert "is not what its manifest says" in printed
