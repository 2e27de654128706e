"""Looking up values: every distinct value of a coded column is rewritten and mapped once, whatever the number of rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date

import duckdb

from das_pipeline import engine
from das_pipeline.deliveries import normal_form
from das_pipeline.errors import ConfigurationError, Fault
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.lake import Draft, Version
from das_pipeline.run import Run
from das_pipeline.terminology.columns import ConceptColumn
from das_pipeline.terminology.schemes import NOT_APPLICABLE, UNKNOWN
from das_pipeline.terminology.tables import Line, Shape, read_tables

# One rule applied to `code`; a rule never empties a code.
REWRITE = "COALESCE(NULLIF(TRIM(REGEXP_REPLACE(code, $pattern, $replacement, 'g')), ''), code)"
CANONICAL = Shape(columns=("pattern", "replacement", "note"), may_be_empty=("replacement",), as_written=("pattern", "replacement"))


def look_up(
    connection: duckdb.DuckDBPyConnection,
    run: Run,
    concepts: Version | Draft,
    columns: Sequence[ConceptColumn],
    views: Mapping[tuple[str, str], str],
    *,
    seen: str | None = None,
    replaced: Mapping[tuple[str, str], str] | None = None,
) -> None:
    """Create the temporary tables `fields`, `seen`, `spellings`, `meanings` and `usage`, which the SQL files describe.

    `views` holds the view of every (partner, file) that `columns` are in; `concepts` has the mapping set. When the views hold a part of the
    records, `seen` is the relation of what was seen of all of them earlier, of which the rows in the views `replaced` count no more.
    """
    for name in ("mappings", "codes"):
        connection.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM {engine.parquet([concepts.path(f'{name}.parquet')])}")
    changes: dict[str, list[date]] = {}
    for name, month in connection.execute(engine.sql(__package__, "changes.sql") + "ORDER BY list, month").fetchall():
        changes.setdefault(name, []).append(month)
    connection.execute('CREATE TEMP TABLE fields (field VARCHAR, partner VARCHAR, file VARCHAR, "column" VARCHAR, list VARCHAR)')
    connection.execute("CREATE TEMP TABLE seen (field VARCHAR, raw VARCHAR, day DATE, rows BIGINT, rows_now BIGINT)")
    for column in columns:
        connection.execute(
            "INSERT INTO fields VALUES (?, ?, ?, ?, ?)", [column.place, column.partner, column.file, column.column, column.list]
        )
    for sign, by_file in ((1, views), (-1, replaced or {})):
        for (partner, file), view in by_file.items():
            _see(connection, run, view, [c for c in columns if (c.partner, c.file) == (partner, file)], changes, sign)
    if seen is not None:
        _add_seen(connection, run, seen, columns, changes)
    connection.execute("CREATE TEMP TABLE spellings AS " + engine.sql(__package__, "spellings.sql"))
    connection.execute(f"UPDATE spellings SET code = NULLIF({normal_form('code')}, '')")
    for column in columns:
        _canonicalise(connection, run.jurisdiction, column)
    connection.execute("CREATE TEMP TABLE meanings AS " + engine.sql(__package__, "meanings.sql"))
    connection.execute("CREATE TEMP TABLE usage AS " + engine.sql(__package__, "usage.sql"))


def _see(
    connection: duckdb.DuckDBPyConnection,
    run: Run,
    view: str,
    columns: Sequence[ConceptColumn],
    changes: Mapping[str, list[date]],
    sign: int,
) -> None:
    """Count the distinct values of a file's coded columns in one pass: by month, and by day in the months in which a list changes.

    A `sign` of -1 takes the rows off.
    """
    if not columns:
        return
    parameters = _as_of(run, columns)
    values, sets, picks = [], [], {"field": "", "raw": "", "day": ""}
    for i, column in enumerate(columns):
        day, month = _day(column), f"CAST(DATE_TRUNC('month', {_day(column)}) AS DATE)"
        parameters[f"field{i}"] = column.place
        if column.list in changes:
            parameters[f"months{i}"] = changes[column.list]
            month = f"CASE WHEN {month} IN (SELECT UNNEST($months{i})) THEN {day} ELSE {month} END"
        values.append(f"{_raw(column)} AS raw{i}, {month} AS day{i}")
        sets.append(f"(raw{i}, day{i})")
        for pick, value in (("field", f"$field{i}"), ("raw", f"raw{i}"), ("day", f"day{i}")):
            picks[pick] += f" WHEN GROUPING(day{i}) = 0 THEN {value}"
    connection.execute(
        f"""
        INSERT INTO seen
        WITH coded AS (SELECT {", ".join(values)}, CASE WHEN d.known_until = DATE '9999-12-31' THEN 1 ELSE 0 END AS is_now FROM {view} AS d)
        SELECT {", ".join(f"CASE{pick} END" for pick in picks.values())}, {sign} * COUNT(*), {sign} * SUM(is_now)
        FROM coded
        GROUP BY GROUPING SETS ({", ".join(sets)})
        """,
        parameters,
    )


def _add_seen(
    connection: duckdb.DuckDBPyConnection, run: Run, seen: str, columns: Sequence[ConceptColumn], changes: Mapping[str, list[date]]
) -> None:
    """Add to `seen` what was seen earlier; the values of a column without a date of its own are looked up on the day of this run."""
    month = run.as_of.replace(day=1)
    days = [(c.place, run.as_of if month in changes.get(c.list, []) else month) for c in columns if c.at is None]
    engine.create_table(connection, "days_of_run", "field VARCHAR, day DATE", days)
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE seen AS
        SELECT field, raw, day, CAST(SUM(rows) AS BIGINT) AS rows, CAST(SUM(rows_now) AS BIGINT) AS rows_now
        FROM (SELECT * FROM seen
            UNION ALL SELECT s.field, s.raw, COALESCE(d.day, s.day), s.rows, s.rows_now
            FROM {seen} AS s LEFT JOIN days_of_run AS d ON d.field = s.field)
        GROUP BY field, raw, day HAVING SUM(rows) <> 0"""
    )


