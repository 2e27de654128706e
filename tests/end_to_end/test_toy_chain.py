"""The toy jurisdiction, some twenty rows and nothing Dutch, through all stages and real Dagster.

`day_by_day` is shared by the tests of this file and of tests/faults: taking it in costs seconds.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pandas
import polars
import pytest
import yaml

from das_pipeline import engine
from das_pipeline.lake import Lake
from das_pipeline.privacy import find_canaries
from das_pipeline.rules import OF_PARTNER, OF_SOURCE, catalogue, rules_of
from das_pipeline.settings import PROJECT
from das_pipeline.stages import zone_of
from tests.installation import Installation, copy_of, installation, published
from tests.orchestration.ticking import ticking
from tests.toy_deliveries import CANARIES, write_toy_deliveries

pytestmark = [pytest.mark.slow]

CONTENT = ("terminology/records", "linkage/links", "chain/events", "chain/spells", "chain/flows", "statistics/cubes", "disclosure/leaves")
FINISHED = ("publication/candidate", "website/site", "release/decision")


def test_every_table_of_the_chain_is_live(day_by_day: Installation) -> None:
    assert [day_by_day.live(table).as_of for table in (*CONTENT, *FINISHED)] == ["2024-03-31"] * 10


def test_every_rule_is_judged_on_every_table_that_names_it(day_by_day: Installation) -> None:
    """Dagster shows a rule that nothing judged as passed: it would be green for ever."""
    gated = {"deliveries/watch": OF_PARTNER, "deliveries/bench": OF_PARTNER}
    gated |= {table: table for rule in catalogue().values() for table in rule.tables if table not in (OF_PARTNER, OF_SOURCE)}
    judged = {table: {v["rule"] for v in day_by_day.live(table).verdicts} for table in gated}
    assert {table: set(rules_of(name)) - judged[table] for table, name in gated.items() if set(rules_of(name)) - judged[table]} == {}


def test_every_month_end_became_a_release(day_by_day: Installation) -> None:
    assert [r.name for r in day_by_day.releases()] == ["2024-01-31.1", "2024-02-29.1", "2024-03-31.1"]


def test_the_row_account_closes_for_every_file(day_by_day: Installation) -> None:
    for partner, read in (("watch", 27), ("bench", 32)):
        account = str(day_by_day.live(f"deliveries/{partner}").path("account.parquet"))
        found = duckdb.execute(
            "SELECT SUM(read), SUM(accepted + duplicate + superseded + quarantined) FROM read_parquet($f)", {"f": account}
        )
        assert found.fetchall() == [(read, read)]


def test_the_release_reads_in_duckdb_pandas_and_polars(day_by_day: Installation) -> None:
    tables = sorted((day_by_day.current() / "tables").glob("*.parquet"))
    assert [t.stem for t in tables] == ["flow", "reports", "reports_persons"]
    for table in tables:
        total = duckdb.execute("SELECT SUM(n)::BIGINT FROM read_parquet($f)", {"f": str(table)}).fetchall()[0][0]
        frame = pandas.read_parquet(table)
        assert frame["n"].sum() == total
        assert str(frame["n"].dtype) == "Int64"
        assert polars.read_parquet(table)["n"].sum() == total
    with duckdb.connect(str(day_by_day.current() / "das.duckdb"), read_only=True) as database:
        assert {row[0] for row in database.execute("SHOW TABLES").fetchall()} == {t.stem for t in tables} | {
            *("codes", "periods"),
            *("breaks", "differences", "revisions"),
        }


def test_main_files_have_the_columns_that_are_declared(day_by_day: Installation) -> None:
    """Every column of tables.yaml is in the table; more may be there: dimensions, attributes, a partner's own columns."""
    declared = yaml.safe_load((PROJECT / "orchestration" / "tables.yaml").read_text(encoding="utf-8"))
    main = {
        "terminology/concepts": "concepts.parquet",
        "terminology/records": "watch/reports.parquet",
        "linkage/links": "links.parquet",
        "chain/events": "watch/report.parquet",
        "chain/spells": "watch/report.parquet",
        "chain/flows": "flows.parquet",
        "statistics/cubes": "reports_month.parquet",
        "disclosure/leaves": "reports_month.parquet",
        "publication/candidate": "tables/reports.parquet",
    }
    with day_by_day.run().connect(confidential=True) as connection:
        for table, file in main.items():
            rows = engine.parquet([day_by_day.live(table).path(file)])
            types = {n: t for n, t, *_ in connection.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()}
            expected = {c: d["type"] for c, d in declared[table]["columns"].items()}
            assert {c: types.get(c) for c in declared[table]["columns"]} == expected, table


def test_only_what_is_open_can_be_read_without_the_key(day_by_day: Installation) -> None:
    """Every Parquet file of the home: those of open tables are plain, but for two beside the leaves; of the others only counts are."""
    plain: dict[str, set[str]] = {"identifying": set(), "confidential": set(), "open": set()}
    hidden: dict[str, set[str]] = {"identifying": set(), "confidential": set(), "open": set()}
    for path in day_by_day.home.glob("*/*/**/*.parquet"):
        table = "/".join(path.relative_to(day_by_day.home).parts[:2])
        if not table.startswith("releases/"):
            (hidden if engine.is_encrypted(path) else plain)[zone_of(table)].add(path.name)
    assert plain["confidential"] == set()
    assert plain["identifying"] == {"account.parquet"}  # rows counted per delivery
    assert hidden["open"] == {"ledger_entries.parquet", "attacks.parquet"}
    assert hidden["confidential"] >= {"report.parquet", "reports_month.parquet", "links.parquet", "flows.parquet"}


