"""What must be true of the base cubes: they are the events, counted again without any category, and they agree with each other."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from das_pipeline import engine
from das_pipeline.gate import Verdict
from das_pipeline.statistics.counting import PERIOD_TEXT
from das_pipeline.statistics.model import Cube, Statistics

TABLES = {
    "parts": "cube VARCHAR, dimension VARCHAR, category VARCHAR, period VARCHAR, n BIGINT",
    "totals": "cube VARCHAR, period VARCHAR, n BIGINT",
    "year_totals": "cube VARCHAR, year VARCHAR, n BIGINT",
    "cube_dimensions": "cube VARCHAR, dimension VARCHAR, scheme VARCHAR, level VARCHAR",
}
FILES = {"F05": "category_differences", "F06": "year_differences", "F08": "share_differences"}
TRUTHS = {
    "F05": ("categories_sum_to_total", "The categories of every dimension sum to the events counted without any, in every period"),
    "F06": ("months_sum_to_year", "Periods sum to the year and categories to the total of their scheme"),
    "F07": ("cubes_agree", "What two cubes share has one value, in every year"),
    "F08": ("shares_sum_to_one", "Shares lie between 0 and 1 and sum to 1 over every dimension"),
}


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """The relations that the rules read, empty."""
    for name, columns in TABLES.items():
        connection.execute(f"CREATE TEMP TABLE {name} ({columns})")


def take_in(connection: duckdb.DuckDBPyConnection, cube: Cube) -> None:
    """`cube` as the rules read it: its categories from its file, its totals from the events."""
    dimensions = [(d, d, cube.scheme[d], level) for d, (_, level) in cube.leaf.items()]
    for dimension, category, scheme, level in [*dimensions, ("total", "'all'", "", "total")]:
        connection.execute("INSERT INTO cube_dimensions VALUES (?, ?, ?, ?)", [cube.name, dimension, scheme, level])
        connection.execute(
            f"INSERT INTO parts SELECT $cube, $dimension, {category}, period, SUM(n) FROM cube_{cube.name} GROUP BY ALL",
            {"cube": cube.name, "dimension": dimension},
        )
    for table, period in (("totals", cube.period), ("year_totals", "year")):
        text = PERIOD_TEXT[period]
        connection.execute(f"INSERT INTO {table} SELECT $cube, {text}, COUNT(*) FROM selected GROUP BY {text}", {"cube": cube.name})


def judge_cubes(connection: duckdb.DuckDBPyConnection, statistics: Statistics) -> list[Verdict]:
    """F05, F06, F07 and F08 on the cubes that were taken in."""
    found = {rule: connection.execute(engine.sql(__package__, f"{file}.sql")).fetchall() for rule, file in FILES.items()}
    pairs = [(cube, statistics.cube(cube.adds_up_to)) for cube in statistics.cubes if cube.adds_up_to]
    found["F07"] = [(f"{a.name} and {b.name}", row) for a, b in pairs for row in connection.execute(shared_differences(a, b)).fetchall()]
    return [_verdict(rule, found[rule]) for rule in sorted(found)]


def shared_differences(cube: Cube, anchor: Cube) -> str:
    """SQL for the years and shared categories, at the coarser level of the two, in which `cube` is not what it adds up to."""
    shared = cube.leaf.keys() & anchor.leaf.keys()
    levels = {d: min(cube.levels[d], anchor.levels[d], key=len)[0] for d in shared}
    sides = [_rolled_up(side, levels) for side in (cube, anchor)]
    return f"""
WITH ours AS ({sides[0]}),
theirs AS ({sides[1]}),
differences AS ((SELECT * FROM ours EXCEPT SELECT * FROM theirs) UNION (SELECT * FROM theirs EXCEPT SELECT * FROM ours))
SELECT DISTINCT year FROM differences ORDER BY year"""


def _rolled_up(cube: Cube, levels: dict[str, str]) -> str:
    """The counts of `cube` by year and the nodes of `levels`."""
    names = sorted(levels)
    of_level = {d: f"{d}_of.scheme = '{cube.scheme[d]}' AND {d}_of.level = '{levels[d]}'" for d in names}
    joins = " ".join(f"JOIN hierarchies AS {d}_of ON {of_level[d]} AND {d}_of.leaf = c.{d}" for d in names)
    columns = "".join(f"{d}_of.node AS {d}, " for d in names)
    keys = "".join(f"{d}_of.node, " for d in names)
    year = "SUBSTR(c.period, 1, 4)"
    return f"SELECT {columns}{year} AS year, SUM(c.n) AS n FROM cube_{cube.name} AS c {joins} GROUP BY {keys}{year}"


def _verdict(rule: str, found: Sequence[tuple[object, ...]]) -> Verdict:
    name, truth = TRUTHS[rule]
    if not found:
        return Verdict(rule, name, passed=True, sentence=f"{truth}.", facts={"differences": 0})
    where = ", ".join(sorted({str(row[0]) for row in found}))
    mend = "Mend the hierarchies of their schemes, or materialise statistics/cubes again from the live events."
    return Verdict(
        rule, name, passed=False, sentence=f"{truth}, but not in {len(found)} cells of {where}. {mend}", facts={"differences": len(found)}
    )
