"""SQL compiled from a cube's definition. Everything in the text is an identifier that was checked on loading; values are bound."""

from __future__ import annotations

from datetime import date
from typing import Any

from das_pipeline.chain import ChainModel
from das_pipeline.periods import SQL_TEXT, month_after
from das_pipeline.statistics.model import Cube

PERIOD_TEXT = {kind: text.format(day="occurred_on") for kind, text in SQL_TEXT.items()}


def selected_events(cube: Cube, chain: ChainModel, as_of: date) -> tuple[str, dict[str, Any]]:
    """Return a query for the accepted events that the cube counts, one row each, as known on `as_of`, and its values to bind.

    They are dated from the opening month of the chain to the month of `as_of`: later dates are only plans of partners. With `which: first`
    or `last`, a unit's first or last event of these kinds counts, whatever its period.
    """
    query, bound = _events_of(cube, chain, as_of, "occurred_on >= $first_day AND occurred_on < $after")
    return query, bound | {"after": month_after(as_of)}


def early_events(cube: Cube, chain: ChainModel, as_of: date) -> tuple[str, dict[str, Any]]:
    """Return a query for the events that the cube would count if the chain began earlier, one row each, and its values to bind."""
    return _events_of(cube, chain, as_of, "occurred_on < $first_day")


def _events_of(cube: Cube, chain: ChainModel, as_of: date, dated: str) -> tuple[str, dict[str, Any]]:
    bound: dict[str, Any] = {"as_of": as_of, "first_day": chain.opening_month}
    kinds = {f"kind_{n}": kind for n, kind in enumerate(cube.kinds)}
    conditions = [f"kind IN ({_names(kinds)})"]
    bound |= kinds
    for place, (column, values) in enumerate(cube.leave_out.items()):
        left = {f"left_{place}_{n}": value for n, value in enumerate(values)}
        conditions.append(f"COALESCE({column}, '') NOT IN ({_names(left)})")
        bound |= left
    columns = ", ".join(dict.fromkeys(column for column, _ in cube.leaf.values()))
    direction = " DESC" if cube.which == "last" else ""
    place_of_kind = " ".join(f"WHEN kind = $kind_{n} THEN {chain.order.index(kind)}" for n, kind in enumerate(cube.kinds))
    turn = ", ".join(f"{key}{direction}" for key in ("occurred_on", f"CASE {place_of_kind} END", "sub"))
    query = f"""
WITH accepted AS (
    SELECT occurred_on{", " + columns if columns else ""}, ROW_NUMBER() OVER (PARTITION BY record_no ORDER BY {turn}) AS turn
    FROM events
    WHERE rule IS NULL AND known_from <= $as_of AND $as_of < known_until AND {" AND ".join(conditions)}
)
SELECT occurred_on{", " + columns if columns else ""}
FROM accepted
WHERE {dated}{"" if cube.which == "each" else " AND turn = 1"}"""
    return query, bound


def counted_leaves(cube: Cube) -> tuple[str, dict[str, Any]]:
    """Return a query and its values to bind: one row per leaf and period with events (dimensions, period_kind, period, n).

    Equal values are counted first and mapped afterwards. A value that is unknown, or not in the scheme, counts under the level's unknown.
    """
    bound: dict[str, Any] = {"period_kind": cube.period}
    values = list(dict.fromkeys(column for column, _ in cube.leaf.values()))
    joins, nodes = [], []
    for dimension, (column, level) in cube.leaf.items():
        bound |= {
            f"{dimension}_scheme": cube.scheme[dimension],
            f"{dimension}_level": level,
            f"{dimension}_unknown": cube.unknown[dimension],
        }
        of_level = f"{dimension}_of.scheme = ${dimension}_scheme AND {dimension}_of.level = ${dimension}_level"
        if dimension in cube.is_age:
            joins.append(
                f"LEFT JOIN concepts AS {dimension}_of ON {of_level}"
                f" AND v.{column} >= {dimension}_of.from_age AND v.{column} <= {dimension}_of.to_age"
            )
            nodes.append((dimension, f"COALESCE({dimension}_of.concept, ${dimension}_unknown)"))
        else:
            joins.append(f"LEFT JOIN hierarchies AS {dimension}_of ON {of_level} AND {dimension}_of.leaf = v.{column}")
            nodes.append((dimension, f"COALESCE({dimension}_of.node, ${dimension}_unknown)"))
    keys = ", ".join([*values, "period"])
    named = "".join(f"{node} AS {dimension}, " for dimension, node in nodes)
    dimensions = "".join(f"{dimension}, " for dimension in cube.leaf)
    query = f"""
WITH dated AS (
    SELECT {", ".join([*values, f"{PERIOD_TEXT[cube.period]} AS period"])} FROM selected
),
counted AS (
    SELECT {keys}, COUNT(*) AS n FROM dated GROUP BY {keys}
),
leaves AS (
    SELECT {named}v.period, v.n
    FROM counted AS v
    {" ".join(joins)}
)
SELECT {dimensions}$period_kind AS period_kind, period, CAST(SUM(n) AS BIGINT) AS n
FROM leaves
GROUP BY {dimensions}period"""
    return query, bound


def _names(bound: dict[str, str]) -> str:
    return ", ".join(f"${name}" for name in bound)
