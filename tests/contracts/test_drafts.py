"""`das contracts new`: structure, types, formats and codes of a sample, and no value of a person."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from das_pipeline.contracts.drafts import draft
from das_pipeline.deliveries import Contract
from das_pipeline.errors import DasError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.references import find_faults
from tests.conftest import TOY

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
