"""The release ledger: every decision ever published, one row per leaf decided in a release. It is confidential and append-only.

It is an input of disclosure control, not a by-product: without it no leaf could keep its value. The last decision on a leaf is the one in
force. The lake chains the versions (each names the preceding one), and each adds one file to those it adopts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from das_pipeline import engine
from das_pipeline.disclosure.cubes import positions
from das_pipeline.disclosure.grid import Grid
from das_pipeline.disclosure.rounding import UNKNOWN, Bools, Decisions, Ints
from das_pipeline.lake import Version

LEDGER = "disclosure/ledger"
ENTRIES = "ledger_entries.parquet"
Released = Mapping[str, pa.Table]  # release -> its entries, oldest first
COLUMNS = {
    "cube": pa.string(),
    "leaf": pa.string(),  # "offence=theft|sex=male", dimensions by name; "" when a cube has none
    "period": pa.string(),
    "measure": pa.string(),
    "value": pa.int64(),
    "true_at_decision": pa.int64(),
    "base": pa.int16(),
    "frozen": pa.bool_(),  # whether its period was closed at this release
}


def leaf_names(grid: Grid) -> list[str]:
    """The canonical text of every leaf, without its period, in the grid's order."""
    *dimensions, _ = grid.dimensions
    names = [""]
    for dimension in dimensions:
        names = [
            f"{name}|{dimension.name}={concept}" if name else f"{dimension.name}={concept}"
            for name in names
            for concept in dimension.concepts
        ]
    return names


def leaf_period_names(grid: Grid) -> Iterator[str]:
    """The canonical text of every leaf with its period, from which its keyed draws are made."""
    return (f"{name}|{period}" for name in leaf_names(grid) for period in grid.dimensions[-1].concepts)


def read_ledger(connection: duckdb.DuckDBPyConnection, ledger: Version | None) -> Released:
    """The entries of every release in `ledger`, oldest first; empty before the first release."""
    releases = ledger.facts["releases"] if ledger is not None else []
    return {release: engine.read_table(connection, ledger.path(ledger_file(release))) for release in releases if ledger is not None}


def decisions(ledger: Released, cube: str, grid: Grid, base: int, until: date) -> Decisions:
    """The decision in force for every leaf of `grid`, from the releases as of `until` or earlier.

    Decisions with another base no longer count: they are not multiples of this one.
    """
    last = deque(_after_each_release(ledger, cube, grid, base, until), maxlen=1)
    return last[0] if last else Decisions.none(grid.size)


@dataclass(frozen=True)
class Past:
    """What was published of every leaf: the last value (UNKNOWN: none), the sum of all values, and in how many releases it had one."""

    before: Ints
    total: Ints
    releases: Ints

    @classmethod
    def none(cls, leaves: int) -> Past:
        return cls(np.full(leaves, UNKNOWN), np.zeros(leaves, dtype=np.int64), np.zeros(leaves, dtype=np.int64))


def past_of(ledger: Released, cube: str, grid: Grid, base: int, until: date) -> Past:
    """What the releases as of `until` or earlier published of every leaf of `grid`."""
    past = Past.none(grid.size)
    for in_force in _after_each_release(ledger, cube, grid, base, until):
        has = in_force.value != UNKNOWN
        past.before[:] = in_force.value
        past.total[has] += in_force.value[has]
        past.releases[has] += 1
    return past


def _after_each_release(ledger: Released, cube: str, grid: Grid, base: int, until: date) -> Iterator[Decisions]:
    """The decisions in force after each release as of `until` or earlier: the same arrays, changed in place."""
    in_force = Decisions.none(grid.size)
    periods = grid.dimensions[-1].concepts
    names = leaf_names(grid)
    for release, entries_then in ledger.items():
        if as_of(release) > until:
            continue
        rows = entries_then.filter((pc.field("cube") == cube) & (pc.field("base") == base))
        leaf, period = positions(rows["leaf"], names), positions(rows["period"], periods)
        still = (leaf >= 0) & (period >= 0)
        at = leaf[still] * len(periods) + period[still]
        in_force.value[at] = rows["value"].to_numpy()[still]
        in_force.true[at] = rows["true_at_decision"].to_numpy()[still]
        in_force.frozen[at] = rows["frozen"].to_numpy(zero_copy_only=False)[still]
        yield in_force


def as_of(release: str) -> date:
    """The date in the name of a release, "2025-12-31.1"."""
    return date.fromisoformat(release[:10])


def ledger_file(release: str) -> str:
    """The file of a release in the ledger."""
    return f"releases/{release}.parquet"


def write_entries(connection: duckdb.DuckDBPyConnection, rows: pa.Table, path: Path) -> int:
    """Write entries for the ledger, encrypted since they hold true counts; return their number."""
    connection.register("entries", rows)
    try:
        return engine.write_parquet(connection, "SELECT * FROM entries", path, order_by="cube, leaf, period", encrypted=True)
    finally:
        connection.unregister("entries")


def entries(cube: str, grid: Grid, base: int, decided: Bools, value: Ints, true: Ints, frozen: Bools) -> pa.Table:
    """The rows to append when this candidate goes live: those of the leaves in `decided`."""
    at = np.flatnonzero(decided)
    leaf, period = np.divmod(at, len(grid.dimensions[-1].concepts))
    columns = {
        "cube": pa.array([cube] * len(at)),
        "leaf": pa.array(leaf_names(grid)).take(pa.array(leaf)),
        "period": pa.array(grid.dimensions[-1].concepts).take(pa.array(period)),
        "measure": pa.array(["n"] * len(at)),
        "value": value[at],
        "true_at_decision": true[at],
        "base": np.full(len(at), base, dtype=np.int16),
        "frozen": frozen[at],
    }
    return pa.table(columns, schema=pa.schema(COLUMNS))
