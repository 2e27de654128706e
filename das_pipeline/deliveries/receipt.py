"""The receipt that a partner gets for a delivery: counts and line numbers, never a value; for a machine and for a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from typing import Any

import jinja2

from das_pipeline.deliveries.account import FileAccount
from das_pipeline.deliveries.calendar import Schedule
from das_pipeline.deliveries.contract import Contract
from das_pipeline.deliveries.manifest import Manifest
from das_pipeline.gate import Verdict, blocking

COUNTS = (  # the columns of the page, in order
    *("read", "accepted", "new", "changed", "returned", "withdrawn", "absent", "restored"),
    *("duplicate", "superseded", "quarantined", "stale"),
)


def receipt_of(
    manifest: Manifest, schedule: Schedule, contracts: Iterable[Contract], accounts: Iterable[FileAccount], verdicts: Sequence[Verdict]
) -> dict[str, Any]:
    """The receipt of a delivery, for a machine."""
    due_on = schedule.due_on(manifest.reference_on)
    return {
        "partner": manifest.partner,
        "delivery": manifest.delivery,
        "reference_on": manifest.reference_on.isoformat(),
        "delivered_on": manifest.delivered_on.isoformat(),
        "due_on": due_on.isoformat(),
        "is_due_date_met": manifest.delivered_on <= due_on,
        "contracts": {contract.file: contract.version for contract in contracts},
        "is_accepted": not blocking(verdicts),
        "files": [{**asdict(a), "accepted": a.accepted} for a in accounts],
        "findings": [
            {"rule": v.rule, "sentence": v.sentence, "refuses": v.severity == "block", "failing": v.failing}
            for v in verdicts
            if not v.passed
        ],
    }


def receipt_page(receipt: Mapping[str, Any]) -> str:
    """The same receipt as a page, for a person."""
    return _template().render(receipt, counts=COUNTS)


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("das_pipeline.deliveries", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("receipt.html")
