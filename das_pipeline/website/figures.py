"""A published table as a figure of the site: its finding, its chart, and its numbers as tables."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType

from markupsafe import Markup

from das_pipeline.periods import is_complete, year_before
from das_pipeline.terminology import ALL
from das_pipeline.website import charts
from das_pipeline.website.cells import Cell, PublishedTable
from das_pipeline.website.charts import Line, Picture
from das_pipeline.website.curves import Survival, survival
from das_pipeline.website.language import Language
from das_pipeline.website.texts import Layout
from das_pipeline.website.tiles import TileMap, tile_map

PERIODS_SHOWN = 5
LINE_FROM = 6  # with fewer periods, bars show more than a line
GROUPS = 3  # at most this many bars side by side
BARS = 15
NUMBERING = re.compile(r"^\d+(\.\d+)* (?![a-z])")  # the number of a group in its classification, which no sentence needs: not "25 to 44"
UNKNOWN = "unknown"  # the code of a group that is no group
REST = "other"  # how codes of what is left over begin
LEADS_BY = 10  # closer counts are not ranked: their order may be due to rounding


@dataclass(frozen=True)
class Row:
    """One row of numbers: its heading, its depth, its cells, and texts after them (a share)."""

    label: str
    cells: list[Cell | None]
    level: int = 0
    after: list[str] = field(default_factory=list)
    rank: str = ""  # its place among the rows, which a ranked grid shows after its first cell


@dataclass(frozen=True)
class Grid:
    """Numbers as a table. `heads` are the column headings; a heading of a provisional period is marked."""

    caption: str
    corner: str
    heads: list[str]
    rows: list[Row]
    has_total: bool = False  # the first row is the total of the others
    is_ranked: bool = False


@dataclass(frozen=True)
class Figure:
    """Everything a page shows of one table."""

    table: PublishedTable
    title: str
    unit: str
    source: str
    notes: str
    finding: Markup
    chart: Picture | None
    chart_note: str  # which lines are drawn, if not all are
    map: TileMap | None
    grids: list[Grid]  # first the overview, then the numbers behind the chart
    has_provisional: bool
    has_incomplete: bool

    def heading(self, language: Language) -> str:
        """What its chart counts: the title, and the unit unless the title begins with the same word."""
        if self.table.is_derived:
            return f"{_in_unit(self.title, self.unit, language)}."
        first, unit = (text.casefold().split(" ")[0] for text in (self.title, self.unit))
        return language.say("chart_title_alone" if first == unit else "chart_title", title=self.title, unit=self.unit)

    def schemes(self, known: Container[str]) -> dict[str, str]:
        """The `known` schemes of concepts that its dimensions have, with the dimension of each."""
        return {d["scheme"]: name for name, d in self.table.facts["dims"].items() if d["scheme"] in known}


def figure(
    table: PublishedTable,
    as_of: date,
    language: Language,
    units: Mapping[str, str],
    alone: Set[tuple[str, str]] = frozenset(),
    *,
    is_ranked: bool = False,
    breaks: Sequence[str] = (),
    maps: Mapping[str, Layout] = MappingProxyType({}),
) -> Figure:
    """The figure of `table`. It shows periods that are over only, if there are any, since part of a month would look like a decline.

    For the same reason its sentence, chart and map leave out a period of which a source has not delivered everything; the numbers show it.

    `alone` has the units of count and dimensions that other tables show by themselves; this table starts with another dimension.
    With `is_ranked` its rows come with their place among each other. `breaks` are the periods from which on it counts something else;
    `maps` has the layouts of areas, by scheme.
    """
    facts = table.facts
    unit = units[facts["unit_of_count"]]
    periods = {
        kind: [p for p in table.periods(kind) if is_complete(p, as_of)] or table.periods(kind)[-1:]  # the first year of a new chain
        for kind in table.kinds
    }
    whole = {kind: [p for p in over if p not in table.late] or over for kind, over in periods.items()}
    rows_dim = _row_dim(table, alone)
    curves, kind = survival(table), table.kinds[-1]
    title = _in_unit(language.text(facts["title"]), unit, language) if table.is_derived else language.text(facts["title"])
    grids = [_overview(table, periods, whole, rows_dim, title, language), *_behind(table, periods, title, language)]
    if curves:
        grids.insert(0, _curve_grid(curves, kind, _newest(periods[kind]), title, language))
    if is_ranked and grids[0].has_total and table.is_rounded:
        grids[0] = _ranked(grids[0], language)
    broken = [(since, f"{language.say('break')} {language.period(since)}") for since in breaks]
    drawn, note = _chart(table, periods if table.is_stack else whole, rows_dim, language, broken) if table.is_rounded else (None, "")
    if drawn and facts["is_simulated"]:
        drawn = drawn.marked(language.say("simulated_figures"))
    layout = maps.get(facts["dims"][rows_dim]["scheme"]) if rows_dim and table.is_rounded else None
    last = whole[kind][-1] if whole[kind] else ""
    shown = [cell for grid in grids for row in grid.rows for cell in row.cells if cell]
    return Figure(
        table=table,
        title=language.text(facts["title"]),
        unit=unit,
        source=language.text(facts["source"]),
        notes=language.text(facts["notes"]),
        finding=_finding(table, whole, rows_dim, language, unit),
        chart=drawn,
        chart_note=note,
        map=tile_map(table, rows_dim, layout, kind, last, _head(table, last, language), language) if rows_dim and layout and last else None,
        grids=grids,
        has_provisional=any(cell.status == "provisional" for cell in shown),
        has_incomplete=not all(cell.is_whole for cell in shown),
    )


def _in_unit(title: str, unit: str, language: Language) -> str:
    """The title of a table of percentages, weeks or euros with their unit, unless it names that itself."""
    if any(word in title.casefold() for word in unit.casefold().split() if len(word) > 3):
        return title
    return language.say("chart_title_in", title=title, unit=unit).removesuffix(".")


def counted(cell: Cell, language: Language) -> Markup:
    """The count of `cell` in running text, marked with its place in the release; a count that no source knows is not given."""
    if cell.status == "not_known":
        return Markup("{}").format(language.say("not_known"))
    return Markup('<span class="v" data-table="{}" data-cell="{}" data-value="{}">{}</span>').format(
        cell.table, cell.name, cell.n, language.number(cell.n)
    )


def _curve_grid(curves: Survival, kind: str, periods: Sequence[str], title: str, language: Language) -> Grid:
    """The curves as a table: a row for each of the last periods."""
    table = curves.table
    caption = language.say("caption", title=title, by=language.say("curve_by"))
    heads = [language.text(table.labels[curves.dim][code]) for code in curves.weeks]
    return Grid(caption, language.say(f"period_{kind}"), heads, [Row(_head(table, p, language), curves.cells(kind, p)) for p in periods])


def _finding(table: PublishedTable, periods: dict[str, list[str]], dim: str | None, language: Language, unit: str) -> Markup:
    """The change since the year before and the largest group, in a sentence each."""
    kind = table.kinds[-1]
    if (curves := survival(table)) and periods[kind] and (halfway := curves.halfway(kind, periods[kind][-1], language)):
        after, cell = halfway
        return language.say_html("finding_curve", period=_head(table, cell.period, language), after=after, n=counted(cell, language))
    if table.is_stack or table.is_derived or not table.is_rounded or not periods[kind]:
        return Markup("{}").format(language.text(table.facts["description"]))
    latest = periods[kind][-1]
    total = table.cell(kind, latest)
    assert total is not None, "every table has its total"
    parts = [language.say_html("finding_total", period=_head(table, latest, language), n=counted(total, language), unit=unit)]
    old = table.cell(kind, year_before(latest))  # a month is compared with the same month: the seasons differ
    if old and old.is_whole and total.is_whole:
        parts.append(Markup("{}").format(language.change(total.n, old.n, language.period(old.period))))
    first = Markup(", ").join(parts) + "."
    if dim is None:
        return first
    named = [code for code in table.codes(dim) if not code.startswith((UNKNOWN, REST))]  # what is left over is no group
    cells = sorted((c for code in named if (c := table.cell(kind, latest, {dim: code}))), key=lambda c: -c.n)
    if not cells or cells[0].n == total.n or (len(cells) > 1 and cells[0].n - cells[1].n < LEADS_BY):
        return first
    top = cells[0]
    label = NUMBERING.sub("", language.text(table.labels[dim][top.key[table.dims.index(dim)]]))
    share = language.share(top.n, total.n)
    if not share:
        return first
    shown = [language.text(table.labels[name][code]) for name, code in table.facts["shown"].items() if name != dim]
    word = "finding_largest_of" if shown else "finding_largest"
    return first + Markup(" ") + language.say_html(word, label=label, n=counted(top, language), share=share, shown=", ".join(shown))


def _overview(
    table: PublishedTable, periods: dict[str, list[str]], whole: dict[str, list[str]], dim: str | None, title: str, language: Language
) -> Grid:
    """The last years, newest first, by the first dimension; with two dimensions, the two crossed in the last whole year."""
    kind = table.kinds[-1]
    latest = _newest(periods[kind])
    if dim and len(table.dims) > 1 and not table.is_nested:
        return _crossed(table, kind, whole[kind][-1], dim, title, language)
    heads = [_head(table, p, language) for p in latest]
    rows = []
    codes = ([ALL] if dim is None or table.has_total(dim) else []) + (table.codes(dim) if dim else [])
    is_exact = table.facts["kind"] == "external"
    for code in codes:
        cells = [table.cell(kind, p, {dim: code} if dim else None) for p in latest]
        label = language.text(table.labels[dim][code]) if dim else language.say("total")
        after = []
        if is_exact and latest and cells[0] and (total := table.cell(kind, latest[0])):
            after = [language.exact_share(cells[0].n, total.n) or ""]
        rows.append(Row(label, cells, 0 if code == ALL else 1, after))
    if is_exact and latest:
        heads.append(language.say("share_in", period=latest[0]))
    caption = language.say("caption", title=title, by=language.say(f"per_{kind}"))
    return Grid(caption, language.text(table.descriptions[dim]) if dim else "", heads, rows, has_total=ALL in codes)


def _crossed(table: PublishedTable, kind: str, period: str, rows_dim: str, title: str, language: Language) -> Grid:
    heads_dim = next(d for d in table.dims if d != rows_dim)
    heads = [
        *([ALL] if table.has_total(heads_dim) else []),
        *(c for c in table.codes(heads_dim) if table.cell(kind, period, {heads_dim: c})),  # of a cohort not all months are over
    ]
    rows = [
        Row(
            language.text(table.labels[rows_dim][code]),
            [table.cell(kind, period, {rows_dim: code, heads_dim: h}) for h in heads],
            int(code != ALL),
        )
        for code in [*([ALL] if table.has_total(rows_dim) else []), *table.codes(rows_dim)]
    ]
    caption = language.say("caption", title=title, by=_head(table, period, language))
    texts = [language.text(table.labels[heads_dim][h]) for h in heads]
    return Grid(caption, language.text(table.descriptions[rows_dim]), texts, rows, has_total=True)


def _ranked(grid: Grid, language: Language) -> Grid:
    """The grid with the place of each of its groups, by the first column."""
    known = [row for row in grid.rows[1:] if row.cells[0] is not None and UNKNOWN not in row.cells[0].key]
    place = dict(zip((row.label for row in known), places([row.cells[0].n for row in known if row.cells[0]]), strict=True))
    rows = [replace(row, rank=place.get(row.label, "")) for row in grid.rows]
    return replace(grid, heads=[grid.heads[0], language.say("rank"), *grid.heads[1:]], rows=rows, is_ranked=True)


def places(counts: Sequence[int]) -> list[str]:
    """The place of each count, 1 for the largest; a range such as 3–5 where the order may be due to rounding."""
    ranks = []
    for n in counts:
        first = 1 + sum(other >= n + LEADS_BY for other in counts)
        last = len(counts) - sum(other <= n - LEADS_BY for other in counts)
        ranks.append(f"{first}–{last}" if last > first else str(first))
    return ranks


def _behind(table: PublishedTable, periods: dict[str, list[str]], title: str, language: Language) -> list[Grid]:
    """The detailed numbers: every period of the finest kind, newest first, or the fine level of a nested table."""
    kind = table.kinds[0]
    if table.is_nested:
        broad, fine = table.dims[:2]
        newest = periods[kind][::-1]
        keys = sorted(
            {k[:2] for k in table.cells if k[1] != ALL}, key=lambda k: (table.codes(broad).index(k[0]), table.codes(fine).index(k[1]))
        )
        rows = [Row(language.text(table.labels[fine][f]), [table.cell(kind, p, {broad: b, fine: f}) for p in newest]) for b, f in keys]
        caption = language.say("caption", title=title, by=language.text(table.descriptions[fine]))
        return [Grid(caption, language.text(table.descriptions[fine]), [_head(table, p, language) for p in newest], rows)]
    if len(table.kinds) == 1 or len(table.dims) > 1:
        return []
    dim = table.dims[0] if table.dims else None
    codes = ([ALL] if dim is None or table.has_total(dim) else []) + (table.codes(dim) if dim else [])
    rows = [
        Row(_head(table, p, language), [table.cell(kind, p, {dim: code} if dim else None) for code in codes])
        for p in reversed(periods[kind])
    ]
    heads = [language.text(table.labels[dim][code]) if dim else language.say("total") for code in codes]
    return [Grid(language.say("caption", title=title, by=language.say(f"per_{kind}")), language.say(f"period_{kind}"), heads, rows)]


def _chart(
    table: PublishedTable, periods: dict[str, list[str]], dim: str | None, language: Language, breaks: Sequence[tuple[str, str]]
) -> tuple[Picture | None, str]:
    """The specification of the table's chart and a note on what it omits; None when no series is large enough to draw."""
    kind = table.kinds[0]
    if survived := survival(table):
        coarse = table.kinds[-1]
        curves = [survived.curve(coarse, p, _head(table, p, language)) for p in _newest(periods[coarse])]
        known = [curve for curve in curves if curve]
        return (charts.curve_chart(known, language.text(table.descriptions[survived.dim])) if known else None), ""
    if dim is None:
        line = Line(language.text(table.facts["title"]), table.series(kind, periods[kind]))
        return (charts.line_chart([line], breaks) if line.is_drawn else None), ""
    if len(periods[kind]) < LINE_FROM or (len(table.dims) > 1 and not table.is_nested and not table.is_balance):
        return _bars(table, periods, dim, language)
    total = [Line(language.say("total"), table.series(kind, periods[kind]))] if table.is_balance else []
    every = total + [
        Line(language.text(table.labels[dim][code]), table.series(kind, periods[kind], {dim: code})) for code in table.codes(dim)
    ]
    if table.is_stack:  # each step has a partner of its own, which may be later than the others
        every = [replace(line, cells=[c for c in line.cells if c.is_whole]) for line in every]
    drawn = [line for line in every if line.is_drawn]
    if not drawn:
        return None, ""
    if table.is_stack:
        return charts.panel_chart(drawn), ""
    largest = sorted(drawn, key=lambda line: -sum(c.n for c in line.cells))[: charts.LINES]
    return charts.line_chart(largest, breaks), language.say("chart_largest", n=len(largest), all=len(every)) if len(largest) < len(
        every
    ) else ""


