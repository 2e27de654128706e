"""Every number that a chart shows, and every line and bar that it draws, is that of the cells of its table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby, pairwise
from typing import Any

from das_pipeline.auditor.declared import Forms
from das_pipeline.auditor.release import Published, Table
from das_pipeline.auditor.texts import NUMBER

HIGHEST = 300  # the height of the total of a flow
SPARK_BOTTOM, SPARK_HEIGHT = 54, 48
PLACE = re.compile(r"translate\(([-\d.]+),([-\d.]+)\)")
POINT = re.compile(r"[ML](-?[\d.]+),(-?[\d.]+)")
AXIS = "translate(-7,"  # where the numbers of the vertical axis stand
WEEK = re.compile(r"(?<![^|])after_week_(\d+)(?![^|])")  # the code of a point of a survival curve
KEY = re.compile(r"M-[\d.]+,0L[\d.]+,0")  # the sign of a line in a legend
BAR = re.compile(r"M[-\d.]+,[-\d.]+h([\d.]+)v[\d.]+h-?[\d.]+Z")


def wrong_in_chart(svg: Any, table: Table, forms: Forms) -> int:
    """The number of lines, bars and numbers in the chart of `table` that its cells do not explain."""
    if not table.is_rounded:
        return 1
    if any(WEEK.search(key) for key in table.cells):
        return _wrong_curves(svg, table, forms)
    bars, numbers = list(_bars(svg)), [e for e in svg.iter("text") if NUMBER.fullmatch(_text(e))]
    if bars:
        return _wrong_bars(bars, [_text(e) for e in numbers], table, forms)
    years = {period[:4] for period in table.rows["period"].unique().to_pylist()}
    lines = [path for path in svg.iter("path") if path.get("stroke") and "L" in path.get("d", "")]
    series = _series(table)
    explained: list[Any] = [e for e in numbers if _text(e) in years and not e.get("transform", "").startswith(AXIS)]
    wrong = 0
    for panel in _panels(numbers, explained):
        ticks = [e for e in panel.iter("text") if e in numbers and e not in explained]
        explained += ticks
        scale = _scale(ticks, forms)
        own = [path for path in lines if panel in path.iterancestors()]
        lines = [path for path in lines if path not in own]
        wrong += len(own) + 1 if scale is None else sum(not _is_drawn_from(path, scale, series) for path in own)
    return wrong + len(lines) + sum(e not in explained for e in numbers)


def _wrong_curves(svg: Any, table: Table, forms: Forms) -> int:
    """The number of survival curves and dots that are not the percentages of one period by weeks; a curve begins at a hundred."""
    years = {period[:4] for period in table.rows["period"].unique().to_pylist()}  # in the legend
    ticks = [e for e in svg.iter("text") if NUMBER.fullmatch(_text(e)) and _text(e) not in years]
    numbers = [(e, PLACE.match(e.get("transform", ""))) for e in ticks]
    scale = _scale([e for e, _ in numbers if e.get("transform", "").startswith(AXIS)], forms)
    weeks = sorted((_parsed(_text(e), forms), float(place[1])) for e, place in numbers if place and not e.get("transform").startswith(AXIS))
    if scale is None or len(weeks) < 2 or weeks[0][0] != 0:
        return 1
    (zero, unit), left, by_week = scale, weeks[0][1], (weeks[-1][1] - weeks[0][1]) / weeks[-1][0]
    wrong = sum(abs(left + week * by_week - x) > 0.01 for week, x in weeks)
    curves: dict[str, list[tuple[float, float]]] = {}
    for key, n in table.cells.items():
        if (week := WEEK.search(key)) and table.statuses[key] not in {"not_known", "not_shown", "not_applicable"}:
            curves.setdefault(WEEK.sub("", key), []).append((left + int(week[1]) * by_week, zero + n * unit))
    known = [[(left, zero + 100 * unit), *sorted(points)] for points in curves.values()]
    for path in svg.iter("path"):
        if path.get("stroke") and "L" in path.get("d", "") and not KEY.fullmatch(path.get("d")):
            points = [(float(x), float(y)) for x, y in POINT.findall(path.get("d"))]
            wrong += not any(_lie_on(points, curve) for curve in known)
        elif "A" in path.get("d", "") and (at := PLACE.match(path.get("transform", ""))):
            dot = (float(at[1]), float(at[2]))
            wrong += not any(_lie_on([dot], [point]) for curve in known for point in curve)
    return wrong


def _lie_on(points: Sequence[tuple[float, float]], curve: Sequence[tuple[float, float]]) -> bool:
    return len(points) == len(curve) and all(abs(x - u) < 0.01 and abs(y - v) < 0.01 for (x, y), (u, v) in zip(points, curve, strict=True))


def _text(element: Any) -> str:
    return element.text_content().strip()


def _bars(svg: Any) -> Iterator[float]:
    """The lengths of the bars, in their order: the paths that begin where the numbers do, but for frames and legends."""
    for path in svg.iter("path"):
        if (match := BAR.fullmatch(path.get("d", ""))) and "var(--s" in path.get("fill", "") and not path.get("transform"):
            yield float(match[1])


def _wrong_bars(bars: Sequence[float], numbers: Sequence[str], table: Table, forms: Forms) -> int:
    """Bars are as long as their numbers are large, and all are cells of one period."""
    counts = [_parsed(text, forms) for text in numbers]
    if len(bars) != len(counts) or not any(counts):
        return max(len(bars), 1)
    unit = max(bars) / max(counts)
    wrong = sum(abs(length - n * unit) > 0.01 for length, n in zip(bars, counts, strict=True))
    by_period = groupby(sorted((key.rpartition("|")[2], n) for key, n in table.cells.items()), key=lambda cell: cell[0])
    return wrong + min(len(set(counts) - {n for _, n in cells}) for _, cells in by_period)


def _parsed(text: str, forms: Forms) -> int:
    digits = text.replace(forms.thousands, "")
    return int(digits) if digits.isdigit() else -1


def _panels(numbers: Sequence[Any], explained: Sequence[Any]) -> list[Any]:
    """The smallest groups that hold an axis of numbers and lines, each once."""
    found: list[Any] = []
    for text in numbers:
        if text in explained:
            continue
        for group in text.iterancestors("g"):
            if any(path.get("stroke") and "L" in path.get("d", "") for path in group.iter("path")):
                if group not in found:
                    found.append(group)
                break
    return found


def _scale(ticks: Sequence[Any], forms: Forms) -> tuple[float, float] | None:
    """The height of zero and of one unit, by the numbers on an axis; None when they do not lie evenly from zero."""
    places = [(e, PLACE.match(e.get("transform", ""))) for e in ticks]
    points = sorted({(_parsed(_text(e), forms), round(float(place[2]), 3)) for e, place in places if place})  # panels may share a scale
    if len(points) < 2 or points[0][0] != 0:
        return None
    (_, zero), (most, top) = points[0], points[-1]
    unit = (top - zero) / most
    even = all(abs(zero + n * unit - y) < 0.01 for n, y in points) and len({b[0] - a[0] for a, b in pairwise(points)}) == 1
    return (zero - 4, unit) if even else None  # a number stands four below its line


def _series(table: Table) -> list[list[int]]:
    """The counts of each row of codes over time, by kind of period."""
    by_row: dict[str, list[tuple[str, int]]] = {}
    for key, n in table.cells.items():
        row, _, period = key.rpartition("|")
        by_row.setdefault(row, []).append((period, n))
    return [[n for _, n in sorted(cells)] for cells in by_row.values()]


def _is_drawn_from(path: Any, scale: tuple[float, float], series: Iterable[Sequence[int]]) -> bool:
    """Whether the heights of a line are those of consecutive counts of one of `series`."""
    zero, unit = scale
    heights = [float(y) for _, y in POINT.findall(path.get("d"))]
    return any(
        all(abs(zero + n * unit - y) <= 0.01 for n, y in zip(counts[start:], heights, strict=False))
        for counts in series
        for start in range(len(counts) - len(heights) + 1)
    )


def wrong_in_breaks(svg: Any, told: Sequence[str]) -> int:
    """The number of breaks that are not drawn where they are on the axis of time; `told` are the months or years that the page names.

    A chart that draws none, as on a phone, leaves them to the page.
    """
    drawn = [float(place[1]) for e in svg.iter("line") if e.get("stroke-dasharray") and (place := PLACE.match(e.get("transform", "")))]
    if not drawn:
        return 0
    years = [(int(_text(e)), e.get("transform", "")) for e in svg.iter("text") if re.fullmatch(r"[12]\d{3}", _text(e))]
    axis = sorted(
        (date(year, 1, 1).toordinal(), float(place[1])) for year, at in years if not at.startswith(AXIS) and (place := PLACE.match(at))
    )
    if len(axis) < 2:
        return len(drawn)
    (first, left), (last, right) = axis[0], axis[-1]
    days = [date(int(since[:4]), int(since[5:7] or 1), 1).toordinal() for since in told]
    expected = sorted(left + (day - first) * (right - left) / (last - first) for day in days if day > first)
    return abs(len(drawn) - len(expected)) + sum(abs(x - at) > 0.5 for x, at in zip(sorted(drawn), expected, strict=False))


def wrong_in_growth(svg: Any, release: Published) -> int:
    """The number of dots that are not where a published count of their row is, on one scale from the least count to the largest."""
    rows = [(group, [e for e in group.iter("text") if e.get("data-value")]) for group in svg.iter("g")]
    if not rows or any(len(marked) != 1 for _, marked in rows):
        return max(len(rows), 1)
    counts = [release.published_of(marked[0].get("data-table"), marked[0].get("data-cell")) for _, marked in rows]
    every = sorted({n for of_row in counts for n in of_row})
    places = [[float(dot.get("cx")) for dot in group.iter("circle")] for group, _ in rows]
    dots = [x for of_row in places for x in of_row]
    if len(every) < 2 or not dots:
        return 1
    unit = (max(dots) - min(dots)) / (every[-1] - every[0])
    wrong = 0
    for (group, _), of_row, xs in zip(rows, counts, places, strict=True):
        expected = [min(dots) + (n - every[0]) * unit for n in of_row]
        wrong += len(expected) != len(xs) or any(abs(x - at) > 0.11 for x, at in zip(xs, expected, strict=False))
        line = [float(e.get(end)) for e in group.iter("line") for end in ("x1", "x2")]
        wrong += line != [min(xs), max(xs)] if xs else 1
    return wrong


def wrong_in_flow(svg: Any, tables: dict[str, Table]) -> int:
    """The number of blocks of a flow whose height is not that of their count."""
    wrong = 0
    for link in svg.iter("a"):
        shown = [(rect, text) for rect in link.iter("rect") for text in link.iter("text") if text.get("data-value")]
        wrong += len(shown) != 1 or abs(float(shown[0][0].get("height")) - _height(shown[0][1], tables)) > 0.06
    return wrong


def wrong_in_tiles(svg: Any, tables: dict[str, Table]) -> int:
    """The number of tiles of a map that are not filled as far as their count is large among those of one group and period."""
    links = list(svg.iter("a"))
    marked = [e for e in svg.iter("text") if e.get("data-value")]
    if len(marked) != len(links) or len({(e.get("data-table"), e.get("data-cell").rpartition("|")[2]) for e in marked}) != 1:
        return max(len(links), 1)
    most = max(int(e.get("data-value")) for e in marked) or 1
    wrong = 0
    for link, text in zip(links, marked, strict=True):
        tile, *levels = link.iter("rect")
        side = float(tile.get("height"))
        filled, floor = side * int(text.get("data-value")) / most, float(tile.get("y")) + side
        shown = [float(level.get(name)) for level in levels for name in ("y", "height")]
        wrong += len(shown) != 2 or abs(shown[1] - filled) > 0.06 or abs(shown[0] - floor + filled) > 0.06
        wrong += text.get("data-table") not in tables or f"in.{_area(text, tables)}" not in link.get("href", "")
    return wrong


def _area(marked: Any, tables: dict[str, Table]) -> str:
    """The group of a cell of which every other dimension is at its total, as an address asks for it."""
    dimensions, codes = tables[marked.get("data-table")].dimensions, marked.get("data-cell").split("|")[:-2]
    return "&".join(f"{d.name}={code}" for d, code in zip(dimensions, codes, strict=True) if code != "all")


def wrong_in_steps(steps: Any, tables: dict[str, Table]) -> int:
    """The number of small bars beside the steps of a flow that are not as wide as their count is large."""
    wrong = 0
    for row in steps.iter("div"):
        shown = [e for e in row.iter("dd") if e.get("data-value")]
        bars = list(row.iter("rect"))
        wrong += len(shown) != 1 or len(bars) != 1 or abs(float(bars[0].get("width")) - _height(shown[0], tables) / 3) > 0.06
    return wrong


def _height(marked: Any, tables: dict[str, Table]) -> float:
    """The height of the block of a count: its share of the whole of its table in the same period."""
    table, cell = tables[marked.get("data-table")], marked.get("data-cell").split(" ")[0]
    *codes, kind, period = cell.split("|")
    whole = table.cells.get("|".join([*("all" for _ in codes), kind, period]), 0)
    return max(int(marked.get("data-value")) * HIGHEST / max(whole, 1), 1.0)


def wrong_in_spark(svg: Any, marked: Any, tables: dict[str, Table]) -> int:
    """The number of lines of a sparkline that are not those of the marked cell's row."""
    row, table = marked.get("data-cell").split("|")[:-2], tables[marked.get("data-table")]
    prefix = "|".join([*row, table.kinds[0]]) + "|"
    counts = [n for key, n in sorted(table.cells.items()) if key.startswith(prefix)]
    area, *lines = [POINT.findall(path.get("d", "")) for path in svg.iter("path")]
    points = area[1:-1]  # the area begins and ends on the ground
    high = max(counts[: len(points)], default=0) or 1
    heights = [SPARK_BOTTOM - SPARK_HEIGHT * n / high for n in counts[: len(points)]]
    is_drawn = len(heights) == len(points) and all(abs(h - float(y)) <= 0.06 for h, (_, y) in zip(heights, points, strict=True))
    return (not is_drawn) + sum(not set(line) <= set(points) for line in lines)
