"""SQL compiled from a cube's definition. Everything in the text is an identifier that was checked on loading; values are bound.

What a cube of any type counts becomes rows of `selected`: a day, the columns of the leaf, and a number. `counted_leaves` sums these.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from das_pipeline.chain import ChainModel
from das_pipeline.periods import SQL_TEXT, Kind, first_day, month_after, months_later, period_of
from das_pipeline.statistics import spells
from das_pipeline.statistics.model import STATE, Cube

PERIOD_TEXT = {kind: text.format(day="occurred_on") for kind, text in SQL_TEXT.items()}
RECORD_KEY = "CAST('0x' || SUBSTRING(SHA256($secret || ' ' || partner || ' ' || record_no || ' ' || sub), 1, 16) AS UBIGINT)"
Query = tuple[str, dict[str, Any]]  # SQL and its values to bind


def selected_rows(cube: Cube, chain: ChainModel, as_of: date, secret: str | None = None) -> Query:
    """Return a query for what the cube counts as known on `as_of`: (occurred_on, columns of its leaf, n).

    With a `secret`, of a cube of events, also the `key` of each: 64 bits from the secret and the record at its source, which stays what it
    is when a later run links it to another person.

    It is dated from the opening month of the chain to the month of `as_of`: later dates are only plans of partners. A stock is also that
    of the end of the month before. Source: events or, of a balance or duration, spells, turn_roles and stock_months.
    """
    dated = {"first_day": chain.opening_month, "after": month_after(as_of)}
    if cube.type == "cohort":
        return _cohort(cube, as_of, dated)
    if cube.spell:
        return spells.selected_spells(cube, chain, as_of, dated)
    query, bound = _events_of(cube, chain, as_of, "occurred_on >= $first_day AND occurred_on < $after", secret)
    return query, bound | dated


def corrections(cube: Cube, chain: ChainModel, as_of: date) -> Query:
    """Return a query for the moves between the leaves of a stock: (occurred_on, columns of its leaf, n)."""
    return spells.moved_spells(cube, as_of, {"first_day": chain.opening_month, "after": month_after(as_of)})


def early_events(cube: Cube, chain: ChainModel, as_of: date) -> Query:
    """Return a query for the events that the cube would count if the chain began earlier, one row each, and its values to bind."""
    query, bound = _events_of(cube, chain, as_of, "occurred_on < $first_day")
    return query, bound | {"first_day": chain.opening_month}


def raw_columns(cube: Cube) -> list[str]:
    """Return the columns of events or spells that the dimensions of the cube come from."""
    return list(dict.fromkeys(column for dimension, (column, _) in cube.leaf.items() if dimension not in cube.own))


def _events_of(cube: Cube, chain: ChainModel, as_of: date, dated: str, secret: str | None = None) -> Query:
    """A person is in the leaf of the first event of a period; of one day, of the first in the order of the values themselves."""
    bound: dict[str, Any] = {"as_of": as_of}
    kinds = {f"kind_{n}": kind for n, kind in enumerate(cube.kinds)}
    kept, left = _kept(cube)
    conditions = [f"kind IN ({_names(kinds)})", *kept]
    bound |= kinds | left
    columns = raw_columns(cube)
    bands = "".join(f", {_band(dimension, cube.bounds)} AS {dimension}" for dimension in cube.own)
    direction = " DESC" if cube.which == "last" else ""
    place_of_kind = " ".join(f"WHEN kind = $kind_{n} THEN {chain.order.index(kind)}" for n, kind in enumerate(cube.kinds))
    unit, keys = "record_no", ["occurred_on", f"CASE {place_of_kind} END", "sub"]
    if cube.type == "persons":
        conditions.append("person_id IS NOT NULL")
        unit = f"person_id, {PERIOD_TEXT[cube.period]}"
        keys = ["occurred_on", *(key for c in columns for key in (f"CASE WHEN {c} IS NULL THEN 1 ELSE 0 END", c))]
    turn = ", ".join(f"{key}{direction}" for key in keys)
    record_key, of_row = (f", {RECORD_KEY} AS key", ", key") if secret else ("", "")
    bound |= {"secret": secret} if secret else {}
    is_one = cube.type == "persons" or cube.which != "each"
    query = f"""
WITH accepted AS (
    SELECT occurred_on{_listed(columns)}{bands}{record_key}, ROW_NUMBER() OVER (PARTITION BY {unit} ORDER BY {turn}) AS turn
    FROM events
    WHERE rule IS NULL AND known_from <= $as_of AND $as_of < known_until AND {" AND ".join(conditions)}
)
SELECT occurred_on{_listed([*columns, *cube.own])}{of_row}, 1 AS n
FROM accepted
WHERE {dated}{" AND turn = 1" if is_one else ""}"""
    return query, bound


def _kept(cube: Cube) -> tuple[list[str], dict[str, str]]:
    """Return the conditions of the events that the cube does not leave out, and their values to bind."""
    conditions: list[str] = []
    bound: dict[str, str] = {}
    for place, (column, values) in enumerate(cube.leave_out.items()):
        left = {f"left_{place}_{n}": value for n, value in enumerate(values)}
        conditions.append(f"COALESCE({column}, '') NOT IN ({_names(left)})")
        bound |= left
    return conditions, bound


def _band(dimension: str, bounds: Sequence[int]) -> str:
    """The class of an event's amount: the highest bound that it reaches."""
    reached = " ".join(f"WHEN amount >= {bound} THEN '{dimension}_{bound}'" for bound in (*reversed(bounds), 0))
    return f"CASE {reached} ELSE 'unknown' END"


