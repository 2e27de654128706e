"""The drift report of a delivery: what is not as in the earlier ones, and whether it came with a change of ours or is the partner's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from das_pipeline import engine
from das_pipeline.deliveries.opened import Intake
from das_pipeline.gate import Verdict

TOLD = 5  # how many changes a verdict tells
NO_DRIFT: dict[str, Any] = {"compared_with": [], "changes": []}
NOT_LISTED = "a code that is in no list"


@dataclass(frozen=True)
class Change:
    """One change: numbers before and now of `rows` and `unknown columns`, shares (of 1) of the others.

    A `code` is in a code list or contract, never another value.
    """

    file: str
    column: str
    code: str | None
    what: Literal["filled", "new code", "share of code", "rows", "unknown columns"]
    before: float
    now: float
    ours: Literal["contract", "code list", ""]  # what of ours changed since the delivery before

    @property
    def sentence(self) -> str:
        """The change in words."""
        if self.what == "rows":
            change = f"{self.file} has {self.now:,.0f} rows, and {self.before:,.0f} until now"
        elif self.what == "unknown columns":
            change = f"Columns of {self.file} that its contract does not know: {self.now:,.0f}, and {self.before:,.0f} until now"
        else:
            code = f"code {self.code}" if self.code else NOT_LISTED
            has = "filled" if self.what == "filled" else f"{code}, which is new," if self.what == "new code" else code
            change = f"{self.file}.{self.column} is {has} in {self.now:.1%} of the rows, and in {self.before:.1%} until now"
        whose = f"It came with a change of ours: another {self.ours}." if self.ours else "Nothing of ours changed: ask the sender."
        return f"{change}. {whose}"


def find_drift(intake: Intake) -> dict[str, Any]:
    """Compare `profile` with those of the earlier deliveries; return the report: what it was compared with, and the changes."""
    limit = intake.limits.drift
    earlier = _earlier(intake, limit.deliveries)
    if not earlier:
        return NO_DRIFT
    intake.connection.execute(f"CREATE OR REPLACE TEMP VIEW earlier AS SELECT * FROM {engine.parquet(earlier.values())}")
    query = engine.sql(__package__, "drift.sql")
    limits = {"share": limit.share, "times": limit.times, "rows": limit.rows, "last": list(earlier)[-1]}
    rows = intake.connection.execute(f'{query} ORDER BY file, "column", what, code', limits).fetchall()
    changes = [Change(*row) for row in rows]
    return {"compared_with": list(earlier), "changes": [asdict(change) | {"sentence": change.sentence} for change in changes]}


def summary(report: Mapping[str, Any]) -> dict[str, int]:
    """Return how many changes a report has, and whose they are."""
    changes: Sequence[Mapping[str, Any]] = report["changes"]
    ours = sum(1 for change in changes if change["ours"])
    return {"compared_with": len(report["compared_with"]), "ours": ours, "theirs": len(changes) - ours}


def judge_drift(report: Mapping[str, Any]) -> Verdict:
    """F12: the codes of a delivery have the shares that they had in the earlier ones.

    It says whether something of ours changed with them. A mapping that alone gives rows another concept is judged by T07, which blocks.
    """
    changes = [change for change in report["changes"] if change["what"] in ("share of code", "new code")]
    told = " ".join(change["sentence"] for change in changes[:TOLD]) + (" The receipt has the others." if len(changes) > TOLD else "")
    right = "The codes have the shares that they had in earlier deliveries."
    facts: dict[str, int | float | str] = {"theirs": sum(not c["ours"] for c in changes), "ours": sum(bool(c["ours"]) for c in changes)}
    return Verdict("F12", not changes, told if changes else right, facts=facts)


def _earlier(intake: Intake, most: int) -> dict[str, Path]:
    """The profiles of the last deliveries in force, the last one last, without what this one replaces.

    The first delivery of changes brings the whole register, in which more is known about a row than on its first day, so it is left out.
    """
    if intake.live is None:
        return {}
    is_delta = any(contract.delivery.mode == "delta" for contract in intake.contracts)
    before = [a.delivery for a in intake.before if a.delivery not in intake.replaced and not (is_delta and a.sequence == 1)]
    paths = {delivery: f"profiles/{delivery}.parquet" for delivery in before}
    kept = {delivery: intake.live.path(name) for delivery, name in paths.items() if name in intake.live.files}
    return dict(list(kept.items())[-most:])
