"""CSV on the Web: another reader accepts each file with its description, reads the cells of the table, and refuses other ones."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from csvw import CSVW
from frictionless import Package
from rdflib import RDF, SKOS, Graph, URIRef

from das_pipeline.lake import Version
from das_pipeline.publication.csvw import SUFFIX


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


@pytest.mark.parametrize("name", ["breaks", "differences", "revisions"])
def test_another_reader_reads_the_files_beside_the_tables(candidate: Version, name: str) -> None:
    path = candidate.path(f"{name}{SUFFIX}")
    assert is_valid(path)
    read = [dict(row) for row in CSVW(str(path), validate=True).tables[0]]
    cells = [{column: value.date() if isinstance(value, datetime) else value for column, value in row.items()} for row in read]
    with duckdb.connect(str(candidate.path("das.duckdb")), read_only=True) as database:
        rows = database.execute(f"SELECT * FROM {name}").to_arrow_table().to_pylist()
    assert cells == [{column: None if value == "" else value for column, value in row.items()} for row in rows]
    assert cells


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("breaks", "2023-01-01", "2023-13-01"),
        ("breaks", '"reports"', '"report"'),
        ("differences", '"equal"', '"the same"'),
        ("differences", '"2022",', '"2022",x'),
        ("revisions", '"final"', '"finally"'),
        ("revisions", '"month"', '"week"'),
    ],
)
def test_a_cell_of_a_file_beside_the_tables_is_judged_as_one_of_a_table(
    tables: Path, candidate: Version, name: str, old: str, new: str
) -> None:
    path = tables / f"{name}.csv"
    text = candidate.path(path.name).read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    described = Path(shutil.copy(candidate.path(f"{name}{SUFFIX}"), tables))
    assert not is_valid(described)
    package = json.loads(candidate.path("datapackage.json").read_bytes())
    resource = next(r for r in package["resources"] if r["name"] == name)
    plain = {"name": "toys", "resources": [{key: resource[key] for key in ("name", "path", "schema")}]}
    judged = Package.from_descriptor(plain, basepath=str(tables)).validate()
    is_code = old.startswith('"') and new.endswith('"')  # another reader judges dates and numbers, but no categories
    assert judged.valid == is_code


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


def test_the_codes_of_a_column_refer_to_their_scheme(tables: Path, candidate: Version) -> None:
    described = json.loads((tables / "reports.csv-metadata.json").read_bytes())
    lists = {column["name"]: column["qb:codeList"]["@id"] for column in described["tableSchema"]["columns"] if "qb:codeList" in column}
    concepts = Graph().parse(candidate.path("concepts.ttl"))
    assert lists == {"offence": "urn:das:toy:offence"}
    assert (URIRef(lists["offence"]), RDF.type, SKOS.ConceptScheme) in concepts


def test_a_column_has_its_name_and_its_title_in_each_language(tables: Path) -> None:
    described = json.loads((tables / "reports.csv-metadata.json").read_bytes())
    columns = {column["name"]: column for column in described["tableSchema"]["columns"]}
    assert columns["offence"]["titles"] == {"nl": ["offence", "Feit"], "en": ["offence", "Offence"]}
    assert described["tableSchema"]["primaryKey"] == ["offence", "period_kind", "period"]
