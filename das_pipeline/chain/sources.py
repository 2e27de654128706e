"""SQL compiled from a unit's declaration: which vintages its records have, what its rows report, which attributes they carry.

Everything in the text is an identifier that was checked when the jurisdiction was loaded; values are bound.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from das_pipeline.chain.model import Attribute, ChainModel, Column, ReportedEvent, Unit

FOREVER = "DATE '9999-12-31'"
HELD = "r.record_no = s.record_no AND r.known_from <= s.known_from AND s.known_from < r.known_until"


_ATTRIBUTES = re.compile(r'(\w+\.)?"\{\{attributes\}\}"')


def spread(sql: str, columns: Iterable[str]) -> str:
    """Return `sql` with its placeholder `"{{attributes}}"`, or `e."{{attributes}}"`, written out as the columns of this jurisdiction.

    The placeholder is a quoted identifier, so that the file is SQL as it is.
    """
    names = list(columns)
    return _ATTRIBUTES.sub(lambda placeholder: ", ".join((placeholder[1] or "") + name for name in names), sql)


def rows_as_known(columns: Mapping[str, Column], files: str | None) -> str:
    """Return a query: the rows of a file of records as known on `$as_of`, in the columns read of it; none if it was never delivered.

    What became known later is left out, and a row that ended later is still open: later deliveries do not change a run as of a date.
    """
    read = "".join(f", CAST({name if files else 'NULL'} AS {column.type}) AS {name}" for name, column in columns.items())
    if files is None:
        nothing = f"CAST(NULL AS BIGINT) AS record_no, '' AS sub, CAST($as_of AS DATE) AS known_from, {FOREVER} AS known_until"
        return f"SELECT {nothing}{read} WHERE 1 = 0"
    until = f"CASE WHEN known_until > $as_of THEN {FOREVER} ELSE known_until END AS known_until"
    return f"SELECT record_no, sub, known_from, {until}{read} FROM {files} WHERE known_from <= $as_of"


def segments(unit: Unit) -> str:
    """Return a query: one row per record and segment, a stretch of vintages in which no row of the record changes."""
    vintages = [f"SELECT record_no, known_from AS vintage FROM rows_{file}" for file in unit.columns]
    vintages += [f"SELECT record_no, known_until AS vintage FROM rows_{file} WHERE known_until < {FOREVER}" for file in unit.columns]
    return f"""
WITH vintages AS (
    {" UNION ".join(vintages)}
)
SELECT record_no, ROW_NUMBER() OVER (PARTITION BY record_no ORDER BY vintage) AS segment_no, vintage AS known_from,
    COALESCE(LEAD(vintage) OVER (PARTITION BY record_no ORDER BY vintage), {FOREVER}) AS known_until
FROM vintages"""


def reported_events(unit: Unit) -> tuple[str, dict[str, str]]:
    """Return a query and its values to bind: one row per segment and event that the rows report, once if several rows report it."""
    bound: dict[str, str] = {}
    reported = " UNION ALL ".join(_reported(event, number, bound) for number, event in enumerate(unit.reported))
    key = "record_no, segment_no, known_from, known_until, kind, occurred_on, outcome, to_partner"
    if not unit.many:
        return reported, bound
    return f"WITH reported AS ({reported})\nSELECT {key}, MIN(sub) AS sub, MAX(amount) AS amount FROM reported GROUP BY {key}", bound


def _reported(event: ReportedEvent, number: int, bound: dict[str, str]) -> str:
    conditions = [f"r.{event.date} IS NOT NULL"]
    for place, (column, values) in enumerate(event.when.items()):
        names = [f"when_{number}_{place}_{n}" for n in range(len(values))]
        bound.update(zip(names, values, strict=True))
        conditions.append(f"CAST(r.{column} AS VARCHAR) IN ({', '.join('$' + name for name in names)})")
    outcome = f"CAST(r.{event.outcome.name} AS VARCHAR)" if event.outcome else "CAST(NULL AS VARCHAR)"
    to = f"'{event.to}'" if event.to else "CAST(NULL AS VARCHAR)"
    return f"""
SELECT s.record_no, s.segment_no, s.known_from, s.known_until, r.sub, '{event.kind}' AS kind, r.{event.date} AS occurred_on,
    {outcome} AS outcome, {to} AS to_partner, CAST({f"r.{event.amount}" if event.amount else "NULL"} AS DECIMAL(14,2)) AS amount
FROM segments AS s
JOIN rows_{event.file} AS r ON {HELD}
WHERE {" AND ".join(conditions)}"""


def unit_attributes(unit: Unit, chain: ChainModel) -> str:
    """Return a query: one row per segment with every attribute of the chain, NULL where the unit has none. Ages come from linkage."""
    sources = list(dict.fromkeys((a.file, tuple(a.pick)) for a in unit.attributes.values()))
    steps = [_chosen(unit, file, pick, f"chosen_{number}") for number, (file, pick) in enumerate(sources)]
    joins = [_join(f"chosen_{number}") for number in range(len(sources))]
    columns = []
    for name, kind in chain.attributes.items():
        value = "NULL"
        if name in unit.attributes:
            attribute = unit.attributes[name]
            value, join = _value(attribute, f"chosen_{sources.index((attribute.file, tuple(attribute.pick)))}")
            joins += join
        columns.append(f"CAST({value} AS {kind}) AS {name}")
    named = f"WITH {', '.join(steps)}\n" if steps else ""
    return f"{named}SELECT s.record_no, s.known_from, {', '.join(columns)}\nFROM segments AS s\n" + "\n".join(joins)


def _chosen(unit: Unit, file: str, pick: Sequence[str], step: str) -> str:
    """Return a step: the rows of `file` in each segment, ranked by `choice_no`; empty values come last and `sub` breaks ties."""
    keys = []
    for column in pick:
        name = column.removeprefix("-")
        keys += [f"CASE WHEN r.{name} IS NULL THEN 1 ELSE 0 END", f"r.{name}{' DESC' if column.startswith('-') else ''}"]
    columns = "".join(f", r.{name}" for name in unit.columns[file])
    order = ", ".join([*keys, "r.sub"])
    return f"""{step} AS (
    SELECT s.record_no, s.known_from, ROW_NUMBER() OVER (PARTITION BY s.record_no, s.known_from ORDER BY {order}) AS choice_no{columns}
    FROM segments AS s
    JOIN rows_{file} AS r ON {HELD}
)"""


def _join(chosen: str) -> str:
    return f"LEFT JOIN {chosen} ON {chosen}.record_no = s.record_no AND {chosen}.known_from = s.known_from AND {chosen}.choice_no = 1"


def _value(attribute: Attribute, chosen: str) -> tuple[str, list[str]]:
    column = attribute.column
    if column.age_at is None:
        return f"{chosen}.{column.name}", []
    ages = f"ages_{attribute.name}"
    return f"{ages}.age", [f"LEFT JOIN ages AS {ages} ON {ages}.record_no = s.record_no AND {ages}.date = {chosen}.{column.age_at}"]
