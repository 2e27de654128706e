"""D01, D03, D05: what an outsider can compute from the tables of this release and of earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import gcd

import duckdb
import pyarrow.compute as pc

from das_pipeline import engine
from das_pipeline.auditor.declared import Limits
from das_pipeline.auditor.findings import verdict
from das_pipeline.auditor.release import ALL, FOLLOW_UP, Published, Table
from das_pipeline.gate import Verdict

FIX = "A figure did not come from the protected leaves: find the step that changed it, and build the candidate again."
HIDDEN = "confidential"  # the status of a count that a table by suppression does not show
ALL_WRONG = 1 << 62  # no count is so large
ENCLOSING = {  # the longer period that contains a period
    "quarter": "substr(period, 1, 4) || '-Q' || CAST((CAST(substr(period, 6, 2) AS INTEGER) + 2) // 3 AS VARCHAR)",
    "year": "substr(period, 1, 4)",
}
PARTS = {("month", "quarter"): 3, ("month", "year"): 12, ("quarter", "year"): 4}  # how many of one kind make one of the other


def counts_are_rounded(release: Published, limits: Limits) -> Verdict:
    """D01: every protected count is a multiple of one of the policy's bases, or as the method of its table has it.

    Other publishers' figures are not marked as simulated.
    """
    bases = limits.bases
    faults: dict[str, int] = {}
    for table in release.tables.values():
        if table.is_protected and not table.is_rounded:
            faults[table.name] = _wrong_by_method(table, limits)
            continue
        rows = table.rows
        if table.is_balance:  # corrections alone may be negative
            faults[table.name] = sum(n % table.base != 0 for n in rows["n"].to_pylist())
            rows = rows.filter(pc.field("movement") != "corrections")
        counts = [n for measure in table.measures for n in rows[measure].to_pylist()]
        if table.is_protected:
            faults[table.name] = (
                faults.get(table.name, 0) + sum(n is None or n < 0 or n % table.base != 0 for n in counts) + (table.base not in bases)
            )
        elif table.is_derived:
            faults[table.name] = sum(n is None or n < 0 for n in counts)
        else:
            faults[table.name] = int(table.facts["kind"] != "external") + bool(table.facts["is_simulated"])
    cells = sum(t.rows.num_rows for t in release.protected)
    return verdict("D01", "Every protected count is a multiple of its base", cells, faults, FIX)


def _wrong_by_method(table: Table, limits: Limits) -> int:
    """How many counts a method other than rounding would not have published: small ones, and some that are hidden without a reason."""
    wrong = int(table.base != 1 or table.is_balance or table.method not in {"suppression", "cell_key"})
    least = limits.not_published + 1
    if table.method == "suppression":
        least = limits.suppression[0] if limits.suppression else ALL_WRONG
    for n, status in zip(table.rows["n"].to_pylist(), table.rows["status"].to_pylist(), strict=True):
        is_hidden = status == HIDDEN and table.method == "suppression"
        wrong += (n is None) != is_hidden or (n is not None and (n < 0 or 0 < n < least))
    return wrong


def tables_are_full(release: Published, connection: duckdb.DuckDBPyConnection) -> Verdict:
    """D16: a protected table has every combination of its codes in every period, once, without a gap in time.

    Of a cohort so has each follow-up: the longer ones end earlier.
    """
    faults: dict[str, int] = {}
    for table in release.protected:
        codes = " * ".join(f"COUNT(DISTINCT {_quoted(d.name)})" for d in table.dimensions) or "1"
        numbers = f"COUNT(*), COUNT(DISTINCT ({_list(table.keys)})), {codes} * COUNT(DISTINCT period)"
        grids = _list(["period_kind", FOLLOW_UP] if table.is_cohort else ["period_kind"])
        query = f"SELECT {numbers}, LIST(DISTINCT period) FROM {_quoted(table.name)} GROUP BY {grids}"
        for *counts, periods in connection.execute(query).fetchall():
            in_time = [_number(period) for period in periods]
            faults[table.name] = faults.get(table.name, 0) + (len(set(counts)) > 1) + max(in_time) - min(in_time) + 1 - len(in_time)
    return verdict("D16", "Every protected table is a full grid", len(release.protected), faults, FIX)


def balances_close(release: Published, connection: duckdb.DuckDBPyConnection) -> Verdict:
    """F01 and F02 in public: opening + inflow - outflow + corrections = closing, and a month opens with the closing of the one before."""
    faults: dict[str, int] = {}
    for table in (t for t in release.protected if t.is_balance):
        others = [k for k in table.keys if k != "movement"]
        lines = ", ".join(
            f"SUM(n) FILTER (WHERE movement = '{line}') AS {line}" for line in ("opening", "inflow", "outflow", "corrections", "closing")
        )
        before = f"LAG(closing) OVER (PARTITION BY {_list([k for k in others if k != 'period'])} ORDER BY period)"
        by_line = f"SELECT {_list(others)}, {lines} FROM {_quoted(table.name)} GROUP BY {_list(others)}"
        balance = f"SELECT *, {before} AS closed_before FROM ({by_line})"
        wrong = "opening + inflow - outflow + corrections IS DISTINCT FROM closing OR opening <> closed_before"
        faults[table.name] = connection.execute(f"SELECT COUNT(*) FROM ({balance}) WHERE {wrong}").fetchall()[0][0]
    return verdict("D03", "Every published balance closes", len(faults), faults, FIX)


def figures_have_enough(release: Published, connection: duckdb.DuckDBPyConnection, least: int) -> Verdict:
    """D04: a median, percentage or rate is shown only where the published count of what it is about is at least `least`."""
    faults: dict[str, int] = {}
    for table in (t for t in release.tables.values() if t.is_derived):
        counts = release.tables.get(table.facts["counts"])
        if counts is None or not counts.is_protected:
            faults[table.name] = table.rows.num_rows
            continue
        common = [d.name for d in table.dimensions if d in counts.dimensions]
        totals = [f"{_quoted(d.name)} = '{ALL}'" for d in counts.dimensions if d.name not in common]
        keys = _list([*common, "period_kind", "period"])
        of = f"SELECT {keys}, n AS cases FROM {_quoted(counts.name)} WHERE {' AND '.join(totals) or 'TRUE'}"
        wrong = f"(status = 'not_shown' AND n > 0) OR (status <> 'not_shown' AND COALESCE(cases, 0) < {least})"
        query = f"SELECT COUNT(*) FROM {_quoted(table.name)} LEFT JOIN ({of}) USING ({keys}) WHERE {wrong}"
        faults[table.name] = connection.execute(query).fetchall()[0][0]
    return verdict("D04", f"Every derived figure is about {least} cases or more", len(faults), faults, FIX)


def totals_add_up(release: Published, connection: duckdb.DuckDBPyConnection) -> Verdict:
    """D03: every total is the sum of its parts, over every dimension and over time.

    A year may be absent until its quarters are there, and of a cohort any period until the shorter ones are.
    """
    faults: dict[str, int] = {}
    for table in (t for t in release.tables.values() if not t.is_derived and t.method != "cell_key"):  # it changes totals by themselves
        wrong = 0
        for dimension in (d.name for d in table.dimensions if d.scheme):
            others = _list([k for k in table.keys if k != dimension])
            wrong += _unequal(connection, table, others, f"{_quoted(dimension)} <> '{ALL}'")
        for fine, coarse in combinations(table.kinds, 2):
            longer = f"CASE WHEN period_kind = '{fine}' THEN {ENCLOSING[coarse]} ELSE period END"
            groups = f"{_list([d.name for d in table.dimensions], '')}{longer}"
            kept = f"WHERE period_kind IN ('{fine}', '{coarse}')"
            if fine == "quarter" or table.is_cohort:
                period = f"{_of_follow_up(table)}{longer}"
                present = f"SELECT {_of_follow_up(table)}period FROM {_quoted(table.name)} WHERE period_kind = '{coarse}'"
                kept += f" AND ({period} IN ({present}) OR {period} IN ({_whole(table, fine, coarse)}))"
            wrong += _unequal(connection, table, groups, f"period_kind = '{fine}'", kept)
        faults[table.name] = wrong
    return verdict("D03", "Every total is the sum of its parts", len(release.tables), faults, FIX)


def _of_follow_up(table: Table) -> str:
    """SQL that names the follow-up before a period: in a cohort each has its own."""
    return f"{FOLLOW_UP} || ' ' || " if table.is_cohort else ""


def _whole(table: Table, fine: str, coarse: str) -> str:
    """SQL of the longer periods, each after its follow-up, of which the table has every shorter one."""
    longer = f"{_of_follow_up(table)}{ENCLOSING[coarse]}"
    parts = f"SELECT DISTINCT {longer} AS longer, period FROM {_quoted(table.name)} WHERE period_kind = '{fine}'"
    return f"SELECT longer FROM ({parts}) GROUP BY longer HAVING COUNT(*) = {PARTS[fine, coarse]}"


def _unequal(connection: duckdb.DuckDBPyConnection, table: Table, groups: str, is_part: str, kept: str = "") -> int:
    """The number of totals that differ from the sum of their parts; another publisher's table may lack a total."""
    differs = "parts IS DISTINCT FROM total" if table.is_protected else "parts <> total"
    sums = f"SUM(n) FILTER (WHERE {is_part}) AS parts, SUM(n) FILTER (WHERE NOT {is_part}) AS total"
    shown = "HAVING COUNT(*) = COUNT(n)" if table.method == "suppression" else ""  # what the others must be, D26 asks
    query = f"SELECT COUNT(*) FROM (SELECT {sums} FROM {_quoted(table.name)} {kept} GROUP BY {groups} {shown}) WHERE {differs}"
    return connection.execute(query).fetchall()[0][0]