def _cohort(cube: Cube, as_of: date, dated: dict[str, Any]) -> Query:
    """Each unit of a period that was followed, in the furthest of the states that it reached within the months of the follow-up.

    A state of the unit itself is reached by an event of its record; one of another unit by an event of the same case and person, or of
    the case where one of the two has no person. With `linked_by`, only a record with that event has others.
    """
    bound: dict[str, Any] = {"as_of": as_of, "start": cube.kinds[0], **dated}
    bound["after"] = not_followed_from(as_of, cube.follow_up, cube.period)
    places = []
    for place, (state, kinds) in enumerate(cube.states.items()):
        bound[f"state_{place}"] = state
        bound |= {f"kind_{place}_{n}": kind for n, kind in enumerate(kinds)}
        places += [f"WHEN kind IN ({_names({f'kind_{place}_{n}': k for n, k in enumerate(kinds)})}) THEN {place}"] if kinds else []
    of_place = " ".join(f"WHEN r.place = {place} THEN $state_{place}" for place in range(1, len(cube.states)))
    columns, linked = raw_columns(cube), ""
    kept, left = _kept(cube)
    is_counted = f" AND (kind <> $start OR {' AND '.join(kept)})" if kept else ""
    bound |= left
    if cube.linked_by:
        bound["linked_by"] = cube.linked_by
        linked = "JOIN linked AS l ON l.partner = s.partner AND l.record_no = s.record_no"
    query = f"""
WITH accepted AS (
    SELECT unit, partner, record_no, person_id, case_id, occurred_on, kind{_listed(columns)},
        CASE {" ".join(places)} END AS place
    FROM events
    WHERE rule IS NULL AND known_from <= $as_of AND $as_of < known_until{is_counted}
),
starts AS (
    SELECT unit, partner, record_no, person_id, case_id, occurred_on, occurred_on + {cube.follow_up} * INTERVAL '1' MONTH
            AS until{_listed(columns)}
    FROM accepted
    WHERE kind = $start AND occurred_on >= $first_day AND occurred_on < $after
),
own AS (
    SELECT s.partner, s.record_no, e.place, e.kind
    FROM starts AS s
    JOIN accepted AS e ON e.unit = s.unit AND e.partner = s.partner AND e.record_no = s.record_no
    WHERE e.place IS NOT NULL AND e.occurred_on >= s.occurred_on AND e.occurred_on < s.until
),
{"linked AS (SELECT DISTINCT partner, record_no FROM own WHERE kind = $linked_by)," if linked else ""}
others AS (
    SELECT s.partner, s.record_no, e.place
    FROM starts AS s
    {linked}
    JOIN accepted AS e ON e.case_id = s.case_id
    WHERE e.place IS NOT NULL AND e.unit <> s.unit AND e.occurred_on >= s.occurred_on AND e.occurred_on < s.until
        AND COALESCE(e.person_id = s.person_id, e.case_id = s.case_id)
),
reached AS (
    SELECT partner, record_no, MAX(place) AS place
    FROM (SELECT partner, record_no, place FROM own UNION ALL SELECT partner, record_no, place FROM others) AS every_state
    GROUP BY partner, record_no
)
SELECT s.occurred_on{_listed(columns, "s.")},
    CASE {of_place} ELSE $state_0 END AS {STATE}, 1 AS n
FROM starts AS s
LEFT JOIN reached AS r ON r.partner = s.partner AND r.record_no = s.record_no"""
    return query, bound


def not_followed_from(as_of: date, months: int, kind: Kind) -> date:
    """Return the first day of the first period of `kind` of which some unit has not had `months` by the end of `as_of`.

    Before, a cohort says nothing: of a period of which a part was followed, each release would show how far one month more had come.
    """
    month = months_later(month_after(as_of + timedelta(days=1)), -months - 1)
    return first_day(period_of(month, kind))


def counted_leaves(cube: Cube, *, keyed: bool = False) -> Query:
    """Return a query and its values to bind: one row per leaf and period with anything in it (dimensions, period_kind, period, n).

    With `keyed` a row has the sum of the keys of what it counts too, modulo 2⁶⁴. Equal values are summed first and mapped afterwards. A
    value that is unknown, or not in the scheme, counts under the level's unknown.
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
    key, of_values, of_leaf, summed = (
        (", key", ", SUM(key) AS key", ", v.key", f", CAST(SUM(key) % {1 << 64} AS UBIGINT) AS key") if keyed else ("", "", "", "")
    )
    named = "".join(f"{node} AS {dimension}, " for dimension, node in nodes)
    dimensions = "".join(f"{dimension}, " for dimension in cube.leaf)
    query = f"""
WITH dated AS (
    SELECT {", ".join([*values, f"{PERIOD_TEXT[cube.period]} AS period", "n"])}{key} FROM selected
),
counted AS (
    SELECT {keys}, SUM(n) AS n{of_values} FROM dated GROUP BY {keys}
),
leaves AS (
    SELECT {named}v.period, v.n{of_leaf}
    FROM counted AS v
    {" ".join(joins)}
)
SELECT {dimensions}$period_kind AS period_kind, period, CAST(SUM(n) AS BIGINT) AS n{summed}
FROM leaves
GROUP BY {dimensions}period"""
    return query, bound


def _names(bound: dict[str, str]) -> str:
    return ", ".join(f"${name}" for name in bound)


def _listed(columns: list[str], of: str = "") -> str:
    """Return columns for SQL, each after a comma."""
    return "".join(f", {of}{column}" for column in columns)
