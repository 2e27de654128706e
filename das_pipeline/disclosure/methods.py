"""Tables that choose another method than rounding: suppression, or cell keys. Cubes that count the same things are done together.

Such a table has exact or nearly exact counts, so that a record which comes late would be seen in it. Its periods are therefore decided
once, when the longest of them has ended, and never again: the release ledger has what was shown, a row for each cell (base 1, value
UNKNOWN where it is not shown). A cell that is new in a period decided earlier is not shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import date
from itertools import product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from das_pipeline.disclosure import cell_key, cubes
from das_pipeline.disclosure.grid import PERIOD, Grid
from das_pipeline.disclosure.ledger import COLUMNS, Released, as_of
from das_pipeline.disclosure.rounding import UNKNOWN, Bools, Ints
from das_pipeline.disclosure.suppression import Linked, ranges, suppress
from das_pipeline.errors import ConfigurationError, DasError
from das_pipeline.periods import KINDS, enclosing, first_day, last_ended
from das_pipeline.policy import Disclosure, Suppression
from das_pipeline.statistics import Cube, Statistics, Table
from das_pipeline.terminology import ALL, TOTAL

BASE = 1  # of these rows in the ledger: rounded leaves have a larger one
Name = tuple[str, str]  # of a cell: its nodes by level, "offence.group=theft", and its period


@dataclass(frozen=True)
class Estimated:
    """Of so many small counts, how many an estimate gets right, and how many one guess for all."""

    small: int
    right: int
    guessed: int


@dataclass(frozen=True)
class Computed:
    """Of so many small counts that are not shown: how many a reader knows exactly, within a range below the width, or to be small.

    He computes the least and the most that each can be by linear programs. `exact_told` he knows exactly if somebody tells him which of the
    cells that are not shown are small.
    """

    tried: int = 0
    exact: int = 0
    narrow: int = 0
    small: int = 0
    exact_told: int = 0

    def __add__(self, other: Computed) -> Computed:
        return Computed(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class Shown:
    """The cells of a family of tables that count the same things.

    By `names`: `value` is what is shown (UNKNOWN: nothing), `true` the count at the decision; `decided` are those of this run. Of these,
    `estimated` says of how many small counts a reader of changed counts gets how many right by least squares, and by one guess for all, and
    `computed` what a reader computes of a sample of the small counts that are not shown.
    """

    method: str
    anchor: str
    names: Sequence[Name]
    tables: Mapping[str, Sequence[tuple[tuple[str, ...], int]]]  # table -> its rows: codes with kind and period, and place of the cell
    value: Ints
    true: Ints
    decided: Bools
    estimated: Estimated = Estimated(0, 0, 0)
    computed: Computed = Computed()

    @property
    def entries(self) -> pa.Table:
        """The rows to append to the ledger when this candidate goes live."""
        at = np.flatnonzero(self.decided)
        names = [self.names[place] for place in at.tolist()]
        columns = {
            "cube": [self.anchor] * len(at),
            "leaf": [leaf for leaf, _ in names],
            "period": [period for _, period in names],
            "measure": ["n"] * len(at),
            "value": self.value[at],
            "true_at_decision": self.true[at],
            "base": np.full(len(at), BASE, dtype=np.int16),
            "frozen": np.ones(len(at), dtype=bool),
        }
        return pa.table(columns, schema=pa.schema(COLUMNS))

    def cells(self, table: Table) -> pa.Table:
        """The cells of one table: its keys, and `n`, null where it is not shown."""
        rows = self.tables[table.name]
        codes = zip(*(codes for codes, _ in rows), strict=True)
        value = self.value[np.array([place for _, place in rows], dtype=np.int64)]
        keys = [*table.by, "period_kind", "period"]
        return pa.table({**dict(zip(keys, map(list, codes), strict=True)), "n": pa.array(value, mask=value == UNKNOWN)})


@dataclass(frozen=True)
class _Counted:
    """A cube's leaves on their grid: counts, keys, and the cell of the family of each cell of the grid that a table has."""

    grid: Grid
    true: Ints
    keys: cell_key.Keys
    place: Ints  # by cell of the grid; -1: no table has it


def cells_file(table: str) -> str:
    """The file of disclosure/leaves with the cells of a table that chooses its method."""
    return f"{table}.cells.parquet"


def decide(
    statistics: Statistics,
    hierarchies: cubes.Hierarchies,
    counted: Mapping[str, pa.Table],
    policy: Disclosure,
    ledger: Released,
    today: date,
) -> list[Shown]:
    """What is shown of every family of tables that are not rounded."""
    families: dict[str, list[Table]] = {}
    for table in statistics.tables:
        if table.method != "rounding":
            families.setdefault(statistics.anchor(statistics.cube(table.cubes[0])), []).append(table)
    return [_decide(anchor, tables, statistics, hierarchies, counted, policy, ledger, today) for anchor, tables in families.items()]


