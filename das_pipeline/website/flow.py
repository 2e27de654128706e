"""The chain as a drawing, in the units it is counted in: blocks are counts, and bands join only counts in the same unit.

The steps are columns, so the layout is arithmetic: a block's height is its count, the parts of a total are below each other, and a band
runs from a section of the total to its part. Where the unit changes, the drawing has a cut.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Text
from das_pipeline.periods import year_before
from das_pipeline.terminology import ALL
from das_pipeline.website.cells import Cell, PublishedTable
from das_pipeline.website.figures import Grid, Row
from das_pipeline.website.language import Language
from das_pipeline.website.texts import Colour, FlowBy, Section

# widths: of a block, a band, the label of a part, the label of a total without parts, and the space on either side of a cut
BAR, BAND, LABEL, ALONE, ROOM = 14, 112, 166, 96, 20
BOX, BOX_HEIGHT, BOX_GAP = 156, 48, 8  # of what waits between two sections
# heights: of the top of the blocks, the highest block, the gap between two, and the least distance between two so that labels fit
TOP, HIGHEST, GAP, PITCH = 92.0, 300.0, 14.0, 40.0
SMALL = 0.01  # parts below this share of the whole are drawn as one block


@dataclass(frozen=True)
class Block:
    """One count, or the sum of several small ones, with its position."""

    label: str
    cells: Sequence[Cell]
    before: Sequence[Cell]  # the year before
    colour: Colour
    x: float
    y: float
    height: float

    @property
    def n(self) -> int:
        return sum(cell.n for cell in self.cells)

    @property
    def n_before(self) -> int | None:
        return sum(cell.n for cell in self.before) if self.before else None

    @property
    def is_known(self) -> bool:
        """Whether a source has delivered for any of the year."""
        return any(cell.status != "not_known" for cell in self.cells)

    @property
    def is_comparable(self) -> bool:
        """Whether both years are whole, so that a change between them means something."""
        return bool(self.before) and all(cell.is_whole for cell in (*self.cells, *self.before))


@dataclass(frozen=True)
class Part:
    """The blocks in one unit, and the bands between them as SVG paths."""

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
class Stock:
    """What waited after a section at the end of a month, with the same month of the year before, and the place of its box."""

    text: str
    cell: Cell
    before: Cell | None
    x: float
    width: float = BOX

    @property
    def is_comparable(self) -> bool:
        return self.before is not None and self.before.is_whole


@dataclass(frozen=True)
class Flow:
    """The whole drawing for one year."""

    year: str
    before: str
    is_provisional: bool
    is_incomplete: bool
    parts: Sequence[Part]
    cuts: Sequence[float]
    stocks: Sequence[Stock]
    width: float
    height: float  # of the sections; the boxes of what waits are below them

    @property
    def whole_height(self) -> float:
        """The height of the drawing."""
        return self.height + (BOX_HEIGHT + 44 if self.stocks else 0)

    @property
    def mark(self) -> str:
        """The sign after the year that a note explains."""
        return "†" if self.is_incomplete else "*" if self.is_provisional else ""


def chain_flow(sections: Sequence[Section], tables: Mapping[str, PublishedTable], year: str, language: Language) -> Flow:
    """The flow of `year`; each count comes with that of the preceding year."""
    parts: list[Part] = []
    x = 0.0
    for section in sections:
        parts.append(_Section(section, tables[section.table], year, language).part(x))
        x += parts[-1].width + 2 * ROOM
    blocks = [block for part in parts for block in part.blocks]
    stocks = _stocks(sections, tables, year, language, [part.x + part.width + ROOM - BOX / 2 for part in parts])
    return Flow(
        year=year,
        before=year_before(year),
        is_provisional=any(cell.status == "provisional" for block in blocks for cell in block.cells),
        is_incomplete=not all(cell.is_whole for block in blocks for cell in block.cells),
        parts=parts,
        cuts=[part.x - ROOM for part in parts[1:]],
        stocks=stocks,
        width=max([x - 2 * ROOM, *(stock.x + BOX for stock in stocks)]),
        height=max(block.y + max(block.height, PITCH - GAP) for block in blocks) + 16,
    )


def chain_by(by: FlowBy, tables: Mapping[str, PublishedTable], year: str, language: Language) -> Grid:
    """The totals of the steps of one year for each group that a reader can choose the chain by: what needs no script."""
    first = tables[by.sections[0].table]
    name = language.text(first.descriptions[by.dimension])
    heads = [f"{language.text(section.title)} ({language.text(section.unit)})" for section in by.sections]
    rows = [
        Row(
            language.text(first.labels[by.dimension][code]),
            [tables[section.table].cell("year", year, {by.dimension: code}) for section in by.sections],
            int(code != ALL),
        )
        for code in (ALL, *first.codes(by.dimension))
    ]
    return Grid(language.say("flow_by_caption", year=year, by=name), name, heads, rows, has_total=True)


def _stocks(
    sections: Sequence[Section], tables: Mapping[str, PublishedTable], year: str, language: Language, places: Sequence[float]
) -> list[Stock]:
    """What waited after each section at the end of the last month of `year` that every source has delivered for."""
    waiting = [(section.waits, tables[section.waits.table], at) for section, at in zip(sections, places, strict=True) if section.waits]
    months = [
        {c.period for c in t.series("month", t.periods("month"), w.select) if c.period[:4] == year and c.is_whole} for w, t, _ in waiting
    ]
    common = set.intersection(*months) if months else set()
    if not common:
        return []
    last = max(common)
    stocks: list[Stock] = []
    for waits, table, at in waiting:
        cell, before = (table.cell("month", month, waits.select) for month in (last, year_before(last)))
        assert cell is not None, "it has the month"
        x = max([at, *(stock.x + BOX + BOX_GAP for stock in stocks)])
        stocks.append(Stock(language.text(waits.text), cell, before, x))
    return stocks


@dataclass(frozen=True)
class _Section:
    """A declared section with its table and year."""

    declared: Section
    table: PublishedTable
    year: str
    language: Language

    def part(self, x: float) -> Part:
        """The section, drawn from `x` to the right."""
        declared, whole = self.declared, self._cells({})
        if not whole or (declared.parts and declared.parts not in self.table.dims):
            raise ConfigurationError(f"texts/site.yaml: flow: {declared.table} has no year {self.year}, or no dimension {declared.parts}.")
        scale = HIGHEST / max(whole[0].n, 1)
        total = self._block(declared.total, whole, self._cells({}, 1), declared.colour, x, TOP, scale) if declared.total else None
        parts = self._parts(declared.parts, whole[0].n, x + (BAR + BAND if total else 0), scale) if declared.parts else []
        return Part(
            title=self.language.text(declared.title),
            unit=self.language.text(declared.unit),
            theme=declared.theme,
            x=x,
            width=(BAR + BAND if total and parts else 0) + BAR + (LABEL if parts else ALONE),
            total=total,
            parts=parts,
            parts_title=self.language.text(declared.parts_title) if declared.parts_title else "",
            bands=_bands(total, parts) if total else [],
        )

    def _parts(self, dim: str, whole: int, x: float, scale: float) -> list[Block]:
        """The parts that occur, below each other with room for labels; small ones are combined."""
        counts = [(code, cells) for code in self.table.codes(dim) if (cells := self._cells({dim: code})) and cells[0].n]
        small = [code for code, cells in counts if cells[0].n < SMALL * whole]
        drawn = [([code], cells) for code, cells in counts if code not in small or len(small) == 1]
        if len(small) > 1:
            drawn.append((small, [cell for code, cells in counts if code in small for cell in cells]))
        blocks: list[Block] = []
        y = TOP
        for codes, cells in drawn:
            code = codes[0] if len(codes) == 1 else ""
            text = self.declared.labels.get(code, self.table.labels[dim].get(code)) or self.language.words.words["small_groups"]
            before = [cell for c in codes for cell in self._cells({dim: c}, 1)]
            blocks.append(self._block(text, cells, before, self.declared.colours.get(code, self.declared.rest), x, y, scale))
            y += max(blocks[-1].height + GAP, PITCH)
        return blocks

    def _block(
        self, text: Text | dict[str, str], cells: list[Cell], before: list[Cell], colour: Colour, x: float, y: float, scale: float
    ) -> Block:
        return Block(self.language.text(text), cells, before, colour, x, y, max(sum(cell.n for cell in cells) * scale, 1.0))

    def _cells(self, select: dict[str, str], years_before: int = 0) -> list[Cell]:
        cell = self.table.cell("year", str(int(self.year) - years_before), select)
        return [cell] if cell else []


def _bands(total: Block, parts: Sequence[Block]) -> list[tuple[str, Colour]]:
    bands: list[tuple[str, Colour]] = []
    at = total.y
    for part in parts:
        left, right = total.x + BAR, part.x
        middle, height = (left + right) / 2, part.height
        upper = f"M{left:g},{at:.1f}C{middle:g},{at:.1f} {middle:g},{part.y:.1f} {right:g},{part.y:.1f}"
        lower = f"V{part.y + height:.1f}C{middle:g},{part.y + height:.1f} {middle:g},{at + height:.1f} {left:g},{at + height:.1f}Z"
        bands.append((upper + lower, part.colour))
        at += height
    return bands
