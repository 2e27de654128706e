"""A published table of survival curves: how much of what began in a period is still open after so many weeks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from das_pipeline.statistics import STILL_OPEN
from das_pipeline.website.cells import Cell, PublishedTable
from das_pipeline.website.charts import Curve
from das_pipeline.website.language import Language


@dataclass(frozen=True)
class Survival:
    """A table with the dimension of its weeks, and the weeks of each code in order."""

    table: PublishedTable
    dim: str
    weeks: Mapping[str, int]

    def cells(self, kind: str, period: str) -> list[Cell | None]:
        """The percentages of one period, all groups together, by weeks."""
        return [self.table.cell(kind, period, {self.dim: code}) for code in self.weeks]

    def curve(self, kind: str, period: str, label: str) -> Curve | None:
        """The curve of one period; None when none of its percentages is known."""
        pairs = zip(self.weeks.values(), self.cells(kind, period), strict=True)
        points = [(week, cell) for week, cell in pairs if cell and cell.has_value]
        return Curve(label, points) if points else None

    def halfway(self, kind: str, period: str, language: Language) -> tuple[str, Cell] | None:
        """The middle one of the percentages of a period, and after how many weeks that is, in words."""
        place = len(self.weeks) // 2
        cell = self.cells(kind, period)[place]
        return (language.text(self.table.labels[self.dim][list(self.weeks)[place]]), cell) if cell and cell.has_value else None


def survival(table: PublishedTable) -> Survival | None:
    """The survival curves of `table`; None when it has none."""
    for dim in table.dims:
        codes = table.codes(dim)
        if codes and all(code.startswith(STILL_OPEN) for code in codes):
            return Survival(table, dim, {code: int(code.removeprefix(STILL_OPEN)) for code in codes})
    return None