def test_days_caught_up_with_after_a_standstill_at_one_thread_equal_day_by_day_at_two(day_by_day: Installation, tmp_path: Path) -> None:
    """The schedule finds all deliveries in and no day done: they follow in order. What came later must not show, nor must the threads."""
    replay = installation(tmp_path / "replay", threads=1)
    write_toy_deliveries(replay.inbox)
    with ticking(replay) as tick:
        while tick("delivery_arrived")["requested"]:
            pass
        assert "3 until 2024-03-31." in tick("daily", at="2024-04-01T05:00")["skipped"]
        followed = [[day for day, _ in tick("day_follows")["requested"]] for _ in range(4)]
        assert followed == [["2024-01-31"], ["2024-02-29"], ["2024-03-31"], []]
        assert "is done" in tick("daily", at="2024-04-02T05:00")["skipped"]
    for table in CONTENT:
        assert replay.contents(table) == day_by_day.contents(table), table
    assert [published(r) for r in replay.releases()] == [published(r) for r in day_by_day.releases()]


def test_running_again_changes_nothing(day_by_day: Installation) -> None:
    before = {table: day_by_day.live(table).id for table in CONTENT}
    releases = [r.name for r in day_by_day.releases()]
    day_by_day.das("run")
    day_by_day.python("-m", "tests.end_to_end.chain_as_of", "2024-03-31")
    assert {table: day_by_day.live(table).id for table in CONTENT[:-1]} == {t: v for t, v in before.items() if t != "disclosure/leaves"}
    assert [r.name for r in day_by_day.releases()] == releases


def test_an_earlier_day_does_not_move_the_live_versions_back(day_by_day: Installation) -> None:
    printed = day_by_day.python("-m", "tests.end_to_end.chain_as_of", "2024-02-29", code=1)
    assert "in a home of its own" in printed
    assert day_by_day.live("chain/flows").as_of == "2024-03-31"


def test_no_canary_is_anywhere_in_the_home(day_by_day: Installation) -> None:
    """Events, logs, metadata, tables, site, receipts, Dagster's database; encrypted files show nothing either."""
    assert find_canaries(CANARIES, [day_by_day.home, day_by_day.inbox]) == []


def test_the_scan_would_find_a_canary(day_by_day: Installation, tmp_path: Path) -> None:
    shutil.copytree(day_by_day.home / "dagster", tmp_path / "dagster")
    (tmp_path / "dagster" / "log").write_text(f"row of {CANARIES[0]}", encoding="utf-8")
    assert len(find_canaries(CANARIES, [tmp_path])) == 1


def test_what_people_ask_on_the_command_line(day_by_day: Installation) -> None:
    assert "2024-03-31.1" in day_by_day.das("status")
    assert "K08" in day_by_day.das("quarantine", "watch")
    assert "Every file is what the signed manifest says." in day_by_day.das("audit")
    assert "reports_persons" in day_by_day.das("release", "diff", "2024-01-31.1", "2024-03-31.1")
    assert "made from website/site" in day_by_day.das("explain", "reports", "offence=all", "period=2024")
    assert "There is no release nothing" in day_by_day.das("audit", "nothing", code=1)


def test_every_release_is_made_again_from_its_inputs_byte_for_byte(day_by_day: Installation, tmp_path: Path) -> None:
    before = snapshot(day_by_day.home)
    for release in ("2024-01-31.1", "2024-03-31.1"):  # the first, and one that follows others
        assert "Every byte is the same" in day_by_day.das("release", "verify", release)
    assert snapshot(day_by_day.home) == before
    other = copy_of(day_by_day, tmp_path / "other")
    path = other.current() / "manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["files"]["tables/reports.csv"]["sha256"] = "0" * 64
    path.write_text(json.dumps(manifest), encoding="utf-8")
    printed = other.das("release", "verify", code=1)
    assert "tables/reports.csv has other bytes." in printed
    assert "1 files differ" in printed
    path.write_text(json.dumps(manifest | {"code": "0" * 64}), encoding="utf-8")
    assert "was made with another version of code" in other.das("release", "verify", code=1)


def snapshot(home: Path) -> set[str]:
    """The files of a home, but for locks."""
    return {p.relative_to(home).as_posix() for p in home.rglob("*") if p.is_file() and "lock" not in p.name}


def test_a_tampered_table_stops_the_chain(day_by_day: Installation, tmp_path: Path) -> None:
    copy = Installation(tmp_path / "copy", day_by_day.jurisdiction)
    shutil.copytree(day_by_day.root, copy.root, symlinks=True)
    links = Lake(copy.home).open("linkage/links").path("links.parquet")
    links.write_bytes(links.read_bytes()[:-1] + b"x")
    delivered = Lake(copy.home).open("deliveries/bench").path("account.parquet")
    delivered.write_bytes(delivered.read_bytes()[:-1] + b"x")
    printed = copy.python("-m", "tests.end_to_end.chain_as_of", "2024-04-01", code=1)
    assert "is not what its manifest says" in printed


def test_a_planted_fault_breaks_the_identity_and_stops_the_chain(day_by_day: Installation, tmp_path: Path) -> None:
    """Spells of which one was lost, in a version whose manifest agrees with its files: F01 notices."""
    copy = Installation(tmp_path / "copy", day_by_day.jurisdiction)
    shutil.copytree(day_by_day.root, copy.root, symlinks=True)
    printed = copy.python("-m", "tests.faults.lose_a_spell", code=1)
    assert "F01" in printed
    assert copy.live("chain/flows").id == day_by_day.live("chain/flows").id
    assert copy.current().name == day_by_day.current().name
