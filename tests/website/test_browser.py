"""The pages in a real browser: no errors, nothing that shuts people out, and the numbers of the release."""

from __future__ import annotations

import gzip
import io
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from pypdf import PdfReader

from das_pipeline.lake import Version
from das_pipeline.website import judging
from tests.browser import chromium

pytestmark = pytest.mark.slow
AXE = {"preload": False}  # axe would fetch style sheets by script, which the content policy forbids
NARROW = {"width": 320, "height": 800}
PHONE = {"width": 375, "height": 800}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def open_page(browser: Browser, path: Path, scheme: str = "light", viewport: dict[str, int] | None = None) -> tuple[Page, list[str]]:
    """The page, and what its console and its requests complained of."""
    page = browser.new_page(color_scheme=scheme, viewport=viewport or {"width": 1280, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith("file://") else complaints.append(request.url))
    page.goto(path.as_uri())
    return page, complaints


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_shuts_people_out_or_complains(browser: Browser, site: Version, scheme: str) -> None:
    found: dict[str, list[str]] = {}
    for path in judging.pages(site.folder):
        page, complaints = open_page(browser, path, scheme)
        for detail in page.locator("details").all():
            detail.evaluate("element => element.open = true")
        violations = Axe().run(page, options=AXE).response["violations"]
        found[path.name] = complaints + [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in violations]
        page.close()
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_nothing_overflows_a_narrow_screen(browser: Browser, site: Version) -> None:
    wide: dict[str, int] = {}
    for path in judging.pages(site.folder):
        page, _ = open_page(browser, path, viewport=NARROW)
        for detail in page.locator("details").all():
            detail.evaluate("element => element.open = true")
        wide[path.name] = page.evaluate("document.documentElement.scrollWidth")
        page.close()
    assert {name: width for name, width in wide.items() if width > NARROW["width"]} == {}


def test_a_phone_gets_charts_that_can_be_read(browser: Browser, site: Version) -> None:
    """Every mark and text of a chart lies in the screen, no text is smaller than 11 pixels, and each line and bar has its name."""
    seen = 0
    for path in judging.pages(site.folder):
        page, _ = open_page(browser, path, viewport=PHONE)
        for chart in page.locator(".chart .narrow svg").all():
            seen += 1
            assert chart.is_visible()
            marks = chart.locator("path, text, line")
            boxes = marks.evaluate_all("found => found.map(e => e.getBoundingClientRect()).map(b => [b.left, b.right])")
            assert min(left for left, _ in boxes) >= 0
            assert max(right for _, right in boxes) <= PHONE["width"]
            size = "e => e.getScreenCTM().a * parseFloat(getComputedStyle(e).fontSize)"
            sizes = chart.locator("text").evaluate_all(f"found => found.map({size})")
            assert min(sizes) >= 11
        assert not any(wide.is_visible() for wide in page.locator(".chart .wide").all())
        page.close()
    assert seen > 0


def test_on_a_phone_the_first_column_of_a_table_stays_and_the_newest_year_comes_next_to_it(browser: Browser, site: Version) -> None:
    page, _ = open_page(browser, site.path("site/meldingen.html"), viewport=PHONE)
    for detail in page.locator("details").all():
        detail.evaluate("element => element.open = true")
    moved = 0
    for scroller in page.locator(".scroll").all():
        left = "element => element.querySelector('tbody th').getBoundingClientRect().left"
        before = scroller.evaluate(left)
        moved += scroller.evaluate("element => { element.scrollLeft = 1000; return element.scrollLeft; }") > 0
        assert scroller.evaluate(left) == before
    assert moved > 0
    heads = page.locator("table").first.locator("thead th.n").all_text_contents()
    years = [year for head in heads if (year := re.sub(r"\D", "", head))]  # one head is that of ranks
    assert years == sorted(years, reverse=True)
    page.close()


def test_paper_shows_everything_and_says_what_is_simulated(browser: Browser, site: Version) -> None:
    for path in judging.pages(site.folder):
        page, _ = open_page(browser, path)
        page.emulate_media(media="print")
        assert page.locator("aside.note").is_visible()
        assert all(table.is_visible() for table in page.locator("details:visible table").all())
        page.close()


def test_every_sheet_of_paper_says_that_figures_are_simulated_and_nothing_is_left_out(browser: Browser, site: Version) -> None:
    """The printed page as its PDF has it: the notice on each sheet, every number of every table, and no sheet of the notice alone."""

    def read(text: str) -> str:
        return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))  # without ligatures

    sheets = 0
    for path in judging.pages(site.folder):
        page, _ = open_page(browser, path)
        notice = read(page.locator("aside.note strong").first.inner_text())
        cells = page.locator("tbody td.n").evaluate_all("all => all.filter(e => !e.closest('figure:not(.year-1)')).map(e => e.textContent)")
        pdf = [read(sheet.extract_text()) for sheet in PdfReader(io.BytesIO(page.pdf(format="A4"))).pages]
        page.close()
        assert [text for text in pdf if notice not in text or len(text) < 100] == [], path.name
        whole = "".join(pdf)
        assert [cell for cell in cells if read(cell) not in whole] == [], path.name
        sheets += len(pdf)
    assert sheets > len(judging.pages(site.folder))


