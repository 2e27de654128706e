"""D18 on what is read on a screen: every number, text, attribute, address and drawing on a page is declared and explained at its place."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Set
from functools import reduce
from html import unescape
from pathlib import Path
from posixpath import normpath
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pyarrow.compute

from das_pipeline.auditor import charts, citations, linked
from das_pipeline.auditor.database import days_of
from das_pipeline.auditor.declared import Declared
from das_pipeline.auditor.explained import CHANGE_AT_LEAST, numbers_from, value_at
from das_pipeline.auditor.findings import verdict
from das_pipeline.auditor.release import ALL, Published, Table
from das_pipeline.auditor.syntax import syntax_faults
from das_pipeline.auditor.texts import NUMBER, Vocabulary, plain
from das_pipeline.gate import Verdict

FIX = "Find what wrote it there. What it shows must come from the tables or from a text of the jurisdiction; then build the site again."
NAMES = (
    "a article aside body button caption circle code dd details div dl dt fieldset figcaption figure footer form g h1"
    " h2 h3 head header html input label legend li line link main meta nav ol p path rect"
    " script section span strong style summary svg table tbody td template text th thead time title tr tspan ul"
)
ELEMENTS = set(NAMES.split())
TEXT = {"content", "aria-label", "title", "alt", "placeholder"}
FIXED = {  # the values that an attribute may have
    "charset": "utf-8",
    "name": "viewport|color-scheme|description|is_simulated|year|q|menu",
    "http-equiv": "Content-Security-Policy",
    "rel": "icon|alternate|license",
    "type": r"image/svg\+xml|application/(atom\+xml|ld\+json)|radio|search",
    "scope": "col|row",
    "role": "group|img|region|search|status",
    "tabindex": "0",
    "aria-hidden": "true",
    "aria-current": "page",
    "download": "|download",
    "open": "|open",
    "checked": "|checked",
    "hidden": "|hidden",
    "defer": "|defer",
    "target": "_blank",
    "action": r"search\.html",
    "preserveaspectratio": "none",
    "xmlns": re.escape("http://www.w3.org/2000/svg"),
    "text-anchor": "start|middle|end",
    "pointer-events": "none",
    "stroke-linejoin": "round",
    "stroke-dasharray": r"1,0|3,3",
    "font-family": "[A-Za-z ,'-]+",
    "font-size": "1[0-4]px",
    "font-weight": "600",
    "fill": r"none|var\(--[a-z0-9-]+,#[0-9a-f]{6}\)",
    "stroke": r"none|var\(--[a-z0-9-]+,#[0-9a-f]{6}\)",
    "stroke-width": r"1|1\.5|2",
    "stroke-miterlimit": "10",
    "opacity": "0|1",
    "rx": "2",
    "r": r"3\.5|5",
}
GEOMETRY = dict.fromkeys(("x", "y", "dy", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height"), r"-?[\d.]+(e-?\d+)?")
GEOMETRY |= {"d": "[MLHVCAZhvcaz0-9.,e -]*", "transform": r"translate\([-\d.e]+,[-\d.e]+\)(rotate\(-?\d+\))?", "viewbox": r"[\d. -]+"}
pc: Any = pyarrow.compute  # its functions are made as it is imported, so that no type checker knows them
PATTERNS = {name: re.compile(pattern) for name, pattern in (FIXED | GEOMETRY).items()}
CITATIONS = "citations.json"
WRITTEN = (  # by the templates themselves
    *(
        "width=device-width, initial-scale=1",
        "light dark",
        "true",
        "false",
        "≈",
        "→",
        "SKOS:",
        "concepts.ttl",
        "concepts.jsonld",
        "datapackage.json",
    ),
    *(
        "das.duckdb",
        "changes.json",
        "revisions.csv",
        "breaks.csv",
        "differences.csv",
        "quality.json",
        "api/v1/tables.json",
        "api/v1/openapi.json",
        "catalog.ttl",
    ),
    *("BibTeX", "RIS", "DataCite", "CSL-JSON", citations.CFF),
)
POLICY = (  # with the hash of the style that a page has within it
    "default-src 'none'; style-src 'self' '{}'; img-src 'self' data:; script-src 'self'; connect-src 'self'; base-uri 'none';"
    " form-action 'self'"
)
SVG = re.compile(r"<svg xmlns=.*?</svg>", re.DOTALL)
CAPTION = re.compile(
    r"""<text x="4" y="[\d.]+" font-family="[A-Za-z ,'-]+" font-size="(12|16)" font-weight="[47]00" """
    r"""fill="var\(--[a-z]+,#[0-9a-f]{6}\)">([^<>]*)</text>"""
)
CAPTIONED = re.compile(rf"""<svg xmlns="http://www\.w3\.org/2000/svg" viewBox="0 0 [\d.]+ [\d.]+" width="[\d.]+">(?:{CAPTION.pattern})+""")
SIZE = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
PLACED = re.compile(r'<svg y="[\d.]+" height="[\d.]+" ')
NO_STYLE = re.compile(  # classes that need no style
    r"chain|finding|rank|year-[1-9]|v|n|hero|part|node|police|justice|other|away|unknown|band|words|units|forms|no-chart|from-folder|ask-here|ask-source|maps|growth"
)
YEAR = re.compile("year-[1-9]")
COLOUR = re.compile(r"var\(--[a-z0-9-]+,(#[0-9a-f]{6})\)")
NUMBERING = re.compile(r"^\d+(\.\d+)* ")
TAG = re.compile(  # as the templates and charts write them, in one way only
    rb'<(?:/[a-z][a-z0-9]*|[a-z][a-z0-9]*(?: (?:[a-z][a-z0-9:-]*|viewBox|preserveAspectRatio)(?:="[^"<>]*")?)*/?|!doctype html)>'
)
OF_SCRIPTS = re.compile(rb"(<(script|style)\b[^>]*>).*?(</\2>)", re.DOTALL)
WRITTEN_OTHERWISE = re.compile(rb"[<>]|&(?!(?:amp|lt|gt|quot|#39|#34);)")
OF_DRAWINGS = {"circle", "g", "line", "path", "rect", "text", "tspan"}
COUNTED = {"a", "div", "figcaption", "h1", "h2", "h3", "p", "section", "span", "strong", "time"}  # twice the same, or empty, says nothing
FONTS = {"Liberation Sans", "Arial", "Helvetica", "sans-serif"}
STRAY_SPACE = re.compile(rb"[ \t\r]\n|  |[\t\r\x00\x0b\x0c]|\n\n\n|\n\n\Z")


def pages_are_explained(release: Published, declared: Declared, remade: Set[str] = frozenset()) -> Verdict:
    """D18: every page, and every picture beside it, shows nothing but declared texts and explained numbers.

    How often something is there tells nothing on the `remade` ones, which are as the tables make them.
    """
    site = release.folder / "site"
    faults: Counter[str] = Counter()
    drawn: set[str] = set()
    marked = 0
    first = next(iter(declared.languages), "")
    readers = {code: _Reader(release, declared, code) for code in declared.languages}
    for path in sorted(p for p in site.rglob("*") if p.suffix == ".html" and p.is_file()):
        folder = path.parent.relative_to(site).as_posix()
        reader = readers.get(first if folder == "." else folder)
        name = path.relative_to(release.folder).as_posix()
        if reader is None:
            faults[name] += 1
            continue
        page = _Page(path, reader)
        faults[name] += page.faults() + (0 if name in remade else page.counting())
        marked += len(page.marked)
        drawn |= page.drawn
    for path in site.rglob("*.svg"):
        name = path.relative_to(release.folder).as_posix()
        if name not in declared.files:
            words = next((readers[part].words for part in path.name.split(".") if part in readers), None)
            faults[name] += _wrong_picture(path.read_text(encoding="utf-8", errors="replace"), drawn, words)
    faults["site"] += not marked  # a site without a single count must be a mistake, and so is none at all
    return verdict("D18", "Every number and text on the pages is explained", marked, faults, FIX)


def _wrong_picture(picture: str, drawn: Set[str], words: Vocabulary | None) -> int:
    """Whether a picture is other than a chart `drawn` on a page with its title and source around it, which `words` must explain."""
    at = picture.find("<svg ", 1)
    head, inner = picture[:at], PLACED.sub("<svg ", picture[at:].removesuffix("</svg>"), count=1)
    captions: dict[str, list[str]] = {}
    for size, text in CAPTION.findall(head):  # in lines, the title's larger than those of the source
        captions.setdefault(size, []).append(text)
    said = [unescape(" ".join(lines)) for lines in captions.values()]
    size = SIZE.search(inner)
    if size is None or not _is_placed(picture[: at + 200], float(size[1]), float(size[2])):
        return 1
    is_said = words is not None and all(words.explains(text) or words.explains(f"{text}.") for text in said)  # a title has no full stop
    return int(not (CAPTIONED.fullmatch(head) and inner in drawn and is_said))


def _is_placed(head: str, width: float, height: float) -> bool:
    """Whether the lines around a chart of this size lie where their number puts them: the title's above it, those of the source below."""
    places = re.findall(r'<text x="4" y="([\d.]+)"[^>]*? font-size="(\d+)"', head)
    above, below = ([float(size) * 1.4 for _, size in places if (size == "16") == is_title] for is_title in (True, False))
    top = 10 + sum(above)
    expected = [sum(above[: n + 1]) for n in range(len(above))] + [top + height + sum(below[: n + 1]) for n in range(len(below))]
    whole = f'viewBox="0 0 {width:g} {top + height + 6 + sum(below):.1f}" width="{width:g}">'
    placed = f'<svg y="{top:.1f}" height="{height:g}" '
    return [place for place, _ in places] == [f"{y:.1f}" for y in expected] and whole in head and placed in head


