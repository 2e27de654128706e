"""The table `statistics/cubes`: confidential counts of events, spells and persons, the base of every published table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import duckdb

from das_pipeline import engine
from das_pipeline.chain import ChainModel, load_chain
from das_pipeline.deliveries import covered_until
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft
from das_pipeline.periods import month_after, months, months_later, period_of
from das_pipeline.policy import load_policy
from das_pipeline.run import Run
from das_pipeline.statistics import judging
from das_pipeline.statistics.base import CONCEPTS, TOTALS, Base, Side, added_up, find_base, keep_base, units_of, whole
from das_pipeline.statistics.counting import Query, corrections, counted_leaves, early_events, selected_rows
from das_pipeline.statistics.loading import load_statistics
from das_pipeline.statistics.model import CLOSING, Cube, Statistics


def build_cubes(run: Run, draft: Draft) -> list[Verdict]:
    """Write the base cubes to `draft`, one file a cube; return the verdicts F01, F04 to F08 and F15.

    One row per leaf and period with anything in it, as known on the run's date; a leaf without a row is 0. Of a cube whose tables are
    protected by cell key a row has the sum of the keys of what it counts (`key`). Confidential: true counts.
    Only accepted events count, from the chain's opening month to the month of the run's date. The fact `before_opening` has the events of
    each cube that are older; `covered_until` has how far the partners that report its events have delivered, by cube and partner.
    What no day since touched is not counted again: see `base`.
    """
    chain, statistics = load_chain(run.jurisdiction), load_statistics(run.jurisdiction)
    with run.connect(confidential=True) as connection:
        concepts = run.lake.live(CONCEPTS)
        connection.execute(f"CREATE TEMP VIEW concepts AS SELECT * FROM {engine.parquet([concepts.path('concepts.parquet')])}")
        create_hierarchies(connection, statistics, concepts.path("hierarchies.parquet"))
        create_calendar(connection, chain, run.as_of)
        judging.create_tables(connection, statistics)
        base = find_base(run, draft, chain, statistics)
        sides = base.sides(connection, run, chain, statistics) if base else [whole(run, chain)]
        before_opening: dict[str, int] = {}
        for cube in statistics.cubes:
            keyed = statistics.method_of(cube) == "cell_key"
            secret = f"cell key {run.keys.rounding.hex()}" if keyed else None
            _select(connection, sides, cube, lambda as_of, cube=cube, secret=secret: selected_rows(cube, chain, as_of, secret))
            write_cube(connection, cube, draft, base, keyed=keyed)
            judging.take_in(connection, cube)
            if cube.part == CLOSING:
                _select(connection, sides, cube, lambda as_of, cube=cube: corrections(cube, chain, as_of))
                judging.take_in_corrections(connection, cube, base.relation(f"corrections/{cube.statistic}.parquet") if base else None)
            if cube.type == "flow":
                _select(connection, sides, cube, lambda as_of, cube=cube: early_events(cube, chain, as_of))
                early = int(engine.scalar(connection, "SELECT COALESCE(SUM(n), 0) FROM selected"))
                if early := early + (base.before_opening.get(cube.name, 0) if base else 0):
                    before_opening[cube.name] = early
        if base:
            judging.add_totals(connection, {table: base.relation(f"totals/{table}.parquet") for table in TOTALS})
        draft.facts |= {"opening_month": chain.opening_month.isoformat()[:7], "before_opening": before_opening}
        draft.facts["counted"] = _counted(connection, statistics)
        draft.facts["covered_until"] = {cube.name: _covered_until(run, chain, cube) for cube in statistics.cubes}
        keep_base(connection, run, draft, chain, statistics, base)
        return judging.judge_cubes(connection, statistics, run.as_of, load_policy(run.jurisdiction).statistics)


def create_hierarchies(connection: duckdb.DuckDBPyConnection, statistics: Statistics, path: Path) -> None:
    """Create the view `hierarchies` on those of the terminology in `path` and those of the cubes' own dimensions."""
    engine.create_table(connection, "own_levels", "scheme VARCHAR, level VARCHAR, leaf VARCHAR, node VARCHAR", statistics.own_levels())
    columns = "scheme, level, leaf, node"
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW hierarchies AS SELECT {columns} FROM {engine.parquet([path])}"
        f" UNION ALL SELECT {columns} FROM own_levels"
    )


def create_calendar(connection: duckdb.DuckDBPyConnection, chain: ChainModel, as_of: date) -> None:
    """Create `stock_months`, each with the next, from the month before the opening month to that of `as_of`; and `turn_roles`."""
    days = months(months_later(chain.opening_month, -1), as_of)
    rows = [(day, period_of(day, "month"), period_of(month_after(day), "month")) for day in days]
    engine.create_table(connection, "stock_months", "month DATE, period VARCHAR, next_period VARCHAR", rows)
    engine.create_table(connection, "turn_roles", "spell VARCHAR, kind VARCHAR, role VARCHAR", chain.roles())


def _select(connection: duckdb.DuckDBPyConnection, sides: Sequence[Side], cube: Cube, query_on: Callable[[date], Query]) -> None:
    """Create `selected` (occurred_on, columns of the leaf, n): what the query counts of every side, with the side's sign."""
    for place, side in enumerate(sides):
        side.create_view(connection, cube)
        text, bound = query_on(side.as_of)
        made = f"CREATE OR REPLACE TEMP TABLE selected AS {text}" if not place else f"INSERT INTO selected {text}"
        if side.sign < 0:
            made = f"CREATE OR REPLACE TEMP TABLE selected AS SELECT * REPLACE (-n AS n) FROM ({text})"
        connection.execute(made, bound)


def _covered_until(run: Run, chain: ChainModel, cube: Cube) -> dict[str, str | None]:
    """Return the last reference date of every partner that reports events which the cube counts; None of one that never delivered."""
    kinds = {*cube.kinds, *(kind for listed in cube.states.values() for kind in listed)}
    partners = {unit.partner for unit in units_of(chain, cube) if any(event.kind in kinds for event in unit.reported)}
    return {partner: day.isoformat() if day else None for partner, day in covered_until(run, partners).items()}


def write_cube(connection: duckdb.DuckDBPyConnection, cube: Cube, draft: Draft, base: Base | None, *, keyed: bool = False) -> None:
    """Create the table `cube_<name>` of the leaves of `cube`, from `selected`, and those of `base` if there is one, and write it."""
    query, bound = counted_leaves(cube, keyed=keyed)
    name = f"{cube.name}.parquet"
    if base:
        query = added_up(f"SELECT * FROM {base.relation(name)} UNION ALL ({query})", [*cube.leaf, "period_kind", "period"])
    connection.execute(f"CREATE OR REPLACE TEMP TABLE cube_{cube.name} AS {query}", bound)
    order = ", ".join([*cube.leaf, "period"])
    draft.rows[name] = engine.write_parquet(connection, f"SELECT * FROM cube_{cube.name}", draft.path(name), order_by=order, encrypted=True)


def _counted(connection: duckdb.DuckDBPyConnection, statistics: Statistics) -> dict[str, int]:
    """Return the total of every cube."""
    totals = dict(connection.execute("SELECT cube, CAST(SUM(n) AS BIGINT) FROM totals GROUP BY cube").fetchall())
    return {cube.name: totals.get(cube.name, 0) for cube in statistics.cubes}