def test_without_a_script_the_chain_is_told_by_kind_of_crime(browser: Browser, site: Version) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.path("site/en/index.html").as_uri())
    page.locator("figure:visible summary").get_by_text("By group: Offence").click()
    table = page.locator("figure:visible table:visible")
    assert table.locator("caption").inner_text() == "The steps of the chain in 2023, by group: Offence"
    assert table.locator("thead th").all_inner_texts() == ["Offence", "Watch (reports)"]
    assert table.locator("tbody th").all_inner_texts() == ["All offences", "Property", "Violence", "Unknown"]
    context.close()


def test_a_narrow_screen_gets_the_chain_as_a_list(browser: Browser, site: Version) -> None:
    page, _ = open_page(browser, site.path("site/index.html"), viewport=NARROW)
    assert (page.locator("svg.flow").first.is_visible(), page.locator("ol.steps").first.is_visible()) == (False, True)
    page.close()


def test_the_year_of_the_chain_is_chosen_without_a_script(browser: Browser, site: Version) -> None:
    page, _ = open_page(browser, site.path("site/index.html"))
    shown = []
    for year in ("2023", "2022"):
        page.get_by_label(year, exact=True).check()
        shown.append([h.text_content() for h in page.locator(".flows figure h2").all() if h.is_visible()])
    assert shown == [["De keten in 2023"], ["De keten in 2022"]]
    page.close()


def test_the_numbers_that_are_read_are_those_of_the_release(browser: Browser, site: Version) -> None:
    tables = {p.stem: pq.read_table(p).to_pylist() for p in (site.folder / "tables").glob("*.parquet")}
    cells = {
        t: {"|".join(str(v) for k, v in row.items() if k not in {"n", "status", "is_simulated"}): row["n"] for row in rows}
        for t, rows in tables.items()
    }
    seen = 0
    for path in judging.pages(site.folder):
        page, _ = open_page(browser, path)
        shown = page.locator("[data-value]").evaluate_all("found => found.map(e => [e.dataset.table, e.dataset.cell, e.textContent])")
        for table, cell, text in shown:
            assert int(re.sub(r"\D", "", text)) == cells[table][cell], f"{path.name}: {table} {cell}"
        seen += len(shown)
        page.close()
    assert seen > 100


def test_the_content_comes_first_by_keyboard(browser: Browser, site: Version) -> None:
    page, _ = open_page(browser, site.path("site/index.html"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"
    page.keyboard.press("Enter")
    page.wait_for_url("**/index.html#main")  # playwright hears of it a moment later
    page.close()


def test_the_first_view_is_light(browser: Browser, site: Version) -> None:
    page, _ = open_page(browser, site.path("site/index.html"))
    names = page.evaluate("performance.getEntriesByType('resource').map(e => e.name)")
    sent = [site.path("site/index.html"), *(Path(n.removeprefix("file://")) for n in names)]
    assert sum(len(gzip.compress(p.read_bytes())) for p in sent) < 100_000
    page.close()


def test_only_what_can_be_scrolled_is_a_stop_for_the_keyboard(browser: Browser, site: Version) -> None:
    stops: dict[int, set[bool]] = {}
    for width in (1280, 320):
        page, _ = open_page(browser, site.path("site/en/reports.html"), viewport={"width": width, "height": 800})
        page.wait_for_timeout(500)  # the script waits for the layout
        found = page.locator(".scroll:visible").evaluate_all("all => all.map(e => [e.tabIndex === 0, e.scrollWidth > e.clientWidth])")
        assert all(is_stop == is_wide for is_stop, is_wide in found)
        stops[width] = {is_stop for is_stop, _ in found}
        page.close()
    assert (stops[1280], True in stops[320]) == ({False}, True)


@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 900}])
def test_the_menu_opens_by_keyboard_and_without_a_script(browser: Browser, site: Version, viewport: dict[str, int]) -> None:
    context = browser.new_context(viewport=viewport, java_script_enabled=False)
    page = context.new_page()
    page.goto(site.path("site/keten.html").as_uri())
    menu, group, link = page.locator(".menu > summary"), page.locator(".group summary"), page.locator("header nav").get_by_text("Meldingen")
    assert menu.is_visible() == (viewport == PHONE)
    if viewport == PHONE:
        menu.press("Enter")
    assert group.is_visible()
    assert not link.is_visible()
    group.press("Enter")
    link.press("Enter")
    page.wait_for_url("**/meldingen.html")
    context.close()


def test_an_open_part_of_the_menu_closes_by_escape_and_when_it_is_left(browser: Browser, site: Version) -> None:
    page, _ = open_page(browser, site.path("site/keten.html"))
    group, link = page.locator(".group summary"), page.locator(".group a").first
    for leave in (lambda: page.keyboard.press("Escape"), lambda: page.locator("h1").click(), lambda: page.locator("#q").focus()):
        group.focus()
        page.keyboard.press("Enter")
        assert link.is_visible()
        leave()
        assert not link.is_visible()
    page.close()
