"""The row account of a delivered file, and the receipt that a partner gets: counts and line numbers, never a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from html import escape
from typing import Any

import duckdb

from das_pipeline.deliveries.contract import Partner
from das_pipeline.deliveries.landing import Manifest
from das_pipeline.gate import Verdict, blocking

COLUMNS = (
    "delivery VARCHAR, sequence BIGINT, reference_on DATE, known_on DATE, file VARCHAR, read BIGINT, accepted BIGINT, duplicate BIGINT,"
    " superseded BIGINT, quarantined BIGINT, new BIGINT, changed BIGINT, returned BIGINT, withdrawn BIGINT, absent BIGINT, stale BIGINT"
)


@dataclass
class FileAccount:
    """What became of every line of one delivered file.

    `accepted` lines changed what is in force: new, changed and returned rows made a version, `withdrawn` ones closed one. `absent` rows
    were in force and are not in a complete file; `restored` ones are in force again, because the delivery that
    changed them was replaced; `stale` ones are quarantined updates, whose old version stays in force.
    """

    file: str
    read: int = 0  # lines, without the header
    new: int = 0
    changed: int = 0
    returned: int = 0
    withdrawn: int = 0
    duplicate: int = 0
    superseded: int = 0
    quarantined: int = 0
    absent: int = 0
    restored: int = 0
    stale: int = 0
    warned: int = 0  # rows accepted without a value that was wrong
    by_rule: dict[str, int] = field(default_factory=dict)  # quarantined lines by rule; a line may break several
    first_lines: dict[str, list[int]] = field(default_factory=dict)

    @property
    def accepted(self) -> int:
        return self.new + self.changed + self.returned + self.withdrawn

    @property
    def difference(self) -> int:
        """Lines read that ended nowhere, or more than once (rule I11)."""
        return self.read - self.accepted - self.duplicate - self.superseded - self.quarantined


def judge_account(accounts: Sequence[FileAccount]) -> Verdict:
    """I11: not one line unaccounted for."""
    open_accounts = {a.file: a.difference for a in accounts if a.difference}
    lines = sum(a.read for a in accounts)
    facts: dict[str, int | float | str] = {f"{a.file}_read": a.read for a in accounts}
    return Verdict(
        "I11",
        not open_accounts,
        f"All {lines:,} lines are accepted, duplicate, superseded or quarantined."
        if not open_accounts
        else f"Lines unaccounted for: {', '.join(f'{file} {n:+,}' for file, n in open_accounts.items())}. This is a fault of the pipeline, "
        "not of the partner: report it with the delivery's name.",
        facts=facts | {f"{file}_difference": n for file, n in open_accounts.items()},
    )


def store_accounts(connection: duckdb.DuckDBPyConnection, manifest: Manifest, known_on: date, accounts: Iterable[FileAccount]) -> None:
    """The accounts of a delivery added to the table `account`."""
    for a in accounts:
        connection.execute(
            "INSERT INTO account VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                *(
                    manifest.delivery,
                    manifest.sequence,
                    manifest.reference_on,
                    known_on,
                    a.file,
                    a.read,
                    a.accepted,
                    a.duplicate,
                ),
                *(a.superseded, a.quarantined, a.new, a.changed, a.returned, a.withdrawn, a.absent, a.stale),
            ],
        )


def create_account(connection: duckdb.DuckDBPyConnection, earlier: str | None) -> None:
    """The table `account`, one row per delivered file, with the rows of an `earlier` relation."""
    connection.execute(f"CREATE TEMP TABLE account ({COLUMNS})")
    if earlier is not None:
        connection.execute(f"INSERT INTO account SELECT * FROM {earlier}")


def write_receipt_rows(accounts: Iterable[FileAccount]) -> list[dict[str, Any]]:
    """The accounts as a receipt lists them."""
    return [{**asdict(a), "accepted": a.accepted} for a in accounts]


def receipt_of(manifest: Manifest, partner: Partner, accounts: Iterable[FileAccount], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The acknowledgement of a delivery for its partner, for a machine."""
    due_on = manifest.reference_on + timedelta(days=partner.due_days)
    return {
        "partner": manifest.partner,
        "delivery": manifest.delivery,
        "reference_on": manifest.reference_on.isoformat(),
        "delivered_on": manifest.delivered_on.isoformat(),
        "due_on": due_on.isoformat(),
        "is_due_date_met": manifest.delivered_on <= due_on,
        "is_accepted": not blocking(verdicts),
        "files": write_receipt_rows(accounts),
        "findings": [{"rule": v.rule, "sentence": v.sentence, "refuses": v.severity == "block"} for v in verdicts if not v.passed],
    }


def receipt_html(receipt: Mapping[str, Any]) -> str:
    """The same acknowledgement for a person."""
    counts = (
        "read",
        "accepted",
        "new",
        "changed",
        "returned",
        "withdrawn",
        "absent",
        "restored",
        "duplicate",
        "superseded",
        "quarantined",
        "stale",
    )
    head = "".join(f"<th scope='col'>{name}</th>" for name in ("file", *counts))
    files = "".join(
        f"<tr><th scope='row'>{escape(f['file'])}</th>" + "".join(f"<td>{f[name]:,}</td>" for name in counts) + "</tr>"
        for f in receipt["files"]
    )
    rules = "".join(
        f"<li>{escape(f['file'])}, rule {rule}: {n:,} lines, first {', '.join(map(str, f['first_lines'][rule]))}</li>"
        for f in receipt["files"]
        for rule, n in f["by_rule"].items()
    )
    findings = "".join(f"<li>{escape(f['rule'])}: {escape(f['sentence'])}</li>" for f in receipt["findings"])
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Receipt {escape(receipt["partner"])} {escape(receipt["delivery"])}</title></head><body>
<h1>Receipt: {escape(receipt["partner"])}, delivery {escape(receipt["delivery"])}</h1>
<p>{"Accepted" if receipt["is_accepted"] else "Refused: nothing of it is in force"}. State on {receipt["reference_on"]}, delivered on
{receipt["delivered_on"]}, due on {receipt["due_on"]}: {"in time" if receipt["is_due_date_met"] else "late"}.</p>
<table><thead><tr>{head}</tr></thead><tbody>{files}</tbody></table>
<h2>Quarantined lines by rule</h2><ul>{rules or "<li>none</li>"}</ul>
<h2>Findings</h2><ul>{findings or "<li>none</li>"}</ul>
</body></html>
"""
