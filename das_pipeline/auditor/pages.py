"""D01 and D15 on what is read on a screen: every count on a page is that of the cell it names, and quality figures are coarse."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from das_pipeline.auditor.findings import verdict
from das_pipeline.auditor.release import Published
from das_pipeline.gate import Verdict

FIX = "Let the page take its numbers from the release's tables only, and build the site again."
NUMBER = re.compile(r"\d+|\d{1,3}([.,\s\u00a0\u202f]\d{3})+")  # 1234, 1.234 or 1,234
YEARS = range(1900, 2101)


def pages_show_the_release(release: Published) -> Verdict:
    """D01: a count that names its cell is that cell's; any other number in a chart or a table of figures could be one."""
    faults: dict[str, int] = {}
    tagged = 0
    for path in sorted((release.folder / "site").rglob("*")):
        name = path.relative_to(release.folder).as_posix()
        if path.suffix in {".html", ".svg"}:
            seen, faults[name] = _page(path, release)
            tagged += seen
        elif path.suffix == ".json":
            faults[name] = sum(not _could_be_published(n, release) for n in _counts(json.loads(path.read_bytes())))
    if (release.folder / "site").exists() and not tagged:
        faults["site"] = 1  # a site without a single count must be a mistake
    return verdict("D01", "Every count on a page is the release's", tagged, faults, FIX)


def _page(path: Path, release: Published) -> tuple[int, int]:
    """The number of counts on a page that name their cell, and the number of wrong ones and of other numbers that cannot be published."""
    from lxml import html

    root: Any = html.fromstring(path.read_bytes())
    marked = _marked(root)
    wrong = 0
    for element in marked:
        table = release.tables.get(element.get("data-table", ""))
        value = element.get("data-value")
        text = element.text_content().strip()
        is_cell = table is not None and str(table.cells.get(element.get("data-cell", ""))) == value
        wrong += not is_cell or (NUMBER.fullmatch(text) is not None and re.sub(r"\D", "", text) != value)
    figures = [td for grid in root.iter("table") if _marked(grid) for td in grid.iter("td")]
    for element in [*root.iter("text"), *figures]:
        text = element.text_content().strip()
        if not _marked(element) and NUMBER.fullmatch(text):
            wrong += not _could_be_published(int(re.sub(r"\D", "", text)), release)
    return len(marked), wrong


def _marked(element: Any) -> list[Any]:
    """The elements in `element`, including itself, that name the cell they show."""
    return [e for e in element.iter("*") if e.get("data-value") is not None]


def _could_be_published(number: int, release: Published) -> bool:
    """Whether a number is a year, a multiple of a base, or another publisher's figure."""
    if number in YEARS or any(number % table.base == 0 for table in release.protected):
        return True
    return any(number in set(table.cells.values()) for table in release.tables.values() if not table.is_protected)


def _counts(content: Any) -> Iterator[int]:
    """Every integer named `n`, at any depth."""
    if isinstance(content, dict):
        for key, value in content.items():
            if key == "n" and isinstance(value, int):
                yield value
            else:
                yield from _counts(value)
    elif isinstance(content, list):
        for value in content:
            yield from _counts(value)


def quality_is_coarse(release: Published, least: int) -> Verdict:
    """D15: figures about rounding are in halves and over at least `least` cells: one over a single cell is its exact error."""
    path = release.folder / "quality.json"
    levels = list(_levels(json.loads(path.read_bytes()))) if path.exists() else []
    fine = [any(isinstance(figure, float) and 2 * figure % 1 != 0 for figure in level.values()) for level in levels]
    faults = {"quality.json": sum(level["cells"] < least or is_fine for level, is_fine in zip(levels, fine, strict=True))}
    fix = "Take the figures from the quality sheet of disclosure control as they are."
    return verdict("D15", "Quality figures are too coarse to tell of a cell", len(levels), faults, fix)


def _levels(content: Any) -> Iterator[dict[str, Any]]:
    """Every group of figures with the number of cells that it covers."""
    if isinstance(content, dict):
        if "cells" in content and "mad" in content:
            yield content
        for value in content.values():
            yield from _levels(value)
    elif isinstance(content, list):
        for value in content:
            yield from _levels(value)
