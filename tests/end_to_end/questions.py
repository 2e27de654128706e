"""The ten questions that people ask of the Dutch chain, each walked from the start page in a real browser."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from playwright.sync_api import Browser, Page

from tests.browser import served


@dataclass(frozen=True)
class Walk:
    """A question, the link that answers it, and the cell of a table that must then be on the screen, with its row and its column."""

    question: str
    link: str
    table: str
    cell: str
    row: str
    column: str


WALKS = [
    Walk("Hoeveel diefstallen", "in Amsterdam", "registered_crime_region", "property|amsterdam|year|2023", "Amsterdam", "2023"),
    Walk("online fraude", "Online fraude per jaar", "police_recorded_crime", "property|class_3_9_1|year|2019", "3.9.1", "2019"),
    Walk("wachten op de rechter", "Wachtende zaken", "court_stock", "closing|all|month|2024-11", "Totaal", "november 2024"),
    Walk("van aangifte tot uitspraak", "Bij de rechter", "court_duration", "median|all|year|2023", "Mediaan", "2023"),
    Walk("jonger dan 18", "Aandeel minderjarigen", "minor_suspects", "minors|all|year|2023", "12 tot", "2023"),
    Walk("inbrekers", "Straffen voor diefstal", "sanctions_offence", "scm_1_1_2|prison|year|2023", "Gevangenisstraf", "2023"),
    Walk("geseponeerd", "Sepots naar grond", "dismissal_grounds", "ground_02|year|2023", "02", "2023"),
    Walk("twee regio", "Door de jaren", "registered_crime_region", "all|rotterdam|year|2023", "Rotterdam", "2023"),
    Walk("per 1.000 inwoners", "per 100.000 inwoners", "crime_rate", "per_inhabitants|all|year|2023", "Per 100.000", "2023"),
]  # fmt: skip


def walk(browser: Browser, folder: Path) -> None:
    """Walk every question over the release in `folder`: one click from the start page leads to the published cell."""
    with served(folder) as address:
        page = browser.new_page(viewport={"width": 1280, "height": 900}, accept_downloads=True)
        for step in WALKS:
            page.goto(f"{address}/site/index.html")
            page.locator(".questions > li", has_text=step.question).get_by_role("link", name=step.link).click()
            shown = _shown(page, step.row, step.column)
            assert shown == _published(folder, step.table, step.cell), step
        _take_along(page, address)
        page.close()


def _shown(page: Page, row: str, column: str) -> int:
    page.locator(".ask-shown table").wait_for()
    heads = [re.sub(r"[*†▲▼ ]+$", "", head) for head in page.locator(".ask-shown thead th").all_text_contents()]
    cells = page.locator(".ask-shown tbody tr", has_text=row).first.locator("th, td")
    return int(re.sub(r"\D", "", cells.nth(heads.index(column)).text_content() or ""))


def _published(folder: Path, table: str, cell: str) -> int:
    rows = pq.read_table(folder / "tables" / f"{table}.parquet").to_pylist()
    marks = {"n", "status", "is_simulated"}
    return next(row["n"] for row in rows if "|".join(str(v) for k, v in row.items() if k not in marks) == cell)


def _take_along(page: Page, address: str) -> None:
    """Just these figures as CSV: to the tables, and one button."""
    page.goto(f"{address}/site/index.html")
    page.locator(".questions > li", has_text="als bestand").get_by_role("link", name="Tabellen").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Deze keuze als CSV").click()
    head, first, *_ = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert "Gesimuleerd" in head
    assert "Uitgave van 31 december 2025" in first
