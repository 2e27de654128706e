"""The site and the published files: every table has its theme, words and labels, and every text is about something."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from string import Formatter
from urllib.parse import parse_qsl

from das_pipeline.deliveries import load_external
from das_pipeline.errors import Fault, did_you_mean, nearest
from das_pipeline.jurisdiction import Jurisdiction, Place, Text
from das_pipeline.publication import metadata
from das_pipeline.publication import table_texts as load_table_texts
from das_pipeline.publication.definitions import ExternalTables
from das_pipeline.publication.texts import load_words
from das_pipeline.rules import catalogue
from das_pipeline.settings import DEFAULT
from das_pipeline.statistics import Statistics, load_statistics
from das_pipeline.terminology import ALL, Scheme, load_schemes
from das_pipeline.website.texts import Question, Section, SiteTexts, load_texts

TABLES = "texts/tables.yaml"
SITE = "texts/site.yaml"
WORDS = "texts/words.yaml"
TEMPLATE = DEFAULT.parent / "template"


@dataclass(frozen=True)
class Shown:
    """What the texts must have words for: a published table, where it is declared, and the codes of its dimensions."""

    name: str
    place: Place
    theme: str
    unit: str
    count: str  # the column of the count
    codes: dict[str, Sequence[str] | None]  # dimension -> codes; None when its scheme is not there
    method: str = "rounding"


def _tables(jurisdiction: Jurisdiction) -> list[Shown]:
    statistics, schemes = load_statistics(jurisdiction), load_schemes(jurisdiction)
    files = {}
    for file in jurisdiction.files("statistics/*.yaml"):
        content = jurisdiction.document(file).value()
        if isinstance(content, dict) and "table" in content:
            files[content["table"]] = file
    shown = [_protected(jurisdiction.place(files[table.name]), table.name, statistics, schemes) for table in statistics.tables]
    for file in jurisdiction.files("external/*/tables.yaml"):
        unit = load_external(jurisdiction, file.split("/")[1]).unit
        for number, table in enumerate(jurisdiction.load(file, ExternalTables).tables):
            codes = {name: _codes(schemes, scheme, level) for name, (_, scheme, level) in table.dimensions.items()}
            shown.append(Shown(table.table, jurisdiction.place(file, "tables", number), table.theme, unit, "n_exact", codes))
    return shown


def _protected(place: Place, name: str, statistics: Statistics, schemes: dict[str, Scheme]) -> Shown:
    table = next(t for t in statistics.tables if t.name == name)
    cubes = [statistics.cube(cube) for cube in table.cubes]
    units = {cube.unit_of_count for cube in cubes}
    codes: dict[str, Sequence[str] | None] = {d: _codes(schemes, cubes[0].scheme[d], level) for d, level in table.by.items()}
    codes |= statistics.own_codes(table)
    unit = table.derived or (units.pop() if len(units) == 1 else "step")
    count = "n_derived" if table.derived else "n" if table.method == "rounding" else f"n_{table.method}"
    return Shown(name, place, table.theme, unit, count, codes, table.method)


def _codes(schemes: dict[str, Scheme], scheme: str, level: str) -> Sequence[str] | None:
    return [c.concept for c in schemes[scheme].concepts.values() if c.level == level] if scheme in schemes else None


def table_texts(jurisdiction: Jurisdiction) -> Iterator[Fault]:
    """Yield units, columns and codes of published tables that have no text."""
    texts = load_table_texts(jurisdiction)
    place = jurisdiction.place(TABLES)
    for table in _tables(jurisdiction):
        if table.unit not in texts.units:
            sentence = f"there is no text for unit {table.unit}, which table {table.name} counts. {nearest(table.unit, texts.units)}"
            yield (place / "units").fault(sentence)
        for column in (*table.codes, "period_kind", "period", table.count, "status", metadata.STARTS, metadata.ENDS, metadata.MARK):
            if column not in texts.columns:
                sentence = f"there is no text for column {column}, which table {table.name} has. {nearest(column, texts.columns)}"
                yield (place / "columns").fault(sentence)
    if missing := [status for status in metadata.STATUSES if status not in texts.codes]:
        yield (place / "codes").fault(f"there is no text for the status of a figure {', '.join(missing)}: add it.")
    if missing := [code for code in ("true", "false") if code not in texts.codes]:
        yield (place / "codes").fault(f"there is no text for {', '.join(missing)}, as files for people write {metadata.MARK}: add it.")
    statistics = load_statistics(jurisdiction)
    if metadata.CONFIDENTIAL not in texts.codes and any(table.method == "suppression" for table in statistics.tables):
        yield (place / "codes").fault(f"there is no text for the status {metadata.CONFIDENTIAL} of counts that are not shown: add it.")
    for table in statistics.tables:
        for code in (code for codes in statistics.own_codes(table).values() for code in codes):
            if code not in texts.codes:
                yield (place / "codes").fault(f"there is no text for code {code} of table {table.name}. {nearest(code, texts.codes)}")


def words(jurisdiction: Jurisdiction) -> Iterator[Fault]:
    """Yield words that pages ask for and words.yaml lacks, words that none asks for, and names in braces that are not filled in.

    The words of the template are those that there are, and have each name that may stand in braces.
    """
    ours, asked = load_words(jurisdiction).words, load_words(Jurisdiction(TEMPLATE)).words
    place = jurisdiction.place(WORDS, "words")
    for word in sorted(asked.keys() - ours.keys()):
        yield place.fault(
            f"there is no text {word}, which pages ask for: add it. {did_you_mean(word, ours.keys() - asked.keys())}".rstrip()
        )
    for word in sorted(ours.keys() - asked.keys()):
        yield (place / word).fault(f"no page asks for a text {word}. {did_you_mean(word, asked.keys() - ours.keys()) or 'Remove it.'}")
    for word in sorted(ours.keys() & asked.keys()):
        yield from _faults_of_braces(place / word, ours[word], _names_in_braces(asked[word].main))


def braces(jurisdiction: Jurisdiction) -> Iterator[Fault]:
    """Yield texts of published files with a name in braces that is not filled in."""
    texts, place = load_table_texts(jurisdiction), jurisdiction.place(TABLES)
    yield from _faults_of_braces(place / "withdrawn", texts.withdrawn, {"release", "day", "reason"})
    for column, text in texts.columns.items():
        yield from _faults_of_braces(place / "columns" / column, text, {"unit", "base"})


def _faults_of_braces(place: Place, text: Text, names: Collection[str]) -> Iterator[Fault]:
    for language in place.jurisdiction.languages:
        try:
            unknown = sorted(_names_in_braces(text[language]) - set(names))
        except ValueError:
            yield (place / language).fault("a brace is opened or closed alone: write {name}, or the word without braces.")
            continue
        for name in unknown:
            yield (place / language).fault(
                f"nothing is filled in for {{{name}}}. {nearest(name, names) if names else 'Remove the braces.'}"
            )


def _names_in_braces(text: str) -> set[str]:
    """The names in the braces of a text; ValueError when they do not fit together."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def breaks(jurisdiction: Jurisdiction) -> Iterator[Fault]:
    """Yield breaks in series of a table or category that is not there."""
    tables = {table.name: table for table in _tables(jurisdiction)}
    for number, broken in enumerate(load_table_texts(jurisdiction).breaks):
        place = jurisdiction.place(TABLES, "breaks", number)
        for at, name in enumerate(broken.tables):
            if name not in tables:
                yield (place / "tables" / at).fault(f"there is no published table {name}. {nearest(name, tables)}")
                continue
            cells = {dimension: [code] for dimension, code in broken.category.items()}
            yield from _faults_of_cells(place / "category", cells, tables[name])


