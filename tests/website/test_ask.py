"""Asking the published tables in a real browser: what is shown, saved and shared is what the Parquet file says, read by pyarrow."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from das_pipeline import website
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.lake import Version
from das_pipeline.publication.texts import load_words
from das_pipeline.website.language import Language
from tests.browser import chromium, served
from tests.conftest import TOY

pytestmark = pytest.mark.slow
pc: Any = pyarrow.compute
TEXTS = "rows => rows.map(row => [...row.children].map(cell => cell.textContent))"
VENDOR = Path(website.__file__).parent / "vendor"


@pytest.fixture(scope="module")
def address(site: Version) -> Iterator[str]:
    """The address of a web server with the release."""
    with served(site.folder) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page that may ask nothing of anybody else, and complains of nothing."""
    page = browser.new_page(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith((address, "data:", "blob:")) else complaints.append(request.url))
    yield page
    page.close()
    assert complaints == []


def ask(page: Page, address: str, question: str, name: str = "meldingen") -> None:
    """Open the page with a question in its address, and wait for the answer."""
    page.goto(f"{address}/site/{name}.html?{question}")
    page.locator(".ask-keep").wait_for()


def shown(page: Page) -> list[list[str]]:
    """The table that is shown, with its heads."""
    return page.locator(".ask-shown table tr").evaluate_all(TEXTS)


def counts(site: Version, table: str) -> dict[tuple[str, ...], int]:
    rows = pq.read_table(site.path(f"tables/{table}.parquet")).to_pylist()
    return {tuple(str(v) for k, v in row.items() if k not in {"n", "status", "is_simulated"}): row["n"] for row in rows}


def test_a_table_shows_the_cells_of_the_parquet_file(page: Page, address: str, site: Version) -> None:
    cells = counts(site, "reports")
    ask(page, address, "table=reports&view=table&kind=month&from=2023-11&to=2024-02")
    head, *rows = shown(page)
    assert head[1:] == ["februari 2024*", "januari 2024*", "december 2023", "november 2023"]
    codes = {"Totaal": "all", "Vermogen": "property", "Geweld": "violence", "Onbekend": "unknown_group"}
    assert [row[0] for row in rows] == list(codes)
    for label, *values in rows:
        months = ("2024-02", "2024-01", "2023-12", "2023-11")
        assert [int(v.replace(".", "")) for v in values] == [cells[codes[label], "month", m] for m in months]


def test_a_pivot_of_two_dimensions_and_a_filter_on_a_third(page: Page, address: str, site: Version) -> None:
    cells = counts(site, "reports_persons")
    ask(page, address, "table=reports_persons&view=table&rows=offence&cols=sex&in=2023&in.age=adult&in.offence=property,violence")
    head, *rows = shown(page)
    assert head[1:] == ["Man", "Vrouw", "Onbekend", "Totaal"]
    expected = [
        [cells[o, s, "adult", "year", "2023"] for s in ("male", "female", "unknown", "all")] for o in ("all", "property", "violence")
    ]
    assert [[int(v.replace(".", "")) for v in row[1:]] for row in rows] == expected


def test_several_groups_of_a_dimension_that_is_not_shown_are_added_up(page: Page, address: str, site: Version) -> None:
    cells = counts(site, "reports_persons")
    ages = sorted({key[2] for key in cells} - {"all"})[:2]
    ask(page, address, f"table=reports_persons&view=table&rows=offence&cols=&in=2023&in.age={','.join(ages)}")
    _, total, *_ = shown(page)
    assert int(total[1].replace(".", "")) == sum(cells["all", "all", age, "year", "2023"] for age in ages)


