"""Charts: specifications in Vega-Lite, drawn as static SVG: each for a wide screen and for a phone. The colours are in colours.css.

The SVG names its colours, `var(--s1,#…)`, so that one picture serves light and dark screens; the value after the comma is used when the
picture is downloaded and opened without the site.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from statistics import median
from typing import Any
from xml.sax.saxutils import escape

from das_pipeline.lake import canonical
from das_pipeline.periods import first_day
from das_pipeline.website.cells import Cell
from das_pipeline.website.language import Language

MEDIAN_FROM = 30  # a line of smaller counts would show rounding rather than trends
LINES = 5
WIDTH, HEIGHT, LABEL_GAP, LABEL_WIDTH = 1100, 320, 17, 380
NARROW = 320  # what a page has left on a phone of 375 pixels
BREAK_GAP = 15  # between the labels of breaks
PANEL, BAR = 70, 15  # the height of a line's panel and of a bar on a phone
COLOURS = (importlib.resources.files("das_pipeline.website") / "colours.css").read_text(encoding="utf-8")
_LIGHT = {name: f"var(--{name},{value})" for name, value in re.findall(r"--([\w-]+): (#\w+);", COLOURS.partition("@media")[0])}
INK, SOFT, GRID = _LIGHT["ink"], _LIGHT["soft"], _LIGHT["line"]
SERIES = [colour for name, colour in _LIGHT.items() if re.fullmatch(r"s\d", name)]
# First the font that vl-convert brings with it: a chart is then laid out alike on every machine, and without looking for other fonts, which
# took longer than the drawing. Arial has the same widths.
FONT = "'Liberation Sans', Arial, Helvetica, sans-serif"

Specification = dict[str, Any]
STYLE: Specification = {  # what every chart has: no texts for screen readers, for the page describes the chart
    "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
    "config": {
        "background": "transparent",
        "font": FONT,
        "aria": False,
        "padding": 4,
        "lineBreak": "\n",
        "axis": {"labelColor": SOFT, "labelFontSize": 12, "gridColor": GRID, "domainColor": GRID, "tickColor": GRID},
        "legend": {"labelColor": INK},
        "view": {"stroke": None},
    },
}
LINE: Specification = {"type": "line", "strokeWidth": 2, "strokeJoin": "round"}
DASH: Specification = {
    "field": "part",
    "type": "nominal",
    "scale": {"domain": ["final", "provisional"], "range": [[1, 0], [3, 3]]},
    "legend": None,
}


@dataclass(frozen=True)
class Line:
    """One series of a chart: its label and its cells in order."""

    label: str
    cells: Sequence[Cell]
    least: int = MEDIAN_FROM

    @property
    def is_drawn(self) -> bool:
        return bool(self.cells) and median(c.n for c in self.cells) >= self.least


@dataclass(frozen=True)
class Curve:
    """What is still open after some weeks of what began at one time: a label, and cells with the weeks that they are about, in order."""

    label: str
    points: Sequence[tuple[int, Cell]]


@dataclass(frozen=True)
class Picture:
    """The specifications of one chart: for a wide screen, and for a phone."""

    wide: Specification
    narrow: Specification

    def marked(self, text: str) -> Picture:
        """The chart with a text above it that stays with the picture when it is copied."""
        title = {"text": text, "anchor": "start", "fontSize": 12, "fontWeight": 600, "color": SOFT, "offset": 12}
        return Picture(self.wide | {"title": title}, self.narrow | {"title": title})


def line_chart(lines: Sequence[Line], breaks: Sequence[tuple[str, str]] = ()) -> Picture:
    """Counts over time on one scale. On a wide screen each line is labelled at its end; on a phone it has a panel under its name.

    `breaks` are the periods from which on the lines count something else, each with its label; on a phone the page tells them.
    """
    narrow = _panels([_broken(line) for line in lines], columns=1, width=NARROW - 60, height=PANEL, is_one_scale=True)
    return Picture(_labelled_lines(lines, breaks), narrow)


def panel_chart(lines: Sequence[Line]) -> Picture:
    """Counts over time in one panel per line: for lines in different units, which must not share an axis."""
    wide = _panels(lines, columns=2, width=(WIDTH - 120) // 2, height=110, is_one_scale=False)
    narrow = _panels([_broken(line) for line in lines], columns=1, width=NARROW - 60, height=PANEL, is_one_scale=False)
    return Picture(wide, narrow)


def curve_chart(curves: Sequence[Curve], axis_title: str) -> Picture:
    """Percentages that are still open, by weeks: each curve begins at 100, and has a dot at each published percentage."""
    return Picture(_curves(curves, axis_title, WIDTH - LABEL_WIDTH, HEIGHT), _curves(curves, axis_title, NARROW - 60, 220))


def bar_chart(groups: Sequence[Line], names: Sequence[str], language: Language) -> Picture:
    """Counts of one period as horizontal bars: a row for each name, with a bar for each group. On a phone a name is above its bars."""
    rows = [
        {"name": name, "group": group.label, "n": cell.n, "shown": language.number(cell.n)}
        for group in groups
        for name, cell in zip(names, group.cells, strict=True)
    ]
    order = [group.label for group in groups]
    broken = [row | {"name": _in_lines(row["name"])} for row in rows]
    return Picture(_bars_beside_names(rows, names, order), _bars_under_names(broken, [_in_lines(name) for name in names], order))


def _labelled_lines(lines: Sequence[Line], breaks: Sequence[tuple[str, str]]) -> Specification:
    points, ends = [], []
    top = max(c.n for line in lines for c in line.cells)
    for line, at in zip(lines, _spread([line.cells[-1].n for line in lines], top * LABEL_GAP / HEIGHT), strict=True):
        points += _points(line)
        ends.append({"label": line.label, "t": first_day(line.cells[-1].period).isoformat(), "n": line.cells[-1].n, "at": at})
    order = [line.label for line in lines]
    colour = nominal("label") | {"scale": {"domain": order, "range": SERIES[: len(order)]}, "legend": None}
    at_end = {
        "x": {"field": "t", "type": "temporal", "title": None, "axis": {"format": "%Y", "tickCount": "year", "grid": False}},
        "y": quantity("n", {"format": ",d", "tickCount": 5}) | {"scale": {"domain": [0, top * 1.05], "nice": True}},
        "color": colour,
    }
    label = {"type": "text", "align": "left", "dx": 9, "fontSize": 13, "fontWeight": 600, "limit": LABEL_WIDTH}
    layer = [
        {"data": {"values": points}, "mark": LINE, "encoding": at_end | {"strokeDash": DASH, "detail": nominal("label")}},
        {"data": {"values": ends}, "mark": {"type": "point", "filled": True, "size": 38, "opacity": 1}, "encoding": at_end},
        {
            "data": {"values": ends},
            "mark": label,
            "encoding": at_end | {"y": {"field": "at", "type": "quantitative"}, "text": nominal("label")},
        },
    ]
    return STYLE | {"width": WIDTH - LABEL_WIDTH, "height": HEIGHT, "layer": [*layer, *_breaks(lines, breaks)]}


def _breaks(lines: Sequence[Line], breaks: Sequence[tuple[str, str]]) -> list[Specification]:
    """A dotted upright where the lines begin to count something else, with its label beside it: each in a row of its own."""
    first, last = (min(line.cells[0].period for line in lines), max(line.cells[-1].period for line in lines))
    drawn = [{"t": first_day(since).isoformat(), "label": label} for since, label in breaks if first < since <= last]
    if not drawn:
        return []
    at = {"x": {"field": "t", "type": "temporal"}}
    label = {"type": "text", "align": "left", "baseline": "top", "dx": 5, "fontSize": 12, "color": SOFT}
    upright = {"data": {"values": drawn}, "mark": {"type": "rule", "strokeDash": [3, 3], "color": SOFT}, "encoding": at}
    return [
        upright,
        *(
            {"data": {"values": [one]}, "mark": label | {"y": BREAK_GAP * row}, "encoding": at | {"text": nominal("label")}}
            for row, one in enumerate(sorted(drawn, key=lambda one: one["t"]))
        ),
    ]


def _curves(curves: Sequence[Curve], axis_title: str, width: int, height: int) -> Specification:
    parts = [[(week, cell.n, "provisional" if cell.may_change else "final") for week, cell in curve.points] for curve in curves]
    dots = [
        {"label": curve.label, "week": week, "n": n, "part": part}
        for curve, points in zip(curves, parts, strict=True)
        for week, n, part in points
    ]
    begin = [  # in the part of its own first point: else it is a line of its own
        {"label": curve.label, "week": 0, "n": 100, "part": points[0][2]} for curve, points in zip(curves, parts, strict=True) if points
    ]
    weeks = sorted({dot["week"] for dot in dots})
    order = [curve.label for curve in curves]
    legend = {"orient": "top", "title": None, "labelFontSize": 13, "symbolType": "stroke", "symbolStrokeWidth": 2, "columns": 3}
    axis = {"values": [0, *weeks], "grid": False, "labelOverlap": "greedy", "title": axis_title, "titleColor": SOFT, "titleFontWeight": 600}
    place = {
        "x": {"field": "week", "type": "quantitative", "axis": axis, "scale": {"domain": [0, weeks[-1]], "nice": False}},
        "y": quantity("n", {"values": [0, 25, 50, 75, 100]}) | {"scale": {"domain": [0, 100]}},
        "color": nominal("label") | {"scale": {"domain": order, "range": SERIES[: len(order)]}, "legend": legend},
    }
    layer = [
        {"data": {"values": begin + dots}, "mark": LINE, "encoding": place | {"strokeDash": DASH, "detail": nominal("label")}},
        {"data": {"values": dots}, "mark": {"type": "point", "filled": True, "size": 45, "opacity": 1}, "encoding": place},
    ]
    return STYLE | {"width": width, "height": height, "layer": layer}


def _panels(lines: Sequence[Line], *, columns: int, width: int, height: int, is_one_scale: bool) -> Specification:
    years = {"format": "%Y", "tickCount": "year", "grid": False, "labelOverlap": True}
    header = {"labelFontSize": 13, "labelFontWeight": 600, "labelAnchor": "start", "labelColor": INK}
    return STYLE | {
        "data": {"values": [point for line in lines for point in _points(line)]},
        "width": width,
        "height": height,
        "mark": LINE | {"color": SERIES[0]},
        "encoding": {
            "x": {"field": "t", "type": "temporal", "title": None, "axis": years},
            "y": quantity("n", {"format": ",d", "tickCount": 3}),
            "strokeDash": DASH,
            "detail": nominal("label"),
            "facet": nominal("label") | {"columns": columns, "sort": [line.label for line in lines], "title": None, "header": header},
        },
        "resolve": {"scale": {"y": "shared" if is_one_scale else "independent"}, "axis": {"x": "independent"}},
    }


def _bars_beside_names(rows: list[dict[str, Any]], names: Sequence[str], order: Sequence[str]) -> Specification:
    several = len(order) > 1
    axis = {"labelLimit": 340, "labelFontSize": 13, "ticks": False, "domain": False}
    place = {"x": _lengths(rows, 1.12), "y": nominal("name") | {"sort": names, "title": None, "axis": axis}}
    if several:
        place |= {"yOffset": nominal("group") | {"sort": order}}
    left = 4 + max(len(name) for name in names) // 2  # a reader's font may be wider than the one that it is laid out in
    return STYLE | {
        "data": {"values": rows},
        "padding": {"left": left, "top": 4, "right": 4, "bottom": 4},
        "width": WIDTH - 420,
        "height": {"step": 17 if several else 26},
        "layer": _bars_and_numbers(place, order, columns=0),
    }


def _bars_under_names(rows: list[dict[str, Any]], names: Sequence[str], order: Sequence[str]) -> Specification:
    place = {"x": _lengths(rows, 1.3), "y": nominal("group") | {"sort": order, "title": None, "axis": None}}
    header = {"labelFontSize": 13, "labelAnchor": "start", "labelColor": INK, "labelLimit": NARROW, "labelPadding": 2}
    header |= {"labelOrient": "top", "title": None}
    return STYLE | {
        "data": {"values": rows},
        "facet": {"row": nominal("name") | {"sort": names, "header": header}},
        "spacing": 6,
        "spec": {"width": NARROW - 10, "height": {"step": BAR}, "layer": _bars_and_numbers(place, order, columns=1)},
    }


def _bars_and_numbers(place: Specification, order: Sequence[str], *, columns: int) -> list[Specification]:
    """Bars in the colour of their group, each with its number; a legend in `columns`, 0 for one line, if there are several groups."""
    spaced = {"columns": columns, "columnPadding": 28, "labelLimit": NARROW}
    legend = {"orient": "top", "title": None, "labelFontSize": 13} | spaced if len(order) > 1 else None
    colour = nominal("group") | {"scale": {"domain": order, "range": SERIES[: len(order)]}, "legend": legend}
    number = {"type": "text", "align": "left", "dx": 5, "fontSize": 12, "color": INK}
    return [
        {"mark": {"type": "bar"}, "encoding": place | {"color": colour}},
        {"mark": number, "encoding": place | {"text": nominal("shown")}},
    ]


def _lengths(rows: list[dict[str, Any]], room: float) -> Specification:
    """The lengths of bars, with `room` for the number after the longest."""
    return quantity("n", None) | {"scale": {"domain": [0, room * max(r["n"] for r in rows)], "nice": False}}


def nominal(field: str) -> Specification:
    """An encoding of a field of texts."""
    return {"field": field, "type": "nominal"}


def quantity(field: str, axis: Specification | None) -> Specification:
    """An encoding of a field of numbers along `axis`."""
    return {"field": field, "type": "quantitative", "title": None, "axis": axis}


def key_of(specification: Specification, language: Language) -> str:
    """A hash of what determines a drawn chart: its specification, its language and the drawing library."""
    drawn_by = version("vl-convert-python")
    return hashlib.sha256(canonical([specification, _number_forms(language), drawn_by])).hexdigest()[:16]


def draw(specification: Specification, language: Language) -> str:
    """Draw the specification as an SVG that scales with its container; the page around it provides the description."""
    import vl_convert

    svg = vl_convert.vegalite_to_svg(specification, format_locale=_number_forms(language))
    size = re.search(r'width="([\d.]+)" height="([\d.]+)"', svg)
    assert size is not None, "vl-convert names the size"
    svg = re.sub(
        r"<svg [^>]*>", f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[1]} {size[2]}" width="{size[1]}">', svg, count=1
    )
    svg = re.sub(r' (?:role|aria-[a-z]+|class)="[^"]*"', "", svg)
    return re.sub(r'<path d="M0,0h0v0h0Z"[^>]*/>|<path d=""[^>]*/>', "", svg)


def captioned(drawn: str, title: str, foot: str) -> str:
    """The drawn chart as a picture of its own: a title above it; source, edition and licence below it."""
    width, height = _size(drawn)
    above = [(text, 16, 700, INK) for text in _wrapped(title, width, 16)]
    below = [(text, 12, 400, SOFT) for text in _wrapped(foot, width, 12)]
    top, bottom = 10 + sum(size * 1.4 for _, size, _, _ in above), 6 + sum(size * 1.4 for _, size, _, _ in below)
    texts, y = [], 0.0
    for lines, start in ((above, 0.0), (below, top + height)):
        y = start
        for text, size, weight, colour in lines:
            y += size * 1.4
            form = f'font-family="{FONT}" font-size="{size}" font-weight="{weight}" fill="{colour}"'
            texts.append(f'<text x="4" y="{y:.1f}" {form}>{escape(text)}</text>')
    inner = drawn.replace("<svg ", f'<svg y="{top:.1f}" height="{height:g}" ', 1)
    outer = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {top + height + bottom:.1f}" width="{width:g}">'
    return outer + "".join(texts) + inner + "</svg>"


def without_caption(picture: str) -> str:
    """The chart as it was drawn, from a picture that `captioned` made."""
    inner = picture[picture.index("<svg ", 1) : -len("</svg>")]
    return re.sub(r'<svg y="[\d.]+" height="[\d.]+" ', "<svg ", inner, count=1)


def _broken(line: Line) -> Line:
    """The line with its name in lines of its own that fit on a phone."""
    return replace(line, label=_in_lines(line.label))


def _in_lines(name: str) -> str:
    return "\n".join(_wrapped(name, NARROW - 40, 13))


def _size(drawn: str) -> tuple[float, float]:
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawn)
    assert size is not None, "draw names the size"
    return float(size[1]), float(size[2])


def _wrapped(text: str, width: float, size: int) -> list[str]:
    """The text in lines that fit; a letter of the font is about half as wide as it is high."""
    return textwrap.wrap(text, int((width - 8) / (0.55 * size)), break_on_hyphens=False)


def _number_forms(language: Language) -> dict[str, Any]:
    """How the axes write numbers, as d3-format has it; dates are years alone."""
    return {"decimal": language.forms.decimal, "thousands": language.forms.thousands, "grouping": [3], "currency": ["", ""]}


def _points(line: Line) -> list[dict[str, Any]]:
    """The points of a line; its provisional part starts at the last final point, so that the two parts join."""
    points = []
    for before, cell in zip([None, *line.cells], line.cells, strict=False):
        part = "provisional" if cell.may_change else "final"
        if before is not None and part == "provisional" and not before.may_change:
            points.append({"label": line.label, "t": first_day(before.period).isoformat(), "n": before.n, "part": part})
        points.append({"label": line.label, "t": first_day(cell.period).isoformat(), "n": cell.n, "part": part})
    return points


def _spread(values: Sequence[int], gap: float) -> list[float]:
    """Positions near `values`, at least `gap` apart, so that the labels at the ends of lines do not overlap."""
    placed: dict[int, float] = {}
    lowest = 0.0
    for index in sorted(range(len(values)), key=lambda i: values[i]):
        placed[index] = max(float(values[index]), lowest)
        lowest = placed[index] + gap
    return [placed[i] for i in range(len(values))]