def tables_agree(release: Published, connection: duckdb.DuckDBPyConnection) -> Verdict:
    """D03: tables about the same population have the same value for a cell that both have."""
    faults: dict[str, int] = {}
    compared = 0
    for one, other in combinations(release.protected, 2):
        for code, population in one.facts["population"].items():
            for other_code, other_population in other.facts["population"].items():
                if population == other_population:
                    joined = _joined(one, code, other, other_code)
                    query = f"SELECT COUNT(*), COUNT(*) FILTER (a.n IS DISTINCT FROM b.n) FROM {joined}"
                    cells, apart = connection.execute(query).fetchall()[0]
                    compared += cells
                    apart += one.method != other.method  # a cell in two methods tells more than either
                    faults[f"{one.name} and {other.name}"] = faults.get(f"{one.name} and {other.name}", 0) + apart
    return verdict("D03", "A cell has the same value in every table", compared, faults, FIX)


def _joined(one: Table, code: str, other: Table, other_code: str) -> str:
    """The cells that two tables have in common, as `a` and `b`.

    A dimension that only one table has is at its total; periods that only one has are summed to longer ones.
    """
    common = [d.name for d in one.dimensions if d.scheme and d in other.dimensions]
    keys = _list([*common, "period_kind", "period"])
    sides = []
    for table, own in ((one, code), (other, other_code)):
        fixed = [f"{_quoted(d.name)} = '{ALL if d.scheme else own}'" for d in table.dimensions if d.name not in common]
        cells = f"SELECT {keys}, n FROM {_quoted(table.name)} WHERE {' AND '.join(fixed) or 'TRUE'}"
        finest, dimensions = table.kinds[0], _list(common, "")
        for kind in ENCLOSING.keys() - set(table.kinds) if finest != "year" and table.is_rounded else ():
            summed = f"SELECT {dimensions}'{kind}', {ENCLOSING[kind]}, CAST(SUM(n) AS BIGINT)"
            whole = f"WHERE period_kind = '{finest}'"
            if finest == "quarter" or table.is_cohort:
                of_follow_up = f"'{own} ' || " if table.is_cohort else ""
                whole += f" AND {of_follow_up}{ENCLOSING[kind]} IN ({_whole(table, finest, kind)})"
            cells += f" UNION ALL {summed} FROM ({cells}) {whole} GROUP BY {dimensions}{ENCLOSING[kind]}"
        sides.append(f"({cells})")
    return f"{sides[0]} AS a JOIN {sides[1]} AS b USING ({keys})"