def test_shares_are_those_that_the_pages_would_give(page: Page, address: str) -> None:
    """The rule is written twice, in Python for the pages and in JavaScript: they agree on every pair of counts."""
    language = Language("nl", load_words(Jurisdiction(TOY)))
    dice = random.Random(7)
    pairs = [
        (part, whole) for whole in (0, 45, 50, 95, 100, 105, 200, 495, 500, 1000, 12_345) for part in (0, 5, 25, 45, whole // 2, whole)
    ]
    pairs += [(dice.randrange(0, whole + 1), whole) for whole in (dice.randrange(1, 3000) for _ in range(500))]
    page.goto(f"{address}/site/meldingen.html")
    script = "async pairs => { const {share} = await import(SCRIPT); return pairs.map(([a, b]) => share(a, b, false)?.text ?? null); }"
    source = page.locator("script[src]").get_attribute("src")
    assert source is not None
    found = page.evaluate(script.replace("SCRIPT", json.dumps(f"./{source.replace('start.js', 'forms.js')}")), pairs)
    assert found == [language.share(part, whole) for part, whole in pairs]


def test_an_index_starts_at_a_hundred(page: Page, address: str, site: Version) -> None:
    cells = counts(site, "reports")
    ask(page, address, "table=reports&view=table&kind=month&as=index&from=2023-01&to=2023-03&in.offence=violence")
    row = next(row for row in shown(page) if row[0] == "Geweld")
    of = [cells["violence", "month", f"2023-0{m}"] for m in (3, 2, 1)]
    assert row[1:] == [str(round(100 * n / of[-1])) for n in of]


def test_choosing_changes_the_answer_and_the_address_holds_it(page: Page, address: str) -> None:
    page.goto(f"{address}/site/meldingen.html")
    article = page.locator("#reports")
    static = article.locator("figure.chart")
    assert static.is_visible()
    article.get_by_role("button", name="Zelf kiezen").click()
    article.locator(".ask-keep").wait_for()
    assert not static.is_visible()
    article.get_by_label("Tabel", exact=True).check()
    article.get_by_text("Feit: ").click()
    article.get_by_role("checkbox", name="Vermogen").uncheck()
    article.get_by_role("checkbox", name="Onbekend").uncheck()
    article.locator("select[data-key=kind]").select_option("year")
    page.locator(".ask-shown tbody").filter(has_not_text="Vermogen").filter(has_not_text="Onbekend").wait_for()
    page.wait_for_url("**kind=year**")
    before = shown(page)
    assert {"table=reports", "view=table", "kind=year", "in.offence=violence"} <= set(
        page.url.partition("?")[2].partition("#")[0].split("&")
    )
    page.goto(page.url)
    page.reload()
    page.locator(".ask-keep").wait_for()
    assert shown(page) == before
    page.locator("#reports").get_by_role("button", name="Terug naar de figuur").click()
    assert static.is_visible()


def test_a_click_on_a_head_sorts(page: Page, address: str) -> None:
    ask(page, address, "table=reports&view=table&kind=year")
    page.locator(".ask-shown thead button").first.click()
    page.locator("th[aria-sort=descending]").wait_for()
    values = [int(row[1].replace(".", "")) for row in shown(page)[2:]]
    assert values == sorted(values, reverse=True)
    page.locator(".ask-shown thead button").first.click()
    page.locator("th[aria-sort=ascending]").wait_for()
    assert [int(row[1].replace(".", "")) for row in shown(page)[2:]] == values[::-1]


def test_the_keyboard_alone_reads_a_chart_and_saves_it(page: Page, address: str, site: Version) -> None:
    cells = counts(site, "reports")
    page.goto(f"{address}/site/meldingen.html?table=reports&kind=month&from=2023-01&to=2023-06")
    page.locator(".ask-keep").wait_for()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('role')") == "slider":
            break
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    said = page.locator("[role=slider]").get_attribute("aria-valuetext") or ""
    assert said.startswith("februari 2023: ")
    assert f"Geweld {cells['violence', 'month', '2023-02']:,}".replace(",", ".") in said
    assert page.locator(".ask-reading").text_content() == said
    page.keyboard.press("Tab")
    with page.expect_download() as saved:
        page.keyboard.press("Enter")
    assert saved.value.suggested_filename == "reports.nl.csv"


def test_the_pointer_reads_a_chart(page: Page, address: str) -> None:
    ask(page, address, "table=reports&kind=month&from=2023-01&to=2023-06")
    box = page.locator(".ask-chart svg").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + 100)
    assert (page.locator(".ask-reading").text_content() or "").startswith("januari 2023: ")


def test_a_line_ends_at_the_height_of_its_count(page: Page, address: str, site: Version) -> None:
    """The last points of the lines are as far above zero as their counts are large."""
    cells = counts(site, "reports")
    ask(page, address, "table=reports&kind=month&from=2023-01&to=2023-06&in.offence=property,violence")
    heights = page.locator(".ask-chart circle").evaluate_all("found => found.map(e => Number(e.getAttribute('cy')))")
    zero = page.locator(".ask-chart line[stroke='var(--soft)']").first.get_attribute("y1")
    assert zero is not None
    up = [float(zero) - height for height in heights]
    expected = [cells[offence, "month", "2023-06"] for offence in ("property", "violence")]
    assert up[0] / up[1] == pytest.approx(expected[0] / expected[1], rel=1e-6)


