"""A map of tiles: each area of a scheme is a square of the same size, in a place like its own. The layout is in texts/site.yaml.

A tile is filled from below, as far as its count is large: the fullest is full. Colour alone would say less to fewer readers, and a
true map would show how large an area is, which the figures are not about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from das_pipeline.website.cells import Cell, PublishedTable
from das_pipeline.website.charts import Line
from das_pipeline.website.language import Language
from das_pipeline.website.texts import Layout

SIDE, GAP = 84, 4
LETTERS = 10  # that fit in a line of a tile


@dataclass(frozen=True)
class Tile:
    """One area: its code and name, its name in lines that fit, its count, its place, and how far it is filled."""

    code: str
    label: str
    lines: Sequence[str]
    cell: Cell
    x: int
    y: int
    filled: float


@dataclass(frozen=True)
class TileMap:
    """The areas in one period, and the names of groups that are no area."""

    dim: str
    head: str  # the period, as it is written
    tiles: Sequence[Tile]
    width: int
    height: int
    elsewhere: Sequence[str]
    side: int = SIDE


def tile_map(table: PublishedTable, dim: str, layout: Layout, kind: str, period: str, head: str, language: Language) -> TileMap | None:
    """The map of a dimension in one period, every other dimension at its total; None when the counts are too small to draw."""
    cells = {code: cell for code in table.codes(dim) if (cell := table.cell(kind, period, {dim: code}))}
    placed = {code: (x, y) for y, row in enumerate(layout) for x, code in enumerate(row) if code in cells}
    if not Line("", [cells[code] for code in placed]).is_drawn:
        return None
    most = max(cells[code].n for code in placed)
    label = {code: language.text(table.labels[dim][code]) for code in cells}
    step = SIDE + GAP
    return TileMap(
        dim=dim,
        head=head,
        tiles=[
            Tile(code, label[code], _lines(label[code]), cells[code], x * step, y * step, SIDE * cells[code].n / most)
            for code, (x, y) in placed.items()
        ],
        width=max(len(row) for row in layout) * step - GAP,
        height=len(layout) * step - GAP,
        elsewhere=[label[code] for code in cells if code not in placed],
    )


def _lines(label: str) -> list[str]:
    """The name of an area in lines: broken at spaces and after hyphens."""
    lines: list[str] = []
    for part in label.replace("-", "- ").split():
        between = "" if not lines or lines[-1].endswith("-") else " "
        if lines and len(lines[-1] + between + part) <= LETTERS:
            lines[-1] += between + part
        else:
            lines.append(part)
    return lines
