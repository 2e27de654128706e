"""The pages as files: complete, linked, in two languages, and with no number that is not the release's."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import shutil
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest

from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.lake import Version
from das_pipeline.publication import table_kinds
from das_pipeline.publication.releases import CITED
from das_pipeline.publication.texts import load_words
from das_pipeline.rules import catalogue
from das_pipeline.run import Run
from das_pipeline.website import charts, judging
from das_pipeline.website.texts import load_texts
from tests.conftest import TOY
from tests.website.conftest import finish, toy_run

LANGUAGES = ("nl", "en")
NL = TOY.parents[1] / "jurisdictions" / "nl"


@pytest.fixture
def folder(site: Version, tmp_path: Path) -> Path:
    """A finished candidate to plant faults in."""
    return Path(shutil.copytree(site.folder, tmp_path / "candidate"))


def read(site: Version, page: str) -> str:
    return site.path(f"site/{page}").read_text(encoding="utf-8")


def static(site: Version, name: str) -> Path:
    """A file that is the same in every site."""
    return next((site.folder / "site").glob(f"static-*/{name}"))


@pytest.mark.slow
def test_every_page_is_there_in_both_languages(site: Version) -> None:
    pages = {n for n in site.files if n.endswith(".html")}
    dutch = {"index", "meldingen", "keten", "over", "tabellen", "begrippen", "kwaliteit", "wijzigingen", "embed", "search"}
    english = {"index", "reports", "chain", "about", "tables", "concepts", "quality", "changes", "embed", "search"}
    assert pages == {f"site/{p}.html" for p in dutch} | {f"site/en/{p}.html" for p in english}
    assert '<html lang="nl">' in read(site, "index.html")
    assert '<html lang="en">' in read(site, "en/index.html")


def test_the_site_is_next_to_the_tables_that_it_shows(site: Version) -> None:
    assert {
        "tables/reports.parquet",
        "tables/reports.csv",
        "datapackage.json",
        "das.duckdb",
        "changes.json",
        "revisions.csv",
        "quality.json",
    } <= set(site.files)


def test_the_page_of_concepts_names_the_version_of_the_mapping_set(site: Version) -> None:
    version = json.loads(site.path("datapackage.json").read_bytes())["mapping_version"]
    assert f"met versie {version}." in read(site, "begrippen.html")
    assert f"with version {version}." in read(site, "en/concepts.html")


def test_the_page_of_concepts_shows_terms_and_what_each_partner_means_by_them(site: Version) -> None:
    page = read(site, "en/concepts.html")
    assert '<dt id="terms-case">Case</dt>' in page
    assert '<a href="#ruling-guilty">Guilty</a>' in page
    assert '<dd class="small">The watch: A report.</dd>' in page
    assert '<dd class="small">Includes &#34;shoplifting&#34; \\ attempts.</dd>' in page
    assert 'href="../../concepts.ttl"' in page
    assert {"concepts.ttl", "concepts.jsonld"} <= set(site.files)


def test_the_page_of_quality_tells_of_each_partner_what_it_delivers_and_means(site: Version) -> None:
    page = read(site, "en/quality.html")
    watch = page[page.index('id="partner-watch"') :].partition("</details>")[0]
    assert '<a href="#partner-watch">The watch</a>' in page
    assert "<p>Delivers every day:</p>" in watch
    assert "<dt>Reports of the watch</dt>" in watch
    assert '<li><a href="reports.html#reports">Reports</a></li>' in watch
    assert re.search(r'<dt><a href="concepts.html#terms-case">Case</a></dt>\n<dd>A report.</dd>', watch)


def test_every_page_says_that_the_figures_are_simulated(site: Version) -> None:
    for page in judging.pages(site.folder):
        text = page.read_text(encoding="utf-8")
        assert "Gesimuleerde cijfers." in text or "Simulated figures." in text
        assert re.search(r"<title>(Gesimuleerde cijfers|Simulated figures): ", text)
        assert '<meta name="is_simulated" content="true">' in text


def test_every_chart_says_that_its_figures_are_simulated(site: Version) -> None:
    pictures = sorted((site.folder / "site").rglob("*.svg"))
    drawn = [p for p in pictures if p.parent.name == "charts"]
    assert drawn
    for picture in drawn:
        words = {"nl": "Gesimuleerde cijfers", "en": "Simulated figures"}[picture.name.split(".")[1]]
        assert words in picture.read_text(encoding="utf-8")
    assert "Gesimuleerde cijfers" in re.findall(r'<svg class="flow".*?</svg>', read(site, "index.html"), re.DOTALL)[0]


def test_pages_ask_nothing_of_anybody_else(site: Version) -> None:
    for page in judging.pages(site.folder):
        text = page.read_text(encoding="utf-8")
        assert "default-src 'none'" in text
        assert not re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"(?:https?:)?//", text)
        assert not re.search(r"\sstyle=|\son[a-z]+=", text)  # the content policy would block these
        (style,) = re.findall("<style>(.*?)</style>", text, re.DOTALL)
        assert style == static(site, "style.css").read_text(encoding="utf-8")
        assert f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" in text  # which allows this one
    assert "http" not in static(site, "style.css").read_text(encoding="utf-8")


def test_a_break_is_said_beside_the_figure_that_has_it(site: Version) -> None:
    page = read(site, "en/reports.html")
    assert page.count('<p class="break">') == 3
    assert '<time datetime="2023-01">January 2023</time>: since then the watch counts every offence.' in page
    assert page.count('<time datetime="2023-07">July 2023</time>, Violence: since then threats are violence.') == 2  # of two figures


def test_a_break_is_drawn_in_the_chart_of_its_figure(site: Version) -> None:
    page = read(site, "en/reports.html")
    chart = page[page.index('<div class="wide"') : page.index('<div class="narrow"')]
    assert chart.count(">Break in January 2023<") == 1


def test_a_figure_leads_to_its_concepts(site: Version) -> None:
    page = read(site, "en/reports.html")
    assert '<a href="concepts.html#offence-all">Offence</a>' in page
    assert '<h2 id="ruling-all">Rulings</h2>' in read(site, "en/concepts.html")


def test_a_question_of_the_start_page_asks_a_table_and_shows_its_answer(site: Version) -> None:
    page = read(site, "index.html")
    assert "<h3>Hoeveel geweld is er?</h3>" in page
    assert (
        'href="meldingen.html?table=reports&amp;rows=offence&amp;cols=period&amp;in.offence=violence&amp;kind=month&amp;view=table#reports"'
        in page
    )
    assert re.search(r'<p>In 2023: <span class="v" data-table="reports" data-cell="violence\|year\|2023" data-value="\d+">', page)


def test_every_page_says_where_to_write(site: Version) -> None:
    for path in judging.pages(site.folder):
        assert path.name == "embed.html" or 'href="mailto:toy@example.org"' in path.read_text(encoding="utf-8")


def test_no_two_lists_of_concepts_have_the_same_heading() -> None:
    texts = load_texts(Jurisdiction(NL))
    for code in ("nl", "en"):
        titles = [title[code] for title in texts.scheme_titles.values()]
        assert len(titles) == len(set(titles))
    schemes = {path.stem for path in (NL / "terminology" / "schemes").glob("*.csv")}
    assert set(texts.scheme_titles) == schemes


def test_what_the_dutch_texts_name_is_there() -> None:
    """Tables that are put in order, and what synonyms are for."""
    texts = load_texts(Jurisdiction(NL))
    tables = {path.stem for path in (NL / "statistics").glob("*.yaml")} | set(table_kinds(Jurisdiction(NL)))
    assert {name for theme in texts.themes for name in theme.first} <= tables
    lists = {
        f"{p.stem}/{row.split(',')[0]}" for p in (NL / "terminology/schemes").glob("*.csv") for row in p.read_text("utf-8").splitlines()
    }
    lists |= {f"terms/{row.split(',')[0]}" for row in (NL / "terminology/terms.csv").read_text("utf-8").splitlines()}
    assert {synonym.of for synonym in texts.synonyms} <= tables | lists


def test_every_check_that_a_page_can_show_is_said_in_dutch() -> None:
    """Those of the stages that the figures come from; checks of deliveries and of releases are on no page."""
    left_out = ("deliveries/", "publication/", "website/", "release/")
    shown = {name for name, rule in catalogue().items() if not all(table.startswith(left_out) for table in rule.tables)}
    assert shown - set(load_texts(Jurisdiction(NL)).rules) - {"D17"} == set()


def test_no_link_leads_nowhere(folder: Path) -> None:
    assert judging.broken_links(folder, LANGUAGES) == []
    (folder / "site" / "keten.html").unlink()
    assert any(link.endswith("keten.html") for link in judging.broken_links(folder, LANGUAGES))


def test_a_link_to_a_place_that_is_not_on_the_page_is_broken(folder: Path) -> None:
    page = folder / "site" / "index.html"
    page.write_text(page.read_text(encoding="utf-8").replace("#reports", "#gone", 1), encoding="utf-8")
    assert judging.broken_links(folder, LANGUAGES) == ["site/index.html: meldingen.html#gone"]


def test_every_page_leads_to_the_feed_beside_the_releases_in_its_language(site: Version) -> None:
    for path in judging.pages(site.folder):
        text, code = path.read_text(encoding="utf-8"), "en" if path.parent.name == "en" else "nl"
        links = re.findall(r'href="([^"]+\.atom)"', text)
        assert len(links) == (1 if path.name == "embed.html" else 2)  # one for programs, and one to see
        assert {(path.parent / link).resolve() for link in links} == {site.folder.resolve().parent / f"feed.{code}.atom"}
        assert re.search(r'<link rel="alternate" type="application/atom\+xml" href="[^"]+" title="[^"]+">', text)


def test_the_page_of_tables_leads_to_what_programs_read(site: Version) -> None:
    for name in ("api/v1/tables.json", "api/v1/openapi.json", "catalog.ttl"):
        assert f'<a href="../{name}">' in read(site, "tabellen.html")
        assert f'<a href="../../{name}">' in read(site, "en/tables.html")
    for name in CITED:  # made with the name of the release
        assert f'<a href="../{name}">' in read(site, "tabellen.html")


def test_search_engines_are_told_of_every_table_on_a_page(site: Version) -> None:
    """As data that is no script: the names of schema.org, the catalogue's own address of a table, and files that are there."""
    text = read(site, "en/reports.html")
    blocks = re.findall(r'<script type="application/ld\+json">(.*?)</script>', text)
    told = {d["@id"].rpartition("#")[2]: d for d in json.loads(blocks[0])["@graph"]}
    assert len(blocks) == 1
    assert list(told) == re.findall(r'<article class="card" id="(\w+)"', text)
    reports = told["reports"]
    assert f"<{reports['@id']}>" in site.path("catalog.ttl").read_text(encoding="utf-8")
    assert (reports["temporalCoverage"], reports["version"], reports["inLanguage"]) == ("2022-01-01/2024-12-31", "1.0.0", "en")
    assert reports["name"].startswith("Simulated figures: ")
    files = [d["contentUrl"].removeprefix("https://data.toys.example/current/") for d in reports["distribution"]]
    assert "tables/reports.csv" in files
    assert all(name in site.files for name in files)
    assert "ld+json" not in read(site, "en/about.html")