def test_a_map_is_filled_by_its_counts_and_read_by_keyboard(page: Page, address: str, site: Version) -> None:
    cells = counts(site, "reports")
    ask(page, address, "table=reports&view=map&kind=year&from=2022&to=2023")
    assert page.locator("figure.map").is_hidden()  # the answer takes its place
    fills = page.locator(".ask-chart rect[opacity]").evaluate_all("found => found.map(e => Number(e.getAttribute('height')))")
    assert fills[0] / fills[1] == pytest.approx(cells["property", "year", "2023"] / cells["violence", "year", "2023"])
    page.locator("[role=slider]").press("Home")
    both = [f"{year} {cells['property', 'year', year]:,}".replace(",", ".") for year in ("2023", "2022")]
    assert page.locator("[role=slider]").get_attribute("aria-valuetext") == f"Vermogen: {both[0]}; {both[1]}"
    assert "De kaart laat zien: 2023. Niet op de kaart: Onbekend." in page.locator(".ask-shown").inner_text()


def test_a_tile_leads_to_its_area_by_keyboard(page: Page, address: str) -> None:
    page.goto(f"{address}/site/meldingen.html")
    page.locator("svg.tiles a").first.focus()
    page.keyboard.press("Enter")
    page.locator(".ask-keep").wait_for()
    assert page.locator("[data-key=open-offence]").inner_text() == "Feit: Geweld"


ORIGIN = ("Meldingen, aantallen", "De wacht", "Uitgave van 31 maart 2024", "CC-BY-4.0", "Gesimuleerde cijfers")


def test_what_is_saved_says_where_it_comes_from(page: Page, address: str, site: Version, tmp_path: Path) -> None:
    cells = counts(site, "reports")
    ask(page, address, "table=reports&kind=month&from=2023-05&to=2023-06")
    files = {}
    for name in ("Deze keuze als CSV", "Afbeelding (SVG)", "Afbeelding (PNG)", "BibTeX", "RIS"):
        with page.expect_download() as saved:
            page.locator(".ask-keep").get_by_role("button", name=name).click()
        files[name] = tmp_path / saved.value.suggested_filename
        saved.value.save_as(files[name])
    table, svg, png, bibtex, ris = files.values()
    rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8-sig"))))
    assert [(r["Feit"], r["Periode"], int(r["Waarde"])) for r in rows if r["Feit"] == "Geweld"] == [
        ("Geweld", "juni 2023", cells["violence", "month", "2023-06"]),
        ("Geweld", "mei 2023", cells["violence", "month", "2023-05"]),
    ]
    assert {(r["Eenheid"], r["Bron"], r["Licentie"], r["Gesimuleerd"]) for r in rows} == {("meldingen", "De wacht", "CC-BY-4.0", "ja")}
    words = " ".join(ElementTree.parse(svg).getroot().itertext())
    assert all(said in words for said in ORIGIN), words
    assert "var(" not in svg.read_text(encoding="utf-8")
    assert png.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    title = page.locator(".ask-head").inner_text().removeprefix("Gesimuleerde cijfers").strip()
    assert bibtex.read_text(encoding="utf-8").startswith("@misc{reports-2024-03-31,\n")
    assert f"  title = {{{{{title}}}}}," in bibtex.read_text(encoding="utf-8")
    assert f"  url = {{{page.url}#reports}}," in bibtex.read_text(encoding="utf-8")
    lines = ris.read_bytes().decode().split("\r\n")
    assert {"TY  - DATA", f"TI  - {title}", "DA  - 2024/03/31", f"UR  - {page.url}#reports", "ER  - "} <= set(lines)
    assert any(line.startswith("N1  - Gesimuleerde cijfers. Uitgave van 31 maart 2024, versie 1.0.0. CC-BY-4.0") for line in lines)


