"""Cubes that count the same things are rounded together, so that the cells they share have one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from das_pipeline.disclosure.grid import Grid
from das_pipeline.disclosure.rounding import Bools, Ints, Leaves, Limit, protect
from das_pipeline.errors import ConfigurationError


@dataclass(frozen=True)
class Protected:
    """One cube on its full grid: true counts and, once rounded, values."""

    name: str
    adds_up_to: str | None  # the cube whose values it takes over in the cells that both have
    grid: Grid
    leaves: Leaves
    structural: Bools
    closed: Bools  # the leaf's period is closed as of the run
    value: Ints

    @property
    def decided(self) -> Bools:
        """The leaves that the ledger must learn of: touched, moved, or closed for the first time."""
        previous = self.leaves.previous
        return self.leaves.touched | (self.value != previous.value) | (self.closed & ~previous.frozen)


def protect_cubes(prepared: Mapping[str, Protected]) -> dict[str, Protected]:
    """Every cube rounded, in the order given: a cube stands after the one that it adds up to.

    A cube is rounded inside what the cubes that add up to it can follow, and these then take over its values in the cells they share.
    """
    made: dict[str, Protected] = {}
    for name, one in prepared.items():
        limits = [_reach(one, child) for child in prepared.values() if child.adds_up_to == name]
        if one.adds_up_to is not None:
            limits.append(_final(one, made[one.adds_up_to]))
        made[name] = replace(one, value=protect(one.leaves, limits))
    return made


def shared_cells(one: Protected, other: Protected) -> tuple[int, Ints, Ints]:
    """The finest table of `one` that `other` has too, its cells in `one`, and the same cells in `other`."""
    mine, theirs = one.grid.shared_table(other.grid), other.grid.shared_table(one.grid)
    if one.grid.nodes(mine) != other.grid.nodes(theirs):
        raise ConfigurationError(
            f"{one.name} and {other.name} have a level in common, but not all its concepts: in the scheme, every concept of a level"
            " needs one below it."
        )
    return mine, one.grid.tables[mine].cells, other.grid.tables[theirs].cells


def _reach(one: Protected, child: Protected) -> Limit:
    """What `child` can follow, as a limit on `one`: with its touched leaves if possible, else with all of open periods and more room."""
    table, mine, theirs = shared_cells(one, child)
    leaves, start = child.leaves, child.leaves.start()
    near = leaves.room(leaves.touched, start)
    far = leaves.room(~leaves.previous.frozen, start, leaves.base)
    wanted, needed = ((leaves.sums(low)[theirs], leaves.sums(high)[theirs]) for low, high in (near, far))
    return Limit(table, mine, wanted, needed, is_final=False)


def _final(one: Protected, parent: Protected) -> Limit:
    """The parent's values in the shared cells, as a limit on `one`."""
    if one.leaves.base != parent.leaves.base:
        raise ConfigurationError(
            f"policy.yaml: {one.name} and the cube it adds up to, {parent.name}, need one base: both sensitive, or neither."
        )
    table, mine, theirs = shared_cells(one, parent)
    values = parent.leaves.sums(parent.value)[theirs]
    return Limit(table, mine, (values, values), (values, values), is_final=True)
