"""The rules of this stage, judged on the written files and compared with the counts and earlier decisions they were made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from das_pipeline.disclosure.attacks import Gain
from das_pipeline.disclosure.deduction import Deduced
from das_pipeline.disclosure.family import Protected, anchor_of, shared_cells
from das_pipeline.disclosure.methods import Shown
from das_pipeline.disclosure.report import Outcomes
from das_pipeline.disclosure.rounding import UNKNOWN, Ints
from das_pipeline.gate import Verdict, share_exceeds
from das_pipeline.policy import Block, Deduction, Disclosure


def judge(
    protected: Mapping[str, Protected],
    folder: Path,
    policy: Disclosure,
    outcomes: Outcomes,
    others: Sequence[Shown] = (),
    *,
    is_simulated: bool = False,
) -> list[Verdict]:
    """The verdicts on the `<cube>.parquet` files in `folder`, and on what attacks on them gave."""
    written = {name: pq.read_table(folder / f"{name}.parquet") for name in protected}
    values = {name: table["value"].to_numpy().astype(np.int64) for name, table in written.items()}
    verdicts = [only_rounded_values(protected, written), full_grid(protected, written)]
    if not verdicts[1].passed:  # without the grid, values have no coordinates
        return verdicts
    kept = untouched_kept(protected, values, policy.moved_share)
    return [
        *verdicts,
        within_bounds(protected, values),
        closed_periods_kept(protected, values),
        kept,
        shared_cells_agree(protected, values),
        small_counts_stay_hidden(outcomes.gains, policy.attack, is_simulated=is_simulated),
        insiders_are_not_alone(outcomes.insider, policy, is_simulated=is_simulated),
        small_counts_cannot_be_computed(outcomes.deduced, policy.deduction, is_simulated=is_simulated),
        one_record_stays_hidden(outcomes.one_more, policy.one_record, is_simulated=is_simulated),
        other_counts_look_the_same(outcomes.apart),
        no_leaf_moves_alone(protected, outcomes.moved, policy.corrections.leaves, is_simulated=is_simulated),
        *([changed_counts_stay_hidden(others, policy.deduction)] if others else []),
    ]


def only_rounded_values(protected: Mapping[str, Protected], written: Mapping[str, pa.Table]) -> Verdict:
    """D01: every value is a multiple of its base, and no column can hold a true count."""
    faults = {}
    for name, cube in protected.items():
        table = written[name]
        expected = {*(d.name for d in cube.grid.dimensions), "period_kind", "measure", "value", "base", "structural"}
        value, base = table["value"].to_numpy(), table["base"].to_numpy()
        unrounded = (value % cube.leaves.base != 0) | (value < 0) | (base != cube.leaves.base)
        wrong = int(unrounded.sum()) + len(set(table.column_names) ^ expected)
        if wrong:
            faults[name] = wrong
    return _verdict("D01", faults, "Every leaf is a multiple of its base and no file has a true count")


def full_grid(protected: Mapping[str, Protected], written: Mapping[str, pa.Table]) -> Verdict:
    """D16: one row for every combination of concepts and period, in order: a missing row would distinguish a zero from a small count."""
    faults = {}
    for name, cube in protected.items():
        table = written[name]
        in_place = table.num_rows == cube.grid.size and all(
            table[d.name].combine_chunks().equals(pa.array(d.concepts).take(pa.array(at)))
            for d, at in zip(cube.grid.dimensions, cube.grid.coordinates(), strict=True)
        )
        if not in_place:
            faults[name] = 1
    return _verdict("D16", faults, "Every cube has one row for every leaf of its grid")


def within_bounds(protected: Mapping[str, Protected], values: Mapping[str, Ints]) -> Verdict:
    """D09: a leaf is less than one base off, and a zero is zero; in a cube that follows another, a few leaves may be almost two off."""
    faults, wide = {}, 0
    for name, cube in protected.items():
        off = np.abs(values[name] - cube.leaves.true)
        allowed = cube.leaves.base * (2 if cube.adds_up_to else 1)
        wrong = (
            (off >= allowed) & ~cube.leaves.previous.frozen | ((cube.leaves.true == 0) & (off > 0)) | (cube.structural & (values[name] > 0))
        )
        wide += int((off >= cube.leaves.base).sum())
        if wrong.any():
            faults[name] = int(wrong.sum())
    verdict = _verdict("D09", faults, "Every leaf is within one base of its count, or two to agree with another cube")
    verdict.facts["leaves_beyond_one_base"] = wide
    return verdict


def closed_periods_kept(protected: Mapping[str, Protected], values: Mapping[str, Ints]) -> Verdict:
    """D05: a leaf of a closed period has the value that was published at its closing."""
    faults = {}
    for name, cube in protected.items():
        moved = cube.leaves.previous.frozen & (values[name] != cube.leaves.previous.value)
        if moved.any():
            faults[name] = int(moved.sum())
    return _verdict("D05", faults, "Every leaf of a closed period is as published")


def untouched_kept(protected: Mapping[str, Protected], values: Mapping[str, Ints], limit: Block) -> Verdict:
    """D05: a leaf whose count is unchanged since its decision keeps its value, except the few that moved to agree with another cube."""
    faults, untouched = {}, 0
    for name, cube in protected.items():
        stays = ~cube.leaves.touched & (cube.leaves.previous.value != UNKNOWN)
        untouched += int(stays.sum())
        moved = int((stays & (values[name] != cube.leaves.previous.value)).sum())
        if moved:
            faults[name] = moved
    total = sum(faults.values())
    if total < limit.min_rows or total <= limit.block * untouched:
        faults = {}
    verdict = _verdict("D05", faults, "Leaves that nothing touched have kept their values")
    verdict.facts.update({"moved": total, "untouched": untouched})
    return verdict


def shared_cells_agree(protected: Mapping[str, Protected], values: Mapping[str, Ints]) -> Verdict:
    """D03: a cell that two cubes of one family share has the same value in both."""
    faults = {}
    for cube, other in combinations(protected.values(), 2):
        if anchor_of(protected, cube) != anchor_of(protected, other):
            continue
        _, mine, theirs = shared_cells(cube, other)
        apart = int((cube.leaves.sums(values[cube.name])[mine] != other.leaves.sums(values[other.name])[theirs]).sum())
        if apart:
            faults[f"{cube.name} and {other.name}"] = apart
    sentence = "Cubes that add up to one another agree on every cell that they share"
    return _verdict("D03", faults, sentence, "If they share a dimension that the cube they add up to lacks, chain them.")


def small_counts_stay_hidden(gains: Mapping[str, Gain | None], limit: Block, *, is_simulated: bool) -> Verdict:
    """D21: what a reader who knows the algorithm, and even how counts became values here, learns about small counts from their leaves.

    Simulated figures are of few persons, whom nobody can harm: of these it warns.
    """
    found = {name: gain for name, gain in gains.items() if gain is not None and gain.more >= limit.min_rows}
    faults = {name: gain.more for name, gain in found.items() if share_exceeds(gain.more, gain.small, limit.block, limit.min_rows)}
    sentence = f"Leaves make a reader sure of at most {100 * limit.block:g} % more of the small counts"
    verdict = _verdict("D21", faults, sentence, "These leaves are too small: pool concepts, drop a dimension, or count by a longer period.")
    verdict.facts["points"] = round(max((gain.points for gain in found.values()), default=0.0), 1)
    return replace(verdict, severity="warn" if is_simulated and not verdict.passed else None)


def insiders_are_not_alone(insider: Mapping[str, Sequence[tuple[int, int]]], policy: Disclosure, *, is_simulated: bool) -> Verdict:
    """D24: whoever knows one record of a leaf shown as 0, of a sensitive cube one to four, seldom knows them all.

    Of simulated figures it warns.
    """
    limit, faults = policy.insider.share, {}
    for name, by_known in insider.items():
        judged = by_known if name in policy.sensitive_cubes else by_known[:1]
        if wrong := sum(alone for alone, choices in judged if share_exceeds(alone, choices, limit, policy.attack.min_rows)):
            faults[name] = wrong
    sentence = f"At most {100 * limit:g} % of those who know a record of a leaf shown as 0 know that there is no other"
    verdict = _verdict("D24", faults, sentence, "These leaves are too small: pool concepts, drop a dimension, or count by a longer period.")
    return replace(verdict, severity="warn" if is_simulated and not verdict.passed else None)


def small_counts_cannot_be_computed(deduced: Mapping[str, Deduced], limit: Deduction, *, is_simulated: bool) -> Verdict:
    """D22: what follows about small counts from all cells, releases and figures of others together. Of simulated figures it warns."""
    faults = {}
    for name, found in deduced.items():
        guesses = found.guessed / found.small if found.small else 0.0
        wrong = found.exact
        wrong += found.narrow if share_exceeds(found.narrow, found.tried, limit.block, limit.min_rows) else 0
        wrong += found.estimated if share_exceeds(found.estimated, found.small, guesses + limit.above, limit.min_rows) else 0
        if wrong:
            faults[name] = wrong
    sentence = f"No small count can be computed: {sum(found.tried for found in deduced.values())} of them were tried"
    verdict = _verdict("D22", faults, sentence, "Leave out the cube or the cells that narrow it, or pool its concepts.")
    verdict.facts["tried"] = sum(found.tried for found in deduced.values())
    return replace(verdict, severity="warn" if is_simulated and not verdict.passed else None)


def changed_counts_stay_hidden(others: Sequence[Shown], limit: Deduction) -> Verdict:
    """D22: least squares over all cells of a table by cell key give few small counts."""
    faults = {}
    for shown in others:
        small, right, guessed = shown.estimated.small, shown.estimated.right, shown.estimated.guessed
        if share_exceeds(right, small, (guessed / small if small else 0.0) + limit.above, limit.min_rows):
            faults[shown.anchor] = right
    fix = "Raise disclosure.cell_key.variance, or publish fewer levels of this table."
    return _verdict("D22", faults, "An estimate from all cells of a table by cell key gets few small counts right", fix)


def one_record_stays_hidden(one_more: Mapping[str, tuple[int, int]], limit: Block, *, is_simulated: bool) -> Verdict:
    """D23: in few leaves does one more record move the value in the next release. Of simulated figures it warns."""
    faults = {name: moved for name, (moved, leaves) in one_more.items() if share_exceeds(moved, leaves, limit.block, limit.min_rows)}
    sentence = f"One more record moves at most {100 * limit.block:g} % of the leaves"
    verdict = _verdict("D23", faults, sentence, "Count by a longer period, or find what keeps the values of this cube far from its counts.")
    moved, leaves = (sum(numbers) for numbers in zip(*one_more.values(), strict=True))
    verdict.facts["moved_pct"] = round(100 * moved / leaves, 1) if leaves else 0.0
    return replace(verdict, severity="warn" if is_simulated and not verdict.passed else None)


def other_counts_look_the_same(apart: Mapping[str, int]) -> Verdict:
    """D23: other counts that the published values allow are published as the same values: these depend on nothing else."""
    faults = {name: leaves for name, leaves in apart.items() if leaves}
    return _verdict("D23", faults, "Other counts that the published values allow look the same", "A value depends on more than it may.")


def no_leaf_moves_alone(protected: Mapping[str, Protected], moved: Mapping[str, int], waiting: int, *, is_simulated: bool) -> Verdict:
    """D23: in no family is one leaf all that moved since the last release: it would be that of a single correction.

    Of simulated figures it warns, and where fewer than `waiting` corrections wait: then that many leaves have another count.
    """
    most: dict[str, int] = {}
    for name, cube in protected.items():
        anchor = anchor_of(protected, cube)
        most[anchor] = max(most.get(anchor, 0), moved[name])
    faults = {anchor: leaves for anchor, leaves in most.items() if leaves == 1}
    fix = "Let few corrections wait for more: disclosure.corrections."
    verdict = _verdict("D23", faults, "Where one leaf moved since the last release, others did too", fix)
    return replace(verdict, severity="warn" if (is_simulated or waiting > 1) and not verdict.passed else None)


def _verdict(rule: str, faults: Mapping[str, int], truth: str, fix: str = "") -> Verdict:
    facts: dict[str, int | float | str] = {"faults": sum(faults.values())}
    if not faults:
        return Verdict(rule, passed=True, sentence=f"{truth}.", facts=facts)
    where = ", ".join(f"{cube} ({count})" for cube, count in faults.items())
    return Verdict(rule, passed=False, sentence=f"Not true in {where}: {truth[0].lower()}{truth[1:]}. {fix}".rstrip(), facts=facts)