def _decide(
    anchor: str,
    tables: Sequence[Table],
    statistics: Statistics,
    hierarchies: cubes.Hierarchies,
    counted: Mapping[str, pa.Table],
    policy: Disclosure,
    ledger: Released,
    today: date,
) -> Shown:
    block = max((kind for table in tables for kind in table.periods), key=KINDS.index)
    of_cubes = {name: statistics.cube(name) for name in dict.fromkeys(table.cubes[0] for table in tables)}
    starts = [first_day(p) for name in of_cubes for p in counted[name]["period"].unique().to_pylist()]
    last = last_ended(block, today)
    if not starts or last < min(starts):
        raise DasError(
            f"Table {tables[0].name} has no {block} that has ended: of a table by {tables[0].method} a {block} is published when over."
            " Leave the table out until then."
        )
    names: dict[Name, int] = {}
    rows: dict[str, list[tuple[tuple[str, ...], int]]] = {table.name: [] for table in tables}
    parts: list[_Counted] = []
    for name, cube in of_cubes.items():
        grid = _grid(statistics, hierarchies, cube, min(starts), last)
        place = np.full(int(grid.tables[-1].first + grid.tables[-1].size), -1, dtype=np.int64)
        for table in (t for t in tables if t.cubes[0] == name):
            for codes, cell, of in _cells(grid, table):
                place[cell] = names.setdefault(of, len(names))
                rows[table.name].append((codes, int(place[cell])))
        known = counted[name].filter(pc.field("period").isin(list(grid.dimensions[-1].concepts)))
        parts.append(_Counted(grid, cubes.counts(known, grid), _keys(known, grid), place))
    value, true, had = _decided(ledger, anchor, names, today)
    blocks = np.array([enclosing(period)[block] for _, period in names])
    old = set(blocks[had].tolist())
    decided = np.array([of not in old for of in blocks], dtype=bool)
    counts = _counts(parts, len(names))
    true[decided] = counts[decided]
    shown = Shown(tables[0].method, anchor, list(names), rows, value, true, decided)
    if not decided.any():
        return shown
    if tables[0].method == "cell_key":
        return _changed(shown, parts, counts, policy)
    computed = Computed()
    for period in sorted(set(blocks[decided].tolist())):
        here = decided & (blocks == period)
        linked, cells = _linked(parts, here)
        primary = _primary(shown, here, policy)[cells]
        assert policy.suppression is not None
        hidden = suppress(linked, primary, policy.suppression.width)
        value[here] = true[here]
        value[cells[hidden]] = UNKNOWN
        computed += _computed(linked, hidden, policy.suppression, policy.deduction.sample)
    return replace(shown, computed=computed)


def _computed(linked: Linked, hidden: Bools, limits: Suppression, sample: int) -> Computed:
    """What a reader computes of a sample of the small counts of one longest period that are not shown."""
    small = np.flatnonzero(hidden & (linked.counts < limits.minimum))
    tried = np.sort(np.random.default_rng(0).choice(small, min(sample, len(small)), replace=False))
    low, high = ranges(linked, hidden, tried, limits.width).T
    least, most = ranges(linked, hidden, tried, limits.width, limits.minimum).T
    found = low == high, high - low < limits.width, high < limits.minimum, least == most
    return Computed(len(tried), *(int(of.sum()) for of in found))


def _grid(statistics: Statistics, hierarchies: cubes.Hierarchies, cube: Cube, first: date, last: date) -> Grid:
    dimensions = [hierarchies.dimension(d, cube.scheme[d], level) for d, (_, level) in cube.leaf.items()]
    return Grid.of(dimensions, cubes.period_ladder(cubes.period_kinds(statistics, cube), first, last))


def _cells(grid: Grid, table: Table) -> Iterator[tuple[tuple[str, ...], int, Name]]:
    """Every cell of `table`: its codes in the order of the table's keys, its number in the grid, and its name."""
    for of_grid in grid.tables:
        *levels, kind = of_grid.levels
        chosen = {d.name: level for d, level in zip(grid.dimensions[:-1], levels, strict=True)}
        if kind not in table.periods or any(level not in (TOTAL, table.by.get(d)) for d, level in chosen.items()):
            continue
        nodes = [d.level(level).nodes for d, level in zip(grid.dimensions, of_grid.levels, strict=True)]
        for number, of in enumerate(product(*nodes)):
            code = {d.name: (ALL if chosen.get(d.name) == TOTAL else node) for d, node in zip(grid.dimensions, of, strict=True)}
            name = "|".join(f"{d}.{level}={code[d]}" for d, level in chosen.items() if level != TOTAL)
            yield (*(code[d] for d in table.by), kind, code[PERIOD]), of_grid.first + number, (name, code[PERIOD])


def _keys(known: pa.Table, grid: Grid) -> cell_key.Keys:
    """The key of every leaf: 0 where the cube has none."""
    keys = np.zeros(grid.shape, dtype=np.uint64)
    if "key" in known.column_names:
        np.add.at(keys, tuple(cubes.positions(known[d.name], d.concepts) for d in grid.dimensions), known["key"].to_numpy())
    return keys.ravel()


