"""The chain drawn in the units it is counted in: blocks are counts, bands join only what is counted in the same unit.

The steps are columns, so the layout is arithmetic: a block is as high as its count, the parts of a total lie below each other, and a band
runs from a stretch of the total to its part. Where the unit changes there is a cut.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from das_pipeline.errors import ConfigurationError
from das_pipeline.website.cells import Cell, PublishedTable
from das_pipeline.website.language import Language
from das_pipeline.website.texts import Colour, Section

BAR, BAND, LABEL, ALONE, LEFT = (
    14,
    96,
    158,
    96,
    22,
)  # widths: block, band, the label of a part and of a total alone, and the space around a cut
TOP, HIGHEST, GAP, PITCH = 92.0, 300.0, 14.0, 40.0  # heights: where blocks begin, the highest, the space between, and the least for a label


@dataclass(frozen=True)
class Block:
    """One count, where it is drawn."""

    label: str
    cell: Cell
    before: Cell | None  # the year before
    colour: Colour
    x: float
    y: float
    height: float


@dataclass(frozen=True)
class Part:
    """The blocks that are counted in one unit, and the bands between them as SVG paths."""

    title: str
    unit: str
    theme: str
    x: float
    width: float
    total: Block | None
    parts: Sequence[Block]
    parts_title: str
    bands: Sequence[tuple[str, Colour]]

    @property
    def blocks(self) -> list[Block]:
        return [*([self.total] if self.total else []), *self.parts]


@dataclass(frozen=True)
class Flow:
    """The whole drawing for one year."""

    year: str
    before: str
    is_provisional: bool
    parts: Sequence[Part]
    cuts: Sequence[float]
    width: float
    height: float


def chain_flow(
    sections: Sequence[Section], tables: Mapping[str, PublishedTable], year: str, language: Language, units: Mapping[str, str]
) -> Flow:
    """The flow of `year`, each count with that of the year before."""
    parts: list[Part] = []
    x = 0.0
    for section in sections:
        parts.append(_part(section, tables, year, x, language, units))
        x += parts[-1].width + 2 * LEFT
    bottom = max(b.y + max(b.height, PITCH - GAP) for part in parts for b in part.blocks)
    return Flow(
        year=year,
        before=str(int(year) - 1),
        is_provisional=any(b.cell.status == "provisional" for part in parts for b in part.blocks),
        parts=parts,
        cuts=[part.x - LEFT for part in parts[1:]],
        width=x - 2 * LEFT,
        height=bottom + 16,
    )


def _part(
    section: Section, tables: Mapping[str, PublishedTable], year: str, x: float, language: Language, units: Mapping[str, str]
) -> Part:
    table = tables.get(section.table)
    if table is None or "year" not in table.kinds or (section.parts and section.parts not in table.dims):
        raise ConfigurationError(
            f"texts/site.yaml: flow: {section.table} is no published table with years and {section.parts or 'a total'}."
        )
    whole, before = table.cell("year", year), table.cell("year", str(int(year) - 1))
    assert whole is not None, "the year is one of the table's"
    scale = HIGHEST / max(whole.n, 1)
    total = None
    if section.total:
        total = Block(language.text(section.total), whole, before, section.colour, x, TOP, max(whole.n * scale, 1.0))
    parts = _parts(section, table, year, x + (BAR + BAND if total else 0), scale, language) if section.parts else []
    width = (BAR + BAND if total and parts else 0) + BAR + (LABEL if parts else ALONE)
    return Part(
        title=language.text(section.title),
        unit=units[table.facts["unit_of_count"]],
        theme=section.theme,
        x=x,
        width=width,
        total=total,
        parts=parts,
        parts_title=language.text(section.parts_title) if section.parts_title else "",
        bands=_bands(total, parts) if total else [],
    )


def _parts(section: Section, table: PublishedTable, year: str, x: float, scale: float, language: Language) -> list[Block]:
    """The parts that occur, below each other, with room for a label each."""
    assert section.parts is not None, "the caller looked"
    made: list[Block] = []
    y = TOP
    for code in table.codes(section.parts):
        select = {section.parts: code}
        cell = table.cell("year", year, select)
        if cell is None or cell.n == 0:
            continue
        label = language.text(section.labels[code] if code in section.labels else table.labels[section.parts][code])
        height = max(cell.n * scale, 1.0)
        before = table.cell("year", str(int(year) - 1), select)
        made.append(Block(label, cell, before, section.colours.get(code, section.colour), x, y, height))
        y += max(height + GAP, PITCH)
    return made


def _bands(total: Block, parts: Sequence[Block]) -> list[tuple[str, Colour]]:
    made: list[tuple[str, Colour]] = []
    at = total.y
    for part in parts:
        left, right = total.x + BAR, part.x
        middle, height = (left + right) / 2, part.height
        upper = f"M{left:g},{at:.1f}C{middle:g},{at:.1f} {middle:g},{part.y:.1f} {right:g},{part.y:.1f}"
        lower = f"V{part.y + height:.1f}C{middle:g},{part.y + height:.1f} {middle:g},{at + height:.1f} {left:g},{at + height:.1f}Z"
        made.append((upper + lower, part.colour))
        at += height
    return made
