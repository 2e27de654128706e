"""A small family of cubes: crimes by month and group, and by year, class and sex, which adds up to the first."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

from das_pipeline.disclosure.cubes import period_ladder
from das_pipeline.disclosure.family import Protected, hold_few_corrections, protect_cubes
from das_pipeline.disclosure.grid import Dimension, Grid, ladder
from das_pipeline.disclosure.ledger import leaf_period_names
from das_pipeline.disclosure.rounding import Decisions, Leaves, draw

KEY = b"\x07" * 32
BASE = 5
EXCHANGE = 16
FIRST, LAST = date(2023, 1, 1), date(2024, 6, 30)
CLASSES = {"theft": "property", "burglary": "property", "assault": "violence", "threat": "violence", "unknown": "other"}
SEXES = ("female", "male")


def flat(name: str, concepts: tuple[str, ...] | list[str]) -> Dimension:
    return ladder(name, [(name, {c: c for c in concepts}), ("total", dict.fromkeys(concepts, "all"))])


def month_grid() -> Grid:
    groups = sorted(set(CLASSES.values()))
    offence = ladder("offence", [("group", {g: g for g in groups}), ("total", dict.fromkeys(groups, "all"))])
    return Grid.of([offence], period_ladder(["month", "year"], FIRST, LAST))


def year_grid() -> Grid:
    offence = ladder("offence", [("class", {c: c for c in CLASSES}), ("group", CLASSES), ("total", dict.fromkeys(CLASSES, "all"))])
    return Grid.of([offence, flat("sex", SEXES)], period_ladder(["year"], FIRST, LAST))


def counts_of(records: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The true counts of both cubes from `records`, a count by class (as sorted), sex and month."""
    classes = sorted(CLASSES)
    groups = sorted(set(CLASSES.values()))
    by_group = np.zeros((len(groups), records.shape[2]), dtype=np.int64)
    for number, name in enumerate(classes):
        by_group[groups.index(CLASSES[name])] += records[number].sum(axis=0)
    by_year = np.stack([records[:, :, :12].sum(axis=2), records[:, :, 12:].sum(axis=2)], axis=2)
    return by_group.ravel(), by_year.ravel()


def prepared(
    grid: Grid, true: NDArray[np.int64], name: str, adds_up_to: str | None, previous: Decisions | None = None, key: bytes = KEY
) -> Protected:
    previous = previous or Decisions.none(grid.size)
    leaves = Leaves.of(true, grid.cells(), grid.totals, previous, draw(key, leaf_period_names(grid), grid.size), BASE, EXCHANGE)
    none = np.zeros(grid.size, dtype=bool)
    return Protected(name, adds_up_to, grid, leaves, none, previous.frozen, previous.value)


def family(records: NDArray[np.int64], before: dict[str, Protected] | None = None, least_corrected: int = 1) -> dict[str, Protected]:
    """Both cubes rounded, after the release of `before`; fewer than `least_corrected` corrections wait."""
    month, year = counts_of(records)
    previous = {name: Decisions(p.value, p.leaves.true, p.leaves.previous.frozen) for name, p in (before or {}).items()}
    cubes = {
        "crimes": prepared(month_grid(), month, "crimes", None, previous.get("crimes")),
        "crimes_year": prepared(year_grid(), year, "crimes_year", "crimes", previous.get("crimes_year")),
    }
    return protect_cubes(hold_few_corrections(cubes, least_corrected))
