"""A table of a research institute in Excel, as its publisher laid it out: titles above it, a header of several rows, notes below it.

Where the table is and what its columns are called is declared in source.yaml. What differs from that is refused with what changed, since a
table of another year often has a column or a row more.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, model_validator
from python_calamine import CalamineError, load_workbook

from das_pipeline.deliveries.column import Model
from das_pipeline.deliveries.excel_cells import cell_text
from das_pipeline.deliveries.unpacking import Growth, NotReadable, gathered, open_zip
from das_pipeline.policy import FileSize

BETWEEN = " / "  # the texts of a header that are above each other
_SPACE = re.compile(r"\s+")
Place = tuple[int, int]  # row and column, from 0


class Across(Model):
    """Headings that are values of a column: a figure for each of them is in one row of the sheet. `values`: heading -> value."""

    column: str
    values: Annotated[dict[str, str], Field(min_length=1)]


class Units(Model):
    """The row below the header that says what 1 is, with the text that it must have."""

    row: Annotated[int, Field(ge=1)]
    text: str


class Sheet(Model):
    """Where the table is in an Excel file. Rows are numbered as Excel numbers them.

    `columns`: name -> heading; texts of a `header` of several rows are joined by " / ". The table ends above the first row in which the
    first column begins with `until`; without it, above the first empty row. `marks` are signs of notes behind a text or number; `none` is
    what the publisher writes where there is no figure: such a cell is left out.
    """

    name: str
    header: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]
    columns: dict[str, str]
    across: Across | None = None
    units: Units | None = None
    until: str = ""
    marks: tuple[str, ...] = ()
    none: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _has_rows_in_order(self) -> Sheet:
        rows = [*self.header, *([self.units.row] if self.units else [])]
        if rows != list(range(rows[0], rows[0] + len(rows))):
            raise ValueError("the rows of `header`, and that of `units` below them, must follow each other")
        return self

    @property
    def headings(self) -> list[str]:
        """Every heading that the table must have."""
        return [*self.columns.values(), *(self.across.values if self.across else ())]


@dataclass(frozen=True)
class Mark:
    """The column that gets the mark of a figure: of several, one of `first`, which say that the publisher may still revise it."""

    column: str
    first: Sequence[str]


class Moved(Exception):
    """The table is not where or what the declaration says. The text says what changed; the figures are public."""


@dataclass(frozen=True)
class _Grid:
    """The cells of a sheet as text, and the corner of the merged range that a cell lies in, if it lies in one."""

    cells: Sequence[Sequence[str]]
    merged: Mapping[Place, Place]

    def at(self, place: Place) -> str:
        row, column = place
        return self.cells[row][column] if row < len(self.cells) and column < len(self.cells[row]) else ""

    def spread(self, place: Place) -> str:
        """The text of a cell, or of the merged cell that it is a part of."""
        return self.at(self.merged.get(place, place))


def as_csv(content: bytes, sheet: Sheet, names: Sequence[str], measure: str, mark: Mark | None, limit: FileSize) -> bytes:
    """Return the table in an Excel file as CSV with the columns `names`: a row for each figure; Moved when it is not as declared.

    `mark` is the column that gets the mark behind the figure, its headings or its keys; None when no column does.
    """
    rows = list(_rows(_grid(content, sheet, limit), sheet, measure, mark))
    written = io.StringIO()
    writer = csv.DictWriter(written, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue().encode()


def _grid(content: bytes, sheet: Sheet, limit: FileSize) -> _Grid:
    growth = Growth(limit)
    try:
        packed = gathered(growth.counted([content]))
        with open_zip(packed, "an Excel file (.xlsx), or is protected with a password") as book:
            growth.require(sum(member.file_size for member in book.infolist()))
        packed.seek(0)
        with load_workbook(packed) as book:
            if sheet.name not in book.sheet_names:
                raise Moved(f"has no sheet {sheet.name}. It has {', '.join(book.sheet_names)}")
            table = book.get_sheet_by_name(sheet.name)
            cells = [[_plain(cell_text(value)) for value in row] for row in table.to_python(skip_empty_area=False)]
            ranges = table.merged_cell_ranges or []
    except NotReadable as wrong:
        raise Moved(str(wrong).rstrip(".")) from None
    except (CalamineError, OSError, ValueError):
        raise Moved("is not an Excel file (.xlsx), or is damaged") from None
    merged = {(r, c): start for start, end in ranges for r in range(start[0], end[0] + 1) for c in range(start[1], end[1] + 1)}
    return _Grid(cells, {place: start for place, start in merged.items() if place != start})


def _plain(value: str | None) -> str:
    return _SPACE.sub(" ", value or "").strip()


def _rows(grid: _Grid, sheet: Sheet, measure: str, mark: Mark | None) -> Iterator[dict[str, str]]:
    places, of_heading = _places(grid, sheet)
    first = sheet.units.row if sheet.units else sheet.header[-1]  # the number of the last row above is the place of the first below it
    if sheet.units and sheet.units.text not in grid.cells[sheet.units.row - 1]:
        found = ", ".join(filter(None, grid.cells[sheet.units.row - 1])) or "nothing"
        raise Moved(f"has {found} in row {sheet.units.row} of sheet {sheet.name}, where the unit {sheet.units.text} was")
    left = min(places.values())
    for row in range(first, len(grid.cells)):
        if not any(grid.cells[row]) and not sheet.until:
            return
        if sheet.until and grid.at((row, left)).startswith(sheet.until):
            return
        if not any(grid.cells[row]):
            continue
        yield from _figures(grid, sheet, row, places, of_heading, measure, mark)
    if sheet.until:
        raise Moved(f"has no row that begins with {sheet.until} in sheet {sheet.name}: where the table ends is not known")


def _figures(
    grid: _Grid,
    sheet: Sheet,
    row: int,
    places: Mapping[str, int],
    of_heading: Mapping[str, Sequence[str]],
    measure: str,
    mark: Mark | None,
) -> Iterator[dict[str, str]]:
    """Yield the figures of a row of the sheet."""
    read = {name: _cell(grid, sheet, (row, places[heading])) for name, heading in sheet.columns.items()}
    keys = {name: text for name, (text, _) in read.items() if name != measure}
    of_keys = [sign for name, (_, signs) in read.items() if name != measure for sign in signs]
    figures = [(sheet.columns[measure], {})] if measure in sheet.columns else []
    if sheet.across:
        figures += [(heading, {sheet.across.column: value}) for heading, value in sheet.across.values.items()]
    for heading, of_column in figures:
        figure, signs = _cell(grid, sheet, (row, places[heading]))
        if figure in sheet.none:
            continue
        every = [*signs, *of_heading[heading], *of_keys]
        yield keys | of_column | {measure: figure} | ({mark.column: _shown(every, mark)} if mark else {})


def _shown(marks: Sequence[str], mark: Mark) -> str:
    return next((m for m in marks if m in mark.first), next(iter(marks), ""))


def _places(grid: _Grid, sheet: Sheet) -> tuple[dict[str, int], dict[str, list[str]]]:
    """Return the column of each heading and the marks behind it; Moved when the headings are not those that are declared."""
    rows = [number - 1 for number in sheet.header]
    width = max((len(grid.cells[row]) for row in rows if row < len(grid.cells)), default=0)
    places: dict[str, int] = {}
    marks: dict[str, list[str]] = {}
    for column in range(width):
        split = [_split(grid.spread((row, column)), sheet.marks) for row in rows]
        heading = BETWEEN.join(dict.fromkeys(text for text, _ in split if text))
        if not heading:
            continue
        if heading in places:
            raise Moved(
                f"has the heading {heading} twice in sheet {sheet.name}, in columns {_letters(places[heading])} and {_letters(column)}"
            )
        places[heading], marks[heading] = column, [sign for _, signs in split for sign in signs]
    gone, new = [h for h in sheet.headings if h not in places], [h for h in places if h not in sheet.headings]
    if gone or new:
        parts = [f"no longer has {_listed(gone)}" if gone else "", f"has {_listed(new)}, which is not declared" if new else ""]
        numbers = "–".join(dict.fromkeys((str(sheet.header[0]), str(sheet.header[-1]))))
        raise Moved(f"{' and '.join(filter(None, parts))} in row {numbers} of sheet {sheet.name}")
    return places, marks


def _cell(grid: _Grid, sheet: Sheet, place: Place) -> tuple[str, list[str]]:
    """Return the text of a cell and the marks behind it; Moved for an empty one: no figure may be guessed."""
    if grid.at(place) in sheet.none:
        return grid.at(place), []
    text, signs = _split(grid.at(place), sheet.marks)
    if text:
        return text, signs
    where = f"{_letters(place[1])}{place[0] + 1} of sheet {sheet.name}"
    if place in grid.merged:
        row, column = grid.merged[place]
        raise Moved(
            f"has merged cells in the table: {where} is a part of {_letters(column)}{row + 1}, so whose figure it is cannot be known"
        )
    raise Moved(f"has nothing in {where}: no figure, or a formula that was saved without its value")


def _split(text: str, marks: Sequence[str]) -> tuple[str, list[str]]:
    """Return a text without the marks behind it, and the marks."""
    signs: list[str] = []
    while mark := next((m for m in sorted(marks, key=len, reverse=True) if text.endswith(m)), None):
        text = text[: -len(mark)].rstrip()
        signs.append(mark)
    return text, signs[::-1]


def _listed(headings: Sequence[str]) -> str:
    return ", ".join(f"“{heading}”" for heading in headings)


def _letters(column: int) -> str:
    """A for 0, Z for 25, AA for 26."""
    letters = ""
    column += 1
    while column:
        column, place = divmod(column - 1, 26)
        letters = chr(65 + place) + letters
    return letters
