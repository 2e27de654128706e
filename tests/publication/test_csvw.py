"""CSV on the Web: another reader accepts each file with its description, reads the cells of the table, and refuses other ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from csvw import CSVW

from das_pipeline.lake import Version


@pytest.fixture
def tables(candidate: Version, tmp_path: Path) -> Path:
    """A copy of the tables of the candidate, to plant faults in."""
    return Path(shutil.copytree(candidate.folder / "tables", tmp_path / "tables"))


def test_another_reader_reads_every_table_by_its_description(tables: Path) -> None:
    described = sorted(tables.glob("*.csv-metadata.json"))
    assert [p.name.partition(".")[0] for p in described] == sorted(p.stem for p in tables.glob("*.parquet"))
    for path in described:
        read = CSVW(str(path), validate=True)
        assert is_valid(path), path.name
        cells = [dict(row) for row in read.tables[0]]
        expected = pq.read_table(path.with_name(path.name.replace("csv-metadata.json", "parquet"))).to_pylist()
        assert cells == expected  # a count is a number and a mark a truth value, not texts


def is_valid(path: Path) -> bool:
    """Whether the reader accepts the description and the cells; it warns of a cell, and raises an error where a key is there twice."""
    try:
        return bool(CSVW(str(path), validate=True).is_valid)
    except (ValueError, UserWarning):
        return False


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"violence","month"', '"violins","month"'),
        (',700,"final"', ',-700,"final"'),
        (',700,"final"', ',many,"final"'),
        ('"2022-01"', '"2022-13"'),
        ('"2022-02"', '"2022-01"'),
    ],
    ids=["code", "sign", "type", "period", "key"],
)
def test_another_reader_refuses_a_cell_that_the_description_does_not_allow(tables: Path, old: str, new: str) -> None:
    path = tables / "reports.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert not is_valid(tables / "reports.csv-metadata.json")


def test_a_column_has_its_name_and_its_title_in_each_language(tables: Path) -> None:
    described = json.loads((tables / "reports.csv-metadata.json").read_bytes())
    columns = {column["name"]: column for column in described["tableSchema"]["columns"]}
    assert columns["offence"]["titles"] == {"nl": ["offence", "Feit"], "en": ["offence", "Offence"]}
    assert described["tableSchema"]["primaryKey"] == ["offence", "period_kind", "period"]
