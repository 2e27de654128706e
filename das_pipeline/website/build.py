"""The site in the finished candidate: static pages in each language, made only from the published files."""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import jinja2
import jinja2.bccache
from markupsafe import Markup

from das_pipeline.errors import ConfigurationError, DasError
from das_pipeline.gate import Verdict
from das_pipeline.jurisdiction import Jurisdiction, Text
from das_pipeline.lake import Draft, Version
from das_pipeline.periods import is_complete, year_before
from das_pipeline.publication import formats, releases, table_texts
from das_pipeline.publication.releases import CITATIONS, feed_name
from das_pipeline.publication.texts import Break, Words, load_words
from das_pipeline.rules import catalogue
from das_pipeline.run import Run
from das_pipeline.terminology import ALL, Scheme, Term, load_schemes, load_terms, scope_notes
from das_pipeline.website import charts, judging
from das_pipeline.website.cells import Cell, PublishedTable
from das_pipeline.website.changes import changed_tables
from das_pipeline.website.figures import Figure, counted, figure
from das_pipeline.website.flow import chain_by, chain_flow
from das_pipeline.website.growth import Published, growth, published_totals
from das_pipeline.website.index import in_order, index
from das_pipeline.website.language import Language
from das_pipeline.website.linked import datasets
from das_pipeline.website.partners import partner_parts
from das_pipeline.website.texts import Question, SiteTexts, load_texts

CANDIDATE = "publication/candidate"
EMBEDDED, SEARCH = "embed", "search"  # the page that other sites show within theirs, and the one that finds everything
CHARTS = "site/charts"
YEARS = 3  # the years that the chain is drawn for
Draw = Callable[[str, dict[str, Any], Language], str]  # the name of a picture and what it shows → its chart


@dataclass(frozen=True)
class Site:
    """What every page is made from."""

    texts: SiteTexts
    tables: Mapping[str, PublishedTable]
    schemes: Mapping[str, Scheme]
    terms: Sequence[Term]
    notes: Mapping[tuple[str, str], Sequence[Text]]  # on a concept of a scheme, or on a term
    as_of: date
    package: Mapping[str, Any]
    changes: Mapping[str, Any]
    quality: Mapping[str, Any]
    earlier: list[Mapping[str, Any]]  # the changes of earlier releases, newest first
    publisher: Any
    units: Mapping[str, Any]
    jurisdiction: Jurisdiction
    breaks: Sequence[Break]
    totals: Published  # what this release and earlier ones published


@dataclass
class Charts:
    """The charts of one build; a chart of the site `before` is reused when its specification is the same."""

    before: Version | None
    keys: dict[str, str] = field(default_factory=dict)

    def draw(self, file: str, specification: dict[str, Any], language: Language) -> str:
        """Return the chart of a specification, without a caption; `file` is the name of its picture."""
        key = self.keys[file] = charts.key_of(specification, language)
        before = self.before
        if before is not None and before.facts.get("charts", {}).get(file) == key:
            return charts.without_caption(before.path(f"{CHARTS}/{file}").read_text(encoding="utf-8"))
        return charts.draw(specification, language)


def build_site(run: Run, draft: Draft) -> list[Verdict]:
    """Build the finished candidate: every file of `publication/candidate`, and the site next to them.

    The pages read only the published files, so they show what is released.
    """
    candidate = run.lake.live(CANDIDATE)
    for name, entry in candidate.files.items():
        _take_over(candidate.path(name), draft.path(name, entry.rows))
    draft.derived.add("das.duckdb")
    drawn = Charts(run.lake.current("website/site"))
    words = load_words(run.jurisdiction)
    site = _site(run.jurisdiction, draft.folder, [r.folder for r in releases(run)])
    for name, content in chain(_files(site, words, drawn.draw), static_files().items()):
        target = draft.folder / "site" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    draft.facts |= {"charts": drawn.keys, "pages": len(judging.pages(draft.folder))}
    if broken := judging.broken_links(draft.folder, words.languages):
        raise DasError(f"Broken links: {'; '.join(broken[:10])}. Correct texts/site.yaml or the template.")
    return [judging.numbers_are_released(draft.folder)]


def pages_of(jurisdiction: Jurisdiction, folder: Path, earlier: Iterable[Path]) -> dict[str, bytes]:
    """Return every page and picture that follows from the tables of the release in `folder` and from `earlier` ones, by path.

    It keeps its charts, since drawing them takes longer than all pages do; everything around them is made again.
    """

    def kept(file: str, *_: object) -> str:
        return charts.without_caption((folder / CHARTS / file).read_text(encoding="utf-8"))

    try:
        site = _site(jurisdiction, folder, earlier)
        return {f"site/{name}": content for name, content in _files(site, load_words(jurisdiction), kept)}
    except jinja2.TemplateError as error:
        raise DasError(f"The pages of {folder.name} cannot be made: {error}.") from None


