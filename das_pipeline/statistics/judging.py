"""What must be true of the base cubes (F01, F04 to F08, F15): they equal what is counted again without any category, and agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import duckdb

from das_pipeline import engine
from das_pipeline.gate import Verdict, share_exceeds
from das_pipeline.periods import period_of
from das_pipeline.policy import HalfFull, WarnAndBlock
from das_pipeline.policy import Statistics as Limits
from das_pipeline.statistics.base import added_up
from das_pipeline.statistics.counting import PERIOD_TEXT, counted_leaves, not_followed_from
from das_pipeline.statistics.model import CLOSING, INFLOW, OUTFLOW, STATE, Cube, Statistics

TABLES = {
    "parts": "cube VARCHAR, dimension VARCHAR, category VARCHAR, period VARCHAR, n BIGINT",
    "totals": "cube VARCHAR, period VARCHAR, n BIGINT",
    "year_totals": "cube VARCHAR, year VARCHAR, n BIGINT",
    "cube_dimensions": "cube VARCHAR, dimension VARCHAR, scheme VARCHAR, level VARCHAR",
}
FILES = {"F05": "category_differences", "F06": "year_differences", "F08": "share_differences"}
TRUTHS = {
    "F01": "Opening + inflow - outflow + corrections = closing stock, in every leaf and month",
    "F05": "The categories of every dimension sum to the events counted without any, in every period",
    "F06": "Periods sum to the year and categories to the total of their scheme",
    "F07": "What two cubes share has one value, in every year",
    "F08": "Shares lie between 0 and 1 and sum to 1 over every dimension",
}


def create_tables(connection: duckdb.DuckDBPyConnection, statistics: Statistics) -> None:
    """Create the tables that the rules read: the dimensions of every cube, and the counts, empty."""
    dimensions = [(cube.name, d, cube.scheme[d], level) for cube in statistics.cubes for d, (_, level) in cube.leaf.items()]
    dimensions += [(cube.name, "total", "", "total") for cube in statistics.cubes]
    for name, columns in TABLES.items():
        engine.create_table(connection, name, columns, dimensions if name == "cube_dimensions" else [])


def take_in(connection: duckdb.DuckDBPyConnection, cube: Cube) -> None:
    """Add `cube` to the tables that the rules read: its categories from its leaves, its totals from what was selected."""
    categories = {dimension: dimension for dimension in cube.leaf} | {"total": "'all'"}
    parts = " UNION ALL ".join(
        f"SELECT $cube, '{dimension}', {category}, period, SUM(n) FROM cube_{cube.name} GROUP BY {category}, period"
        for dimension, category in categories.items()
    )
    connection.execute(f"INSERT INTO parts {parts}", {"cube": cube.name})
    for table, period in (("totals", cube.period), ("year_totals", "year")):
        text = PERIOD_TEXT[period]
        connection.execute(f"INSERT INTO {table} SELECT $cube, {text}, SUM(n) FROM selected GROUP BY {text}", {"cube": cube.name})


def add_totals(connection: duckdb.DuckDBPyConnection, base: Mapping[str, str]) -> None:
    """Bring `totals` and `year_totals`, which have what changed, to those of all: with the rows of the `base`, by table."""
    for table, relation in base.items():
        *names, _ = (column.split()[0] for column in TABLES[table].split(", "))
        rows = added_up(f"SELECT * FROM {relation} UNION ALL SELECT * FROM {table}", names)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {rows}")


def take_in_corrections(connection: duckdb.DuckDBPyConnection, cube: Cube, base: str | None) -> None:
    """Create `corrections_<statistic>`, the moves between the leaves of the stock `cube` by month: of `selected`, and of the base."""
    query, bound = counted_leaves(cube)
    if base:
        query = added_up(f"SELECT * FROM {base} UNION ALL ({query})", [*cube.leaf, "period_kind", "period"])
    connection.execute(f"CREATE OR REPLACE TEMP TABLE corrections_{cube.statistic} AS {query}", bound)


def judge_cubes(connection: duckdb.DuckDBPyConnection, statistics: Statistics, as_of: date, limits: Limits) -> list[Verdict]:
    """Return F01, F04 to F08 and F15 on the cubes that were taken in, as known on `as_of`."""
    differences: dict[str, list[tuple[object, ...]]] = {
        rule: connection.execute(engine.sql(__package__, f"{file}.sql")).fetchall() for rule, file in FILES.items()
    }
    pairs = [(cube, statistics.cube(cube.adds_up_to)) for cube in statistics.cubes if cube.adds_up_to]
    differences["F07"] = [
        (f"{a.name} and {b.name}", row) for a, b in pairs for row in connection.execute(*shared_differences(a, b, as_of)).fetchall()
    ]
    stocks = [cube for cube in statistics.cubes if cube.part == CLOSING]
    differences["F01"] = [
        (stock.statistic, row) for stock in stocks for row in connection.execute(balance_differences(stock, statistics)).fetchall()
    ]
    return [
        *(_verdict(rule, differences[rule]) for rule in sorted(differences)),
        handovers_arrive(connection, statistics, limits.not_received),
        series_start_full(connection, limits.half_full),
    ]


def handovers_arrive(connection: duckdb.DuckDBPyConnection, statistics: Statistics, limit: WarnAndBlock) -> Verdict:
    """F04: of what a partner sends to another, little is still not received after the longest follow-up of its cohort."""
    facts: dict[str, int | float | str] = {}
    odd, blocks = [], False
    for name, sent_to in {cube.statistic: cube.sent_to for cube in statistics.cubes if cube.sent_to}.items():
        cubes = [cube for cube in statistics.cubes if cube.statistic == name]
        (_, early, _), (sent, missing, months) = (_not_received(connection, cube) for cube in (cubes[0], cubes[-1]))
        facts |= {f"{name}_sent": sent, f"{name}_late": max(early - missing, 0), f"{name}_not_found": missing}
        if share_exceeds(missing, sent, limit.warn, limit.min_rows):
            blocks |= share_exceeds(missing, sent, limit.block, limit.min_rows)
            odd.append(f"{missing} of {sent} sent to {sent_to} were not received after {months} months ({name})")
    sentence = "What partners send to each other arrives."
    if odd:
        sentence = (
            f"{'; '.join(odd)}. Ask the receiver for the missing deliveries, or look at the references by which its cases are linked."
        )
    return Verdict("F04", not odd, sentence, severity="block" if blocks or not odd else "warn", facts=facts)


def _not_received(connection: duckdb.DuckDBPyConnection, cube: Cube) -> tuple[int, int, int]:
    """Return how many units were sent long enough ago, how many of them have not arrived after the cube's follow-up, and its months."""
    counts = dict(connection.execute(f"SELECT {STATE}, CAST(SUM(n) AS BIGINT) FROM cube_{cube.name} GROUP BY {STATE}").fetchall())
    return sum(counts.values()), counts.get(next(iter(cube.states)), 0), cube.follow_up


