"""Labels travel with the figures: in das.duckdb, in CSV for people, and in the metadata of Parquet."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from frictionless import Package
from openpyxl import load_workbook

from das_pipeline.lake import Version
from das_pipeline.publication import judging, labelled
from das_pipeline.publication.formats import parquet
from das_pipeline.publication.metadata import NOT_SHOWN
from das_pipeline.publication.texts import load_words, table_texts
from das_pipeline.run import Run
from das_pipeline.settings import PROJECT


def test_a_view_for_each_table_and_language_shows_the_labels(candidate: Version) -> None:
    with duckdb.connect(str(candidate.path("das.duckdb")), read_only=True) as database:
        rows = database.execute(
            "SELECT offence_label, period_label, starts_on, ends_on, status_label FROM nl.reports"
            " WHERE offence = 'property' AND period IN ('2023', '2023-05') ORDER BY ends_on - starts_on"
        ).fetchall()
        assert rows == [
            ("Vermogen", "mei 2023", date(2023, 5, 1), date(2023, 5, 31), "Definitief"),
            ("Vermogen", "2023", date(2023, 1, 1), date(2023, 12, 31), "Definitief"),
        ]
        for language in ("nl", "en"):
            for table in ("flow", "reports", "reports_persons"):
                query = f"SELECT (SELECT COUNT(*) FROM {table}), COUNT(*), COUNT(COLUMNS('.*_label')) FROM {language}.{table}"
                assert len(set(database.execute(query).fetchall()[0])) == 1, "a row without a label, or one too many"


def test_the_files_beside_the_tables_have_comments_and_a_labelled_view(candidate: Version) -> None:
    with duckdb.connect(str(candidate.path("das.duckdb")), read_only=True) as database:
        query = (
            "SELECT table_label, row, row_label, period_label, status_label FROM nl.revisions WHERE row = 'ruled' AND period = '2024-01'"
        )
        assert database.execute(query).fetchall() == [("Keten", "ruled", "Uitgesproken", "januari 2024", "Voorlopig")]
        query = "SELECT DISTINCT dimension_label, reason_label FROM en.differences WHERE dimension = 'offence'"
        assert database.execute(query).fetchall() == [("Offence", "Equal")]
        query = "SELECT comment FROM duckdb_columns() WHERE table_name = 'breaks' AND column_name = 'date' AND schema_name = 'main'"
        assert database.execute(query).fetchall() == [("The first day on which the series counts something else",)]


def test_the_codes_of_a_column_are_a_table_in_their_order(candidate: Version) -> None:
    with duckdb.connect(str(candidate.path("das.duckdb")), read_only=True) as database:
        query = "SELECT code, label FROM codes WHERE (table_name, column_name, language) = ('reports', 'offence', 'en') ORDER BY place"
        assert database.execute(query).fetchall()[:2] == [("all", "All offences"), ("property", "Property")]


def test_other_readers_than_arrow_find_labels_in_the_metadata(candidate: Version) -> None:
    path = candidate.path("tables/reports.parquet")
    query = f"SELECT decode(value) FROM parquet_kv_metadata('{path}') WHERE decode(key) = 'fields'"
    fields = json.loads(duckdb.sql(query).fetchall()[0][0])
    schema = pq.read_schema(path)
    assert [field["name"] for field in fields] == schema.names
    assert fields[0]["codes"] == json.loads(schema.field("offence").metadata[b"codes"])
    assert fields[0]["description_nl"] == "Feit"


def test_a_file_for_people_has_labels_in_columns(candidate: Version) -> None:
    path = candidate.path("tables/reports.nl.csv")
    assert path.read_bytes().startswith(b'\xef\xbb\xbf"Feit";"Soort periode";'), "a byte order mark, and semicolons"
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    coded = pq.read_table(path.with_name("reports.parquet")).to_pylist()
    assert [int(r["Aantal meldingen, afgerond op een veelvoud van 5"]) for r in rows] == [r["n"] for r in coded]
    march = next(r for r in rows if r["Periode: 2024, 2024-Q1 of 2024-03"] == "maart 2024" and r["Feit"] == "Alle feiten")
    assert (march["Eerste dag van de periode"], march["Laatste dag van de periode"]) == ("2024-03-01", "2024-03-31")
    assert march["Status van het cijfer"] == "Voorlopig"
    english = path.with_name("reports.en.csv").read_bytes()
    assert english.startswith(b'\xef\xbb\xbf"Offence","Kind of period",')
    assert english.count(b"\r\n") == len(coded) + 1


def test_pandas_and_polars_read_the_file_for_people(candidate: Version) -> None:
    path = candidate.path("tables/reports.nl.csv")
    count = "Aantal meldingen, afgerond op een veelvoud van 5"
    total = pq.read_table(path.with_name("reports.parquet"))["n"].to_pylist()
    assert pd.read_csv(path, sep=";", decimal=",")[count].tolist() == total
    frame = pl.read_csv(path, separator=";", try_parse_dates=True)
    assert frame[count].to_list() == total
    assert frame["Eerste dag van de periode"].dtype == pl.Date


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed: its opening of the files is tried where it is")
@pytest.mark.parametrize(("language", "months"), [("nl", "maart 2024"), ("en", "March 2024")])
def test_libreoffice_opens_the_file_for_people_in_columns(language: str, months: str, candidate: Version, tmp_path: Path) -> None:
    """As docs/analysts.md says: dates become dates, counts numbers, and a month stays in words."""
    said = (PROJECT / "docs" / "analysts.md").read_text(encoding="utf-8")
    (options,) = re.findall(rf'soffice --headless --infilter="(CSV:\S+)" --convert-to xlsx \w+\.{language}\.csv', said)
    own = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = ["soffice", own, "--headless", f"--infilter={options}", "--convert-to", "xlsx", "--outdir", str(tmp_path)]
    subprocess.run([*command, str(candidate.path(f"tables/reports.{language}.csv"))], check=True, capture_output=True)
    heads, *rows = load_workbook(tmp_path / f"reports.{language}.xlsx").active.iter_rows(values_only=True)
    with candidate.path(f"tables/reports.{language}.csv").open(encoding="utf-8-sig", newline="") as file:
        titles, *lines = csv.reader(file, delimiter=chr(int(options[4:6])))
    assert heads == tuple(titles)
    assert [(row[3].date().isoformat(), row[4].date().isoformat(), row[5]) for row in rows] == [(*li[3:5], int(li[5])) for li in lines]
    assert months in {row[2] for row in rows}


def test_a_figure_that_is_not_shown_is_empty_for_people(run: Run) -> None:
    """Written as 0 it would be summed as a count of nothing."""

    def field(name: str, kind: pa.DataType, codes: list[dict[str, str]] | None = None) -> pa.Field:
        metadata = {"description_en": name} | ({"codes": json.dumps(codes)} if codes else {})
        return pa.field(name, kind, metadata=metadata)

    status = [{"code": code, "en": code} for code in ("final", NOT_SHOWN)]
    schema = pa.schema([field("period", pa.string()), field("n", pa.int64()), field("status", pa.string(), status)])
    cells = pa.table({"period": ["2023", "2024-Q1"], "n": [10, 0], "status": ["final", NOT_SHOWN]}, schema=schema)
    shown = labelled.labelled(cells, "en", load_words(run.jurisdiction), table_texts(run.jurisdiction).columns)
    assert shown["n"].to_pylist() == [10, None]
    assert shown["period"].to_pylist() == ["2023", "quarter 1 of 2024"]


def test_the_data_package_describes_the_files_for_people(candidate: Version) -> None:
    package = Package(str(candidate.path("datapackage.json")))
    resource = package.get_resource("reports-nl")
    assert (resource.path, resource.dialect.get_control("csv").delimiter) == ("tables/reports.nl.csv", ";")
    rows = resource.read_rows()
    assert rows[0]["Eerste dag van de periode"].isoformat()[-2:] == "01"
    assert resource.validate().valid


def test_a_reader_of_one_category_skips_most_of_a_large_table(tmp_path: Path) -> None:
    codes = [f"c{i:03d}" for i in range(300)]
    keys = {"a": pa.array([c for c in codes for _ in range(1000)]), "period": pa.array([f"{2000 + i % 20}" for i in range(300_000)])}
    kinds = {"a": pa.string(), "period": pa.string(), "n": pa.int64()}
    schema = pa.schema([pa.field(name, kind, metadata={"x": "1"}) for name, kind in kinds.items()])
    path = tmp_path / "large.parquet"
    parquet.write(pa.table(keys | {"n": pa.array(range(300_000))}, schema=schema), path)
    metadata = pq.read_metadata(path)
    with_c150 = []
    for group in (metadata.row_group(i) for i in range(metadata.num_row_groups)):
        assert [c.column_index for c in group.sorting_columns] == [0, 1]
        least, greatest = group.column(0).statistics.min, group.column(0).statistics.max
        if least <= "c150" <= greatest:
            with_c150.append(sum(group.column(i).total_compressed_size for i in range(3)))
    assert sum(with_c150) + metadata.serialized_size <= 0.1 * path.stat().st_size


@pytest.mark.breaks("P04")
@pytest.mark.parametrize("code", ["12-17", "1/2", "MAR1", "1E3", "007", "=1+1", "2024-03"])
def test_a_code_that_a_spreadsheet_would_change_is_refused(candidate: Version, tmp_path: Path, code: str) -> None:
    path = tmp_path / "tables" / "reports.parquet"
    path.parent.mkdir()
    rows = pq.read_table(candidate.path("tables/reports.parquet"))
    pq.write_table(rows, path)
    assert judging.codes_stay_text(tmp_path).passed
    field = rows.schema.field("offence")
    codes = [*json.loads(field.metadata[b"codes"]), {"code": code, "nl": "Twaalf tot zeventien", "en": "Twelve to seventeen"}]
    schema = rows.schema.set(0, field.with_metadata(field.metadata | {b"codes": json.dumps(codes).encode()}))
    pq.write_table(rows.cast(schema), path)
    verdict = judging.codes_stay_text(tmp_path)
    assert not verdict.passed
    assert f"{code} of offence in reports" in verdict.sentence


@pytest.mark.parametrize("text", ["12_17", "65+", "from_week_4", "Deceased", "12 to 17", "2", "maandag", "Marriage", "ICCS 0401 to 0403"])
def test_words_and_whole_numbers_stay_as_they_are(text: str) -> None:
    assert judging._NO_TEXT.fullmatch(text) is None
