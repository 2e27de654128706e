"""What a release changed since the one before, for its page: how many figures of each table, and each revised count, old and new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from das_pipeline.periods import months_since
from das_pipeline.terminology import ALL
from das_pipeline.website.cells import Cell, PublishedTable
from das_pipeline.website.figures import Figure
from das_pipeline.website.language import Language

LISTED = 40  # revised counts of a table that a page lists; of more it shows how many each period has


@dataclass(frozen=True)
class Revised:
    """One count that was revised: of which group, what it was, and how many months after its period it changed."""

    cell: Cell
    group: str
    was: int
    lag: int


@dataclass(frozen=True)
class Changed:
    """What changed in one table, a figure of the site: numbers of cells by kind of change, and the revised ones, or how many by period.

    `renamed` are codes that are gone, each with the label of the category that takes its place.

    The figures of a derived table are not listed: they follow from counts.
    """

    figure: Figure
    numbers: Mapping[str, int]
    why: str
    listed: list[Revised]
    by_period: list[tuple[str, int]]
    renamed: list[tuple[str, str]]


def changed_tables(changes: Mapping[str, Any], figures: Mapping[str, Figure], as_of: date, language: Language) -> list[Changed]:
    """Return the tables of the site that changed, in its order; none for a first release."""
    if changes["previous"] is None:
        return []
    return [
        _changed(figure, table, as_of, language)
        for name, figure in figures.items()
        if (table := changes["tables"].get(name)) and any(table[kind] for kind in ("added", "revised", "became_final", "removed"))
    ]


def _changed(figure: Figure, changed: Mapping[str, Any], as_of: date, language: Language) -> Changed:
    table, cells = figure.table, changed["cells"]
    numbers = {kind: changed[kind] for kind in ("added", "revised", "became_final", "removed")}
    renamed = [
        (old, table.labels[dim][new][language.code]) for dim, codes in changed.get("renamed", {}).items() for old, new in codes.items()
    ]
    if table.is_derived or len(cells) > LISTED:
        periods = Counter(cell["period"] for cell in cells)
        return Changed(figure, numbers, changed["why"], [], sorted(periods.items(), reverse=True), renamed)
    return Changed(figure, numbers, changed["why"], [_revised(table, cell, as_of, language) for cell in cells], [], renamed)


def _revised(table: PublishedTable, revised: Mapping[str, Any], as_of: date, language: Language) -> Revised:
    cell = table.cells[(*(revised[dim] for dim in table.dims), revised["period_kind"], revised["period"])]
    labels = [table.labels[dim][revised[dim]][language.code] for dim in table.dims if revised[dim] != ALL]
    return Revised(cell, ", ".join(labels) or language.say("total"), revised["old"], months_since(revised["period"], as_of))
