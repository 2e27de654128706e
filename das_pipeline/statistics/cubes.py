"""The table `statistics/cubes`: confidential counts of events, the base of every published table."""

from __future__ import annotations

import duckdb

from das_pipeline import engine
from das_pipeline.chain import ChainModel, load_chain
from das_pipeline.deliveries import covered_until
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft
from das_pipeline.run import Run
from das_pipeline.statistics import judging
from das_pipeline.statistics.counting import counted_leaves, early_events, selected_events
from das_pipeline.statistics.loading import load_statistics
from das_pipeline.statistics.model import Cube, Statistics

EVENTS = "chain/events"
CONCEPTS = "terminology/concepts"


def build_cubes(run: Run, draft: Draft) -> list[Verdict]:
    """Write the base cubes to `draft`, one file a cube; return the verdicts F05 to F08.

    One row per leaf and period with events, as known on the run's date; a leaf without a row is 0. Confidential: true counts.
    Only accepted events count, from the chain's opening month to the month of the run's date. The fact `before_opening` has the events of
    each cube that are older; `covered_until` has how far the partners that report its events have delivered, by cube and partner.
    """
    chain, statistics = load_chain(run.jurisdiction), load_statistics(run.jurisdiction)
    events, concepts = run.lake.live(EVENTS), run.lake.live(CONCEPTS)
    with run.connect(confidential=True) as connection:
        for name in ("concepts", "hierarchies"):
            connection.execute(f"CREATE TEMP VIEW {name} AS SELECT * FROM {engine.parquet([concepts.path(f'{name}.parquet')])}")
        judging.create_tables(connection)
        before_opening: dict[str, int] = {}
        for cube in statistics.cubes:
            files = engine.parquet(events.path(unit.table) for unit in chain.units[cube.unit])
            connection.execute(f"CREATE OR REPLACE TEMP VIEW events AS SELECT * FROM {files}")
            query, bound = selected_events(cube, chain, run.as_of)
            connection.execute(f"CREATE OR REPLACE TEMP TABLE selected AS {query}", bound)
            draft.rows[f"{cube.name}.parquet"] = write_cube(connection, cube, draft)
            judging.take_in(connection, cube)
            query, bound = early_events(cube, chain, run.as_of)
            if early := int(engine.scalar(connection, f"SELECT COUNT(*) FROM ({query}) AS early", bound)):
                before_opening[cube.name] = early
        draft.facts |= {"opening_month": chain.opening_month.isoformat()[:7], "before_opening": before_opening}
        draft.facts["counted"] = _counted(connection, statistics)
        draft.facts["covered_until"] = {cube.name: _covered_until(run, chain, cube) for cube in statistics.cubes}
        return judging.judge_cubes(connection, statistics)


def _covered_until(run: Run, chain: ChainModel, cube: Cube) -> dict[str, str | None]:
    """Return the last reference date of every partner that reports events which the cube counts; None of one that never delivered."""
    partners = {unit.partner for unit in chain.units[cube.unit] if any(event.kind in cube.kinds for event in unit.reported)}
    return {partner: day.isoformat() if day else None for partner, day in covered_until(run, partners).items()}


def write_cube(connection: duckdb.DuckDBPyConnection, cube: Cube, draft: Draft) -> int:
    """Write the leaves of `cube`, from `selected`, and create the view `cube_<name>` on them; return their number."""
    query, bound = counted_leaves(cube)
    path = draft.path(f"{cube.name}.parquet")
    rows = engine.write_parquet(connection, query, path, order_by=", ".join([*cube.leaf, "period"]), encrypted=True, parameters=bound)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW cube_{cube.name} AS SELECT * FROM {engine.parquet([path])}")
    return rows


def _counted(connection: duckdb.DuckDBPyConnection, statistics: Statistics) -> dict[str, int]:
    """Return the total of every cube."""
    totals = dict(connection.execute("SELECT cube, CAST(SUM(n) AS BIGINT) FROM totals GROUP BY cube").fetchall())
    return {cube.name: totals.get(cube.name, 0) for cube in statistics.cubes}