class _Reader:
    """What the pages of one language are read with."""

    def __init__(self, release: Published, declared: Declared, code: str) -> None:
        self.release, self.declared, self.forms = release, declared, declared.languages[code]
        self.words = Vocabulary([*declared.texts, *declared.codes, *WRITTEN])
        periods = {p for table in release.tables.values() for p in table.rows["period"].unique().to_pylist()}
        periods |= {str(int(p) - 1) for p in periods if len(p) == 4}
        editions = [release.changes, *release.earlier_changes]
        days = {e["as_of"] for e in editions} | {p["reference_on"] for p in release.quality.get("partners", []) if p.get("reference_on")}
        for text in [*map(self.forms.period, periods), *map(self.forms.day, days), *(e["version"] for e in editions)]:
            self.words.add(text)
        self.words.add(str(release.package.get("mapping_version", "")))
        for renamed in (table.get("renamed", {}) for table in release.changes.get("tables", {}).values()):
            for code in (old for codes in renamed.values() for old in codes):  # of the release before: D19 compares
                self.words.add(code)
        for rule in release.quality.get("rules", []):
            self.words.add(rule["rule"])
        for text in self.words.whole & {*declared.texts}:  # a sentence names a group without its number
            self.words.add(NUMBERING.sub("", text))
        self.labels = "\n".join(["", *sorted(self.words.whole)])  # a label begins behind the end of a line
        self.days = days
        # Links are looked up here: asking the disk for each of them takes a third of the time that reading a page does.
        self.files = {p.relative_to(release.folder).as_posix() for p in release.folder.rglob("*") if p.is_file() and not p.is_symlink()}
        styles = [style.read_text(encoding="utf-8") for style in sorted((release.folder / "site").glob("*/style.css"))]
        self.style = styles[0] if len(styles) == 1 else None
        digest = hashlib.sha256((self.style or "").encode()).digest()
        self.policy = POLICY.format(f"sha256-{base64.b64encode(digest).decode()}")
        self.colours = {colour for style in styles for colour in re.findall("#[0-9a-f]{6}", style)}
        self.classes = {name for style in styles for name in re.findall(r"\.([a-zA-Z][\w-]*)", style)}


