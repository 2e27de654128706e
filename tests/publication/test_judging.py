"""A gate must be able to fail: each fault planted in a finished candidate is seen by its rule."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from das_pipeline.lake import Version
from das_pipeline.publication import judging


@pytest.fixture
def folder(candidate: Version, tmp_path: Path) -> Path:
    """A finished candidate to plant faults in."""
    return Path(shutil.copytree(candidate.folder, tmp_path / "candidate"))


def rewrite(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    table = pq.read_table(path)
    pq.write_table(change(table).replace_schema_metadata(table.schema.metadata), path)


def set_first(table: pa.Table, column: str, value: object) -> pa.Table:
    index = table.schema.get_field_index(column)
    changed = pa.array([value, *table[column].to_pylist()[1:]], table.schema.field(column).type)
    return table.set_column(index, table.schema.field(column), changed)


@pytest.mark.breaks("D10")
def test_a_changed_byte_is_not_as_described(folder: Path) -> None:
    assert judging.descriptors_fit(folder).passed
    table = folder / "tables" / "reports.csv"
    table.write_text(table.read_text(encoding="utf-8") + "x", encoding="utf-8")
    verdict = judging.descriptors_fit(folder)
    assert not verdict.passed
    assert "tables/reports.csv" in verdict.sentence


@pytest.mark.breaks("D10")
def test_a_file_without_descriptor_and_a_descriptor_without_file_are_seen(folder: Path) -> None:
    (folder / "tables" / "extra.csv").write_text("a\n1\n", encoding="utf-8")
    (folder / "tables" / "flow.csv").unlink()
    assert judging.descriptors_fit(folder).facts["wrong"] == 2


@pytest.mark.breaks("D10")
def test_a_column_that_is_not_declared_is_seen(folder: Path) -> None:
    path = folder / "tables" / "reports.parquet"
    rewrite(path, lambda t: t.append_column("true_count", t["n"]))
    package = json.loads((folder / "datapackage.json").read_bytes())
    for resource in package["resources"]:
        if resource["path"] == "tables/reports.parquet":
            resource["hash"] = f"sha256:{judging.sha256_of(path)}"
    (folder / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
    assert not judging.descriptors_fit(folder).passed
    assert not judging.published_schema_holds(folder).passed


@pytest.mark.parametrize(("column", "value"), [("status", "guessed"), ("period", "2024-13"), ("offence", "arson"), ("n", -5)])
@pytest.mark.breaks("D10")
def test_a_value_outside_the_schema_is_seen(folder: Path, column: str, value: object) -> None:
    assert judging.published_schema_holds(folder).passed
    rewrite(folder / "tables" / "reports.parquet", lambda t: set_first(t, column, value))
    verdict = judging.published_schema_holds(folder)
    assert not verdict.passed
    assert str(value) not in verdict.sentence


@pytest.mark.breaks("D10")
def test_a_cell_that_occurs_twice_is_seen(folder: Path) -> None:
    rewrite(folder / "tables" / "reports.parquet", lambda t: pa.concat_tables([t, t.slice(0, 1)]))
    assert not judging.published_schema_holds(folder).passed


@pytest.mark.breaks("D01")
def test_an_unrounded_count_is_seen(folder: Path) -> None:
    with duckdb.connect() as connection:
        assert judging.counts_are_protected(connection, folder).passed
        rewrite(folder / "tables" / "reports.parquet", lambda t: set_first(t, "n", 3))
        assert not judging.counts_are_protected(connection, folder).passed


@pytest.mark.breaks("D03")
def test_a_total_that_is_no_sum_is_seen(folder: Path) -> None:
    path = folder / "tables" / "reports_persons.parquet"
    is_total = pc.equal(pq.read_table(path)["sex"], "all")
    with duckdb.connect() as connection:
        assert judging.totals_are_sums(connection, folder).passed
        rewrite(
            path,
            lambda t: t.set_column(t.schema.get_field_index("n"), t.schema.field("n"), pc.if_else(is_total, pc.add(t["n"], 5), t["n"])),
        )
        verdict = judging.totals_are_sums(connection, folder)
    assert not verdict.passed
    assert "reports_persons by sex" in verdict.sentence
