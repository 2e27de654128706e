"""D06: no published group consists almost wholly of one category, so that knowing who is in the group tells the category too."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from das_pipeline import engine
from das_pipeline.auditor.declared import Groups
from das_pipeline.auditor.findings import verdict
from das_pipeline.auditor.release import ALL, Dimension, Published, Table
from das_pipeline.gate import Verdict

FIX = "Pool the category with another, or count by a coarser group or a longer period; or leave the dimension out of this table."


def no_group_is_one_category(release: Published, connection: duckdb.DuckDBPyConnection, limits: Groups) -> Verdict:
    """D06: in no group of a size that tells of persons does one category have almost all, and clearly more than in the group's parents.

    A group is a cell in all dimensions but the category's; its parents have one of these at its total. Of simulated figures it warns.
    """
    faults: dict[str, int] = {}
    judged = 0
    for table in release.protected:
        for category in (d for d in table.dimensions if d.name in limits.categories):
            groups, wrong = _groups(table, category, connection, limits)
            judged += groups
            faults[table.name] = faults.get(table.name, 0) + wrong
    found = verdict("D06", "No published group consists almost wholly of one category", judged, faults, FIX)
    is_simulated = not limits.is_real and all(t.facts["is_simulated"] for t in release.protected)
    return replace(found, severity="warn") if is_simulated and not found.passed else found


def _groups(table: Table, category: Dimension, connection: duckdb.DuckDBPyConnection, limits: Groups) -> tuple[int, int]:
    """The number of groups of `table` that are judged by `category`, and of those that consist of one."""
    column = engine.identifier(category.name)
    others = [d.name for d in table.dimensions if d.name != category.name]
    at = [f'"{engine.identifier(k)}"' for k in (*others, "period_kind", "period")]
    total = f"MAX(n) FILTER (\"{column}\" = '{ALL}') OVER (PARTITION BY {', '.join(at)})"
    others_shown = f"COUNT(*) FILTER (\"{column}\" <> '{ALL}' AND (n IS NULL OR n > 0)) OVER (PARTITION BY {', '.join(at)})"
    columns = f'{", ".join(at)}, "{column}" AS category, n, {total} AS total, {others_shown} AS filled'
    shares = f'SELECT {columns} FROM "{engine.identifier(table.name)}"'
    clearly = " AND ".join(_above_parent(at, at[number], limits.above) for number in range(len(others))) or "FALSE"
    # Of a group whose count is not shown the size is not known: where all its other categories are shown as 0, it has one.
    is_group = f"(child.total BETWEEN {limits.least} AND {limits.most} OR child.n IS NULL) AND child.category <> '{ALL}'"
    is_one = f"((child.n >= {limits.share} * child.total AND {clearly}) OR (child.n IS NULL AND child.filled = 1))"
    query = f"WITH shares AS ({shares}) SELECT COUNT(*) FILTER ({is_group}), COUNT(*) FILTER ({is_group} AND {is_one}) FROM shares AS child"
    groups, wrong = connection.execute(query).fetchall()[0]
    return groups, wrong


def _above_parent(keys: list[str], dimension: str, above: float) -> str:
    """SQL: the share of `child` is so much above that of its parent, the group in which `dimension` is at its total."""
    same = " AND ".join(f"parent.{key} = " + (f"'{ALL}'" if key == dimension else f"child.{key}") for key in keys)
    share = (
        f"SELECT MAX(parent.n / parent.total) FROM shares AS parent WHERE {same} AND parent.category = child.category AND parent.total > 0"
    )
    return f"(child.{dimension} = '{ALL}' OR child.n / child.total - ({share}) >= {above})"
