"""The full grid of a cube's leaves, and the published cells above them.

A dimension is a ladder of levels, from the leaves up to the total; the period is one too, without a total. A *table* of the grid is a
choice of one level in every dimension; its cells are the combinations of their nodes. Every leaf lies in one cell of every table.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from das_pipeline.terminology import TOTAL

PERIOD = "period"


@dataclass(frozen=True)
class Level:
    """One level of a dimension: its nodes in order, and for each leaf concept the number of its node."""

    name: str
    nodes: tuple[str, ...]
    node_of: tuple[int, ...]


@dataclass(frozen=True)
class Dimension:
    """A ladder of levels, finest first."""

    name: str
    levels: tuple[Level, ...]

    @property
    def concepts(self) -> tuple[str, ...]:
        return self.levels[0].nodes

    @property
    def coarsest(self) -> str:
        return self.levels[-1].name

    def level(self, name: str) -> Level:
        return next(level for level in self.levels if level.name == name)


def ladder(name: str, steps: list[tuple[str, dict[str, str]]]) -> Dimension:
    """Create a dimension; `steps` has for each level, finest first, the node of every leaf concept."""
    leaves = sorted(steps[0][1])
    levels = []
    for level, node_of in steps:
        nodes = sorted(set(node_of.values()))
        number = {node: n for n, node in enumerate(nodes)}
        levels.append(Level(level, tuple(nodes), tuple(number[node_of[leaf]] for leaf in leaves)))
    return Dimension(name, tuple(levels))


@dataclass(frozen=True)
class Table:
    """One choice of levels, in the order of the grid's dimensions; its cells are numbered from `first`."""

    levels: tuple[str, ...]
    first: int
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def cells(self) -> NDArray[np.int64]:
        return np.arange(self.first, self.first + self.size)

    def cells_in(self, periods: Sequence[str], chosen: Iterable[str]) -> NDArray[np.int64]:
        """The cells of the `chosen` ones of the table's `periods`."""
        return self.cells.reshape(self.shape)[..., [periods.index(period) for period in chosen]].ravel()


@dataclass(frozen=True)
class Grid:
    """Dimensions in order of name, the period last. Leaves are numbered with the last dimension varying fastest."""

    dimensions: tuple[Dimension, ...]

    @classmethod
    def of(cls, dimensions: list[Dimension], period: Dimension) -> Grid:
        return cls((*sorted(dimensions, key=lambda d: d.name), period))

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(d.concepts) for d in self.dimensions)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """Every table of the grid; the first consists of the leaves themselves."""
        tables: list[Table] = []
        first = 0
        for levels in itertools.product(*(d.levels for d in self.dimensions)):
            shape = tuple(len(level.nodes) for level in levels)
            tables.append(Table(tuple(level.name for level in levels), first, shape))
            first += tables[-1].size
        return tuple(tables)

    @property
    def totals(self) -> list[int]:
        """The tables in which every dimension is at its total, coarsest period first: national totals."""
        top = tuple(d.coarsest for d in self.dimensions[:-1])
        return [n for n, table in reversed(list(enumerate(self.tables))) if table.levels[:-1] == top]

    def cells(self) -> NDArray[np.int32]:
        """For every leaf (row), its cell in every table (column)."""
        cells = np.empty((self.size, len(self.tables)), dtype=np.int32)
        for column, table in enumerate(self.tables):
            nodes = [np.array(d.level(name).node_of) for d, name in zip(self.dimensions, table.levels, strict=True)]
            cells[:, column] = table.first + np.ravel_multi_index(np.ix_(*nodes), table.shape).ravel()
        return cells

    def nodes(self, table: int) -> list[tuple[str, ...]]:
        """The nodes of a table, for each dimension that is not at its total."""
        levels = [d.level(name) for d, name in zip(self.dimensions, self.tables[table].levels, strict=True)]
        return [level.nodes for level in levels if level.name != TOTAL]

    def coordinates(self) -> list[NDArray[np.int64]]:
        """For every dimension, the number of each leaf's concept."""
        return [axis.ravel() for axis in np.indices(self.shape)]

    def shared_table(self, other: Grid) -> int:
        """The finest of this grid's tables that `other` has too: the finest common level of every common dimension, totals of the rest."""
        theirs = {d.name: [level.name for level in d.levels] for d in other.dimensions}
        wanted = []
        for d in self.dimensions:
            common = [level.name for level in d.levels if level.name in theirs.get(d.name, [TOTAL])]
            wanted.append(common[0])
        return next(n for n, table in enumerate(self.tables) if table.levels == tuple(wanted))
