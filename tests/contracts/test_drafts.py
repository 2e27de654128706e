"""`das contracts new`: structure, types, formats and codes of a sample, and no value of a person."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from cli.main import app
from das_pipeline import engine
from das_pipeline.contracts.drafts import draft
from das_pipeline.deliveries import Contract, account_rows, load_contracts, pending, register_records, take_in
from das_pipeline.errors import DasError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.references import find_faults
from das_pipeline.run import Run
from das_pipeline.settings import Settings
from tests.conftest import TOY
from tests.toy_deliveries import write_delivery

NAMES = ("BOS", "LEE", "JAN")  # short, in capitals, and each in a third of the rows: they look like codes
HEADER = "Report No;Surname;Year;Sex;Class;Entered;Damage;Persons;Remark"


def rows(number: int = 60) -> list[str]:
    return [
        f"R{n:05};{NAMES[n % 3]};{1950 + n % 3};{'MF'[n % 2]};A{n % 4 + 1};{n % 28 + 1:02}-03-2024;{n},50;{n % 3};seen by {NAMES[n % 3]}"
        for n in range(number)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TOY, tmp_path / "toy"))


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "sample.csv"
    path.write_text("\n".join([HEADER, *rows()]) + "\n", encoding="windows-1252")
    return path


def test_a_draft_has_types_formats_and_codes_and_no_value_of_a_person(folder: Path, sample: Path) -> None:
    written = draft(Jurisdiction(folder), "guard", "incidents", sample)
    assert [path.relative_to(folder).as_posix() for path in written] == [
        "contracts/guard/incidents.yaml",
        "contracts/guard/partner.yaml",
        "terminology/codes/guard_sex.csv",
        "terminology/mappings/guard_sex.csv",
        "terminology/codes/guard_class.csv",
        "terminology/mappings/guard_class.csv",
    ]
    contract = Jurisdiction(folder).load("contracts/guard/incidents.yaml", Contract)
    assert {c.name: (c.source, c.type, c.formats, c.privacy) for c in contract.columns} == {
        "report_no": ("Report No", "text", (), "direct"),
        "surname": ("Surname", "text", (), "direct"),
        "year": ("Year", "integer", (), "none"),
        "sex": ("Sex", "text", (), "none"),
        "class": ("Class", "text", (), "none"),
        "entered": ("Entered", "date", ("dd-mm-yyyy",), "direct"),
        "damage": ("Damage", "decimal", (), "none"),
        "persons": ("Persons", "integer", (), "none"),
        "remark": ("Remark", "text", (), "direct"),
    }
    assert (contract.format.encoding, contract.format.delimiter, contract.format.decimal) == ("utf-8", ";", ",")
    text = "".join(path.read_text(encoding="utf-8") for path in written)
    assert "A1,TO DO,1900-01-01,9999-12-31,valid\nA2," in text
    for value in (*NAMES, "R000", "1950", "seen", "03-2024", ",50"):
        assert value not in text


def test_what_das_check_says_of_a_draft_is_what_is_left_to_do(folder: Path, sample: Path) -> None:
    draft(Jurisdiction(folder), "guard", "incidents", sample)
    told = {fault.file: fault.sentence for fault in find_faults(Jurisdiction(folder))}
    assert told["contracts/guard/incidents.yaml"].startswith("there is no terminology/schemes/to_do.csv")
    assert "code A4 has no mapping" in told["terminology/codes/guard_class.csv"]


def test_few_rows_are_in_doubt_and_give_no_codes(folder: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.csv"
    small.write_text("\n".join([HEADER, *rows(12)]) + "\n", encoding="utf-8")
    written = draft(Jurisdiction(folder), "guard", "incidents", small)
    assert len(written) == 2


def test_json_lines_are_drafted_too(folder: Path, tmp_path: Path) -> None:
    sample = tmp_path / "sample.jsonl"
    sample.write_text('{"no": "C0001", "born": "1990-01-31"}\n{"no": "C0002", "born": null}\n', encoding="utf-8")
    draft(Jurisdiction(folder), "guard", "stops", sample)
    contract = Jurisdiction(folder).load("contracts/guard/stops.yaml", Contract)
    assert [(c.name, c.type, c.privacy) for c in contract.columns] == [("no", "text", "direct"), ("born", "date", "direct")]


def test_nothing_that_exists_is_changed(folder: Path, sample: Path) -> None:
    before = (folder / "contracts/watch/reports.yaml").read_bytes()
    with pytest.raises(DasError, match=r"reports.yaml exists: remove it first"):
        draft(Jurisdiction(folder), "watch", "reports", sample)
    assert (folder / "contracts/watch/reports.yaml").read_bytes() == before


@pytest.mark.parametrize(("content", "why"), [(b"", "is no table"), (b"one\ntwo\n", "is no table"), (b"{nonsense\n", "is no JSON lines")])
def test_a_sample_that_is_no_table_is_named(folder: Path, tmp_path: Path, content: bytes, why: str) -> None:
    sample = tmp_path / "sample"
    sample.write_bytes(content)
    with pytest.raises(DasError, match=why):
        draft(Jurisdiction(folder), "guard", "stops", sample)


def test_the_command_line_names_the_files_and_what_to_do_next(folder: Path, sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAS_JURISDICTION", str(folder))
    told = CliRunner().invoke(app, ["contracts", "new", "guard", "incidents", str(sample)])
    assert told.exit_code == 0, told.output
    assert "incidents.yaml" in told.stdout
    assert "das check" in told.stdout


BORN = "1990-01-31"


def as_fixed(path: Path) -> None:
    """Key, date, code, number, name."""
    path.write_text("".join(f"S{n:04}202403{n % 28 + 1:02}{'MF'[n % 2]}  {n % 5} {NAMES[n % 3]}\n" for n in range(60)), encoding="ascii")


def as_xml(path: Path) -> None:
    records = "".join(
        f"<stop><no>S{n:04}</no><who><surname>{NAMES[n % 3]}</surname><born>{BORN}</born></who><sex>{'MF'[n % 2]}</sex></stop>"
        for n in range(60)
    )
    path.write_text(f'<?xml version="1.0"?>\n<stops>{records}</stops>\n', encoding="utf-8")


def table() -> pa.Table:
    moments = [datetime(2024, 3, 1 + n % 28, 12 * (n % 2)) for n in range(60)]
    return pa.table(
        {
            "Stop No": [f"S{n:04}" for n in range(60)],
            "surname": [NAMES[n % 3] for n in range(60)],
            "born": pa.array([date.fromisoformat(BORN)] * 60),
            "stopped": pa.array(moments, pa.timestamp("ms")),
            "damage": [n + 0.5 for n in range(60)],
            "persons": [n % 3 for n in range(60)],
            "armed": [n % 2 == 0 for n in range(60)],
        }
    )


def as_parquet(path: Path) -> None:
    pq.write_table(table(), path)


def as_excel(path: Path) -> None:
    rows, book = table(), openpyxl.Workbook()
    for values in (rows.column_names, *zip(*rows.to_pydict().values(), strict=True)):
        book.worksheets[0].append(values)
    book.save(path)


def as_json(path: Path) -> None:
    records = [{"no": f"S{n:04}", "who": {"surname": NAMES[n % 3], "born": BORN}, "persons": n % 3} for n in range(60)]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


CELLS = {
    "stop_no": ("text", (), "direct"),
    "surname": ("text", (), "direct"),
    "born": ("date", ("yyyy-mm-dd",), "direct"),
    "stopped": ("date", ("yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"), "direct"),
    "damage": ("decimal", (), "none"),
    "persons": ("integer", (), "none"),
    "armed": ("boolean", (), "none"),
}
NAMED = {"no": ("text", (), "direct"), "who_surname": ("text", (), "direct"), "who_born": ("date", ("yyyy-mm-dd",), "direct")}
FORMS: list[tuple[Callable[[Path], None], str, dict[str, tuple[str, tuple[str, ...], str]]]] = [
    (as_json, "jsonl", NAMED | {"persons": ("integer", (), "none")}),
    (as_xml, "xml", NAMED | {"sex": ("text", (), "none")}),
    (as_parquet, "parquet", CELLS),
    (as_excel, "xlsx", CELLS),
    (
        as_fixed,
        "fixed",
        {
            "column_1": ("text", (), "direct"),
            "column_2": ("date", ("yyyymmdd",), "direct"),
            "column_3": ("text", (), "none"),
            "column_4": ("integer", (), "none"),
            "column_5": ("text", (), "direct"),
        },
    ),
]


def finish(folder: Path) -> None:
    """Do what the draft leaves to do, in the shortest way: its codes mean nothing yet, so they are columns without a concept."""
    path = folder / "contracts/guard/stops.yaml"
    path.write_text(re.sub(r", concept: \{[^}]*\}", "", path.read_text(encoding="utf-8")), encoding="utf-8")
    for stub in (*folder.glob("terminology/*/guard_*.csv"),):
        stub.unlink()


@pytest.mark.parametrize(("write", "kind", "columns"), FORMS, ids=[kind for _, kind, _ in FORMS])
def test_a_draft_of_each_form_passes_the_check_and_takes_its_sample_in(
    folder: Path, tmp_path: Path, settings: Settings, write: Callable[[Path], None], kind: str, columns: dict[str, tuple[str, Any, str]]
) -> None:
    sample = tmp_path / f"sample.{kind}"
    write(sample)
    text = "".join(path.read_text(encoding="utf-8") for path in draft(Jurisdiction(folder), "guard", "stops", sample))
    assert not [value for value in (*NAMES, "S000", "1990", "2024") if value in text]
    finish(folder)
    jurisdiction = Jurisdiction(folder)
    assert find_faults(jurisdiction) == []
    contract = load_contracts(jurisdiction)["guard", "stops"]
    assert contract.format.kind == kind
    assert {c.name: (c.type, c.formats, c.privacy) for c in contract.columns} == columns
    run = Run.start(replace(settings, jurisdiction=folder), date.max)
    delivery = write_delivery(run.settings.inbox, "guard", date(2024, 4, 1), 1, {"stops": (sample.name, sample.read_bytes())})
    manifest = json.loads((delivery / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"][0]["lines"] = 61 if kind == "xlsx" else 60
    (delivery / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    take_in(run, pending(run)[0])
    (account,) = account_rows(run)
    assert (account.read, account.accepted) == (60, 60)
    with run.connect(identifying=True) as connection:
        for half in ("content", "direct"):
            view = register_records(run, connection, "guard", "stops", half)
            for column in contract.content if half == "content" else contract.direct:
                assert engine.scalar(connection, f"SELECT COUNT({column.name}) FROM {view}") == 60


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<stops><stop><no>1</no></stop>", "is no XML|is cut off|not closed"),
        (b"<stops/>", "has no records"),
        (b"PK\x03\x04 nothing", "is a damaged zip or Excel file"),
        (b"PAR1 nothing", "is not a Parquet file, or is damaged"),
        (b"LEE;north\nBOS;south\nLEE;south\n", "has no header: its first line looks like a row"),
        (b"LEE;1990-01-31\nBOS;1991-01-31\n", "has no header: its first line looks like a row"),
    ],
)
def test_a_sample_that_is_not_what_it_looks_like_is_named(folder: Path, tmp_path: Path, content: bytes, why: str) -> None:
    sample = tmp_path / "sample"
    sample.write_bytes(content)
    with pytest.raises(DasError, match=why):
        draft(Jurisdiction(folder), "guard", "stops", sample)
