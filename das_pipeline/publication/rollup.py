"""SQL compiled from a published table's definition. Everything in the text is an identifier that was checked; values are bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from das_pipeline import engine
from das_pipeline.publication.definitions import Dimension
from das_pipeline.statistics import CLOSING, CORRECTIONS, INFLOW, MOVEMENT, OPENING, OUTFLOW
from das_pipeline.terminology import ALL


def rolled_up(number: int, dimensions: Sequence[Dimension], stacked: Mapping[str, str] | None = None) -> tuple[str, dict[str, str]]:
    """Return a query and its values to bind: one row per node of every dimension and its total, in every kind of period.

    Sources: leaves_<number>, hierarchies (scheme, level, leaf, node), periods_<number> (leaf, kind, node, status). With `stacked`,
    dimension → code, they are rows of a stack. A concept that no scheme has (not_applicable) is its own node.
    """
    row = [f"'{engine.identifier(code)}' AS {engine.identifier(name)}" for name, code in (stacked or {}).items()]
    counted = f"counted_{number}"  # a name of its own: for Spark, sqlglot moves all steps of a query to the top
    steps = [f"{counted} AS (SELECT * FROM leaves_{number} WHERE measure = 'n')"]
    joins, keys = [f"JOIN periods_{number} AS periods ON periods.leaf = {counted}.period"], []
    bound: dict[str, str] = {}
    for dimension in dimensions:
        name = engine.identifier(dimension.name)
        bound |= {f"{name}_scheme": dimension.scheme or "", f"{name}_level": dimension.level}
        nodes = f"{name}_nodes_{number}"
        steps.append(_nodes(name, nodes, counted))
        joins.append(f"JOIN {nodes} ON {nodes}.leaf = {counted}.{name}")
        keys.append((f"{nodes}.node", name))
    keys += [("periods.kind", "period_kind"), ("periods.node", "period")]
    query = f"""
WITH {", ".join(steps)}
SELECT {", ".join([*row, *(f"{node} AS {name}" for node, name in keys)])},
    CAST(SUM({counted}.value) AS BIGINT) AS n,
    CASE WHEN MIN(CASE WHEN {counted}.structural THEN 1 ELSE 0 END) = 1 THEN 'not_applicable' ELSE MIN(periods.status) END AS status
FROM {counted}
{" ".join(joins)}
GROUP BY {", ".join(node for node, name in keys)}"""
    return query, bound


def with_corrections(lines: str, keys: Sequence[str]) -> str:
    """Return a query: the `lines` of a balance and one more, the corrections, with which opening + inflow - outflow make the closing stock.

    The lines are rounded each by itself, so this one holds what rounding leaves, together with moves between the categories.
    """
    dimensions = ", ".join(key for key in keys if key != MOVEMENT)
    signs = " ".join(f"WHEN {MOVEMENT} = '{line}' THEN {sign}" for line, sign in ((CLOSING, 1), (OUTFLOW, 1), (OPENING, -1), (INFLOW, -1)))
    return f"""
WITH counted_lines AS ({lines})
SELECT {", ".join(keys)}, n, status FROM counted_lines
UNION ALL
SELECT {", ".join(f"'{CORRECTIONS}' AS {key}" if key == MOVEMENT else key for key in keys)}, CAST(SUM(n * CASE {signs} END) AS BIGINT) AS n,
    MIN(status) AS status
FROM counted_lines
GROUP BY {dimensions}"""


def _nodes(name: str, nodes: str, counted: str) -> str:
    """Return the step `nodes`: one row per leaf of `name` in `counted` and node it lies in, of the table's level or the total."""
    return f"""{nodes} AS (
    SELECT l.leaf, COALESCE(h.node, l.leaf) AS node
    FROM (SELECT DISTINCT {name} AS leaf FROM {counted}) AS l
    LEFT JOIN hierarchies AS h ON h.leaf = l.leaf AND h.scheme = ${name}_scheme AND h.level = ${name}_level
    UNION ALL
    SELECT DISTINCT {name} AS leaf, '{ALL}' AS node FROM {counted}
)"""