@cache
def static_files() -> dict[str, bytes]:
    """Return the files that are the same in every site, by name: in a folder that is named for their content.

    A browser may keep them for ever: other content has another name. Scripts import each other by names that stay the same.
    """
    static = importlib.resources.files("das_pipeline.website") / "static"
    content = {file.name: file.read_bytes() for file in static.iterdir() if file.is_file()}
    sheet = re.sub(
        rb"/\*.*?\*/", b"", charts.COLOURS.encode() + content["style.css"], flags=re.DOTALL
    )  # comments are for those who edit it
    content["style.css"] = b"\n".join(line.strip() for line in sheet.splitlines() if line.strip())
    together = hashlib.sha256(b"".join(name.encode() + hashlib.sha256(content[name]).digest() for name in sorted(content)))
    return {f"static-{together.hexdigest()[:12]}/{name}": content[name] for name in sorted(content)}


@cache
def style() -> tuple[Markup, str]:
    """Return the style sheet and its hash, by which a page allows it: within the page it need not be asked for before anything is drawn."""
    content = next(content for name, content in static_files().items() if name.endswith("/style.css"))
    return Markup(content.decode()), f"sha256-{base64.b64encode(hashlib.sha256(content).digest()).decode()}"


def words_of_scripts(words: Iterable[str]) -> set[str]:
    """Return those of `words` that a script may say: it names them, or forms them with a beginning such as `view_`."""
    scripts = "\n".join(content.decode() for name, content in static_files().items() if name.endswith(".js"))
    named, beginnings = set(re.findall(r"[a-z][a-z_0-9]*", scripts)), tuple(re.findall(r"`([a-z]+_)\$\{", scripts))
    return {word for word in words if word in named or word.startswith(beginnings)}


def _site(jurisdiction: Jurisdiction, folder: Path, others: Iterable[Path]) -> Site:
    """Return what the pages of the release in `folder` are made from; of `others`, oldest first, those of earlier days count."""
    read = {name: json.loads((folder / f"{name}.json").read_bytes()) for name in ("datapackage", "changes", "quality")}
    texts, changes = table_texts(jurisdiction), read["changes"]
    earlier = [json.loads((other / "changes.json").read_bytes()) for other in others]
    return Site(
        texts=load_texts(jurisdiction),
        tables={path.stem: PublishedTable(path) for path in sorted((folder / "tables").glob("*.parquet"))},
        schemes=load_schemes(jurisdiction),
        terms=load_terms(jurisdiction),
        notes=scope_notes(jurisdiction),
        as_of=date.fromisoformat(changes["as_of"]),
        package=read["datapackage"],
        changes=changes,
        quality=read["quality"],
        earlier=[other for other in reversed(earlier) if other["as_of"] < changes["as_of"]],
        publisher=texts.publisher,
        units=texts.units,
        jurisdiction=jurisdiction,
        breaks=texts.breaks,
        totals=published_totals(folder),
    )


def _files(site: Site, words: Words, draw: Draw) -> Iterator[tuple[str, bytes]]:
    """Yield every page and picture in every language: its path within the site, and its content."""
    for code in words.languages:
        yield from _of_language(site, Language(code, words), draw)


