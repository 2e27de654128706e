"""The gate rules of each stage as Dagster shows them: one module per stage, named as in das_pipeline.

What a rule says, and which tables it gates, is data (das_pipeline/rules.yaml); that it holds is judged in das_pipeline, where it is tested
without Dagster.
"""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from das_pipeline.rules import catalogue


def check_name(rule: str) -> str:
    """The name of a rule's check in Dagster, "F01_stock_and_flows_agree"."""
    return f"{rule}_{catalogue()[rule].name}"


def specs(table: str, rules: Sequence[str]) -> list[dg.AssetCheckSpec]:
    """The check specs of the asset `table`; those that can stop the chain are blocking."""
    return [
        dg.AssetCheckSpec(
            name=check_name(rule),
            asset=dg.AssetKey(table.split("/")),
            description=catalogue()[rule].must,
            blocking=catalogue()[rule].severity == "block",
            metadata={"rule": rule, "owner": "team:das"},
        )
        for rule in rules
    ]