def differences(jurisdiction: Jurisdiction) -> Iterator[Fault]:
    """Yield comparisons of a table or dimension that is not there, or of a table that has no years."""
    tables = {table.name: table for table in _tables(jurisdiction)}
    for number, pair in enumerate(load_table_texts(jurisdiction).differences):
        place = jurisdiction.place(TABLES, "differences", number)
        for key, dimension_key in (("table", "dimension"), ("other", "other_dimension")):
            name, dimension = getattr(pair, key), getattr(pair, dimension_key)
            if name not in tables:
                yield (place / key).fault(f"there is no published table {name}. {nearest(name, tables)}")
            elif dimension:
                yield from _faults_of_cells(place / dimension_key, {dimension: []}, tables[name])


def site(jurisdiction: Jurisdiction) -> Iterator[Fault]:
    """Yield themes without a page, and parts of the site that name a table, dimension or code which is not there."""
    texts, tables = load_texts(jurisdiction), {table.name: table for table in _tables(jurisdiction)}
    place = jurisdiction.place(SITE)
    themes = [theme.theme for theme in texts.themes]
    for table in tables.values():
        if table.theme not in themes:
            yield (table.place / "theme").fault(
                f"theme {table.theme} has no page: {SITE} has no such theme. {nearest(table.theme, themes)}"
            )
    for number, section in enumerate(texts.flow):
        yield from _faults_of_section(place / "flow" / number, section, tables, themes)
    if texts.flow_by is not None:
        for number, section in enumerate(texts.flow_by.sections):
            at = place / "flow_by" / "sections" / number
            yield from _faults_of_section(at, section, tables, themes)
            for table in {section.table, *([section.waits.table] if section.waits else [])} & set(tables):
                yield from _faults_of_cells(place / "flow_by" / "dimension", {texts.flow_by.dimension: []}, tables[table])
    for number, headline in enumerate(texts.headlines):
        at = place / "headlines" / number
        yield from _faults_of_table(at, headline.table, tables)
        for dimension, code in headline.select.items() if headline.table in tables else ():
            codes = tables[headline.table].codes
            if dimension not in codes:
                yield (at / "select" / dimension).fault(f"table {headline.table} has no dimension {dimension}. {nearest(dimension, codes)}")
            elif (known := codes[dimension]) is not None and code not in known:
                yield (at / "select" / dimension).fault(f"dimension {dimension} has no code {code}. {nearest(code, known)}")
    for number, question in enumerate(texts.questions):
        yield from _faults_of_question(place / "questions" / number, question, tables)
    schemes = load_schemes(jurisdiction)
    for name, rows in texts.maps.items():
        if name not in schemes:
            yield (place / "maps" / name).fault(f"there is no scheme {name}. {nearest(name, schemes)}")
        for y, row in enumerate(rows if name in schemes else ()):
            for x, concept in enumerate(row):
                if concept and concept not in schemes[name].concepts:
                    known = nearest(concept, schemes[name].concepts)
                    yield (place / "maps" / name / y / x).fault(f"scheme {name} has no concept {concept}. {known}")
    for rule in sorted(set(texts.rules) - set(catalogue())):
        yield (place / "rules" / rule).fault(f"there is no rule {rule}. {nearest(rule, catalogue())}")
    yield from _faults_of_pages(place, texts)