def _bars(table: PublishedTable, periods: dict[str, list[str]], rows_dim: str, language: Language) -> tuple[Picture | None, str]:
    """Bars for the last year: a row for each code of the longest dimension, side by side for the codes of a short second one."""
    kind = table.kinds[-1]
    if not periods[kind]:
        return None, ""
    latest = periods[kind][-1]
    second = next((d for d in table.dims if d != rows_dim and len(table.codes(d)) <= GROUPS), None)
    groups = [{second: code} for code in table.codes(second)] if second else [{}]
    counts = {c: cell.n for c in table.codes(rows_dim) if (cell := table.cell(kind, latest, {rows_dim: c})) and cell.n}
    largest = sorted(counts, key=lambda c: -counts[c])[:BARS]
    codes = [c for c in counts if c in largest]
    bars = []
    for group in groups:
        label = language.text(table.labels[second][group[second]]) if second else language.period(latest)
        cells = [cell for code in codes if (cell := table.cell(kind, latest, {rows_dim: code} | group))]
        bars.append(Line(label, cells, 1) if table.is_derived else Line(label, cells))
    drawn = [line for line in bars if line.is_drawn]
    names = [language.text(table.labels[rows_dim][code]) for code in codes]
    note = language.say("chart_of", period=_head(table, latest, language))
    for name, code in table.facts["shown"].items():
        if name not in {rows_dim, second}:
            note += f" {language.text(table.labels[name][code])}."
    if len(codes) < len(counts):
        note += " " + language.say("chart_largest", n=len(codes), all=len(counts))
    return (charts.bar_chart(drawn, names, language), note) if drawn else (None, "")


def _row_dim(table: PublishedTable, alone: Set[tuple[str, str]]) -> str | None:
    """The dimension of the rows: the longest of those that no other table shows by itself; beside the lines of a stock, the first."""
    if not table.dims or table.is_nested:
        return table.dims[0] if table.dims else None
    if table.facts["shown"]:
        return next((d for d in table.dims if table.has_total(d)), table.dims[0])
    new = [d for d in table.dims if (table.facts["unit_of_count"], d) not in alone]
    return max(new or table.dims, key=lambda d: len(table.labels[d]))


def _newest(periods: Sequence[str]) -> Sequence[str]:
    """The last periods, newest first."""
    return periods[: -PERIODS_SHOWN - 1 : -1]


def _head(table: PublishedTable, period: str, language: Language) -> str:
    return language.period(period) + ("†" if period in table.incomplete else "*" if period in table.provisional else "")
