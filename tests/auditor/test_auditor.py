"""The auditor on a finished candidate: it passes what is right, and every tampering makes the rule fail that should."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from das_pipeline.auditor import Limits, audit
from das_pipeline.auditor.files import told_by_the_disk
from das_pipeline.auditor.release import read
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.policy import load_policy
from das_pipeline.publication import build_candidate, readers, revisions
from das_pipeline.publication.formats import jsonstat
from das_pipeline.run import Run, produce
from tests.conftest import TOY, toy_settings
from tests.disclosure.test_leaves import protect

LIMITS = load_policy(Jurisdiction(TOY)).disclosure
ALLOWED = Limits(LIMITS.bases, LIMITS.quality_cells.cells, LIMITS.figures.cases)
Cells = list[dict[str, object]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The candidate of the toy, made once."""
    root = tmp_path_factory.mktemp("installation")
    settings = toy_settings(root)
    run = Run.start(settings, date(2024, 3, 31))
    protect(run)
    version = produce(run, "publication/candidate", build_candidate, inputs=["disclosure/leaves", "terminology/concepts"]).version
    folder = root / "finished"
    shutil.copytree(version.folder, folder)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of the candidate to tamper with."""
    return Path(shutil.copytree(made, tmp_path / "candidate"))


def tamper(folder: Path, table: str, change: Callable[[Cells], Cells], **facts: object) -> None:
    """Change a table in every file that holds it, hashes included: only the figures themselves can give it away."""
    path = folder / "tables" / f"{table}.parquet"
    old = pq.read_table(path)
    said = json.loads(old.schema.metadata[b"das"]) | facts
    new = pa.Table.from_pylist(change(old.to_pylist()), schema=old.schema.with_metadata({b"das": json.dumps(said).encode()}))
    pq.write_table(new, path)
    pyarrow.csv.write_csv(new, path.with_suffix(".csv"), pyarrow.csv.WriteOptions(quoting_style="needed"))
    jsonstat.write(new, path.with_suffix(".json"))
    with duckdb.connect(str(folder / "das.duckdb")) as database:
        database.register("new", new)
        database.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM new")
    revisions.write(folder, date(2024, 3, 31), [])
    package = json.loads((folder / "datapackage.json").read_text())
    for resource in package["resources"]:
        resource["hash"] = f"sha256:{hashlib.sha256((folder / resource['path']).read_bytes()).hexdigest()}"
    (folder / "datapackage.json").write_text(json.dumps(package))


def add(amount: int, **where: str) -> Callable[[Cells], Cells]:
    """Add `amount` to every cell that has these codes."""
    return lambda cells: [c | {"n": c["n"] + amount} if all(c[k] == v for k, v in where.items()) else c for c in cells]


TRUTHS = {  # several verdicts of the auditor belong to one rule: each is known by its sentence
    "every file is as described, and no other is there": "files_as_described",
    "every copy of a table has its cells": "copies_equal_tables",
    "every protected count is a multiple of its base": "counts_are_rounded",
    "every protected table is a full grid": "tables_are_full",
    "every total is the sum of its parts": "totals_add_up",
    "a cell has the same value in every table": "tables_agree",
    "changes.json lists what changed": "changes_are_listed",
    "revisions.csv has what earlier releases published": "revisions_are_as_published",
    "quality figures are too coarse to tell of a cell": "quality_is_coarse",
}


def failed(folder: Path, *earlier: Path) -> set[str]:
    broken = [v.sentence for v in audit(folder, earlier, ALLOWED, readers(), None) if not v.passed]
    return {next((name for truth, name in TRUTHS.items() if truth in sentence), "changes_are_rounded") for sentence in broken}


@pytest.mark.slow
def test_the_candidate_passes(folder: Path, made: Path) -> None:
    assert failed(folder, made) == set()
    assert all(v.severity == "block" for v in audit(folder, [], ALLOWED, readers(), None))


@pytest.mark.slow
@pytest.mark.breaks("D01", "D03")
def test_one_leaf_published_true(folder: Path) -> None:
    tamper(folder, "reports", add(2, offence="violence", period="2024-02"))
    assert failed(folder) == {"counts_are_rounded", "totals_add_up"}


@pytest.mark.breaks("D03")
def test_one_value_flipped_by_a_whole_base(folder: Path) -> None:
    tamper(folder, "reports", add(5, offence="violence", period="2024-02"))
    assert failed(folder) == {"totals_add_up"}


@pytest.mark.breaks("D03")
def test_a_value_flipped_with_all_its_totals(folder: Path) -> None:
    for cell in ({"offence": o, "period": p} for o in ("violence", "all") for p in ("2024-02", "2024")):
        tamper(folder, "reports", add(5, **cell))
    assert failed(folder) == {"tables_agree"}


@pytest.mark.slow
@pytest.mark.breaks("D03")
def test_a_stack_that_differs_from_the_table_it_sums_up(folder: Path) -> None:
    for period in ("2024-01", "2024"):
        tamper(folder, "flow", add(5, step="ruled", period=period))
    assert failed(folder) == set()  # nothing else is published about rulings
    for period in ("2024-01", "2024"):
        tamper(folder, "flow", add(5, step="reported", period=period))
    assert failed(folder) == {"tables_agree"}


@pytest.mark.breaks("D01")
def test_a_table_that_calls_its_exact_counts_another_publishers(folder: Path) -> None:
    tamper(folder, "reports", add(1), kind="external")
    assert "counts_are_rounded" in failed(folder)


@pytest.mark.breaks("D01")
def test_a_table_that_names_a_finer_base_than_the_policy(folder: Path) -> None:
    tamper(folder, "reports", add(0), base=1)
    assert failed(folder) == {"counts_are_rounded"}


@pytest.mark.breaks("D10")
def test_a_row_that_passes_for_real(folder: Path) -> None:
    tamper(folder, "reports", lambda cells: [cells[0] | {"is_simulated": not cells[0]["is_simulated"]}, *cells[1:]])
    assert failed(folder) == {"files_as_described", "copies_equal_tables"}, "a JSON-stat file is marked as a whole"


@pytest.mark.breaks("D16")
def test_a_row_left_out(folder: Path) -> None:
    tamper(
        folder,
        "reports_persons",
        lambda cells: [c for c in cells if (c["offence"], c["sex"], c["age"]) != ("unknown_group", "male", "minor")],
    )
    assert failed(folder) == {"tables_are_full", "changes_are_listed"}


@pytest.mark.breaks("D16")
def test_a_month_left_out(folder: Path) -> None:
    tamper(folder, "flow", lambda cells: [c for c in cells if c["period"] != "2024-02"])
    assert {"tables_are_full", "totals_add_up"} <= failed(folder)


@pytest.mark.breaks("D10")
def test_a_table_dropped(folder: Path) -> None:
    for form in ("parquet", "csv"):
        (folder / "tables" / f"flow.{form}").unlink()
    assert {"files_as_described", "copies_equal_tables"} <= failed(folder)


@pytest.mark.breaks("D10")
def test_a_file_that_nobody_described(folder: Path) -> None:
    (folder / "tables" / "cubes.parquet.bak").write_bytes(b"n\n3\n")
    assert failed(folder) == {"files_as_described"}


@pytest.mark.breaks("D10")
def test_a_column_that_nobody_described(folder: Path) -> None:
    path = folder / "tables" / "reports.parquet"
    table = pq.read_table(path)
    pq.write_table(table.append_column("true", pa.array(range(table.num_rows))), path)
    assert "files_as_described" in failed(folder)


@pytest.mark.breaks("D10")
def test_a_torn_file(folder: Path) -> None:
    path = folder / "tables" / "reports.parquet"
    path.write_bytes(path.read_bytes()[:100])
    assert "files_as_described" in failed(folder)


@pytest.mark.breaks("D10")
def test_a_csv_that_differs_from_its_table(folder: Path) -> None:
    path = folder / "tables" / "flow.csv"
    path.write_text(path.read_text().replace("2024-01", "2023-01"))
    assert failed(folder) == {"files_as_described", "copies_equal_tables"}


@pytest.mark.breaks("D03")
def test_a_database_with_something_else_in_it(folder: Path) -> None:
    with duckdb.connect(str(folder / "das.duckdb")) as database:
        database.execute("CREATE TABLE cubes AS SELECT 3 AS n")
    assert failed(folder) == {"copies_equal_tables"}


@pytest.mark.breaks("D15")
def test_a_quality_sheet_that_gives_a_total_away(folder: Path) -> None:
    (folder / "quality.json").write_text('{"levels": [{"by": {"period": "year"}, "cells": 1, "mad": 2.0, "p95": 2.0}]}')
    assert failed(folder) == {"quality_is_coarse"}
    (folder / "quality.json").write_text('{"levels": [{"by": {"period": "year"}, "cells": 60, "mad": 2.03, "p95": 2.0}]}')
    assert failed(folder) == {"quality_is_coarse"}


@pytest.mark.breaks("D05")
def test_a_change_between_releases_that_is_one_record(folder: Path, made: Path, tmp_path: Path) -> None:
    earlier = Path(shutil.copytree(made, tmp_path / "2024-03-30.1"))
    tamper(earlier, "reports", add(1, offence="violence"))
    assert failed(folder, earlier) == {"changes_are_rounded"}


@pytest.mark.breaks("D05")
def test_a_table_that_was_protected_before(folder: Path, made: Path) -> None:
    tamper(folder, "flow", add(1), kind="external", is_simulated=False)
    assert "changes_are_rounded" in failed(folder, made)


def test_a_candidate_shares_a_chart_that_has_been_the_same_for_years(folder: Path) -> None:
    """Its time is that of its first drawing; in a release, which has files of its own, it would be a fault."""
    chart, long_ago = folder / "tables" / "reports.csv", (1_000_000_000, 1_000_000_000)
    os.utime(chart, long_ago)
    assert told_by_the_disk(read(folder)) == {}
    (folder / "manifest.json.sig").write_bytes(b"")
    assert told_by_the_disk(read(folder)) == {"tables/reports.csv": 1}
    for path in folder.rglob("*"):
        os.utime(path, long_ago)
    os.utime(chart)
    assert told_by_the_disk(read(folder)) == {}, "it was restored later than the rest"