@pytest.mark.breaks("D03")
def test_a_number_that_is_not_the_releases_is_seen(folder: Path) -> None:
    assert judging.numbers_are_released(folder).passed
    page = folder / "site" / "index.html"
    page.write_text(page.read_text(encoding="utf-8").replace('data-value="8400"', 'data-value="8405"', 1), encoding="utf-8")
    verdict = judging.numbers_are_released(folder)
    assert (verdict.passed, verdict.facts["wrong"]) == (False, 1)


def test_numbers_are_written_as_each_language_writes_them(site: Version) -> None:
    assert 'data-value="8400">8.400<' in read(site, "index.html")
    assert 'data-value="8400">8,400<' in read(site, "en/index.html")


def test_the_start_page_is_light(site: Version) -> None:
    sent = [site.path("site/index.html"), *(static(site, n) for n in ("icon.svg", "start.js"))]
    assert sum(len(gzip.compress(path.read_bytes())) for path in sent) < 100_000


def test_every_colour_of_a_chart_is_the_style_sheets_light_one(site: Version) -> None:
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w+);", sheet))
        for sheet in static(site, "style.css").read_text(encoding="utf-8").split("@media (prefers-color-scheme: dark)")
    )
    assert {name for name in light if light[name] != dark.get(name)} == set(dark)
    drawn = sorted((site.folder / "site" / "charts").glob("*.svg"))
    used = {colour for chart in drawn for colour in re.findall(r"var\(--([\w-]+),(#\w+)\)", chart.read_text(encoding="utf-8"))}
    assert {"ink", "soft", "line", "s1"} <= {name for name, _ in used}
    assert all(light[name] == value for name, value in used)