def series_start_full(connection: duckdb.DuckDBPyConnection, limit: HalfFull) -> Verdict:
    """F15: no cube by month begins with far less than the year after, as when what was under way at the start was not delivered."""
    bound = {"share": limit.share, "deviations": limit.deviations}
    cubes = [row[0] for row in connection.execute(engine.sql(__package__, "first_months.sql"), bound).fetchall()]
    sentence = "No series by month starts half full."
    if cubes:
        sentence = (
            f"The first two months of {', '.join(cubes)} hold less than {limit.share:.0%} of what the year after makes one expect."
            " Ask the partners to deliver what was open at the start too, or begin later: opening_month in chain.yaml."
        )
    return Verdict("F15", not cubes, sentence, severity="warn", facts={"cubes": len(cubes)})


def balance_differences(stock: Cube, statistics: Statistics) -> str:
    """Return a query for the leaves and months in which opening + inflow - outflow + corrections is not the closing `stock`.

    The stock is the spells counted at the end of each month, the rest their turns. The opening stock is the closing of the month before.
    """
    part = {cube.part: f"cube_{cube.name}" for cube in statistics.cubes if cube.statistic == stock.statistic}
    dimensions = "".join(f"c.{dimension}, " for dimension in stock.leaf)
    lines = [
        f"SELECT {dimensions}c.{period} AS period, {sign}c.n AS n FROM {source} AS c"
        for source, period, sign in (
            (part[CLOSING], "period", ""),
            (f"(SELECT c.*, m.next_period FROM {part[CLOSING]} AS c JOIN stock_months AS m ON m.period = c.period)", "next_period", "-"),
            (part[INFLOW], "period", "-"),
            (part[OUTFLOW], "period", ""),
            (f"corrections_{stock.statistic}", "period", "-"),
        )
    ]
    return f"""
WITH lines AS ({" UNION ALL ".join(lines)}),
published AS (SELECT next_period AS period FROM stock_months)
SELECT {dimensions}c.period FROM lines AS c
JOIN stock_months AS m ON m.period = c.period
JOIN published AS p ON p.period = c.period
GROUP BY {dimensions}c.period
HAVING SUM(c.n) <> 0
ORDER BY {dimensions}c.period"""