def test_an_embedded_figure_is_the_same_and_leads_to_the_site(browser: Browser, address: str, tmp_path: Path) -> None:
    """In a page of another host, in the sandbox that the copied code asks for."""
    page = browser.new_page()
    page.goto(f"{address}/site/meldingen.html?table=reports&view=table&kind=year")
    page.locator(".ask-keep").wait_for()
    page.evaluate("() => { navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }; }")
    page.get_by_role("button", name="Code voor uw eigen site kopiëren").click()
    page.locator(".ask-said").filter(has_text="iframe").wait_for()
    code = page.evaluate("window.copied")
    expected = shown(page)
    (tmp_path / "host.html").write_text(f"<!doctype html><title>x</title>{code}", encoding="utf-8")
    with served(tmp_path) as other:
        page.goto(f"{other}/host.html")
        frame = page.frame_locator("iframe")
        frame.locator(".ask-keep").wait_for()
        found = frame.locator(".ask-shown table tr").evaluate_all(
            "rows => rows.map(row => [...row.children].map(cell => cell.textContent))"
        )
        assert found == expected
        assert "Gesimuleerde cijfers" in (frame.locator("body").text_content() or "")
    page.close()


def test_the_tool_of_the_tables_page_opens_any_table(page: Page, address: str, site: Version) -> None:
    page.goto(f"{address}/site/tabellen.html")
    page.locator(".ask-keep").wait_for()
    page.locator("select[data-key=table]").select_option("flow")
    page.wait_for_url("**table=flow**")
    page.goto(page.url + "&view=table&kind=year")
    page.locator(".ask-shown table").wait_for()
    cells = counts(site, "flow")
    values = {row[0]: [int(v.replace(".", "")) for v in row[1:]] for row in shown(page)[1:]}
    years = sorted({key[-1] for key in cells if key[-2] == "year" and key[-1] < "2024"}, reverse=True)
    assert sorted(values.values()) == sorted([cells[step, "year", y] for y in years] for step in ("reported", "ruled"))


def search(page: Page, address: str, text: str) -> list[str]:
    """What is found, from the field of the start page."""
    page.goto(f"{address}/site/index.html")
    page.locator("#q").fill(text)
    page.keyboard.press("Enter")
    page.locator(".found").filter(has_text=re.compile(r"\w")).wait_for()
    return page.locator(".answers a").all_text_contents()


def test_a_group_is_found_by_a_part_of_its_word_and_by_a_word_that_people_use(page: Page, address: str) -> None:
    assert "Meldingen: Vermogen" in search(page, address, "mogen")
    assert "Meldingen: Vermogen" in search(page, address, "stelen")
    assert search(page, address, "xylofoon") == []
    assert "Niets gevonden" in (page.locator(".found").text_content() or "")


def test_groups_and_a_year_become_one_question(page: Page, address: str, site: Version) -> None:
    found = search(page, address, "vrouw stelen 2023")
    assert found[0] == "Meldingen naar persoon: Vermogen, Vrouw"
    page.locator(".answers a").first.click()
    page.locator(".ask-shown table").wait_for()
    assert "in.offence=property" in page.url
    cells = counts(site, "reports_persons")
    heading, (_, year), *_, (label, value) = [page.locator(".ask-shown caption").text_content() or "", *shown(page)]
    assert "Vrouw" in heading + label
    assert (year, int(value.replace(".", ""))) == ("2023", cells["property", "female", "all", "year", "2023"])


def test_two_groups_of_a_kind_are_compared_and_a_word_of_the_title_counts(page: Page, address: str) -> None:
    assert "Meldingen: Vermogen, Geweld" in search(page, address, "stelen geweld")
    assert "Meldingen naar persoon: Vrouw" in search(page, address, "persoon vrouw")


