"""Converts a base cube to the leaves of its full grid, and rounded leaves back to a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from das_pipeline.disclosure.grid import PERIOD, Dimension, Grid, ladder
from das_pipeline.disclosure.rounding import Bools, Ints
from das_pipeline.errors import DasError
from das_pipeline.periods import KINDS, months, period_of
from das_pipeline.policy import LeafSet
from das_pipeline.statistics import Cube, Statistics
from das_pipeline.terminology import ALL, TOTAL


@dataclass(frozen=True)
class Hierarchies:
    """The concept hierarchies of a terminology: for every scheme and level, the node of each concept at or below it."""

    rows: Mapping[tuple[str, str], Mapping[str, str]]

    @classmethod
    def read(cls, path: Path, own: Iterable[tuple[str, str, str, str]] = ()) -> Hierarchies:
        """Read those of the terminology in `path`; `own` are rows (scheme, level, leaf, node) of dimensions that it does not have."""
        rows: dict[tuple[str, str], dict[str, str]] = {}
        of_terminology = ((row["scheme"], row["level"], row["leaf"], row["node"]) for row in pq.read_table(path).to_pylist())
        for scheme, level, leaf, node in (*of_terminology, *own):
            rows.setdefault((scheme, level), {})[leaf] = node
        return cls(rows)

    def dimension(self, name: str, scheme: str, level: str) -> Dimension:
        """The ladder of dimension `name`: every concept of `scheme` at `level`, counted or not, up to the total."""
        concepts = sorted(leaf for leaf, node in self.rows[scheme, level].items() if leaf == node)
        steps = []
        for (of, upper), node_of in self.rows.items():
            if of == scheme and upper != TOTAL and all(concept in node_of for concept in concepts):
                steps.append((upper, {concept: node_of[concept] for concept in concepts}))
        steps.sort(key=lambda step: (step[0] != level, -len(set(step[1].values()))))
        return ladder(name, [*steps, (TOTAL, dict.fromkeys(concepts, ALL))])


def period_kinds(statistics: Statistics, cube: Cube) -> list[str]:
    """The cube's own kind of period, and the longer kinds that tables are published by if it adds up to them."""
    if not cube.adds_over_time:
        return [cube.period]
    used = {"year", *(c.period for c in statistics.cubes), *(kind for table in statistics.tables for kind in table.periods)}
    return [kind for kind in KINDS[KINDS.index(cube.period) :] if kind in used]


def period_ladder(kinds: Sequence[str], first: date, last: date) -> Dimension:
    """Every period of the finest of `kinds` that lies between `first` and `last`, and the longer ones they add up to."""
    days = list(months(first, last))
    return ladder(PERIOD, [(kind, {period_of(d, kinds[0]): period_of(d, kind) for d in days}) for kind in kinds])


def positions(column: pa.ChunkedArray, names: Sequence[str]) -> Ints:
    """For every value of `column`, its position in `names`; -1 if it is not one of them."""
    encoded = column.combine_chunks().dictionary_encode()
    place = {name: n for n, name in enumerate(names)}
    places = np.array([place.get(value, -1) for value in encoded.dictionary.to_pylist()], dtype=np.int64)
    return places[encoded.indices.to_numpy()]


def counts(cube: pa.Table, grid: Grid) -> Ints:
    """The true count of every leaf of `grid`; 0 where the sparse `cube` has no row."""
    at = tuple(positions(cube[d.name], d.concepts) for d in grid.dimensions)
    if any((axis < 0).any() for axis in at):
        raise DasError("A cube counts in concepts that its scheme does not have, or in periods after the date of the run.")
    true = np.zeros(grid.shape, dtype=np.int64)
    np.add.at(true, at, cube["n"].to_numpy())
    return true.ravel()


def matching(grid: Grid, name: str, sets: list[LeafSet]) -> Bools:
    """The leaves of the cube `name` that are in one of `sets`."""
    selected = np.zeros(grid.shape, dtype=bool)
    for leaf_set in sets:
        if leaf_set.cube == name:
            axes: list[NDArray[np.int64]] = [
                np.array([n for n, concept in enumerate(d.concepts) if leaf_set.leaf.get(d.name, concept) == concept], dtype=np.int64)
                for d in grid.dimensions
            ]
            selected[np.ix_(*axes)] = True
    return selected.ravel()


def protected_table(grid: Grid, value: Ints, base: int, structural: Bools) -> pa.Table:
    """The published leaves: coordinates, measure, value, base, and whether the leaf cannot occur. It has no true count."""
    concept_of = dict(zip((d.name for d in grid.dimensions), grid.coordinates(), strict=True))
    columns = {d.name: pa.array(d.concepts).take(pa.array(concept_of[d.name])) for d in grid.dimensions}
    period = columns.pop(PERIOD)
    return pa.table(
        columns
        | {
            "period_kind": pa.array([grid.dimensions[-1].levels[0].name] * grid.size),
            "period": period,
            "measure": pa.array(["n"] * grid.size),
            "value": value,
            "base": np.full(grid.size, base, dtype=np.int16),
            "structural": structural,
        }
    )
