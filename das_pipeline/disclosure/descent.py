"""The three compiled loops of controlled rounding: descend, repair, swap.

Integers only, one thread and a fixed order of leaves give the same result on every machine. `cells[i, a]` is the published cell of table
`a` that contains leaf `i`; `error[j]` is the rounded minus the true count of cell `j`, updated with every flip. A leaf flips by one `base`
within `low[i] … high[i]`.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Cells = NDArray[np.int32]


@njit("void(int32[:, ::1], int64[::1], int64[::1], int64, int64)", cache=True)
def flip(cells: Cells, error: Ints, value: Ints, leaf: int, step: int) -> None:
    """Move leaf `leaf` by `step`: change its value and the error of every cell that contains it."""
    value[leaf] += step
    for a in range(cells.shape[1]):
        error[cells[leaf, a]] += step


@njit("int64(int32[:, ::1], int64[::1], int64)", cache=True)
def pull(cells: Cells, error: Ints, leaf: int) -> int:
    """The sum of the errors of the cells that contain `leaf`; a flip by `d` changes the sum of squares by `2·d·pull + d²·tables`."""
    total = np.int64(0)
    for a in range(cells.shape[1]):
        total += error[cells[leaf, a]]
    return int(total)


@njit("void(int32[:, ::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64)", cache=True)
def descend(cells: Cells, error: Ints, value: Ints, low: Ints, high: Ints, order: Ints, base: int) -> None:
    """Flip leaves, in `order`, as long as this lowers the sum of squared errors over all published cells."""
    least = base * cells.shape[1]
    moved = True
    while moved:
        moved = False
        for leaf in order:
            pulled = pull(cells, error, leaf)
            step = base if pulled < 0 else -base
            if 2 * abs(pulled) > least and low[leaf] <= value[leaf] + step <= high[leaf]:
                flip(cells, error, value, leaf, step)
                moved = True


@njit("boolean(int32[:, ::1], int64[::1], int64[::1], int64[::1], int64, int64)", cache=True)
def keeps_limits(cells: Cells, error: Ints, floor: Ints, ceiling: Ints, leaf: int, step: int) -> bool:
    """Whether moving `leaf` by `step` takes no cell beyond its limits, or further beyond them."""
    for a in range(cells.shape[1]):
        cell = cells[leaf, a]
        if step > 0 and error[cell] + step > ceiling[cell]:
            return False
        if step < 0 and error[cell] + step < floor[cell]:
            return False
    return True


@njit(
    "void(int32[:, ::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64, int64)",
    cache=True,
)
def repair(
    cells: Cells,
    error: Ints,
    value: Ints,
    low: Ints,
    high: Ints,
    floor: Ints,
    ceiling: Ints,
    members: Ints,
    starts: Ints,
    table: int,
    base: int,
) -> None:
    """Bring the errors of the cells of one table between `floor` and `ceiling`, each time by the cheapest flip.

    `members[starts[g]:starts[g + 1]]` are the leaves of group `g`, one group per cell. A cell that no leaf can correct is left unchanged.
    """
    for group in range(len(starts) - 1):
        first, last = starts[group], starts[group + 1]
        cell = cells[members[first], table]
        while not floor[cell] <= error[cell] <= ceiling[cell]:
            step = base if error[cell] < floor[cell] else -base
            best = -1
            least = 0
            for m in range(first, last):
                leaf = members[m]
                if low[leaf] <= value[leaf] + step <= high[leaf]:
                    cost = step * pull(cells, error, leaf)
                    if (best < 0 or cost < least) and keeps_limits(cells, error, floor, ceiling, leaf, step):
                        best, least = leaf, cost
            if best < 0:
                break
            flip(cells, error, value, best, step)


@njit("void(int32[:, ::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64)", cache=True)
def swap(cells: Cells, error: Ints, value: Ints, low: Ints, high: Ints, members: Ints, starts: Ints, base: int) -> None:
    """Move one base between two leaves of a group, keeping its total, as long as this lowers the sum of squared errors."""
    tables = cells.shape[1]
    moved = True
    while moved:
        moved = False
        for group in range(len(starts) - 1):
            for m in range(starts[group], starts[group + 1]):
                up = members[m]
                if not low[up] <= value[up] + base <= high[up]:
                    continue
                pulled_up = pull(cells, error, up)
                for k in range(starts[group], starts[group + 1]):
                    down = members[k]
                    if down == up or not low[down] <= value[down] - base <= high[down]:
                        continue
                    gain = pull(cells, error, down) - pulled_up
                    if gain <= 0:
                        continue
                    apart = 0
                    for a in range(tables):
                        apart += cells[up, a] != cells[down, a]
                    if gain > base * apart:
                        flip(cells, error, value, up, base)
                        flip(cells, error, value, down, -base)
                        moved = True
                        break
