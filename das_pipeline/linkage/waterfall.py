"""The match weight of two entities part by part, as the stored model has it: what each comparison adds to the odds, in bits."""

from __future__ import annotations

import math
from typing import Any

import duckdb

from das_pipeline.linkage.probabilistic import StoredModel

PRIOR = "before anything is compared"


def make_waterfall(connection: duckdb.DuckDBPyConnection, model: StoredModel, pairs: str) -> None:
    """Create `waterfall` (entity, other, place, part, finding, bits) for the table `pairs` (entity, other); bits add up to the weight.

    The first part is the odds of two random entities. A name adds more if it is rare.
    """
    odds = model.splink["probability_two_random_records_match"]
    prior = math.log2(odds / (1 - odds))
    parts = [f"SELECT entity, other, 0 AS place, 'all' AS part, '{PRIOR}' AS finding, {prior!r} AS bits FROM {pairs}"]
    parameters: dict[str, Any] = {}
    for place, comparison in enumerate(model.splink["comparisons"], start=1):
        levels = comparison["comparison_levels"]
        level = " ".join(f"WHEN {x['sql_condition']} THEN {n}" for n, x in enumerate(levels) if x["sql_condition"] != "ELSE")
        findings = " ".join(f"WHEN {n} THEN '{x['label_for_charts']}'" for n, x in enumerate(levels))
        bits = " ".join(f"WHEN {n} THEN {_bits(x, model, parameters)}" for n, x in enumerate(levels))
        name = comparison["output_column_name"]
        parts.append(
            f"SELECT entity, other, {place}, '{name}', CASE level {findings} END, CASE level {bits} END"
            f" FROM (SELECT *, CASE {level} ELSE {len(levels) - 1} END AS level FROM sides)"
        )
    columns = [name for name, *_ in connection.execute("DESCRIBE entities").fetchall() if name != "entity"]
    sides = ", ".join(f"l.{name} AS {name}_l, r.{name} AS {name}_r" for name in columns)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE waterfall AS WITH sides AS (SELECT p.entity, p.other, {sides} FROM {pairs} AS p"
        " JOIN entities AS l ON l.entity = p.entity JOIN entities AS r ON r.entity = p.other)"
        f" {' UNION ALL '.join(parts)} ORDER BY entity, other, place",
        parameters,
    )


def _bits(level: dict[str, Any], model: StoredModel, parameters: dict[str, Any]) -> str:
    """Return an expression: what a level adds; that of equal names depends on how many persons have the name."""
    if level.get("is_null_level"):
        return "0.0"
    column = level.get("tf_adjustment_column")
    if column is None:
        return repr(math.log2(level["m_probability"] / level["u_probability"]))
    frequencies = model.frequencies[column]
    parameters |= {f"{column}_names": list(frequencies.common), f"{column}_shares": list(frequencies.common.values())}
    share = f"COALESCE(map(${column}_names, ${column}_shares)[{column}_l], {frequencies.rare!r})"
    return f"log2({level['m_probability']!r} / {share})"
