"""Published tables: sums of protected leaves, and nothing that is not in their descriptor."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import jsonschema
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from das_pipeline.gate import Verdict
from das_pipeline.jurisdiction import Text
from das_pipeline.lake import Draft, Version
from das_pipeline.publication import build_candidate, csvw
from das_pipeline.publication.definitions import Dimension, Source, Table
from das_pipeline.publication.metadata import description
from das_pipeline.publication.tables import external_cells, status_of
from das_pipeline.publication.texts import Licence
from das_pipeline.run import Run, produce
from tests.publication.conftest import leaves, months_until

TEXT = Text(nl="Anderen", en="Others")
INPUTS = ["disclosure/leaves", "terminology/concepts"]


def value(folder: Path, table: str, **cell: str) -> int:
    where = " AND ".join(f"{k} = '{v}'" for k, v in cell.items())
    return duckdb.sql(f"SELECT n FROM '{folder}/tables/{table}.parquet' WHERE {where}").fetchall()[0][0]


def test_a_table_has_every_node_every_total_and_every_kind_of_period(candidate: Version) -> None:
    rows = leaves(20, ["2024-01", "2024-02"])["reports_month"]
    january = {r["offence"]: r["value"] for r in rows if r["period"] == "2024-01"}
    for offence, n in january.items():
        assert value(candidate.folder, "reports", offence=offence, period="2024-01") == n
    assert value(candidate.folder, "reports", offence="all", period="2024-01") == sum(january.values())
    months = [value(candidate.folder, "reports", offence="all", period=m) for m in months_until(date(2023, 12, 31))[-12:]]
    assert value(candidate.folder, "reports", offence="all", period="2023") == sum(months)


def test_a_stack_holds_the_totals_of_other_tables(candidate: Version) -> None:
    for period in ("2023", "2023-05"):
        assert value(candidate.folder, "flow", step="reported", period=period) == value(
            candidate.folder, "reports", offence="all", period=period
        )


def test_every_verdict_on_the_toy_holds(candidate: Version) -> None:
    assert {(v["rule"], v["passed"]) for v in candidate.verdicts} == {
        ("D01", True),
        ("D03", True),
        ("D10", True),
        ("P04", True),
        ("P05", True),
    }


def test_duckdb_pandas_and_polars_read_the_same_counts(candidate: Version) -> None:
    path = candidate.path("tables/reports.parquet")
    total = duckdb.sql(f"SELECT SUM(n) FROM '{path}'").fetchall()[0][0]
    frame = pd.read_parquet(path)
    assert str(frame["n"].dtype) == "Int64"
    assert frame["n"].sum() == pl.read_parquet(path)["n"].sum() == total
    assert pd.read_csv(path.with_suffix(".csv"))["n"].sum() == total


def test_a_file_says_what_it_holds(candidate: Version) -> None:
    schema = pq.read_schema(candidate.path("tables/reports.parquet"))
    facts = json.loads(schema.metadata[b"das"])
    assert (facts["kind"], facts["base"], facts["is_simulated"], facts["as_of"]) == ("protected", 5, True, "2024-03-31")
    assert facts["dims"] == {"offence": {"scheme": "offence", "level": "group"}}
    assert schema.field("n").metadata == {
        b"description_nl": b"Aantal meldingen, afgerond op een veelvoud van 5",
        b"description_en": b"Number of reports, rounded to a multiple of 5",
        b"unit": b"report",
    }
    labels = json.loads(schema.field("offence").metadata[b"codes"])
    assert labels[0] == {"code": "all", "nl": "Alle feiten", "en": "All offences"}


@pytest.mark.slow
def test_periods_of_this_year_are_provisional_and_structural_zeros_do_not_apply(protected: Callable[..., Run]) -> None:
    run = protected(
        change=lambda cubes: [r.update(structural=True, value=0) for r in cubes["reports_month"] if r["offence"] == "unknown_group"]
    )
    folder = produce(run, "publication/candidate", build_candidate, inputs=INPUTS).version.folder
    found = duckdb.sql(f"SELECT DISTINCT offence, substr(period, 1, 4), status FROM '{folder}/tables/reports.parquet'").fetchall()
    assert ("property", "2024", "provisional") in found
    assert ("property", "2023", "final") in found
    assert ("unknown_group", "2023", "not_applicable") in found
    assert ("all", "2023", "not_applicable") not in found


JANUARY, FEBRUARY = date(2024, 1, 31), date(2024, 2, 29)


@pytest.mark.parametrize(
    ("period", "sources", "expected"),
    [
        ("2024-01", [FEBRUARY, JANUARY], "provisional"),
        ("2024-02", [FEBRUARY, JANUARY], "incomplete"),  # of one of two there is nothing yet
        ("2024-02", [FEBRUARY, None], "incomplete"),
        ("2024-02", [date(2024, 2, 28)], "incomplete"),
        ("2024-02", [JANUARY, JANUARY], "not_known"),
        ("2024", [FEBRUARY, JANUARY], "incomplete"),
        ("2024", [FEBRUARY, FEBRUARY], "provisional"),  # as far as the figures go
        ("2023", [FEBRUARY, JANUARY], "final"),
        ("2023", None, "final"),
    ],
)
def test_a_period_is_as_known_as_its_sources_make_it(period: str, sources: list[date | None] | None, expected: str) -> None:
    assert status_of(period, FEBRUARY, None, sources) == expected


def test_the_database_holds_the_tables_with_comments(candidate: Version) -> None:
    with duckdb.connect(str(candidate.path("das.duckdb")), read_only=True) as database:
        tables = dict(database.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall())
        assert set(tables) == {"flow", "reports", "reports_persons", "codes", "periods", "breaks", "differences", "revisions"}
        assert tables["reports"].startswith("SIMULATED FIGURES. Reports. Reports by offence")
        assert (
            value(candidate.folder, "reports", offence="all", period="2023")
            == (database.execute("SELECT n FROM reports WHERE offence = 'all' AND period = '2023'").fetchall()[0][0])
        )


def test_a_column_is_described_in_the_languages_that_there_are() -> None:
    field = pa.field("n", pa.int64(), metadata={"description_nl": "Aantal", "description_fy": "Oantal", "unit": "report"})
    assert description(field).model_dump() == {"nl": "Aantal", "fy": "Oantal"}
    assert description(field).main == "Aantal", "English is not there: the first language"


def test_figures_of_others_are_exact_with_every_total(run: Run) -> None:
    rows = [
        {"year": year, "group": group, "kind": kind, "counted": n, "is_estimate": kind == "burglary", "is_provisional": year == 2023}
        for year, group, kind, n in [
            (2022, "property", "theft", 7),
            (2022, "property", "burglary", 3),
            (2022, "violence", "assault", 1),
            (2023, "violence", "assault", 2),
        ]
    ]

    def build(_: Run, draft: Draft) -> list[Verdict]:
        pq.write_table(pa.Table.from_pylist(rows), draft.path("others.parquet", rows=4))
        return []

    produce(run, "terminology/external", build)
    others = Table(
        name="others",
        title=TEXT,
        description=TEXT,
        notes=TEXT,
        theme="crime",
        kind="external",
        unit="report",
        base=1,
        dimensions=(Dimension("main", "offence", "group", "group"), Dimension("fine", "offence", "offence", "kind", is_split=True)),
        periods=("year",),
        source=Source(TEXT, Licence(name="CC0-1.0", title="CC0", url="https://creativecommons.org/publicdomain/zero/1.0/")),
        is_simulated=False,
        file="others.parquet",
        measure="counted",
    )
    with run.connect() as connection:
        cells = external_cells(connection, run.lake, others).to_pylist()
    assert [(c["main"], c["fine"], c["n"], c["status"]) for c in cells] == [
        ("all", "all", 11, "final"),
        ("all", "all", 2, "provisional"),
        ("property", "all", 10, "final"),
        ("property", "burglary", 3, "estimate"),
        ("property", "theft", 7, "final"),
        ("violence", "all", 1, "final"),
        ("violence", "all", 2, "provisional"),
        ("violence", "assault", 1, "final"),
        ("violence", "assault", 2, "provisional"),
    ]


def test_the_data_package_validates(candidate: Version) -> None:
    from frictionless import Package

    package = json.loads(candidate.path("datapackage.json").read_bytes())
    assert package["is_simulated"] is True
    tables = [r for r in package["resources"] if r["format"] == "csv"]
    assert {r["path"] for r in package["resources"]} == {
        n for n in candidate.files if (n.startswith("tables/") or n.endswith(".csv")) and not n.endswith(csvw.SUFFIX)
    }
    plain = {"name": package["name"], "resources": [{k: r[k] for k in ("name", "path", "schema")} for r in tables]}
    report = Package.from_descriptor(plain, basepath=str(candidate.folder)).validate()
    assert report.valid, report.flatten(["title", "fieldName", "note"])


def test_the_data_package_is_as_the_schema_of_the_standard_demands(candidate: Version) -> None:
    """The other reader asks less: it takes a resource without data, and does not look at categories."""
    schema = json.loads((Path(__file__).parent / "schemas" / "data-package-2.0.json").read_bytes())
    judge = jsonschema.validators.validator_for(schema)(schema, format_checker=jsonschema.FormatChecker())
    package = json.loads(candidate.path("datapackage.json").read_bytes())
    judge.validate(package)
    field = next(f for f in package["resources"][-1]["schema"]["fields"] if "categories" in f)
    field["categories"][0] = {"label": "no value"}
    assert not judge.is_valid(package)


@pytest.mark.slow
def test_the_same_leaves_give_the_same_bytes_on_one_and_two_threads(protected: Callable[..., Run]) -> None:
    run = protected()
    first = produce(run, "publication/candidate", build_candidate, inputs=INPUTS).version
    with run.begin("publication/candidate") as draft:
        build_candidate(replace(run, settings=replace(run.settings, threads=2)), draft)
        again = run.lake.seal(draft, as_of=first.as_of, inputs=first.inputs, inputs_hash=first.inputs_hash)
    assert again.id == first.id


def test_every_output_names_the_version_of_the_mapping_set(candidate: Version) -> None:
    version = json.loads(candidate.path("datapackage.json").read_bytes())["mapping_version"]
    assert len(version) == 12
    assert candidate.facts["mapping_version"] == version
    parquet = [path for path in candidate.paths("tables/") if path.suffix == ".parquet"]
    assert {json.loads(pq.read_schema(path).metadata[b"das"])["mapping_version"] for path in parquet} == {version}
