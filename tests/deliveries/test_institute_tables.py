"""Tables of research institutes in Excel: read by what is declared of their layout, refused with what changed. The files are real ones."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from das_pipeline.deliveries import take_in_external
from das_pipeline.engine import parquet
from das_pipeline.errors import ConfigurationError
from das_pipeline.gate import GateFailed
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.run import Run
from das_pipeline.settings import Settings
from tests.conftest import TOY
from tests.deliveries.test_external import SOURCE

SHEET = {
    "name": "Tabel 4.1",
    "header": [3, 4],
    "columns": {"ward": "Wijk"},
    "across": {"column": "year", "values": {"Meldingen / 2022": "2022", "Meldingen / 2023": "2023"}},
    "units": {"row": 5, "text": "aantal"},
    "until": "Bron:",
    "marks": ["1)", "*"],
    "none": ["."],
}
MARK = {"name": "mark", "type": "text", "description": {"nl": "Teken", "en": "Mark"}}
Change = Callable[[Worksheet], object]


def table(change: Change = lambda sheet: None) -> bytes:
    """A table as an institute lays it out: a title, a merged header, a row of units, notes and a source below."""
    book = Workbook()
    contents = book.active
    contents.title = "Inhoud"
    contents["A1"] = "Inhoudsopgave"
    sheet = book.create_sheet("Tabel 4.1")
    for row in (
        ["Tabel 4.1 Meldingen naar wijk"],
        [],
        ["Wijk", "Meldingen", None],
        [None, "2022 1)", "2023*"],
        [None, "aantal", None],
        ["n", 3, "5 1)"],
        ["s", 4, "."],
        ["Bron: de stad"],
        ["1) Zonder aangiften via internet."],
    ):
        sheet.append(row)
    sheet.merge_cells("A1:C1")
    sheet.merge_cells("A3:A4")
    sheet.merge_cells("B3:C3")
    sheet.merge_cells("B5:C5")
    change(sheet)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


@pytest.fixture
def institute(settings: Settings, tmp_path: Path) -> Callable[..., Run]:
    """A run in a toy jurisdiction with such a table as an external source."""

    def make(content: bytes, **changed: Any) -> Run:
        folder = Path(shutil.copytree(TOY, tmp_path / "toy"))
        place = folder / "external" / "census"
        place.mkdir(parents=True)
        source = SOURCE | {
            "file": "tables.xlsx",
            "columns": [*SOURCE["columns"], MARK],
            "status": {"column": "mark", "provisional": ["*"]},
            "sheet": SHEET,
        }
        (place / "source.yaml").write_text(yaml.safe_dump(source | changed), encoding="utf-8")
        (place / "tables.xlsx").write_bytes(content)
        run = Run.start(settings, date(2024, 3, 31))
        return Run(run.settings, run.lake, Jurisdiction(folder), run.keys, run.as_of)

    return make


def figures(run: Run) -> list[tuple[Any, ...]]:
    version = take_in_external(run, "census").version
    with run.connect() as connection:
        query = f"SELECT ward, year, reports, mark FROM {parquet([version.path('tables.parquet')])} ORDER BY ALL"
        return connection.execute(query).fetchall()


def test_a_table_comes_in_by_what_is_declared_of_its_layout(institute: Callable[..., Run]) -> None:
    run = institute(table(), columns=[*SOURCE["columns"], MARK | {"one_of": ["1)", "*"]}])
    assert figures(run) == [("n", 2022, 3, "1)"), ("n", 2023, 5, "*"), ("s", 2022, 4, "1)")]


def test_marks_in_a_heading_are_those_of_its_figures(institute: Callable[..., Run]) -> None:
    def of_year(sheet: Worksheet) -> None:
        sheet["B4"], sheet["C6"] = 2022, 5

    assert figures(institute(table(of_year))) == [("n", 2022, 3, None), ("n", 2023, 5, "*"), ("s", 2022, 4, None)]


def test_a_long_table_has_a_heading_for_each_column(institute: Callable[..., Run]) -> None:
    book = Workbook()
    for row in (["Wijk", "Jaar", "Meldingen"], ["n", 2022, 3], ["s", 2022, 4], ["n", 2023, 5], [], ["Een noot die geen figuur is."]):
        book.active.append(row)
    written = io.BytesIO()
    book.save(written)
    sheet = {"name": "Sheet", "header": [1], "columns": {"ward": "Wijk", "year": "Jaar", "reports": "Meldingen"}, "marks": ["*"]}
    assert [row[:3] for row in figures(institute(written.getvalue(), sheet=sheet))] == [("n", 2022, 3), ("n", 2023, 5), ("s", 2022, 4)]


def set_cell(place: str, value: object) -> Change:
    return lambda sheet: sheet.__setitem__(place, value)


@pytest.mark.breaks("I04")
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda sheet: setattr(sheet, "title", "Tabel 4.2"), "has no sheet Tabel 4.1. It has Inhoud, Tabel 4.2"),
        (set_cell("A3", "Stadsdeel"), "no longer has “Wijk” and has “Stadsdeel”, which is not declared in row 3–4"),
        (set_cell("C4", "2024*"), "no longer has “Meldingen / 2023” and has “Meldingen / 2024”, which is not declared"),
        (set_cell("D4", "Totaal"), "has “Totaal”, which is not declared in row 3–4"),
        (lambda sheet: sheet.insert_rows(1), "no longer has"),
        (lambda sheet: sheet.insert_cols(2), "no longer has"),
        (set_cell("B5", "x 1.000"), "has x 1.000 in row 5 of sheet Tabel 4.1, where the unit aantal was"),
        (lambda sheet: sheet.merge_cells("B6:B7"), "has merged cells in the table: B7 of sheet Tabel 4.1 is a part of B6"),
        (set_cell("B6", "=2+1"), "has nothing in B6 of sheet Tabel 4.1: no figure, or a formula that was saved without its value"),
        (set_cell("A7", None), "has nothing in A7"),
        (set_cell("A8", "Herkomst: de stad"), "has nothing in B8"),
        (lambda sheet: sheet.delete_rows(8, 2), "has no row that begins with Bron:"),
        (set_cell("D3", "Wijk"), "has the heading Wijk twice in sheet Tabel 4.1, in columns A and D"),
    ],
)
def test_a_table_that_changed_is_refused_with_what_changed(institute: Callable[..., Run], change: Change, says: str) -> None:
    run = institute(table(change))
    with pytest.raises(GateFailed, match="I04") as refused:
        take_in_external(run, "census")
    assert says in str(refused.value)
    assert run.lake.current("deliveries/census") is None


def test_what_is_no_excel_file_is_refused(institute: Callable[..., Run]) -> None:
    with pytest.raises(GateFailed, match=r"tables\.xlsx is not an Excel file"):
        take_in_external(institute(b"Wijk;2022\n"), "census")


@pytest.mark.breaks("I01")
def test_figures_in_thousands_do_not_add_up(institute: Callable[..., Run]) -> None:
    with pytest.raises(GateFailed, match="2022 do not add up"):
        take_in_external(
            institute(table(set_cell("B6", 3000)), columns=[*SOURCE["columns"][:2], SOURCE["columns"][2] | {"range": [0, 9999]}, MARK]),
            "census",
        )


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"columns": {}}, "under which heading ward is"),
        ({"across": None}, "under which heading (reports|year) is"),
        ({"header": [3, 5]}, "must follow each other"),
        ({"across": {"column": "yaer", "values": {"2022": "2022"}}}, "year"),
    ],
)
def test_a_declaration_that_says_too_little_is_refused(institute: Callable[..., Run], changed: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        take_in_external(institute(table(), sheet=SHEET | changed), "census")