def _of_language(site: Site, language: Language, draw: Draw) -> Iterator[tuple[str, bytes]]:
    """Yield every page and picture in one language."""
    units = {unit: language.text(text) for unit, text in site.units.items()}
    alone = {(t.facts["unit_of_count"], t.dims[0]) for t in site.tables.values() if len(t.dims) == 1}
    ranked = {theme.theme for theme in site.texts.themes if theme.ranked}
    figures = {
        name: figure(
            table,
            site.as_of,
            language,
            units,
            alone,
            is_ranked=table.facts["theme"] in ranked,
            breaks=[b.since for b in site.breaks if name in b.tables],
            maps=site.texts.maps,
        )
        for name, table in site.tables.items()
    }
    figures = in_order(site.texts, figures)
    edition = language.say("edition", day=language.date(site.as_of), version=site.changes["version"])
    about = f"{edition} · {language.text(site.publisher)} · {site.package['licenses'][0]['name']}"
    pictures: dict[str, dict[str, Markup]] = {}
    for name, drawing in ((n, f) for n, f in figures.items() if f.chart):
        pictures[name] = {}
        for width, file, chart, picture in _pictures(drawing, language, about, draw):
            pictures[name][width] = Markup(chart)
            yield f"charts/{file}", picture.encode()
    common = _common(site, language, figures, pictures)
    environment = _environment(language)
    pages: list[tuple[str, str, dict[str, Any]]] = [("index", "start.html", _start(site, language))]
    for theme in site.texts.themes:
        of_theme = [f for f in figures.values() if f.table.facts["theme"] == theme.theme]
        order = {name: place for place, name in enumerate(theme.first)}
        shown = sorted(of_theme, key=lambda f: (order.get(f.table.name, len(order)), not f.table.is_stack))  # then what gives an overview
        real = bool(shown) and all(f.table.facts["kind"] == "external" for f in shown)
        slug = language.text(theme.slug)
        data = datasets(shown, site.package, language.text(site.publisher), language, slug)
        pages.append((slug, "theme.html", {"theme": theme, "shown": shown, "is_real": real, "data": data}))
    for page in site.texts.pages:
        pages.append((language.text(page.slug), "page.html", {"page": page}))
    pages.append((EMBEDDED, "embed.html", {}))
    found = index(site, figures, language, common["theme_links"], common["concepts_page"])
    pages.append((SEARCH, "search.html", {"index": found}))
    languages = [Language(code, language.words) for code in language.words.languages]
    slugs = {
        other.code: ["index", *(other.text(p.slug) for p in [*site.texts.themes, *site.texts.pages]), EMBEDDED, SEARCH]
        for other in languages
    }
    for number, (slug, template, content) in enumerate(pages):
        versions = {other.code: _relative(language, other, slugs[other.code][number]) for other in languages}
        context = common | {"is_real": False, "slug": slug, "versions": versions} | content
        html = environment.get_template(template).render(context)
        yield f"{'' if language.is_first else f'{language.code}/'}{slug}.html", html.encode()


def _pictures(figure: Figure, language: Language, edition: str, draw: Draw) -> Iterator[tuple[str, str, str, str]]:
    """Yield the charts of a figure, `wide` and `narrow`: the name of the picture for downloading, the chart for the page, the picture."""
    assert figure.chart is not None
    name = f"{figure.table.name}.{language.code}"
    title = figure.heading(language).removesuffix(".")
    foot = f"{language.say('source', source=figure.source)} · {edition}"
    for width, file, specification in (("wide", f"{name}.svg", figure.chart.wide), ("narrow", f"{name}.narrow.svg", figure.chart.narrow)):
        chart = draw(file, specification, language)
        yield width, file, chart, charts.captioned(chart, title, foot)


def _common(site: Site, language: Language, figures: Mapping[str, Figure], pictures: Mapping[str, Mapping[str, Markup]]) -> dict[str, Any]:
    return {
        "site": site,
        "lang": language,
        "say": language.say,
        "text": language.text,
        "formats": formats.FORMATS,
        "root": "" if language.is_first else "../",
        "style": style()[0],
        "style_hash": style()[1],
        "script_words": words_of_scripts(language.words.words),
        "static": f"{'' if language.is_first else '../'}{next(iter(static_files())).partition('/')[0]}/",
        "tables_page": next((f"{language.text(p.slug)}.html" for p in site.texts.pages if p.shows == "tables"), "index.html"),
        "figures": figures,
        "growths": {name: growth(table, site.totals, language) for name, table in site.tables.items()},
        "pictures": pictures,
        "theme_links": {t.theme: f"{language.text(t.slug)}.html" for t in site.texts.themes},
        "concept_links": {
            **{scheme: f"{scheme}-all" for scheme in site.schemes},
            **{term.term: f"terms-{term.term}" for term in site.terms},
        },
        "scheme_title": lambda name: language.text(site.texts.scheme_titles.get(name) or site.schemes[name].concepts[ALL].label),
        "rules": catalogue(),
        "concepts_page": next((f"{language.text(p.slug)}.html" for p in site.texts.pages if p.shows == "concepts"), ""),
        "changed": changed_tables(site.changes, figures, site.as_of, language),
        "partners": partner_parts(site.jurisdiction, figures, language),
        "menu": _menu(site.texts, language),
        "feed": feed_name(language.code),
        "citations": CITATIONS,
        "page_links": {p.slug.main: f"{language.text(p.slug)}.html" for p in site.texts.pages},
    }


def _menu(texts: SiteTexts, language: Language) -> list[tuple[str, dict[str, str]]]:
    """The menu: the title of each group and its pages, address and title; a page that is in no group has "" above it."""
    pages = {page.slug.main: page for page in (*texts.themes, *texts.pages)}
    groups = [("", [entry]) if isinstance(entry, str) else (language.text(entry.title), entry.of) for entry in texts.menu]
    return [(title, {language.text(pages[n].slug): language.text(pages[n].title) for n in names}) for title, names in groups]


