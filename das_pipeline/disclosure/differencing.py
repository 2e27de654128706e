"""What two releases tell when they are compared: of one more record, and of other counts behind the same published cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from das_pipeline.disclosure.family import Protected, protect_cubes
from das_pipeline.disclosure.rounding import Bools, Decisions, Ints


def one_more_moves(cube: Protected) -> tuple[int, int]:
    """Of the leaves of open periods that count something: in how many one more record moves the value in the next release; and how many.

    A touched leaf keeps its value within one base of its count, so that a move shows a reader in which leaf the record is.
    """
    leaves = cube.leaves
    open_ones = (leaves.true > 0) & ~leaves.previous.frozen & ~cube.structural
    moves = np.abs(leaves.true + 1 - cube.value) >= leaves.base
    return int((open_ones & moves).sum()), int(open_ones.sum())


def twins(protected: Mapping[str, Protected]) -> dict[str, Protected]:
    """The same cubes with other counts that the published values allow, protected after the same releases as far as readers can tell.

    The ledger of this other world holds the same values, so that whatever differs in what is published is due to the counts alone.
    """
    others = {}
    for name, cube in protected.items():
        true = _another(cube)
        previous = Decisions(cube.value, true, cube.leaves.previous.frozen)
        others[name] = replace(cube, leaves=replace(cube.leaves, true=true, previous=previous))
    return protect_cubes(others)


def _another(cube: Protected) -> Ints:
    """Counts as far from the values on the other side; of a value of 0, what is left to a base. A zero stays zero."""
    true, base = cube.leaves.true, cube.leaves.base
    mirrored = 2 * cube.value - true
    small: Bools = (cube.value == 0) & (true > 0) & (true < base)
    return np.where(small, base - true, np.where((true > 0) & (mirrored > 0), mirrored, true))


def told_apart(protected: Mapping[str, Protected], others: Mapping[str, Protected]) -> dict[str, int]:
    """For every cube, the leaves whose published value differs between it and its twin."""
    return {name: int((cube.value != others[name].value).sum()) for name, cube in protected.items()}
