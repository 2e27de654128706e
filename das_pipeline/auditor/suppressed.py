"""D26: what an outsider can compute of the counts that tables by suppression do not show, from all those that they do show.

Linear programming (HiGHS, through SciPy) gives the least and the most that each of them can be: totals are sums of their parts, a year is
the sum of its months, a cell is the same in every table of the same population, and since zeros are shown, what is not shown is 1 or more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import inf
from typing import Any

import numpy as np

from das_pipeline.auditor.declared import Limits
from das_pipeline.auditor.findings import verdict
from das_pipeline.auditor.release import ALL, Published, Table
from das_pipeline.gate import Verdict

FIX = "Leave out more cells, or pool categories: das_pipeline/disclosure/suppression.py is to find which."
NEAR = 1e-6
PARTS = {("month", "quarter"): 3, ("month", "year"): 12, ("quarter", "year"): 4}
Cell = tuple[str, ...]  # dimension.level=code of all that is not at its total, and the period


def suppressed_cells_stay_hidden(release: Published, limits: Limits) -> Verdict:
    """D26: no count that is not shown follows from those that are, nor does a range for it that is narrower than the policy's width."""
    families: dict[str, list[Table]] = defaultdict(list)
    for table in release.protected:
        if table.method == "suppression":
            families[str(sorted(table.facts["population"].values()))].append(table)
    faults: dict[str, int] = {}
    tried = 0
    for tables in families.values():
        number, wrong = _attacked(tables, limits)
        tried += number
        faults[", ".join(table.name for table in tables)] = wrong
    return verdict("D26", "No count that is not shown can be computed", tried, faults, FIX)


def _attacked(tables: Sequence[Table], limits: Limits) -> tuple[int, int]:
    """How many cells the tables do not show, and of how many the range is too narrow."""
    from scipy import sparse

    if limits.suppression is None:
        return 0, 1
    width = limits.suppression[1]
    counts: dict[Cell, int | None] = {}
    equations: dict[tuple[Cell, tuple[Cell, ...]], None] = {}
    for table in tables:
        named = {tuple(key.split("|")): _cell(table, key.split("|")) for key in table.cells}
        for key, n in table.cells.items():
            counts[named[tuple(key.split("|"))]] = n
        equations |= dict.fromkeys(_sums(table, named))
    hidden = {cell: number for number, cell in enumerate(cell for cell, n in counts.items() if n is None)}
    rows: list[dict[int, float]] = []
    known: list[float] = []
    for whole, parts in equations:
        row: dict[int, float] = defaultdict(float)
        rest = 0.0
        for cell, sign in ((whole, 1.0), *((part, -1.0) for part in parts)):
            if (n := counts[cell]) is None:
                row[hidden[cell]] += sign
            else:
                rest -= sign * n
        if row:
            rows.append(row)
            known.append(rest)
    at = [(number, column, sign) for number, row in enumerate(rows) for column, sign in row.items()]
    if not hidden:
        return 0, 0
    if not at:
        return len(hidden), 0
    number, column, sign = (np.array(side) for side in zip(*at, strict=True))
    matrix = sparse.csr_array((sign, (number, column)), shape=(len(rows), len(hidden)))
    most = float(sum(n for n in counts.values() if n is not None) + width + len(hidden))
    return len(hidden), _narrow(matrix, np.array(known), width, most)


def _narrow(matrix: Any, known: Any, width: int, most: float) -> int:
    """Of how many unknowns, 1 or more, the range is narrower than `width` when `matrix` @ unknowns is `known`.

    Where nothing fits at all, totals are not the sums of their parts: all are counted.
    """
    from scipy.optimize import linprog

    size = matrix.shape[1]
    low, high = np.full(size, inf), np.full(size, -inf)

    def look(price: Any) -> bool:
        found = linprog(price, A_eq=matrix, b_eq=known, bounds=(1, most), method="highs")
        if found.x is None:
            return False
        np.minimum(low, found.x, out=low)
        np.maximum(high, found.x, out=high)
        return True

    random = np.random.default_rng(1)
    if not all(look(random.choice([-1.0, 1.0], size)) for _ in range(8)):
        return size
    wrong = 0
    for number in range(size):
        for sign in (-1.0, 1.0):
            if np.floor(high[number] + NEAR) - np.ceil(low[number] - NEAR) < width:
                look(np.where(np.arange(size) == number, sign, 0.0))
        wrong += bool(np.floor(high[number] + NEAR) - np.ceil(low[number] - NEAR) < width)
    return wrong


def _cell(table: Table, key: Sequence[str]) -> Cell:
    """What names the same cell in every table."""
    *codes, _, period = key
    levels = [f"{d.name}.{d.level}={code}" for d, code in zip(table.dimensions, codes, strict=True) if code != ALL]
    return (*sorted(levels), period)


def _sums(table: Table, named: dict[tuple[str, ...], Cell]) -> Iterator[tuple[Cell, tuple[Cell, ...]]]:
    """Every cell of a table that is a sum, with its parts: over each dimension, and over time."""
    parts: dict[tuple[str, ...], list[Cell]] = defaultdict(list)
    for place in range(len(table.dimensions)):
        parts.clear()
        for key, cell in named.items():
            if key[place] != ALL:
                parts[(*key[:place], ALL, *key[place + 1 :])].append(cell)
        yield from ((named[whole], tuple(sorted(of))) for whole, of in parts.items())
    for (fine, coarse), number in PARTS.items():
        parts.clear()
        for (*codes, kind, period), cell in named.items():
            if kind == fine:
                longer = period[:4] if coarse == "year" else f"{period[:4]}-Q{(int(period[5:]) + 2) // 3}"
                parts[(*codes, coarse, longer)].append(cell)
        yield from ((named[whole], tuple(sorted(of))) for whole, of in parts.items() if whole in named and len(of) == number)