def _start(site: Site, language: Language) -> dict[str, Any]:
    """The flow of the last complete years that its tables have in common, newest first, and the headline figures."""
    shown = [*(section.table for section in site.texts.flow), *(headline.table for headline in site.texts.headlines)]
    if unknown := sorted(set(shown) - set(site.tables)):
        raise ConfigurationError(f"texts/site.yaml: flow or headlines name {', '.join(unknown)}, which is no published table.")
    common = sorted(set.intersection(*(set(site.tables[name].periods("year")) for name in shown)), reverse=True)
    if not common:
        raise ConfigurationError("texts/site.yaml: the tables of flow and headlines have no year in common.")
    years = [y for y in common if is_complete(y, site.as_of)][:YEARS] or common[:1]  # a new chain starts with its current year
    flows = [chain_flow(site.texts.flow, site.tables, y, language) for y in years]
    year = next((flow.year for flow in flows if not flow.is_incomplete), years[0])  # part of a year is not compared with a whole one
    headlines = []
    for headline in site.texts.headlines:
        table = site.tables[headline.table]
        kind = table.kinds[0]
        points = [c for c in table.series(kind, table.periods(kind), headline.select) if is_complete(c.period, site.as_of) and c.is_whole]
        now, before = (table.cell("year", y, headline.select) for y in (year, year_before(year)))
        if now is None:
            raise ConfigurationError(f"texts/site.yaml: headlines: {headline.table} has no cell {headline.select} in {year}.")
        headlines.append({"text": headline, "table": table, "now": now, "before": before, "line": _sparkline(points)})
    return {
        "flows": flows,
        "groups": {y: chain_by(site.texts.flow_by, site.tables, y, language) for y in years} if site.texts.flow_by else {},
        "headlines": headlines,
        "year": year,
        "questions": [_answered(q, site, language) for q in site.texts.questions],
        "chain": site.texts.model_dump(include={"flow", "flow_by"}, exclude_defaults=True),
    }


def _answered(question: Question, site: Site, language: Language) -> dict[str, Any]:
    """A question with its links, and the cell that answers it in the last period that every source has delivered for."""
    pages = {t.theme: f"{language.text(t.slug)}.html" for t in site.texts.themes}
    links = []
    for asked in question.asks:
        table = site.tables[asked.table]
        query = "&".join(filter(None, (f"table={table.name}", asked.query)))
        links.append((language.text(asked.text), f"{pages[table.facts['theme']]}?{query}#{table.name}"))
    answered = {"question": question, "links": links, "now": None, "before": None, "table": None}
    if question.answer is None:
        return answered
    table = site.tables[question.asks[0].table]
    kind = table.kinds[-1]
    periods = [p for p in table.periods(kind) if is_complete(p, site.as_of)]
    cells = [c for c in table.series(kind, periods, question.answer) if c.is_whole and c.status != "not_applicable"]
    if not cells:
        return answered
    before = None if table.is_derived else table.cell(kind, year_before(cells[-1].period), question.answer)
    return answered | {"now": cells[-1], "before": before, "table": table}


def _sparkline(points: list[Cell]) -> dict[str, Any] | None:
    """A small line of the counts: its final part, its provisional part and its last point; None when the counts are too small."""
    line = charts.Line("", points)
    if not line.is_drawn or len(points) < 2:
        return None
    high = max(c.n for c in points)  # drawn from zero: a line from its lowest value makes every change look large
    at = [(6 + 208 * i / (len(points) - 1), 54 - 48 * c.n / high) for i, c in enumerate(points)]
    turn = next((i for i, c in enumerate(points) if c.may_change), len(points))

    def path(some: list[tuple[float, float]]) -> str:
        return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in some) if len(some) > 1 else ""

    area = f"M{at[0][0]:.1f},56L{'L'.join(f'{x:.1f},{y:.1f}' for x, y in at)}L{at[-1][0]:.1f},56Z"
    return {
        "area": area,
        "final": path(at[:turn]),
        "provisional": path(at[max(turn - 1, 0) :]) if turn < len(points) else "",
        "end": at[-1],
    }


class _Compiled(jinja2.BytecodeCache):
    """Templates as code, compiled once in a process: each build, and each language, has an environment of its own."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


def _environment(language: Language) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("das_pipeline.website", "templates"),
        bytecode_cache=_COMPILED,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": language.number,
        "counted": lambda cell: counted(cell, language),
        "period": language.period,
        "day": lambda text: language.date(date.fromisoformat(str(text))),
    }
    return environment


def _relative(here: Language, there: Language, slug: str) -> str:
    """The address of a page in another language, from a page in this one."""
    return f"{'' if here.is_first else '../'}{'' if there.is_first else f'{there.code}/'}{slug}.html"


def _take_over(source: Path, target: Path) -> None:
    """Put the same immutable bytes at another path: as a hard link if the disk supports it, otherwise as a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