def _decided(ledger: Released, anchor: str, names: Mapping[Name, int], until: date) -> tuple[Ints, Ints, Bools]:
    """What earlier releases decided on every cell: value, count, and whether they did."""
    value, true, had = np.full(len(names), UNKNOWN), np.zeros(len(names), dtype=np.int64), np.zeros(len(names), dtype=bool)
    for release, entries in ledger.items():
        if as_of(release) <= until:
            for row in entries.filter((pc.field("cube") == anchor) & (pc.field("base") == BASE)).to_pylist():
                place = names.get((row["leaf"], row["period"]))
                if place is not None:
                    value[place], true[place], had[place] = row["value"], row["true_at_decision"], True
    return value, true, had


def _counts(parts: Sequence[_Counted], cells: int) -> Ints:
    """The count of every cell; ConfigurationError when two cubes count it differently."""
    counts = np.full(cells, UNKNOWN)
    for part in parts:
        for at, cell in _columns(part):
            sums = np.bincount(cell, weights=part.true[at], minlength=cells).astype(np.int64)
            has = np.unique(cell)
            if ((counts[has] != UNKNOWN) & (counts[has] != sums[has])).any():
                raise ConfigurationError("Two cubes of tables by another method than rounding count the same cell differently.")
            counts[has] = sums[has]
    return counts


def _columns(part: _Counted) -> Iterator[tuple[Ints, Ints]]:
    """For every table of the grid that is published: its leaves, and the cell of the family of each."""
    for column in part.grid.cells().T:
        cell = part.place[column]
        at = np.flatnonzero(cell >= 0)
        if len(at):
            yield at, cell[at]


def _linked(parts: Sequence[_Counted], here: Bools) -> tuple[Linked, Ints]:
    """The cells in `here` that are not 0, with the leaves that they sum; and the place of each in the family."""
    from scipy import sparse

    start, number, rows, columns, cell_of, true = 0, 0, [], [], [], []
    for part in parts:
        leaf = np.flatnonzero(part.true > 0)
        of_leaf = np.full(len(part.true), -1)
        of_leaf[leaf] = np.arange(len(leaf)) + start
        for at, cell in _columns(part):
            keep = (of_leaf[at] >= 0) & here[cell]
            own, row = np.unique(cell[keep], return_inverse=True)
            rows.append(row + number)
            columns.append(of_leaf[at][keep])
            cell_of.append(own)
            number += len(own)
        true.append(part.true[leaf])
        start += len(leaf)
    row, column, of = (np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64) for parts in (rows, columns, cell_of))
    used, column = np.unique(column, return_inverse=True)
    cells, cell = np.unique(of, return_inverse=True)
    matrix = sparse.csr_array((np.ones(len(row)), (row, column)), shape=(number, len(used)))
    return Linked.of(matrix, cell, np.concatenate(true)[used]), cells


def _primary(shown: Shown, here: Bools, policy: Disclosure) -> Bools:
    """The cells that may not be shown: counts below the minimum, and a category that has almost all of a group of persons or cases."""
    assert policy.suppression is not None
    groups = policy.groups
    primary = here & (shown.true > 0) & (shown.true < policy.suppression.minimum)
    place = {name: number for number, name in enumerate(shown.names)}
    for number, (cell, period) in enumerate(shown.names):
        parts = cell.split("|") if cell else []
        for part in parts:
            if here[number] and part.partition(".")[0] in groups.categories:
                whole = place.get(("|".join(p for p in parts if p != part), period))
                total = shown.true[whole] if whole is not None else 0
                primary[number] |= 0 < total <= groups.most and shown.true[number] >= groups.share * total
    return primary


def changes_of(policy: Disclosure) -> cell_key.Perturbation:
    """How counts of tables by cell key change."""
    limits = policy.cell_key
    assert limits is not None
    return cell_key.Perturbation(limits.distance, limits.variance, limits.not_published, limits.stay)


def _changed(shown: Shown, parts: Sequence[_Counted], counts: Ints, policy: Disclosure) -> Shown:
    """The same cells with the counts to decide changed by their keys."""
    table = cell_key.Table.of(changes_of(policy))
    keys = np.zeros(len(counts), dtype=np.uint64)
    for part in parts:
        for at, cell in _columns(part):
            sums = np.zeros(len(counts), dtype=np.uint64)
            np.add.at(sums, cell, part.keys[at])
            has = np.unique(cell)
            keys[has] = sums[has]
    changed = table.perturbed(counts, cell_key.fractions(keys, np.arange(len(keys)), len(keys)))
    shown.value[shown.decided] = changed[shown.decided]
    return replace(shown, estimated=_estimated(*_linked(parts, shown.decided), shown.value, policy.base.default))


def _estimated(linked: Linked, cells: Ints, value: Ints, base: int) -> Estimated:
    """What least squares over all cells give of counts below `base`, for a reader who even knows which cells are 0."""
    from scipy.sparse.linalg import lsqr

    found = lsqr(linked.rows, value[cells[linked.cell_of]].astype(np.float64))[0]
    guess = np.rint(linked.rows[linked.first] @ np.maximum(found, 0))
    small = linked.counts < base
    frequent = np.bincount(linked.counts[small], minlength=1)
    return Estimated(int(small.sum()), int((guess == linked.counts)[small].sum()), int(frequent.max()))