def check_rewriting(jurisdiction: Jurisdiction, file: str) -> None:
    """Raise ConfigurationError when a rewriting rule in `file` is none."""
    with engine.in_memory() as connection:
        connection.execute("CREATE TEMP TABLE spellings (field VARCHAR, code VARCHAR)")
        for rule in read_tables(jurisdiction, [file], CANONICAL):
            _rewrite(connection, rule, "")
            try:
                re.compile(rule["pattern"])  # the second implementation (recount.py) reads it too
            except re.error:
                raise _no_expression(rule) from None


def _canonicalise(connection: duckdb.DuckDBPyConnection, jurisdiction: Jurisdiction, column: ConceptColumn) -> None:
    """Apply the rewriting rules that the column's contract names, one after the other."""
    if column.canonical is None:
        return
    for rule in read_tables(jurisdiction, [f"terminology/canonical/{column.canonical}.csv"], CANONICAL):
        _rewrite(connection, rule, column.place)


def _rewrite(connection: duckdb.DuckDBPyConnection, rule: Line, field: str) -> None:
    try:
        connection.execute(
            f"UPDATE spellings SET code = {REWRITE} WHERE field = $field",
            {"pattern": rule["pattern"], "replacement": rule["replacement"], "field": field},
        )
    except duckdb.Error:
        raise _no_expression(rule) from None


def _no_expression(rule: Line) -> ConfigurationError:
    return ConfigurationError(faults=[Fault(rule.file, rule.row, "pattern", "this is not a regular expression.")])


def with_concepts(run: Run, view: str, columns: Sequence[ConceptColumn]) -> tuple[str, dict[str, object]]:
    """Return a query of `view` with `<column>_concept` after its own columns, and its parameters. Call `look_up` first."""
    concepts = "".join(
        f""",
            COALESCE(m{i}.concept, CASE WHEN NULLIF({normal_form(_raw(c))}, '') IS NULL THEN '{NOT_APPLICABLE}' ELSE '{UNKNOWN}' END)
                AS {engine.identifier(c.column + "_concept")}"""
        for i, c in enumerate(columns)
    )
    joins = "".join(
        f"""
        LEFT JOIN (SELECT raw, concept, valid_from, valid_until FROM meanings WHERE field = $field{i}) AS m{i}
            ON m{i}.raw = {_raw(c)} AND {_day(c)} BETWEEN m{i}.valid_from AND m{i}.valid_until"""
        for i, c in enumerate(columns)
    )
    parameters = _as_of(run, columns) | {f"field{i}": c.place for i, c in enumerate(columns)}
    return f"SELECT d.*{concepts}\nFROM {view} AS d{joins}", parameters


def _as_of(run: Run, columns: Sequence[ConceptColumn]) -> dict[str, object]:
    """Return the parameter `as_of` if a column has no date of its own; DuckDB refuses parameters that a query does not name."""
    return {"as_of": run.as_of} if any(c.at is None for c in columns) else {}


def _raw(column: ConceptColumn) -> str:
    return f"CAST(d.{engine.identifier(column.column)} AS VARCHAR)"


def _day(column: ConceptColumn) -> str:
    """Return the date on which a code is looked up; a row without one is looked up on the day on which it became known."""
    return "CAST($as_of AS DATE)" if column.at is None else f"COALESCE(d.{engine.identifier(column.at)}, d.known_from)"
