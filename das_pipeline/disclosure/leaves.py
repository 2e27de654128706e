"""The table `disclosure/leaves`: every base cube as protected leaves on its full grid, and the ledger entries for when it goes live."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from das_pipeline import engine
from das_pipeline.deliveries import is_real
from das_pipeline.disclosure import cubes
from das_pipeline.disclosure.family import Protected, hold_few_corrections, protect_cubes
from das_pipeline.disclosure.grid import Grid
from das_pipeline.disclosure.judging import judge
from das_pipeline.disclosure.ledger import (
    ENTRIES,
    LEDGER,
    Released,
    decisions,
    entries,
    leaf_names,
    leaf_period_names,
    past_of,
    read_ledger,
    write_entries,
)
from das_pipeline.disclosure.methods import cells_file, decide
from das_pipeline.disclosure.policy import checked_policy
from das_pipeline.disclosure.public_figures import load_public_figures, public_cells
from das_pipeline.disclosure.quality import quality
from das_pipeline.disclosure.report import ATTACKS, attack, attack_report, write_report
from das_pipeline.disclosure.rounding import Leaves, draw
from das_pipeline.errors import ConfigurationError, DasError
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft, canonical
from das_pipeline.periods import first_day, last_ended, month_after, months_later, period_of
from das_pipeline.policy import Disclosure
from das_pipeline.run import Run
from das_pipeline.statistics import Cube, Statistics, load_statistics, not_followed_from


def build_leaves(run: Run, draft: Draft) -> list[Verdict]:
    """Write the protected leaves of every cube, the entries for the ledger, `quality.json` and the report of attacks; return the verdicts.

    Inputs: statistics/cubes, terminology/concepts and, after the first release, disclosure/ledger.
    A row of `<cube>.parquet` is a leaf and period, with its value (a multiple of `base`) and whether it cannot occur. The grid is full.
    A table that chooses another method than rounding has its cells in `<table>.cells.parquet`, n null where it is not shown.
    """
    statistics = load_statistics(run.jurisdiction)
    policy = checked_policy(run.jurisdiction, statistics)
    with run.connect(confidential=True) as connection:
        ledger = read_ledger(connection, run.lake.current(LEDGER))
        counted = {
            cube.name: engine.read_table(connection, run.lake.live("statistics/cubes").path(f"{cube.name}.parquet"))
            for cube in statistics.cubes
        }
    hierarchies = cubes.Hierarchies.read(run.lake.live("terminology/concepts").path("hierarchies.parquet"), statistics.own_levels())
    others = decide(statistics, hierarchies, counted, policy, ledger, run.as_of)
    for table in (table for table in statistics.tables if table.method != "rounding"):
        cells = next(shown for shown in others if table.name in shown.tables).cells(table)
        pq.write_table(cells, draft.path(cells_file(table.name), cells.num_rows), compression="zstd")
    prepared = hold_few_corrections(_prepare(run, statistics, hierarchies, policy, counted, ledger), policy.corrections.leaves)
    protected = protect_cubes(prepared)
    for name, cube in protected.items():
        table = cubes.protected_table(cube.grid, cube.value, cube.leaves.base, cube.structural)
        pq.write_table(table, draft.path(f"{name}.parquet", table.num_rows), compression="zstd")
    decided = pa.concat_tables(
        [
            *(entries(n, p.grid, p.leaves.base, p.decided, p.value, p.leaves.true, p.closed) for n, p in sorted(protected.items())),
            *(shown.entries for shown in others),
        ]
    )
    with run.connect(confidential=True) as connection:
        draft.rows[ENTRIES] = write_entries(connection, decided, draft.path(ENTRIES))
    draft.derived.add(ENTRIES)  # encrypted: its bytes differ per write
    yesterday = run.as_of - timedelta(days=1)
    past = {name: past_of(ledger, name, cube.grid, cube.leaves.base, yesterday) for name, cube in protected.items()}
    least = policy.quality_cells.cells
    sheet = {name: quality(cube.grid, cube.leaves, cube.value, past[name].before, least) for name, cube in sorted(protected.items())}
    figures = load_public_figures(run.jurisdiction)
    outcomes = attack(protected, past, public_cells(figures, {name: cube.grid for name, cube in protected.items()}), policy)
    report = attack_report(protected, outcomes, figures, policy, others)
    with run.connect(confidential=True) as connection:
        draft.rows[ATTACKS] = write_report(connection, report, draft.path(ATTACKS))
    draft.derived.add(ATTACKS)
    draft.path("quality.json").write_bytes(canonical({"cubes": sheet}, indent=1))
    draft.facts.update({"cubes": len(protected), "leaves": sum(p.grid.size for p in protected.values()), "decided": decided.num_rows})
    declared = bool(run.lake.live("statistics/cubes").facts.get("is_simulated"))
    # One real delivery among simulated ones, and the figures are about real people.
    return judge(protected, draft.folder, policy, outcomes, others, is_simulated=declared and not is_real(run))


def _prepare(
    run: Run,
    statistics: Statistics,
    hierarchies: cubes.Hierarchies,
    policy: Disclosure,
    counted: Mapping[str, pa.Table],
    ledger: Released,
) -> dict[str, Protected]:
    """Every cube on its full grid, with its earlier decisions and keyed draws, before rounding."""
    starts = [
        month_after(first_day(period)) if cube.is_stock else first_day(period)  # the first stock is that of the end of the month before
        for cube in statistics.rounded
        for period in counted[cube.name]["period"].unique().to_pylist()
    ]
    if not starts and statistics.rounded:
        raise DasError("No cube counts anything, so there is nothing to protect: check statistics/cubes.")
    prepared = {}
    for cube in statistics.rounded:
        dimensions = [hierarchies.dimension(d, cube.scheme[d], level) for d, (_, level) in cube.leaf.items()]
        first = months_later(min(starts), -1) if cube.is_stock else min(starts)
        last = last_ended(cube.period, run.as_of) if cube.period in policy.when_ended.kinds else run.as_of
        if cube.follow_up:
            last = not_followed_from(run.as_of, cube.follow_up, cube.period) - timedelta(days=1)
            if last < first:
                continue  # nothing was followed for so long: its tables come with the first period of which everything was
        if last < first:
            raise DasError(
                f"The cube {cube.name} has no {cube.period} that has ended since {first}, and policy.yaml, disclosure.when_ended, lets it"
                " have no other: leave the cube out, or that kind, until then."
            )
        grid = Grid.of(dimensions, cubes.period_ladder(cubes.period_kinds(statistics, cube), first, last))
        known = counted[cube.name].filter(pc.field("period") <= period_of(last, cube.period))
        prepared[cube.name] = _on_grid(run, policy, cube, grid, known, ledger)
    return prepared


def _on_grid(run: Run, policy: Disclosure, cube: Cube, grid: Grid, counted: pa.Table, ledger: Released) -> Protected:
    if cubes.matching(grid, cube.name, policy.presence_sensitive).any():
        raise ConfigurationError(
            f"The cube {cube.name} has leaves that policy.yaml lists as presence_sensitive: pool their concept with another at its level."
        )
    base = policy.base_of(cube.name)
    previous = decisions(ledger, cube.name, grid, base, run.as_of)
    true = cubes.counts(counted, grid)
    movable = (true > 0) & ~previous.frozen
    of_stock = (name for name in leaf_names(grid) for _ in grid.dimensions[-1].concepts)  # a leaf of a stock is one through time
    of_draws = of_stock if cube.is_stock else leaf_period_names(grid)
    names = (name if can_move else None for name, can_move in zip(of_draws, movable, strict=True))
    leaves = Leaves.of(true, grid.cells(), grid.totals, previous, draw(run.keys.rounding, names, grid.size), base, policy.exchange.leaves)
    periods = grid.dimensions[-1].concepts
    closed = np.tile([policy.is_closed(int(p[:4]), run.as_of) for p in periods], grid.size // len(periods)) | previous.frozen
    structural = cubes.matching(grid, cube.name, policy.structural_zeros)
    return Protected(cube.name, cube.adds_up_to, grid, leaves, structural, closed, previous.value)
