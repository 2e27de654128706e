"""What sources publish themselves (public_figures.yaml): cells whose exact counts a reader has anyway, and may combine with ours.

A cell is named, not its figure: the attacks take it that the reader knows our own count of it, which is the worst for us.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from pydantic import BaseModel, model_validator

from das_pipeline.deliveries import external_sources
from das_pipeline.disclosure.cubes import period_kinds
from das_pipeline.disclosure.grid import PERIOD, Grid
from das_pipeline.disclosure.rounding import Ints
from das_pipeline.errors import Fault, nearest
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.periods import Kind
from das_pipeline.statistics import Statistics

FILE = "public_figures.yaml"


class PublicFigures(BaseModel, extra="forbid"):
    """Cells of one cube that a publisher counts too: `by` dimension: level, other dimensions at their total, and `period`: kind of period.

    `source` is the folder in external/ whose figures of these cells are shown as theirs; without it they are known but not shown. Of a
    series that began or ended, `first` and `last` are its periods.
    """

    publisher: str
    url: str
    source: str | None = None
    cube: str
    by: dict[str, str] = {}
    period: Kind
    first: str | None = None
    last: str | None = None
    reason: str

    @model_validator(mode="after")
    def _has_an_order(self) -> PublicFigures:
        if self.first and self.last and self.last < self.first:
            raise ValueError(f"`last`, {self.last}, is before `first`, {self.first}")
        return self

    def cells(self, grid: Grid) -> Ints:
        """These cells of `grid`, the full grid of the cube."""
        wanted = tuple(self.by.get(d.name, self.period if d.name == PERIOD else d.coarsest) for d in grid.dimensions)
        table = next(t for t in grid.tables if t.levels == wanted)
        periods = grid.dimensions[-1].level(self.period).nodes
        return table.cells_in(periods, [p for p in periods if (self.first or p) <= p <= (self.last or p)])


class PublicFiguresFile(BaseModel, extra="forbid"):
    """The whole file."""

    figures: list[PublicFigures]


def load_public_figures(jurisdiction: Jurisdiction) -> Sequence[PublicFigures]:
    """What sources publish themselves; nothing when the jurisdiction has no such file."""
    return jurisdiction.load(FILE, PublicFiguresFile).figures if jurisdiction.files(FILE) else ()


def public_cells(figures: Sequence[PublicFigures], grids: Mapping[str, Grid]) -> dict[str, Ints]:
    """The cells of every cube that a source publishes exactly."""
    cells: dict[str, list[Ints]] = {}
    for of in figures:
        cells.setdefault(of.cube, []).append(of.cells(grids[of.cube]))
    return {cube: np.unique(np.concatenate(each)) for cube, each in cells.items()}


def faults_of_public_figures(jurisdiction: Jurisdiction, statistics: Statistics) -> Iterator[Fault]:
    """Yield cubes, dimensions, levels, periods and sources of the file that are not there."""
    sources = external_sources(jurisdiction)
    cubes = {cube.name: cube for cube in statistics.cubes}
    for number, of in enumerate(load_public_figures(jurisdiction)):
        at = jurisdiction.place(FILE, "figures", number)
        if of.source is not None and of.source not in sources:
            yield (at / "source").fault(f"there is no folder external/{of.source}. {nearest(of.source, sources)}")
        if of.cube not in cubes:
            yield (at / "cube").fault(f"there is no cube {of.cube}. {nearest(of.cube, cubes)}")
            continue
        cube = cubes[of.cube]
        for dimension, level in of.by.items():
            if dimension not in cube.leaf:
                yield (at / "by" / dimension).fault(f"the cube {of.cube} has no dimension {dimension}. {nearest(dimension, cube.leaf)}")
            elif level not in cube.levels[dimension]:
                sentence = f"{dimension} has no level {level} in the cube {of.cube}. {nearest(level, cube.levels[dimension])}"
                yield (at / "by" / dimension).fault(sentence)
        if of.period not in (kinds := period_kinds(statistics, cube)):
            yield (at / "period").fault(f"the cube {of.cube} is not published by {of.period}. {nearest(of.period, kinds)}")
