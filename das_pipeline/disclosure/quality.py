"""The cost of rounding: the error of the published cells by level, too coarse to reveal anything about one cell."""

from __future__ import annotations

from typing import Any

import numpy as np

from das_pipeline.disclosure.grid import Grid
from das_pipeline.disclosure.rounding import UNKNOWN, Ints, Leaves


def quality(grid: Grid, leaves: Leaves, value: Ints, before: Ints, least: int) -> dict[str, Any]:
    """Mean absolute, root mean squared and largest error of the cells of every level of one cube, in counts, rounded to 0.5.

    No figure is over fewer than `least` cells: the maximum over a single cell is its exact error. `moved_pct` is the share of the leaves
    published `before`, on an earlier day, whose value has changed since.
    """
    error = np.abs(leaves.sums(value - leaves.true))
    levels = []
    for table in grid.tables:
        if table.size >= least:
            here = error[table.cells]
            by = {d.name: level for d, level in zip(grid.dimensions, table.levels, strict=True)}
            sizes = {"mad": here.mean(), "rmsd": np.sqrt((here**2).mean()), "max": here.max()}
            levels.append({"by": by, "cells": table.size} | {name: _coarse(float(size)) for name, size in sizes.items()})
    moved = (value != before)[before != UNKNOWN]
    return {
        "base": leaves.base,
        "levels": levels,
        "moved_pct": _coarse(100 * float(moved.mean())) if len(moved) >= least else None,
    }


def _coarse(figure: float) -> float:
    return round(2 * figure) / 2
