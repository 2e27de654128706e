"""The verdict of one gate rule, the same shape in every stage, in manifests and in the Dagster UI."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from das_pipeline.errors import DasError
from das_pipeline.rules import Severity, rule


@dataclass(frozen=True)
class Verdict:
    """What one rule found. `facts` holds counts and shares only: no value of a person, no row, no key."""

    rule: str  # the id in the catalogue of gate rules, "F01"
    passed: bool
    sentence: str  # one sentence for the person on duty: what was found, and what to do when it failed
    severity: Severity | None = None  # the rule's own, or a milder one
    facts: dict[str, int | float | str] = field(default_factory=dict)
    failing: dict[str, int] = field(default_factory=dict)  # of a rule that can be waived: every part that blocks, and its failing rows

    def __post_init__(self) -> None:
        most = rule(self.rule).severity
        if self.severity is None:
            object.__setattr__(self, "severity", most)
        elif self.severity == "block" and most == "warn":
            raise DasError(f"Rule {self.rule} warns, and this verdict would block: change its severity in das_pipeline/rules.yaml first.")
        if self.failing and not rule(self.rule).waiver:
            raise DasError(f"Rule {self.rule} counts failing rows, and cannot be waived: add `waiver` in das_pipeline/rules.yaml first.")

    @property
    def name(self) -> str:
        """The rule in words, "stock_and_flows_agree"."""
        return rule(self.rule).name

    def as_dict(self) -> dict[str, Any]:
        content = asdict(self) | {"name": self.name}
        if not self.failing:
            del content["failing"]
        return content


class GateFailed(DasError):
    """A blocking rule failed: the candidate version is kept aside, the live version stays."""

    def __init__(self, table: str, verdicts: Iterable[Verdict], candidate: Path | None = None) -> None:
        self.table = table
        self.verdicts = list(verdicts)
        self.candidate = candidate  # the folder of the rejected version, when there is one
        failed = "; ".join(f"{v.rule} {v.name}: {v.sentence}" for v in blocking(self.verdicts))
        super().__init__(f"{table} is not promoted: {failed}")


def blocking(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """The verdicts that stop a version from going live."""
    return [v for v in verdicts if not v.passed and v.severity == "block"]


def share_exceeds(failed: int, total: int, limit: float, min_rows: int) -> bool:
    """Whether the share `failed / total` is above `limit` beyond chance.

    The lower end of its 95 % Wilson interval is above the limit and at least `min_rows` rows fail: one bad row in a healthy
    daily file of eleven says nothing about the file.
    """
    if failed < max(min_rows, 1):
        return False
    z, share = 1.96, failed / total
    centre = share + z * z / (2 * total)
    margin = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return (centre - margin) / (1 + z * z / total) > limit
