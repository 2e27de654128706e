"""SQL compiled for cubes of spells: what began, ended, is open or moved, and how long it took. Values are bound; see counting.py."""

from __future__ import annotations

from datetime import date
from typing import Any

from das_pipeline.chain import ChainModel
from das_pipeline.statistics.model import CLOSING, ENDED, INFLOW, OUTFLOW, WAITING, WEEKS, Cube

KNOWN = "s.spell = $spell AND s.known_from <= $as_of AND $as_of < s.known_until"
END_ON = "CASE WHEN s.end_known <= $as_of THEN s.end_on END"
CLOSED_BY = "CASE WHEN s.end_known <= $as_of THEN s.closed_by END"


def selected_spells(cube: Cube, chain: ChainModel, as_of: date, dated: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a query for what the cube counts of its spells as known on `as_of`, (occurred_on, columns, n), and its values to bind."""
    columns = list(dict.fromkeys(column for dimension, (column, _) in cube.leaf.items() if dimension not in cube.own))
    bound: dict[str, Any] = {"as_of": as_of, "spell": cube.spell}
    if cube.part in {CLOSING, WAITING}:
        return _stock(cube, chain, columns), bound
    query = _turns(cube.part, columns) if cube.part else _durations(cube, chain, columns)
    return query, bound | dated


def moved_spells(cube: Cube, as_of: date, dated: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a query for the moves of open spells between leaves: 1 where a spell moved to, -1 where it came from."""
    columns = list(dict.fromkeys(column for column, _ in cube.leaf.values()))
    moved = [
        f"SELECT {day} AS occurred_on{_listed(columns)}, {sign} AS n FROM spells AS s"
        f" JOIN turn_roles AS r ON r.spell = s.spell AND r.kind = {kind}"
        f" WHERE r.role = 'move' AND {KNOWN} AND {day} >= $first_day AND {day} < $after"
        for day, kind, sign in (("s.start_on", "s.opened_by", 1), (END_ON, CLOSED_BY, -1))
    ]
    return " UNION ALL ".join(moved), {"as_of": as_of, "spell": cube.spell, **dated}


def _turns(part: str, columns: list[str]) -> str:
    """The beginnings or the ends of spells."""
    day, kind, role = {INFLOW: ("s.start_on", "s.opened_by", "entry"), OUTFLOW: (END_ON, CLOSED_BY, "exit")}[part]
    return f"""
SELECT {day} AS occurred_on{_listed(columns)}, 1 AS n
FROM spells AS s
JOIN turn_roles AS r ON r.spell = s.spell AND r.kind = {kind}
WHERE r.role = '{role}' AND {KNOWN} AND {day} >= $first_day AND {day} < $after"""


def _stock(cube: Cube, chain: ChainModel, columns: list[str]) -> str:
    """The spells that are open at the end of each month; of `waiting`, by the calendar months since they began."""
    began, waits, grouped = "", "", ""
    if cube.part == WAITING:
        since = "MIN(s.start_on) OVER (PARTITION BY s.partner, s.record_no, s.spell_no)" if _moves(cube, chain) else "s.start_on"
        began, grouped = f", CAST(DATE_TRUNC('month', {since}) AS DATE) AS began", ", began"
        bands = " ".join(f"WHEN o.began + {n} * INTERVAL '1' MONTH <= m.month THEN 'from_month_{n}'" for n in reversed(cube.bounds))
        waits = f", CASE {bands} ELSE 'from_month_0' END AS {WAITING}"
    return f"""
WITH known AS (
    SELECT CAST(DATE_TRUNC('month', s.start_on) AS DATE) AS start_month,
        CAST(DATE_TRUNC('month', {END_ON}) AS DATE) AS end_month{began}{_listed(columns)}
    FROM spells AS s
    WHERE {KNOWN}
),
open_between AS (
    SELECT start_month, end_month{grouped}{_listed(columns, "")}, COUNT(*) AS n
    FROM known
    GROUP BY start_month, end_month{grouped}{_listed(columns, "")}
)
SELECT m.month AS occurred_on{_listed(columns, "o.")}{waits}, o.n
FROM open_between AS o
JOIN stock_months AS m ON o.start_month <= m.month AND (o.end_month IS NULL OR o.end_month > m.month)"""


def _durations(cube: Cube, chain: ChainModel, columns: list[str]) -> str:
    """Each spell with the whole weeks that it took, or has taken so far, and whether it has ended; in the leaf in which it began."""
    end = "s.end_on"
    if _moves(cube, chain):
        end = "MAX(CASE WHEN r.role = 'exit' THEN s.end_on END) OVER (PARTITION BY s.partner, s.record_no, s.spell_no)"
    last = cube.bounds[-1]
    days = "DATE_DIFF('day', w.start_on, COALESCE(w.end_on, CAST($as_of AS DATE)))"
    return f"""
WITH known AS (
    SELECT s.spell, s.partner, s.record_no, s.spell_no, s.segment_no, s.start_on,
        CASE WHEN s.end_on <= $as_of THEN {END_ON} END AS end_on,
        CASE WHEN s.end_on <= $as_of THEN {CLOSED_BY} END AS closed_by{_listed(columns)}
    FROM spells AS s
    WHERE {KNOWN}
),
whole AS (
    SELECT s.segment_no, s.start_on, {end} AS end_on{_listed(columns)}
    FROM known AS s
    LEFT JOIN turn_roles AS r ON r.spell = s.spell AND r.kind = s.closed_by
),
weeks AS (
    SELECT w.start_on, w.end_on, CAST(({days} - MOD({days}, 7)) / 7 AS BIGINT) AS weeks{_listed(columns, "w.")}
    FROM whole AS w
    WHERE w.segment_no = 1 AND w.start_on >= $first_day AND w.start_on < $after AND w.start_on <= $as_of
)
SELECT w.start_on AS occurred_on{_listed(columns, "w.")}, CAST(LEAST(w.weeks, {last}) AS VARCHAR) AS {WEEKS},
    CASE WHEN w.end_on IS NULL THEN 'open' ELSE 'closed' END AS {ENDED}, 1 AS n
FROM weeks AS w"""


def _moves(cube: Cube, chain: ChainModel) -> bool:
    """Whether a spell can have several segments."""
    return bool(chain.spells[cube.spell].moves)


def _listed(columns: list[str], of: str = "s.") -> str:
    """Return columns for SQL, each after a comma."""
    return "".join(f", {of}{column}" for column in columns)
