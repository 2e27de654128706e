"""The rules of this stage, judged on the files as written, against the counts and earlier decisions they were made from."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from das_pipeline.disclosure.family import Protected, shared_cells
from das_pipeline.disclosure.rounding import UNKNOWN, Ints
from das_pipeline.gate import Verdict
from das_pipeline.policy import Block


def judge(made: Mapping[str, Protected], folder: Path, moved_share: Block) -> list[Verdict]:
    """The verdicts on the `<cube>.parquet` files in `folder`."""
    written = {name: pq.read_table(folder / f"{name}.parquet") for name in made}
    values = {name: table["value"].to_numpy().astype(np.int64) for name, table in written.items()}
    verdicts = [only_rounded_values(made, written), full_grid(made, written)]
    if not verdicts[1].passed:  # without the grid no value has a place
        return verdicts
    kept = untouched_kept(made, values, moved_share)
    return [*verdicts, within_bounds(made, values), closed_periods_kept(made, values), kept, shared_cells_agree(made, values)]


def only_rounded_values(made: Mapping[str, Protected], written: Mapping[str, pa.Table]) -> Verdict:
    """D01: every value is a multiple of its base, and no column could hold a true count."""
    faults = {}
    for name, one in made.items():
        table = written[name]
        expected = {*(d.name for d in one.grid.dimensions), "period_kind", "measure", "value", "base", "structural"}
        value, base = table["value"].to_numpy(), table["base"].to_numpy()
        unrounded = (value % one.leaves.base != 0) | (value < 0) | (base != one.leaves.base)
        wrong = int(unrounded.sum()) + len(set(table.column_names) ^ expected)
        if wrong:
            faults[name] = wrong
    return _verdict("D01", faults, "Every leaf is a multiple of its base and no file has a true count")


def full_grid(made: Mapping[str, Protected], written: Mapping[str, pa.Table]) -> Verdict:
    """D16: one row for every combination of concepts and period, in order: an absent row would tell a zero from a small count."""
    faults = {}
    for name, one in made.items():
        table = written[name]
        in_place = table.num_rows == one.grid.size and all(
            table[d.name].combine_chunks().equals(pa.array(d.concepts).take(pa.array(at)))
            for d, at in zip(one.grid.dimensions, one.grid.coordinates(), strict=True)
        )
        if not in_place:
            faults[name] = 1
    return _verdict("D16", faults, "Every cube has one row for every leaf of its grid")


def within_bounds(made: Mapping[str, Protected], values: Mapping[str, Ints]) -> Verdict:
    """D09: a leaf is less than one base off, a zero is zero; cubes that follow another may be less than two off in a few leaves."""
    faults, wide = {}, 0
    for name, one in made.items():
        off = np.abs(values[name] - one.leaves.true)
        allowed = one.leaves.base * (2 if one.adds_up_to else 1)
        wrong = (
            (off >= allowed) & ~one.leaves.previous.frozen | ((one.leaves.true == 0) & (off > 0)) | (one.structural & (values[name] > 0))
        )
        wide += int((off >= one.leaves.base).sum())
        if wrong.any():
            faults[name] = int(wrong.sum())
    verdict = _verdict("D09", faults, "Every leaf is within one base of its count, or two to agree with another cube")
    verdict.facts["leaves_beyond_one_base"] = wide
    return verdict


def closed_periods_kept(made: Mapping[str, Protected], values: Mapping[str, Ints]) -> Verdict:
    """D05: a leaf of a closed period has the value that was published at closing."""
    faults = {}
    for name, one in made.items():
        moved = one.leaves.previous.frozen & (values[name] != one.leaves.previous.value)
        if moved.any():
            faults[name] = int(moved.sum())
    return _verdict("D05", faults, "Every leaf of a closed period is as published")


def untouched_kept(made: Mapping[str, Protected], values: Mapping[str, Ints], limit: Block) -> Verdict:
    """D05: a leaf whose count is the one it was decided on has kept its value, but for the few that agreement with another cube moved."""
    faults, untouched = {}, 0
    for name, one in made.items():
        stays = ~one.leaves.touched & (one.leaves.previous.value != UNKNOWN)
        untouched += int(stays.sum())
        moved = int((stays & (values[name] != one.leaves.previous.value)).sum())
        if moved:
            faults[name] = moved
    total = sum(faults.values())
    if total < limit.min_rows or total <= limit.block * untouched:
        faults = {}
    verdict = _verdict("D05", faults, "Leaves that nothing touched have kept their values")
    verdict.facts.update({"moved": total, "untouched": untouched})
    return verdict


def shared_cells_agree(made: Mapping[str, Protected], values: Mapping[str, Ints]) -> Verdict:
    """D03: a cell that two cubes of one family have is equal in both."""
    faults = {}
    for one, other in combinations(made.values(), 2):
        if _anchor(made, one) != _anchor(made, other):
            continue
        _, mine, theirs = shared_cells(one, other)
        apart = int((one.leaves.sums(values[one.name])[mine] != other.leaves.sums(values[other.name])[theirs]).sum())
        if apart:
            faults[f"{one.name} and {other.name}"] = apart
    sentence = "Cubes that add up to one another agree on every cell that they share"
    return _verdict("D03", faults, sentence, "If they share a dimension that the cube they add up to lacks, chain them.")


def _anchor(made: Mapping[str, Protected], one: Protected) -> str:
    while one.adds_up_to is not None:
        one = made[one.adds_up_to]
    return one.name


def _verdict(rule: str, faults: Mapping[str, int], truth: str, mend: str = "") -> Verdict:
    facts: dict[str, int | float | str] = {"faults": sum(faults.values())}
    if not faults:
        return Verdict(rule, passed=True, sentence=f"{truth}.", facts=facts)
    where = ", ".join(f"{cube} ({count})" for cube, count in faults.items())
    return Verdict(rule, passed=False, sentence=f"Not true in {where}: {truth[0].lower()}{truth[1:]}. {mend}".rstrip(), facts=facts)
