"""The row account of a delivered file: what became of every line, in counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import duckdb

from das_pipeline.deliveries.manifest import Manifest
from das_pipeline.gate import Verdict

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

    def count(self, fates: Mapping[str, int]) -> None:
        """Set the counts of lines without a fault, from the number of lines by fate."""
        self.new, self.changed, self.returned = fates.get("new", 0), fates.get("changed", 0), fates.get("returned", 0)
        self.withdrawn = fates.get("withdrawn", 0)
        self.duplicate, self.superseded = fates.get("duplicate", 0), fates.get("superseded", 0)

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
    """Add the accounts of a delivery to the table `account`."""
    for a in accounts:
        row = [manifest.delivery, manifest.sequence, manifest.reference_on, known_on, a.file, a.read, a.accepted, a.duplicate]
        row += [a.superseded, a.quarantined, a.new, a.changed, a.returned, a.withdrawn, a.absent, a.stale]
        connection.execute(f"INSERT INTO account VALUES ({', '.join('?' * len(row))})", row)


def create_account(connection: duckdb.DuckDBPyConnection, earlier: str | None) -> None:
    """Create the table `account`, one row per delivered file, with the rows of an `earlier` relation."""
    connection.execute(f"CREATE TEMP TABLE account ({COLUMNS})")
    if earlier is not None:
        connection.execute(f"INSERT INTO account SELECT * FROM {earlier}")