class _Page:
    """One page. Anything that is not allowed counts as a fault."""

    def __init__(self, path: Path, reader: _Reader) -> None:
        from lxml import etree, html

        self.reader, self.release = reader, reader.release
        self.place = path.relative_to(self.release.folder)
        self.raw = path.read_bytes()
        self.root: Any = html.fromstring(self.raw, parser=html.HTMLParser(encoding="utf-8"))
        self.elements: list[Any] = list(self.root.iter(etree.Element))
        self.marked = [e for e in self.elements if e.get("data-value") is not None]
        self.drawn = set(SVG.findall(self.raw.decode("utf-8", "replace")))
        self.anchors = {e.get("id") for e in self.elements if e.get("id")}
        self.findings: dict[Any, str] = {}
        self.numbers: dict[Any, frozenset[str]] = {}
        self.shows_rules = any(e.get("class") == "rules" for e in self.root.iter("ul"))

    def faults(self) -> int:
        """The number of faults on the page."""
        raw = OF_SCRIPTS.sub(rb"\1\3", self.raw)  # scripts and the style are judged whole; "<length>" in the style is no tag
        wrong = syntax_faults(raw, len(self.elements)) + len(STRAY_SPACE.findall(self.raw))
        wrong += len(WRITTEN_OTHERWISE.findall(TAG.sub(b"", raw))) + self._wrong_cells()
        if wrong:
            return wrong  # what the marks say is not to be trusted
        wrong += sum(element.tag == "style" for element in self.elements) != 1
        wrong += sum(e.tag in OF_DRAWINGS and next(e.iterancestors("svg"), None) is None for e in self.elements)
        for element in self.elements:
            wrong += element.tag not in ELEMENTS or (element.tag == "script" and not self._is_declared_script(element))
            wrong += element.tag == "style" and (element.text != self.reader.style or element.getparent().tag != "head")
            for name, value in element.attrib.items():
                wrong += not self._is_allowed(element, name, value)
            own = None if element.tag in {"script", "style"} else element.text
            for text, place in ((own, element), (element.tail, element.getparent())):
                if text and plain(text):
                    wrong += not self._is_explained(place, text)
        return wrong + self._wrong_drawings()

    def counting(self) -> int:
        """How often something is there so often that it could count: the same text beside itself, or nothing at all."""
        wrong = 0
        for parent in self.elements:
            leaves = Counter((e.tag, *sorted(e.items()), e.text) for e in parent if isinstance(e.tag, str) and not len(e))
            for (tag, *attributes, text), times in leaves.items():
                is_empty = not (text or "").strip() and not attributes
                wrong += tag in COUNTED and (times > 1 or is_empty)
                wrong += tag == "li" and times > 2
        return wrong

    def _wrong_cells(self) -> int:
        wrong = 0
        for element in self.marked:
            value = value_at(self.release, element.get("data-table", ""), element.get("data-cell", ""))
            text = plain(element.text_content())
            shown = {("−" if value < 0 else "") + self.reader.forms.number(value)} if value is not None else set()
            wrong += str(value) != element.get("data-value") or not (
                text in shown or (not NUMBER.search(text) and self.reader.words.explains(text))
            )
        return wrong

    def _is_declared_script(self, element: Any) -> bool:
        """Whether a script is a file that is the same in every release: then it says only what the page and the tables give it."""
        if element.get("type") is not None:
            return self._is_true_data(element)
        return self._target(element.get("src", "")) in self.reader.declared.files and not element.text

    def _is_true_data(self, element: Any) -> bool:
        """Whether a script is the one block of data of a page with tables, and says of them what is so."""
        shown = [e.get("id") for e in self.root.iter("article") if e.get("id") in self.release.tables]
        address, words = self.place.as_posix(), self.reader.words
        blocks = [dict(e.attrib) for e in self.root.iter("script") if e.get("type") is not None]
        is_alone = blocks == [{"type": linked.TYPE}] and len(shown) > 0
        return is_alone and not linked.differs(element.text or "", self.release, shown, address, self.root.get("lang"), words.explains)

    # -- texts

    def _is_explained(self, element: Any, text: str) -> bool:
        words = self.reader.words
        if words.explains(text):
            return True
        drawing = next((e.get("class", "") for e in (element, *element.iterancestors()) if e.tag == "svg"), "flow")
        if element.tag == "tspan" and drawing != "flow" and plain(text) in self.reader.labels:
            return True
        if drawing not in {"flow", "tiles", "grown"}:
            return self._is_chart_text(text)
        article = next((e for e in (element, *element.iterancestors()) if e.tag == "article"), None)
        if article is not None and (finding := self._finding(article)) and finding in plain(text):
            text = plain(text).replace(finding, "")
        return words.explains(text, self._numbers(element, article))

    def _is_chart_text(self, text: str) -> bool:
        """Whether a text of a chart is a number, which is compared with the table elsewhere, or a label that was cut off."""
        cut = plain(text).removesuffix("…").rstrip()
        return bool(NUMBER.fullmatch(plain(text))) or (cut != plain(text) and f"\n{cut}" in self.reader.labels)

    def _finding(self, article: Any) -> str:
        """The text of the finding of an article, once every number in it is explained."""
        if article not in self.findings:
            paragraph = next((p for p in article.iter("p") if p.get("class") == "finding"), None)
            self.findings[article] = plain(paragraph.text_content()) if paragraph is not None else ""
        return self.findings[article]

    def _numbers(self, element: Any, article: Any) -> frozenset[str]:
        """The numbers that this place may show without naming a cell."""
        if element.tag == "td" and "rank" in element.get("class", "").split(" "):
            return self._places_of_group(element)
        for scope in (element, *element.iterancestors()):
            if scope.tag in {"tr", "p", "a", "li", "time", "text"} and (numbers := self._numbers_in(scope)):
                return numbers
        table = self.release.tables.get(article.get("id", "")) if article is not None else None
        if table is None or not self._is_note(element):
            return frozenset()
        return frozenset(str(n) for n in self._sizes(article, table))

    def _numbers_in(self, scope: Any) -> frozenset[str]:
        """The numbers that any text in `scope` may show: those of the cells, editions and partners that it names."""
        if scope not in self.numbers:
            numbers = numbers_from(self.release, self._places(scope), self.reader.forms)
            numbers |= self._of_growth(scope) | self._of_edition(scope) | self._of_partner(scope) | self._of_changes(scope)
            if scope.tag == "p" and self.shows_rules:
                numbers |= self._of_quality()
            self.numbers[scope] = frozenset(numbers)
        return self.numbers[scope]

    def _places_of_group(self, element: Any) -> frozenset[str]:
        """The first and the last place that the group of a row may have among the others, given that counts are rounded."""
        named = self._places(element.getparent())
        table = self.release.tables.get(named[0][0]) if named else None
        if table is None or not table.is_rounded:
            return frozenset()
        *codes, kind, period = named[0][1].split("|")
        grouped = [place for place, code in enumerate(codes) if code != ALL]
        if len(grouped) != 1:
            return frozenset()
        keys = ("|".join([*codes[: grouped[0]], code, *codes[grouped[0] + 1 :], kind, period]) for code in self._groups(table, grouped[0]))
        counts = [table.cells[key] for key in keys if key in table.cells]
        own = table.cells.get(named[0][1], 0)
        above = sum(n - own >= CHANGE_AT_LEAST for n in counts)
        return frozenset({str(1 + above), str(len(counts) - sum(own - n >= CHANGE_AT_LEAST for n in counts))})

    def _groups(self, table: Table, place: int) -> set[str]:
        return set(table.rows[table.dimensions[place].name].unique().to_pylist()) - {ALL, "unknown"}

    def _sizes(self, article: Any, table: Table) -> set[int]:
        """The numbers of groups that a table has, how many of them are drawn, and its base."""
        sizes = {len(set(table.rows[d.name].unique().to_pylist()) - {ALL}) for d in table.dimensions}
        sizes |= {size + 1 for size in sizes if table.is_balance}  # its total is drawn as a line too
        sizes |= self._filled(table)
        labels = {plain(t.text_content()) for t in next(self._drawn_in(article), article).iter("text")} - {""}
        labels -= {plain(f"{p.findtext('strong')} {p.findtext('time')}") for p in article.iter("p") if p.get("class") == "break"}
        drawn = sum(not NUMBER.fullmatch(label) for label in labels) - table.facts["is_simulated"]
        return {table.base, *sizes, drawn, *(drawn - size for size in sizes)}

    def _drawn_in(self, article: Any) -> Iterator[Any]:
        """The charts of an article: its pictures but for maps, which name every area, and those of how its figures grew."""
        return (svg for svg in article.iter("svg") if svg.get("class") not in {"tiles", "grown"})

    def _filled(self, table: Table) -> set[int]:
        """How many groups of each dimension have a count in a period of the coarsest kind: groups without one get no bar."""
        names = [d.name for d in table.dimensions]
        totals = {name: pc.equal(table.rows[name], ALL) for name in names}
        counted = pc.and_(pc.equal(table.rows["period_kind"], table.kinds[-1]), pc.greater(table.rows["n"], 0))
        sizes = set()
        for name in names:
            others = [totals[other] for other in names if other != name]
            rows = table.rows.filter(reduce(pc.and_, [counted, pc.invert(totals[name]), *others]))
            sizes |= set(rows.group_by("period").aggregate([(name, "count_distinct")])[f"{name}_count_distinct"].to_pylist())
        return sizes

    def _is_note(self, element: Any) -> bool:
        """Whether this is a caption or footnote, which says of how many groups some are drawn and what counts are rounded to."""
        return element.tag == "figcaption" or element.get("class") == "foot" or element.getparent().get("class") == "foot"

    def _places(self, scope: Any) -> list[tuple[str, str]]:
        return [(e.get("data-table"), e.get("data-cell")) for e in scope.iter() if e.get("data-value") is not None]

    def _of_growth(self, scope: Any) -> set[str]:
        """What a row or paragraph about how a figure grew may show: the counts that were published of the totals that it names."""
        if not any("growth" in e.get("class", "").split(" ") for e in scope.iterancestors("details")):
            return set()
        return {self.reader.forms.number(n) for place in self._places(scope) for n in self.release.published_of(*place)}

    def _of_edition(self, scope: Any) -> set[str]:
        days = {t.get("datetime") for t in scope.iter("time")}
        editions = [e for e in (self.release.changes, *self.release.earlier_changes) if e["as_of"] in days]
        return {self.reader.forms.number(e[k]) for e in editions for k in ("added", "removed", "revised", "became_final")}

    def _of_changes(self, scope: Any) -> set[str]:
        """What a row of a table of changes may show: of a marked cell what it was, and months since its period; of a table the numbers."""
        if scope.tag != "tr":
            return set()
        forms, tables = self.reader.forms, self.release.changes.get("tables", {})
        shown: set[str] = set()
        for name, place in self._places(scope):
            for cell in tables.get(name, {}).get("cells", []):
                if "|".join(cell[key] for key in self.release.tables[name].keys) == place:
                    shown |= {forms.number(cell["old"]), str(self._months_after(cell["period"]))}
        of_tables = {urlsplit(a.get("href", "")).fragment for a in next(scope.iterancestors("table"), scope).iter("a")} & tables.keys()
        for changed in (tables[name] for name in of_tables):
            shown |= {forms.number(changed[kind]) for kind in ("added", "removed", "revised", "became_final")}
            shown |= {forms.number(n) for n in Counter(cell["period"] for cell in changed["cells"]).values()}
        return shown

    def _months_after(self, period: str) -> int:
        """How many months after the end of a period the figures are of, and none before."""
        end, (year, month, _) = str(days_of(period)["ends_on"]), map(int, self.release.as_of.split("-"))
        return max(0, 12 * (year - int(end[:4])) + month - int(end[5:7]))

    def _of_partner(self, scope: Any) -> set[str]:
        heads = {plain(th.text_content()) for th in scope.iter("th")} if scope.tag == "tr" else set()
        rows = [p for p in self.release.quality.get("partners", []) if heads & set(p["title"].values())]
        shares = [p[k] for p in rows for k in ("quarantined_pct", "linked_pct") if p[k] is not None]
        return {self.reader.forms.number(share, 1) for share in shares}

    def _of_quality(self) -> set[str]:
        quality, forms = self.release.quality, self.reader.forms
        held = [rule["holds"] for rule in quality["rules"]]
        unmapped = quality["unmapped_pct"]
        return {str(len(held)), str(sum(held)), *([forms.number(unmapped, 1)] if unmapped is not None else [])}

    # -- attributes

    def _is_allowed(self, element: Any, name: str, value: str) -> bool:
        if name == "content" and element.get("http-equiv") is not None:
            return value == self.reader.policy
        if name in TEXT:
            return self._is_explained(element, value)
        if name in PATTERNS:
            is_placed = name not in GEOMETRY or element.tag == "svg" or next(element.iterancestors("svg"), None) is not None
            return is_placed and PATTERNS[name].fullmatch(value) is not None and self._is_of_style(name, value)
        match name:
            case "data-table" | "data-cell" | "data-value":
                return element.get("data-value") is not None
            case "class":
                shows_flow = element.tag == "figure" and element.find(".//svg[@class='flow']") is not None
                return all(
                    (c in self.reader.classes or NO_STYLE.fullmatch(c)) and (shows_flow or not YEAR.fullmatch(c)) for c in value.split(" ")
                )
            case "id":
                return self._is_anchor(value) and (not YEAR.fullmatch(value) or element.get("type") == "radio")
            case "aria-labelledby" | "for":
                return value in self.anchors
            case "lang" | "hreflang":
                return value in self.reader.declared.languages
            case "datetime":
                return value in self.reader.days or value in self.reader.words.whole
            case "href" | "src":
                return self._is_link(value)
            case _:
                return False

    def _is_of_style(self, name: str, value: str) -> bool:
        """Whether a colour or font is one that the style or the charts have."""
        if name == "font-family":
            return {font.strip(" '") for font in value.split(",")} <= FONTS
        colour = COLOUR.fullmatch(value)
        return colour is None or colour.group(1) in self.reader.colours

    def _is_anchor(self, value: str) -> bool:
        """Whether an id is made of a declared code, of a period, or of the number of a year's button."""
        if re.fullmatch("main|in-brief|questions|themes|new|q|year-[1-9]", value):
            return True
        codes = self.reader.declared.codes
        stem = re.sub("-(title|chart|map|all)$", "", value)
        if stem in codes or (value.startswith("flow-") and self.reader.words.explains(value[5:])):
            return True
        return (
            any(value[:i] in codes and value[i + 1 :] in codes for i, c in enumerate(value) if c == "-")
            or value.removeprefix("terms-") in codes
        )

    def _is_link(self, value: str) -> bool:
        parts = urlsplit(value)
        if parts.scheme or parts.netloc:
            return value in self.reader.words.whole
        target = self._target(parts.path)
        of_all_releases = {f"../{name}" for name in (CITATIONS, *(f"feed.{code}.atom" for code in self.reader.declared.languages))}
        if target in of_all_releases or target in citations.CITED:  # a candidate has none of the latter yet
            return not parts.query and not parts.fragment
        inside = target in self.reader.files and self._is_question(parts.query)
        return inside and (not parts.fragment or parts.fragment in self.anchors or self._is_anchor(parts.fragment))

    def _target(self, path: str) -> str:
        """Where in the release a relative address leads from this page; the page itself for an empty one."""
        return normpath(f"{self.place.parent}/{unquote(path)}") if path else self.place.as_posix()

    def _is_question(self, query: str) -> bool:
        """Whether the query of an address asks a table for a group, by its codes, or what the texts of the site ask."""
        tables, codes = self.release.tables, self.reader.declared.codes
        table, _, question = query.removeprefix("table=").partition("&")
        if table in tables and question in self.reader.words.whole:
            return True
        asked = parse_qsl(query, keep_blank_values=True)
        return all((name == "table" and value in tables) or (name.removeprefix("in.") in codes and value in codes) for name, value in asked)

    # -- drawings

    def _wrong_drawings(self) -> int:
        tables, wrong = self.release.tables, 0
        for svg in self.root.iter("svg"):
            article = next(svg.iterancestors("article"), None)
            if svg.get("class") == "tiles":
                wrong += charts.wrong_in_tiles(svg, tables)
            elif svg.get("class") == "grown":
                wrong += charts.wrong_in_growth(svg, self.release)
            elif svg.get("class") == "flow":
                wrong += charts.wrong_in_flow(svg, tables)
            elif svg.get("class") == "spark":
                places = [e for e in next(svg.iterancestors("li")).iter() if e.get("data-value") is not None]
                wrong += charts.wrong_in_spark(svg, places[0], tables) if len(places) == 1 else 1
            elif article is not None and article.get("id") in tables:
                told = [time.get("datetime") for p in article.iter("p") if p.get("class") == "break" for time in p.iter("time")]
                wrong += charts.wrong_in_chart(svg, tables[article.get("id")], self.reader.forms) + charts.wrong_in_breaks(svg, told)
            elif not any(e.get("class") == "bar" for e in svg.iterancestors("dd")) or not any(
                e.get("class") == "steps" for e in svg.iterancestors("ol")
            ):
                wrong += 1
        return wrong + sum(charts.wrong_in_steps(steps, tables) for steps in self.root.iter("ol") if steps.get("class") == "steps")