def _faults_of_section(at: Place, section: Section, tables: dict[str, Shown], themes: Sequence[str]) -> Iterator[Fault]:
    """Yield what a section of the chain names and is not there: its theme, tables, dimension and codes."""
    if section.theme not in themes:
        yield (at / "theme").fault(f"there is no theme {section.theme}. {nearest(section.theme, themes)}")
    yield from _faults_of_table(at, section.table, tables)
    if section.table in tables and section.parts:
        codes = tables[section.table].codes
        if section.parts not in codes:
            yield (at / "parts").fault(f"table {section.table} has no dimension {section.parts}. {nearest(section.parts, codes)}")
        for key in ("labels", "colours"):
            yield from _faults_of_codes(at / key, getattr(section, key), codes.get(section.parts))
    if section.waits is not None:
        yield from _faults_of_table(at / "waits", section.waits.table, tables)
        if section.waits.table in tables:
            cells = {dimension: [code] for dimension, code in section.waits.select.items()}
            yield from _faults_of_cells(at / "waits" / "select", cells, tables[section.waits.table])


def _faults_of_question(place: Place, question: Question, tables: dict[str, Shown]) -> Iterator[Fault]:
    """Yield tables, dimensions and codes that a question names and that are not there."""
    for number, asked in enumerate(question.asks):
        at = place / "asks" / number
        yield from _faults_of_table(at, asked.table, tables)
        pairs = parse_qsl(asked.query, keep_blank_values=True)
        axes = [value for name, value in pairs if name in {"rows", "cols"} and value not in {"", "period"}]
        chosen = {name.removeprefix("in."): value.split(",") for name, value in pairs if name.startswith("in.")}
        if asked.table in tables:
            yield from _faults_of_cells(at / "query", {**{axis: [] for axis in axes}, **chosen}, tables[asked.table])
    if question.answer is not None and question.asks and question.asks[0].table in tables:
        cells = {dimension: [code] for dimension, code in question.answer.items()}
        yield from _faults_of_cells(place / "answer", cells, tables[question.asks[0].table])


def _faults_of_cells(place: Place, chosen: dict[str, list[str]], table: Shown) -> Iterator[Fault]:
    for dimension, codes in chosen.items():
        if dimension not in table.codes:
            yield place.fault(f"table {table.name} has no dimension {dimension}. {nearest(dimension, table.codes)}")
        elif (known := table.codes[dimension]) is not None:
            for code in codes:
                if code not in (*known, ALL, "unknown"):
                    yield place.fault(f"dimension {dimension} has no code {code}. {nearest(code, known)}")


def _faults_of_table(place: Place, table: str, tables: dict[str, Shown]) -> Iterator[Fault]:
    if table not in tables:
        yield (place / "table").fault(f"there is no published table {table}. {nearest(table, tables)}")
    elif tables[table].method != "rounding":
        yield (place / "table").fault(
            f"table {table} is protected by {tables[table].method}: its counts may not be shown, or do not add up. Name a rounded table."
        )


def _faults_of_codes(place: Place, named: dict[str, object], known: Sequence[str] | None) -> Iterator[Fault]:
    for code in named:
        if known is not None and code not in (*known, "unknown"):
            yield (place / code).fault(f"there is no code {code} in this dimension. {nearest(code, known)}")


def _faults_of_pages(place: Place, texts: SiteTexts) -> Iterator[Fault]:
    slugs = {page.slug.main for page in texts.pages}
    if texts.simulated_page not in slugs:
        sentence = f"no page has the slug {texts.simulated_page}. {nearest(texts.simulated_page, slugs)}"
        yield (place / "simulated_page").fault(sentence)
    for language in place.jurisdiction.languages:
        seen = {"index"}
        for key in ("themes", "pages"):
            for number, page in enumerate(getattr(texts, key)):
                slug = page.slug[language]
                if slug in seen:
                    yield (place / key / number / "slug").fault(f"two pages would be {slug}.html: give one another slug.")
                seen.add(slug)
