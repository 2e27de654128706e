"""Cubes that count the same things are rounded together, so that the cells they share have the same value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from das_pipeline.disclosure.grid import Grid
from das_pipeline.disclosure.rounding import UNKNOWN, Bools, Ints, Leaves, Limit, protect
from das_pipeline.errors import ConfigurationError


@dataclass(frozen=True)
class Protected:
    """One cube on its full grid: true counts and, once rounded, values."""

    name: str
    adds_up_to: str | None  # the cube whose values it adopts in the cells that both have
    grid: Grid
    leaves: Leaves
    structural: Bools
    closed: Bools  # whether the leaf's period is closed as of the run
    value: Ints

    @property
    def decided(self) -> Bools:
        """The leaves that must be added to the ledger: touched, moved, or closed for the first time."""
        previous = self.leaves.previous
        return self.leaves.touched | (self.value != previous.value) | (self.closed & ~previous.frozen)


def protect_cubes(prepared: Mapping[str, Protected]) -> dict[str, Protected]:
    """Round every cube, in the given order: a cube comes after the one that it adds up to.

    A cube is rounded within the limits that the cubes that add up to it can follow; these then adopt its values in the cells they share.
    """
    protected: dict[str, Protected] = {}
    for name, cube in prepared.items():
        limits = [_reach(cube, child) for child in prepared.values() if child.adds_up_to == name]
        if cube.adds_up_to is not None:
            limits.append(_final(cube, protected[cube.adds_up_to]))
        protected[name] = replace(cube, value=protect(cube.leaves, limits))
    return protected


def hold_few_corrections(prepared: Mapping[str, Protected], least: int) -> dict[str, Protected]:
    """Return the cubes, with the earlier counts of every family in which fewer than `least` published leaves of some cube have changed.

    A reader who compares two releases would otherwise see which leaf a single correction touched. Leaves of new periods do not count: they
    hide nothing in the published ones; but what they count of published months is what these have, without the corrections that wait. A
    correction that waits is not forgotten: it counts again in the next window.
    """
    corrected = {name: int(cube.leaves.corrected.sum()) for name, cube in prepared.items()}
    few = {anchor_of(prepared, cube) for name, cube in prepared.items() if 0 < corrected[name] < least}
    held: dict[str, Protected] = {}
    for name, cube in prepared.items():
        held[name] = cube
        if anchor_of(prepared, cube) in few:
            held[name] = replace(cube, leaves=cube.leaves.before_corrections())
            if cube.adds_up_to is not None:
                held[name] = _as_before(held[name], held[cube.adds_up_to], _agreeing(cube, prepared[cube.adds_up_to]))
    return held


def _agreeing(cube: Protected, parent: Protected) -> Bools:
    """Whether both count the same, for each of the cells that they share."""
    _, mine, theirs = shared_cells(cube, parent)
    return cube.leaves.sums(cube.leaves.true)[mine] == parent.leaves.sums(parent.leaves.true)[theirs]


def _as_before(cube: Protected, parent: Protected, agreeing: Bools) -> Protected:
    """The cube with counts in its new leaves that sum to those of `parent`, whose corrections wait, in the cells `agreeing` without that.

    Each new leaf keeps its share of the sum, as nearly as whole numbers can.
    """
    leaves = cube.leaves
    table, mine, theirs = shared_cells(cube, parent)
    cell_of = np.full(int(leaves.cells.max()) + 1, -1)
    cell_of[mine] = np.arange(len(mine))
    cell = cell_of[leaves.cells[:, table]]
    can = (leaves.previous.value == UNKNOWN) & ~leaves.previous.frozen & (leaves.true > 0) & (cell >= 0)
    new = np.bincount(cell[can], weights=leaves.true[can], minlength=len(mine)).astype(np.int64)
    apart = np.where(agreeing, parent.leaves.sums(parent.leaves.true)[theirs] - leaves.sums(leaves.true)[mine], 0)
    wanted = np.maximum(new + apart, 0)
    # In the order of the leaves each gets the whole part of what has been given out up to it: the sums are exact, each is within one.
    order = np.flatnonzero(can)[np.argsort(cell[can], kind="stable")]
    of, counts = cell[order], leaves.true[order]
    up_to = np.cumsum(counts)
    up_to -= (np.cumsum(new) - new)[of]
    scaled = up_to * wanted[of] // np.maximum(new[of], 1)
    first = np.diff(of, prepend=-1) != 0
    true = leaves.true.copy()
    true[order] = np.where(first, scaled, scaled - np.concatenate([[0], scaled[:-1]]))
    return replace(cube, leaves=replace(leaves, true=true))


def anchor_of(cubes: Mapping[str, Protected], cube: Protected) -> str:
    """The first cube of the family of `cube`: the one that the others add up to."""
    while cube.adds_up_to is not None:
        cube = cubes[cube.adds_up_to]
    return cube.name


def shared_cells(cube: Protected, other: Protected) -> tuple[int, Ints, Ints]:
    """The finest table of `cube` that `other` has too, its cells in the periods that both have, and the same cells in `other`."""
    mine, theirs = cube.grid.shared_table(other.grid), other.grid.shared_table(cube.grid)
    (*nodes, periods), (*other_nodes, other_periods) = cube.grid.nodes(mine), other.grid.nodes(theirs)
    if nodes != other_nodes:
        raise ConfigurationError(
            f"{cube.name} and {other.name} have a level in common, but not all its concepts: in the scheme, every concept of a level"
            " needs one below it."
        )
    both = sorted(set(periods) & set(other_periods))
    return mine, cube.grid.tables[mine].cells_in(periods, both), other.grid.tables[theirs].cells_in(other_periods, both)


def _reach(cube: Protected, child: Protected) -> Limit:
    """What `child` can follow, as a limit on `cube`: with its touched leaves if possible, else with all of open periods and more room."""
    table, mine, theirs = shared_cells(cube, child)
    leaves, start = child.leaves, child.leaves.start()
    near = leaves.room(leaves.touched, start)
    far = leaves.room(~leaves.previous.frozen, start, leaves.base)
    wanted, needed = ((leaves.sums(low)[theirs], leaves.sums(high)[theirs]) for low, high in (near, far))
    return Limit(table, mine, wanted, needed, is_final=False)


def _final(cube: Protected, parent: Protected) -> Limit:
    """The parent's values in the shared cells, as a limit on `cube`."""
    if cube.leaves.base != parent.leaves.base:
        raise ConfigurationError(
            f"policy.yaml: {cube.name} and the cube it adds up to, {parent.name}, need one base: both sensitive, or neither."
        )
    table, mine, theirs = shared_cells(cube, parent)
    values = parent.leaves.sums(parent.value)[theirs]
    return Limit(table, mine, (values, values), (values, values), is_final=True)