def changes_are_rounded(release: Published, earlier: Sequence[Published]) -> Verdict:
    """D05: the difference of a cell between two releases is a multiple of the base, so that no single record is visible in it.

    A protected table cannot become another publisher's table, nor the other way round.
    """
    faults: dict[str, int] = {}
    compared = 0
    for before in earlier:
        for name in release.tables.keys() & before.tables.keys():
            new, old = release.tables[name], before.tables[name]
            place = f"{name} since {before.folder.name}"
            faults[place] = int(new.is_protected != old.is_protected or new.method != old.method)
            if not new.is_rounded and new.keys == old.keys:  # decided once: a count that moves shows the record that moved it
                faults[place] += sum(new.cells[cell] != old.cells[cell] for cell in new.cells.keys() & old.cells.keys())
                continue
            if new.is_protected and old.is_protected and new.keys == old.keys:
                common = new.cells.keys() & old.cells.keys()
                compared += len(common)
                faults[place] += sum((new.cells[cell] - old.cells[cell]) % gcd(new.base, old.base) != 0 for cell in common)
    truth = "Every change since an earlier release is a multiple of the base"
    return verdict("D05", truth, compared, faults, FIX)


def _quoted(name: str) -> str:
    return f'"{engine.identifier(name)}"'


def _list(names: Sequence[str], end: str | None = None) -> str:
    """Column names for SQL; with `end`, each followed by a comma."""
    quoted = [_quoted(n) for n in names]
    return ", ".join(quoted) if end is None else "".join(f"{q}, " for q in quoted)


def _number(period: str) -> int:
    """Consecutive periods of one kind have consecutive numbers."""
    year = int(period[:4])
    return year if len(period) == 4 else year * 4 + int(period[6:]) if "Q" in period else year * 12 + int(period[5:])
