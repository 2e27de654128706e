"""The gate rules of each stage as Dagster shows them: one module per stage, named as in das_pipeline.

What a rule says is data (rules.yaml); that it holds is judged in das_pipeline, where it is tested without Dagster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import dagster as dg
import yaml


@dataclass(frozen=True)
class Rule:
    """One rule of the catalogue."""

    id: str
    name: str
    must: str
    severity: str

    @property
    def check_name(self) -> str:
        return f"{self.id}_{self.name}"


@cache
def catalogue() -> dict[str, Rule]:
    """Every rule that is built, by id."""
    content = yaml.safe_load((Path(__file__).parent / "rules.yaml").read_text(encoding="utf-8"))
    return {rule: Rule(id=rule, **values) for rule, values in content.items()}


def specs(table: str, rules: Sequence[str]) -> list[dg.AssetCheckSpec]:
    """The check specs of the asset `table`; those that can stop the chain are blocking."""
    return [
        dg.AssetCheckSpec(
            name=catalogue()[rule].check_name,
            asset=dg.AssetKey(table.split("/")),
            description=catalogue()[rule].must,
            blocking=catalogue()[rule].severity == "block",
            metadata={"rule": rule, "owner": "team:das"},
        )
        for rule in rules
    ]
