"""JSON-stat: a full cube in order, which a reader that knows only the standard reads back to the published figures."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from jsonstat_validator import validate_jsonstat

from das_pipeline.lake import Version
from das_pipeline.publication.formats import jsonstat
from das_pipeline.publication.metadata import NOT_SHOWN

TABLES = ("flow", "reports", "reports_persons")


def read_by_the_standard(cube: dict[str, Any]) -> dict[tuple[str, ...], int | None]:
    """Every figure by the codes of its dimensions, as json-stat.org describes the order of `value`."""
    indexes = [cube["dimension"][name]["category"]["index"] for name in cube["id"]]
    assert [len(index) for index in indexes] == cube["size"]
    return dict(zip(product(*indexes), cube["value"], strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES)
def test_another_reader_finds_every_figure(candidate: Version, table: str) -> None:
    cube = json.loads(candidate.path(f"tables/{table}.json").read_bytes())
    assert validate_jsonstat(cube)
    figures = read_by_the_standard(cube)
    rows = pq.read_table(candidate.path(f"tables/{table}.parquet")).to_pylist()
    expected = {tuple(row[name] for name in cube["id"]): row["n"] for row in rows}
    assert {key: n for key, n in figures.items() if n is not None} == expected
    statuses = {tuple(row[name] for name in cube["id"]): row["status"] for row in rows}
    assert [statuses[key] for i, key in enumerate(figures) if str(i) in cube["status"]] == list(cube["status"].values())


@pytest.mark.parametrize("table", TABLES)
def test_our_reader_gives_the_table_back(candidate: Version, table: str) -> None:
    rows = pq.read_table(candidate.path(f"tables/{table}.parquet"))
    assert jsonstat.read(candidate.path(f"tables/{table}.json"), rows.schema).equals(rows.replace_schema_metadata())


def test_a_cube_says_what_it_is(candidate: Version) -> None:
    cube = json.loads(candidate.path("tables/reports.json").read_bytes())
    assert (cube["version"], cube["class"], cube["role"]) == ("2.0", "dataset", {"time": ["period"]})
    assert (cube["label"], cube["updated"]) == ("Reports", "2024-03-31")
    assert cube["dimension"]["offence"]["category"]["label"]["all"] == "All offences"
    assert cube["extension"]["is_simulated"] is True


def test_what_is_not_there_and_what_is_not_shown_are_null_and_come_back(candidate: Version, tmp_path: Path) -> None:
    rows = pq.read_table(candidate.path("tables/reports.parquet"))
    hidden = [NOT_SHOWN, *rows["status"].to_pylist()[1:]]
    rows = rows.set_column(rows.schema.get_field_index("status"), rows.schema.field("status"), pa.array(hidden))
    rows = rows.set_column(rows.schema.get_field_index("n"), rows.schema.field("n"), pa.array([0, *rows["n"].to_pylist()[1:]]))
    rows = rows.filter(pa.array([i != 5 for i in range(rows.num_rows)]))
    jsonstat.write(rows, tmp_path / "reports.json")
    cube = json.loads((tmp_path / "reports.json").read_bytes())
    assert cube["value"].count(None) == 2
    assert jsonstat.read(tmp_path / "reports.json", rows.schema).equals(rows.replace_schema_metadata())
