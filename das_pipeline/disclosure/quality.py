"""The cost of rounding: the error of the published cells by level, too coarse to reveal anything about one cell."""

from __future__ import annotations

from typing import Any

import numpy as np

from das_pipeline.disclosure.grid import Grid
from das_pipeline.disclosure.rounding import UNKNOWN, Ints, Leaves


def quality(grid: Grid, leaves: Leaves, value: Ints, before: Ints, least: int) -> dict[str, Any]:
    """Mean absolute and root mean squared error, and the 95th percentile, of every level's cells that are not 0; in counts, to 0.5.

    A cell of 0 has no error, and would make the others seem more exact than they are. No figure is over fewer than `least` such cells,
    and none is a maximum, which with the published values proves single cells. `cells` counts zeros too: how many they are is confidential.
    `moved_pct` is the share of the leaves published `before`, on an earlier day, whose value has changed since.
    """
    error, true = np.abs(leaves.sums(value - leaves.true)), leaves.sums(leaves.true)
    levels = []
    for table in grid.tables:
        here = error[table.cells][true[table.cells] > 0]
        if len(here) >= least:
            by = {d.name: level for d, level in zip(grid.dimensions, table.levels, strict=True)}
            sizes = {"mad": here.mean(), "rmsd": np.sqrt((here**2).mean()), "p95": np.quantile(here, 0.95)}
            levels.append({"by": by, "cells": table.size} | {name: _coarse(float(size)) for name, size in sizes.items()})
    moved = (value != before)[before != UNKNOWN]
    return {
        "base": leaves.base,
        "levels": levels,
        "moved_pct": _coarse(100 * float(moved.mean())) if len(moved) >= least else None,
    }


def _coarse(figure: float) -> float:
    return round(2 * figure) / 2