def test_the_search_page_lists_everything_without_scripts(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/site/index.html")
    page.locator("#q").fill("geweld")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=geweld")
    assert {"Geweld", "Meldingen", "Begrippen"} <= set(page.locator(".index a").all_text_contents())
    context.close()


@pytest.mark.parametrize(
    "question", ["table=reports&kind=month", "table=reports&view=map", "table=reports_persons&view=table", "table=reports_persons"]
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_asking_shuts_nobody_out(browser: Browser, address: str, question: str, scheme: str) -> None:
    page = browser.new_page(color_scheme=scheme, viewport={"width": 320, "height": 800})
    page.goto(f"{address}/site/meldingen.html?{question}")
    page.locator(".ask-keep").wait_for()
    for details in page.locator("details").all():
        details.evaluate("element => element.open = true")
    violations = Axe().run(page, options={"preload": False}).response["violations"]
    assert [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in violations] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.close()


def test_without_scripts_nothing_is_offered_that_does_not_work(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/site/meldingen.html")
    assert page.locator("main").get_by_role("button").count() == 0
    assert page.locator("figure.chart svg").first.is_visible()
    assert page.locator("table").first.is_visible()
    context.close()


def test_from_a_folder_the_page_says_that_it_cannot_be_asked(browser: Browser, site: Version) -> None:
    page = browser.new_page()
    page.goto(site.path("site/meldingen.html").as_uri())
    assert page.locator(".from-folder").is_visible()
    assert page.locator("main").get_by_role("button").count() == 0
    page.close()


def test_a_filter_on_300_000_rows_takes_at_most_100_milliseconds(browser: Browser, site: Version, tmp_path: Path) -> None:
    """On a generated table: the answer is that of pyarrow, and the slowest of ten questions is quick enough."""
    folder = Path(shutil.copytree(site.folder, tmp_path / "release"))
    path = folder / "tables" / "reports_persons.parquet"
    old = pq.read_table(path)
    dice = random.Random(1)
    keys = [[f"{dim}{i}" for i in range(size)] + ["all"] for dim, size in (("o", 99), ("s", 19), ("a", 24))]
    periods = [str(year) for year in range(2019, 2025)]
    rows = [(o, s, a, "year", p) for o in keys[0] for s in keys[1] for a in keys[2] for p in periods]
    names = ["offence", "sex", "age", "period_kind", "period"]
    columns = {name: pa.array(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}
    n = pa.array([5 * dice.randrange(1000) for _ in rows], pa.int64())
    status = pa.array(["final"] * len(rows))
    table = pa.table({**columns, "n": n, "status": status, "is_simulated": pa.array([True] * len(rows))}).cast(old.schema)
    assert len(table) == 300_000
    pq.write_table(table, path, compression="zstd")
    with served(folder) as address:
        page = browser.new_page()
        page.goto(f"{address}/site/meldingen.html")
        static = (page.locator("script[src]").get_attribute("src") or "").removesuffix("start.js")
        script = """async static_ => {
          const { read, select } = await import(`./${static_}table.js`);
          const table = await read(await (await fetch("../tables/reports_persons.parquet")).arrayBuffer());
          const cols = { dim: "period", codes: ["2019", "2020", "2021", "2022", "2023", "2024"] };
          const found = [];
          for (let i = 0; i < 10; i++) {
            const start = performance.now();
            const at = { sex: [`s${i}`, "s12"], age: ["a3"], period_kind: ["year"] };
            const { n } = select(table, { rows: { dim: "offence", codes: ["all", "o1", "o2"] }, cols, at });
            found.push([performance.now() - start, n]);
          }
          return found;
        }"""
        found = page.evaluate(script, static)
        page.close()
    for i, (milliseconds, answer) in enumerate(found):
        assert milliseconds <= 100
        chosen = table.filter(pc.and_(pc.is_in(table["sex"], pa.array([f"s{i}", "s12"])), pc.equal(table["age"], "a3")))
        sums = {
            (r["offence"], r["period"]): r["n_sum"] for r in chosen.group_by(["offence", "period"]).aggregate([("n", "sum")]).to_pylist()
        }
        assert answer == [sums[o, p] for o in ("all", "o1", "o2") for p in periods]


def test_a_survival_curve_has_its_weeks_in_scale_and_begins_at_a_hundred(browser: Browser, site: Version, tmp_path: Path) -> None:
    """The toy has no durations: its table of persons is replaced by one of percentages after some weeks."""
    folder = Path(shutil.copytree(site.folder, tmp_path / "release"))
    path = folder / "tables" / "reports_persons.parquet"
    open_after = {"after_week_4": (80, 90), "after_week_13": (40, 55), "after_week_26": (10, 20)}
    rows = [
        {
            "offence": code,
            "sex": "all",
            "age": "all",
            "period_kind": "year",
            "period": period,
            "n": n,
            "status": "final",
            "is_simulated": True,
        }
        for code, both in open_after.items()
        for period, n in zip(("2023", "2022"), both, strict=True)
    ]
    schema = pq.read_schema(path)
    pq.write_table(pa.Table.from_pylist(rows).select(schema.names).cast(schema), path)
    with served(folder) as address:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{address}/site/meldingen.html?table=reports_persons&rows=offence&cols=period")
        page.locator(".ask-keep").wait_for()
        dots = page.locator(".ask-chart circle").evaluate_all("all => all.map(e => [+e.getAttribute('cx'), +e.getAttribute('cy')])")
        starts = page.locator(".ask-chart path").evaluate_all(
            "all => all.map(e => e.getAttribute('d').match(/^M([\\d.]+),([\\d.]+)/).slice(1))"
        )
        zero = float(page.locator(".ask-chart line[stroke='var(--soft)']").first.get_attribute("y1") or 0)
        page.close()
    left, top = map(float, starts[0])
    assert starts == [starts[0]] * 2
    of_2023 = [((x - left), (zero - y) / (zero - top)) for x, y in dots[:3]]
    assert [share for _, share in of_2023] == pytest.approx([0.8, 0.4, 0.1], abs=0.01)
    assert [x / of_2023[-1][0] for x, _ in of_2023] == pytest.approx([4 / 26, 13 / 26, 1], abs=0.01)


def test_the_libraries_are_those_of_the_lock() -> None:
    """`vendor/build.sh` wrote the hashes when it made the file from the lock."""
    written = dict(reversed(line.split()) for line in (VENDOR / "SHA256SUMS").read_text(encoding="utf-8").splitlines())
    assert {name: hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() for name in written} == written
    assert set(written) == {"package-lock.json", "../static/parquet.js"}


def test_asking_a_figure_is_light(site: Version) -> None:
    others = {"flow.js", "search.js"}  # of the start page and the search page alone
    scripts = [path for path in (site.folder / "site").glob("static-*/*.js") if path.name not in others]
    assert len(scripts) > 5
    assert sum(len(gzip.compress(s.read_bytes())) for s in scripts) < 47_000
    assert not any(re.search(r"\beval\(|new Function", s.read_text(encoding="utf-8")) for s in scripts)


MARKS = "path.band, rect.node, rect.waiting"
DRAWN = f"svg => [...svg.querySelectorAll('{MARKS}')].map(e => [...e.attributes].map(a => a.name + a.value).sort().join(' ')).sort()"
TOLD = r"""figure => [...figure.querySelectorAll("svg.flow .value, .story li, details:nth-of-type(2) tr")]
    .map(e => e.textContent.replace(/\s+/g, " ").trim())"""


def test_the_chain_beside_the_year_before_is_the_one_of_the_page(page: Page, address: str) -> None:
    """The script draws and tells what the page came with, stroke by stroke and word by word, and outlines the other year."""
    page.goto(f"{address}/site/index.html?year=2023&with=2022")
    page.locator(".flows > div svg.flow .ghost").first.wait_for()
    assert not page.locator(".flows > figure").first.is_visible()
    mine, page_s = page.locator(".flows > div figure"), page.locator(".flows > figure.year-1")
    assert mine.locator("svg.flow").evaluate(DRAWN) == page_s.locator("svg.flow").evaluate(DRAWN)
    assert mine.evaluate(TOLD) == page_s.evaluate(TOLD)
    assert mine.locator(".steps dd .small").first.text_content() == " ≈"


def test_the_chain_of_one_group_is_chosen_by_keyboard_and_its_address_shows_it_again(page: Page, address: str, site: Version) -> None:
    page.goto(f"{address}/site/index.html")
    page.locator("select[data-key=group]").focus()
    page.keyboard.type("Geweld")
    page.locator(".flows > div svg.flow").wait_for()
    assert page.url.endswith("?year=2023&group=violence")
    cells = counts(site, "reports")
    shown = page.locator(".flows > div svg.flow .value").first.text_content() or ""
    assert int(shown.replace(".", "")) == cells["violence", "year", "2023"]
    for again in (page.reload, page.locator("select[data-key=group]").focus):
        again()
        page.locator(".flows > div svg.flow").wait_for()
    assert page.locator("select[data-key=group]").input_value() == "violence"
    assert Axe().run(page, options={"preload": False}).response["violations"] == []
    page.locator("select[data-key=group]").select_option("")
    page.locator(".flows > figure.year-1").wait_for()
    assert not page.locator(".flows > div svg.flow").is_visible()


@pytest.mark.parametrize("place", ["index.html?group=violence", "tabellen.html", "meldingen.html?table=reports"])
def test_a_choice_with_a_long_name_fits_a_phone(page: Page, address: str, place: str) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto(f"{address}/site/{place}")
    page.locator("main select").first.wait_for()
    page.locator("main select").evaluate_all(
        "all => all.forEach(e => (e.options[e.selectedIndex].textContent = 'Openbare orde en gezag '.repeat(4)))"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