def shared_differences(cube: Cube, anchor: Cube, as_of: date) -> tuple[str, dict[str, str]]:
    """Return a query for the years in which `cube` differs from the cube it adds up to, and its values to bind.

    Both are rolled up to the dimensions that they share, each at the coarser level of the two. Of what a cohort adds up to, only the
    periods count that were followed: it has no others.
    """
    shared = sorted(d for d in cube.leaf.keys() & anchor.leaf.keys() if cube.scheme[d] == anchor.scheme[d])
    bound = {f"{d}_scheme": cube.scheme[d] for d in shared}
    bound |= {f"{d}_level": min(cube.levels[d], anchor.levels[d], key=len)[0] for d in shared}
    if cube.follow_up:
        bound["not_followed"] = period_of(not_followed_from(as_of, cube.follow_up, cube.period), cube.period)
    query = f"""
WITH ours AS ({_rolled_up(cube, shared)}),
theirs AS ({_rolled_up(anchor, shared, "WHERE c.period < $not_followed" if cube.follow_up else "")}),
differences AS ((SELECT * FROM ours EXCEPT SELECT * FROM theirs) UNION (SELECT * FROM theirs EXCEPT SELECT * FROM ours))
SELECT DISTINCT year FROM differences ORDER BY year"""
    return query, bound


def _rolled_up(cube: Cube, dimensions: Sequence[str], where: str = "") -> str:
    """Return a query: the counts of `cube` by year and the nodes of `dimensions`."""
    nodes = {d: f"{d}_of.node" for d in dimensions} | {"year": "SUBSTR(c.period, 1, 4)"}
    columns = ", ".join(f"{node} AS {name}" for name, node in nodes.items())
    joins = " ".join(
        f"JOIN hierarchies AS {d}_of ON {d}_of.scheme = ${d}_scheme AND {d}_of.level = ${d}_level AND {d}_of.leaf = c.{d}"
        for d in dimensions
    )
    return f"SELECT {columns}, SUM(c.n) AS n FROM cube_{cube.name} AS c {joins} {where} GROUP BY {', '.join(nodes.values())}"


def _verdict(rule: str, differences: Sequence[tuple[object, ...]]) -> Verdict:
    truth = TRUTHS[rule]
    if not differences:
        return Verdict(rule, passed=True, sentence=f"{truth}.", facts={"differences": 0})
    where = ", ".join(sorted({str(row[0]) for row in differences}))
    sentence = (
        f"{truth}, but not in {len(differences)} cells of {where}. Correct the hierarchies of their schemes, or materialise"
        " statistics/cubes again from the live events."
    )
    return Verdict(rule, passed=False, sentence=sentence, facts={"differences": len(differences)})