def test_a_chart_serves_light_and_dark_and_can_be_downloaded(site: Version) -> None:
    svg = site.path("site/charts/reports.nl.svg").read_text(encoding="utf-8")
    assert not re.search(r'(?:fill|stroke)="#', svg)
    assert "aria" not in svg
    assert charts.without_caption(svg) in read(site, "meldingen.html")


def test_a_downloaded_chart_says_what_it_is(site: Version) -> None:
    """Its title and unit, where the figures come from, which edition they are of, its licence, and that they are simulated."""
    for form in ("", ".narrow"):
        root = ElementTree.parse(site.path(f"site/charts/reports.nl{form}.svg")).getroot()
        words = " ".join(text for e in root.iter("{http://www.w3.org/2000/svg}text") for text in e.itertext())
        for said in ("Meldingen, aantallen", "Gesimuleerde cijfers", "Bron: ", "Uitgave van 31 maart 2024, versie ", "CC-BY-4.0"):
            assert said in words, (form, said, words)


def test_what_is_drawn_stands_out_from_what_it_is_drawn_on(site: Version) -> None:
    """WCAG 2.2, 1.4.11: a contrast of at least 3 to 1 for what a picture is made of, and 4.5 for the colours of text."""
    sheet = static(site, "style.css").read_text(encoding="utf-8")
    for part in sheet.split("@media (prefers-color-scheme: dark)")[:2]:
        colours = dict(re.findall(r"--([\w-]+): (#\w{6});", part))
        drawn = {n for n in colours if re.fullmatch(r"s\d|police|justice|other|away|unknown", n)}
        low = {n for n in drawn if contrast(colours[n], colours["card"]) < 3}
        low |= {n for n in ("ink", "soft", "link") for ground in ("card", "paper") if contrast(colours[n], colours[ground]) < 4.5}
        assert low == set()


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2.2 defines it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.slow
def test_small_counts_get_no_chart(tmp_path: Path) -> None:
    small = finish(toy_run(tmp_path, date(2024, 3, 31)), scale=1)
    assert "site/charts/reports.nl.svg" not in small.files
    assert "te klein voor een grafiek" in small.path("site/meldingen.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_an_unchanged_chart_is_not_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[object] = []

    def draw(specification: dict[str, object], _: object) -> str:
        drawn.append(specification)
        return '<svg viewBox="0 0 340 9"></svg>'

    monkeypatch.setattr("das_pipeline.website.charts.draw", draw)
    finish(toy_run(tmp_path, date(2024, 3, 30)))
    first = len(drawn)
    finish(toy_run(tmp_path, date(2024, 3, 31)))
    assert 0 < len(drawn) - first < first  # March is new in the lines by month; the bars of 2023 are as they were


@pytest.mark.slow
def test_the_same_candidate_gives_the_same_pages(site: Version, tmp_path: Path) -> None:
    again = finish(toy_run(tmp_path, date(2024, 3, 31)))
    assert {n: e.sha256 for n, e in again.files.items() if n != "das.duckdb"} == {
        n: e.sha256 for n, e in site.files.items() if n != "das.duckdb"
    }


@pytest.mark.slow
def test_a_text_that_names_no_table_says_where(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(TOY, tmp_path / "toy"))
    text = folder / "texts" / "site.yaml"
    text.write_text(text.read_text(encoding="utf-8").replace("table: reports}", "table: rumours}", 1), encoding="utf-8")
    run = toy_run(tmp_path, date(2024, 3, 31))
    with pytest.raises(ConfigurationError, match="flow or headlines name rumours"):
        finish(Run(run.settings, run.lake, Jurisdiction(folder), run.keys, run.as_of))


def test_a_menu_that_names_no_page_says_where(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(TOY, tmp_path / "toy"))
    text = folder / "texts" / "site.yaml"
    text.write_text(text.read_text(encoding="utf-8").replace("of: [reports, chain]", "of: [reports, chains]", 1), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"texts/site.yaml:\d+: menu.*there is no page chains: write the slug"):
        load_texts(Jurisdiction(folder))


@pytest.mark.parametrize("jurisdiction", [TOY, NL])
def test_texts_are_whole_in_both_languages(jurisdiction: Path) -> None:
    load_texts(Jurisdiction(jurisdiction))
    words = load_words(Jurisdiction(jurisdiction)).words
    toy = load_words(Jurisdiction(TOY)).words
    assert set(words) == set(toy)
    for name, text in words.items():
        assert set(re.findall(r"{(\w+)}", text.nl)) == set(re.findall(r"{(\w+)}", text.en)), name
