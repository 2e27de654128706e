"""The table `statistics/cubes`: confidential counts of events, spells and persons, the base of every published table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb

from das_pipeline import engine, layered
from das_pipeline.chain import ChainModel, Unit, load_chain
from das_pipeline.deliveries import covered_until
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft, Version
from das_pipeline.periods import month_after, months, months_later, period_of
from das_pipeline.policy import load_policy
from das_pipeline.run import Run
from das_pipeline.statistics import judging
from das_pipeline.statistics.counting import Query, corrections, counted_leaves, early_events, selected_rows
from das_pipeline.statistics.loading import load_statistics
from das_pipeline.statistics.model import CLOSING, Cube, Statistics

EVENTS, SPELLS = "chain/events", "chain/spells"
CONCEPTS = "terminology/concepts"


def build_cubes(run: Run, draft: Draft) -> list[Verdict]:
    """Write the base cubes to `draft`, one file a cube; return the verdicts F01, F04 to F08 and F15.

    One row per leaf and period with anything in it, as known on the run's date; a leaf without a row is 0. Of a cube whose tables are
    protected by cell key a row has the sum of the keys of what it counts (`key`). Confidential: true counts.
    Only accepted events count, from the chain's opening month to the month of the run's date. The fact `before_opening` has the events of
    each cube that are older; `covered_until` has how far the partners that report its events have delivered, by cube and partner.
    """
    chain, statistics = load_chain(run.jurisdiction), load_statistics(run.jurisdiction)
    events, concepts = run.lake.live(EVENTS), run.lake.live(CONCEPTS)
    spells = run.lake.live(SPELLS) if any(cube.spell for cube in statistics.cubes) else None
    with run.connect(confidential=True) as connection:
        connection.execute(f"CREATE TEMP VIEW concepts AS SELECT * FROM {engine.parquet([concepts.path('concepts.parquet')])}")
        create_hierarchies(connection, statistics, concepts.path("hierarchies.parquet"))
        create_calendar(connection, chain, run.as_of)
        judging.create_tables(connection, statistics)
        before_opening: dict[str, int] = {}
        for cube in statistics.cubes:
            if cube.spell and spells:
                _create_view(connection, "spells", spells, chain.units[cube.unit])
            else:
                _create_view(connection, "events", events, _units(chain, cube))
            keyed = statistics.method_of(cube) == "cell_key"
            secret = f"cell key {run.keys.rounding.hex()}" if keyed else None
            _create_selected(connection, selected_rows(cube, chain, run.as_of, secret))
            draft.rows[f"{cube.name}.parquet"] = write_cube(connection, cube, draft, keyed=keyed)
            judging.take_in(connection, cube)
            if cube.part == CLOSING:
                _create_selected(connection, corrections(cube, chain, run.as_of))
                judging.take_in_corrections(connection, cube)
            if cube.type == "flow":
                query, bound = early_events(cube, chain, run.as_of)
                if early := int(engine.scalar(connection, f"SELECT COUNT(*) FROM ({query}) AS early", bound)):
                    before_opening[cube.name] = early
        draft.facts |= {"opening_month": chain.opening_month.isoformat()[:7], "before_opening": before_opening}
        draft.facts["counted"] = _counted(connection, statistics)
        draft.facts["covered_until"] = {cube.name: _covered_until(run, chain, cube) for cube in statistics.cubes}
        return judging.judge_cubes(connection, statistics, load_policy(run.jurisdiction).statistics)


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


def _units(chain: ChainModel, cube: Cube) -> list[Unit]:
    """Return the units whose events the cube needs: its own, and those that reach the states of a cohort."""
    others = {chain.unit_of(kind) for kinds in cube.states.values() for kind in kinds}
    return [unit for name in dict.fromkeys([cube.unit, *sorted(others)]) for unit in chain.units[name]]


def _create_view(connection: duckdb.DuckDBPyConnection, name: str, version: Version, units: Sequence[Unit]) -> None:
    rows = " UNION ALL ".join(f"SELECT * FROM {layered.relation(version, unit.table)}" for unit in units)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {rows}")


def _create_selected(connection: duckdb.DuckDBPyConnection, query: Query) -> None:
    text, bound = query
    connection.execute(f"CREATE OR REPLACE TEMP TABLE selected AS {text}", bound)


def _covered_until(run: Run, chain: ChainModel, cube: Cube) -> dict[str, str | None]:
    """Return the last reference date of every partner that reports events which the cube counts; None of one that never delivered."""
    kinds = {*cube.kinds, *(kind for listed in cube.states.values() for kind in listed)}
    partners = {unit.partner for unit in _units(chain, cube) if any(event.kind in kinds for event in unit.reported)}
    return {partner: day.isoformat() if day else None for partner, day in covered_until(run, partners).items()}


def write_cube(connection: duckdb.DuckDBPyConnection, cube: Cube, draft: Draft, *, keyed: bool = False) -> int:
    """Create the table `cube_<name>` of the leaves of `cube`, from `selected`, and write it; return the number of leaves."""
    query, bound = counted_leaves(cube, keyed=keyed)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE cube_{cube.name} AS {query}", bound)
    order = ", ".join([*cube.leaf, "period"])
    return engine.write_parquet(
        connection, f"SELECT * FROM cube_{cube.name}", draft.path(f"{cube.name}.parquet"), order_by=order, encrypted=True
    )


def _counted(connection: duckdb.DuckDBPyConnection, statistics: Statistics) -> dict[str, int]:
    """Return the total of every cube."""
    totals = dict(connection.execute("SELECT cube, CAST(SUM(n) AS BIGINT) FROM totals GROUP BY cube").fetchall())
    return {cube.name: totals.get(cube.name, 0) for cube in statistics.cubes}
