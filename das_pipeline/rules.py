"""The catalogue of gate rules (rules.yaml): what must be true, what a failure does, which tables it gates, and where its limit is set."""

from __future__ import annotations

import importlib.resources
from dataclasses import dataclass
from functools import cache
from typing import Literal

import yaml

from das_pipeline.errors import ConfigurationError

Severity = Literal["block", "warn"]
OF_PARTNER, OF_SOURCE = "deliveries/<partner>", "deliveries/<source>"


@dataclass(frozen=True)
class Rule:
    """One rule. `severity` is the most that a failure does; a verdict may be milder, never harder."""

    id: str
    name: str
    must: str
    severity: Severity
    tables: tuple[str, ...]
    limit: str = ""
    waiver: str = ""


@cache
def catalogue() -> dict[str, Rule]:
    """Every rule by id, in the order of the chain."""
    content = yaml.safe_load((importlib.resources.files(__package__ or "das_pipeline") / "rules.yaml").read_text(encoding="utf-8"))
    return {rule: Rule(id=rule, **{**values, "tables": tuple(values["tables"])}) for rule, values in content.items()}


def rule(rule_id: str) -> Rule:
    """The rule with this id; ConfigurationError when the catalogue does not have it."""
    try:
        return catalogue()[rule_id]
    except KeyError:
        raise ConfigurationError(f"Rule {rule_id} is not in das_pipeline/rules.yaml: add it there.") from None


def rules_of(table: str) -> tuple[str, ...]:
    """The ids of the rules that gate `table`; `OF_PARTNER` and `OF_SOURCE` stand for the tables of partners and external sources."""
    return tuple(r.id for r in catalogue().values() if table in r.tables)
