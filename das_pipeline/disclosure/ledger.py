"""The release ledger: every decision that was ever published, one row per leaf decided in a release. Confidential, append-only.

It is an input of disclosure control, not a by-product: without it no leaf could be sticky. The decision in force for a leaf is the last
one. Versions are chained by the lake (each names the one before), and each adds one file to those it adopts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from das_pipeline.disclosure.cubes import positions
from das_pipeline.disclosure.grid import Grid
from das_pipeline.disclosure.rounding import Bools, Decisions, Ints
from das_pipeline.errors import LakeError
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft, Version
from das_pipeline.run import Run

LEDGER = "disclosure/ledger"
ENTRIES = "ledger_entries.parquet"
COLUMNS = {
    "cube": pa.string(),
    "leaf": pa.string(),  # "offence=theft|sex=male", dimensions by name; "" when a cube has none
    "period": pa.string(),
    "measure": pa.string(),
    "value": pa.int64(),
    "true_at_decision": pa.int64(),
    "base": pa.int16(),
    "frozen": pa.bool_(),  # its period was closed at this release
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
    """The canonical text of every leaf with its period: what its keyed draws are made from."""
    return (f"{name}|{period}" for name in leaf_names(grid) for period in grid.dimensions[-1].concepts)


def decisions(ledger: Version | None, cube: str, grid: Grid, base: int, until: date) -> Decisions:
    """The decision in force for every leaf of `grid` after the releases as of `until` or earlier.

    Decisions to another base no longer count: they are no multiples of this one.
    """
    found = Decisions.none(grid.size)
    periods = grid.dimensions[-1].concepts
    names = leaf_names(grid)
    if ledger is None:
        return found
    for release in ledger.facts["releases"]:
        if as_of(release) > until:
            continue
        rows = pq.read_table(ledger.path(_file(release)), filters=[("cube", "=", cube), ("base", "=", base)])
        leaf, period = positions(rows["leaf"], names), positions(rows["period"], periods)
        still = (leaf >= 0) & (period >= 0)
        at = leaf[still] * len(periods) + period[still]
        found.value[at] = rows["value"].to_numpy()[still]
        found.true[at] = rows["true_at_decision"].to_numpy()[still]
        found.frozen[at] = rows["frozen"].to_numpy(zero_copy_only=False)[still]
    return found


def as_of(release: str) -> date:
    """The date in the name of a release, "2025-12-31.1"."""
    return date.fromisoformat(release[:10])


def _file(release: str) -> str:
    return f"releases/{release}.parquet"


def entries(cube: str, grid: Grid, base: int, decided: Bools, value: Ints, true: Ints, frozen: Bools) -> pa.Table:
    """The rows to append when this candidate goes live: the leaves of `decided`."""
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


def append_ledger(run: Run, draft: Draft, release: str) -> list[Verdict]:
    """The ledger so far with the decisions of the candidate that goes live as `release`. Appending a release twice changes nothing."""
    leaves, ledger = run.lake.current("disclosure/leaves"), run.lake.current(LEDGER)
    if leaves is None:
        raise LakeError("disclosure/leaves has no live version yet: there is nothing to release.")
    known: list[str] = []
    if ledger is not None:
        draft.adopt(ledger)
        known = list(ledger.facts["releases"])
    if release not in known:
        if leaves.inputs.get(LEDGER) != (ledger.id if ledger else None):
            raise LakeError("The ledger has moved since this candidate was made: make disclosure/leaves and the candidate again.")
        rows = pq.read_table(leaves.path(ENTRIES))
        name = _file(release)
        stamped = rows.append_column("release", pa.array([release] * rows.num_rows, type=pa.string()))
        pq.write_table(stamped, draft.path(name, rows.num_rows), compression="zstd")
        known.append(release)
    files = len(draft.adopted) + len(list(draft.folder.rglob("*.parquet")))
    draft.facts["releases"] = known
    once = len(known) == len(set(known)) == files
    sentence = (
        f"The ledger holds {len(known)} releases, each once." if once else "The ledger's releases and files differ: restore it from backup."
    )
    return [Verdict("E03", "every_release_is_in_the_ledger_once", once, sentence, facts={"releases": len(known)})]
