"""What later stages, the command line and the UI read of the deliveries: records as known on a date, completeness, accounts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import duckdb

from das_pipeline import engine
from das_pipeline.deliveries import landing
from das_pipeline.deliveries.calendar import Schedule, load_schedule
from das_pipeline.deliveries.contract_files import load_contracts, load_partners
from das_pipeline.deliveries.landing import Accepted
from das_pipeline.deliveries.manifest import Manifest
from das_pipeline.deliveries.state import OPEN, record_versions, stored
from das_pipeline.deliveries.versions import stored_rows
from das_pipeline.errors import ConfigurationError, LakeError
from das_pipeline.gate import Verdict
from das_pipeline.lake import Version
from das_pipeline.run import Run


def partners_in(run: Run) -> dict[str, Version]:
    """The live version of each partner that had something accepted by `run.as_of`, by partner."""
    versions = {}
    for partner in load_partners(run.jurisdiction):
        version = run.lake.current(f"deliveries/{partner}")
        if version is not None and _by(run, partner):
            versions[partner] = version
    return versions


def _by(run: Run, partner: str) -> list[Accepted]:
    """The accepted deliveries of a partner that were known on `run.as_of`."""
    return [a for a in landing.accepted(run, partner) if a.known_on <= run.as_of]


def register_records(
    run: Run,
    connection: duckdb.DuckDBPyConnection,
    partner: str,
    file: str,
    half: Literal["content", "direct"] = "content",
    only: str | None = None,
) -> str:
    """Create a view on `connection` and return its name: one row per record version of a file as known on `run.as_of`.

    Columns: record_no, sub, known_from, known_until, is_only, delivery, line_no, and those of the half. What became known after `as_of`
    leaves no trace: a later end is still open, and `is_only` counts the versions until then. The connection must be an identifying one.
    `only` is a relation with the record_no of those to read; None: all. It is inside the view: the planner joins every row of the history
    to their openings before it leaves out any.
    """
    contract = load_contracts(run.jurisdiction).get((partner, file))
    if contract is None:
        raise ConfigurationError(f"{run.jurisdiction.folder} has no contract for {partner}/{file}.")
    live = run.lake.current(f"deliveries/{partner}")
    if live is None:
        raise LakeError(f"deliveries/{partner} has no live version yet: take in a delivery first.")
    columns = contract.content if half == "content" else contract.direct
    listed = "".join(f", c.{column.name}" for column in columns)
    name = engine.identifier(f"{half}_{partner}_{file}")
    as_of = f"DATE '{run.as_of.isoformat()}'"
    opened = stored(live, "opened", file)
    if only is not None:
        opened = f"(SELECT o.* FROM {opened} AS o SEMI JOIN {only} AS t ON t.record_no = o.record_no)"
    connection.execute(f"""CREATE OR REPLACE TEMP VIEW {name} AS
WITH known AS (
    SELECT record_no, sub, known_from, CASE WHEN known_until > {as_of} THEN {OPEN} ELSE known_until END AS known_until,
        delivery, line_no
    FROM {record_versions(opened, stored(live, "closed", file))}
    WHERE known_from <= {as_of} AND known_from < known_until),
several AS (
    SELECT k.record_no, k.sub FROM known AS k
    SEMI JOIN (SELECT record_no, sub FROM {opened} WHERE opened_as <> 'new') AS f
        ON f.record_no = k.record_no AND f.sub = k.sub
    GROUP BY k.record_no, k.sub HAVING COUNT(*) > 1)
SELECT k.record_no, k.sub, k.known_from, k.known_until, s.record_no IS NULL AS is_only, k.delivery, k.line_no{listed}
FROM known AS k
LEFT JOIN several AS s ON s.record_no = k.record_no AND s.sub = k.sub
JOIN {stored_rows(live, contract, half)} AS c ON c.delivery = k.delivery AND c.line_no = k.line_no""")
    return name


def deliveries_known(version: Version, as_of: date) -> list[str]:
    """The deliveries in a version of a partner's table that were known on `as_of`."""
    return [a.delivery for a in landing.accepted_in(version.facts) if a.known_on <= as_of]


def is_real(run: Run) -> bool:
    """Whether any accepted delivery known on `run.as_of` is not simulated: then figures are about real people, whatever else is in them."""
    return not run.keys.is_demo and any(
        not _manifest(run, partner, a).is_simulated for partner in load_partners(run.jurisdiction) for a in _by(run, partner)
    )


def is_simulated(run: Run) -> bool:
    """Whether any accepted delivery known on `run.as_of` declares itself simulated; demo keys accept no other."""
    return run.keys.is_demo or any(
        _manifest(run, partner, a).is_simulated for partner in load_partners(run.jurisdiction) for a in _by(run, partner)
    )


def has_calendar(run: Run) -> bool:
    """Whether lateness and terms are judged by today's date: always, but in a home where every accepted delivery is simulated.

    Simulated deliveries have days of their own, whatever the keys. One real delivery among them brings the calendar back: its partner may
    fall silent.
    """
    return is_real(run) or not is_simulated(run)


def _manifest(run: Run, partner: str, accepted: Accepted) -> Manifest:
    landed = landing.landed(run, partner, accepted.delivery)
    if landed is None:
        raise LakeError(f"{partner} {accepted.delivery} was accepted, but its manifest is not in the landing zone: restore it from backup.")
    return landed.manifest


@dataclass(frozen=True)
class PartnerState:
    """How current a partner is as known on a date, and whether the chain may run so (the completeness rule)."""

    partner: str
    state: Literal["on_time", "late", "missing"]
    newest: str | None  # the newest accepted delivery
    reference_on: date | None
    known_on: date | None
    due_on: date | None  # the day on which the next delivery is due
    late_days: int  # days since the next delivery was due, that day included; 0 when on time
    rows: int  # accepted record versions
    allowed: bool


def state_of(schedule: Schedule, reference_on: date | None, as_of: date) -> Literal["on_time", "late", "missing"]:
    """Whether a partner whose newest figures are of `reference_on` is on time on `as_of`, late, or has never delivered."""
    if reference_on is None:
        return "missing"
    return "late" if as_of >= schedule.due_on(schedule.next_after(reference_on)) else "on_time"


def completeness(run: Run) -> list[PartnerState]:
    """The state of every partner on `run.as_of`, by partner. A partner that is not required never stops the chain."""
    states = []
    for name, partner in load_partners(run.jurisdiction).items():
        known = _by(run, name)
        if not known:
            states.append(PartnerState(name, "missing", None, None, None, None, 0, 0, allowed=not partner.completeness.required))
            continue
        newest = known[-1]
        schedule = load_schedule(run.jurisdiction, name)
        due_on = schedule.due_on(schedule.next_after(newest.reference_on))
        late = max(0, (run.as_of - due_on).days + 1)
        version = run.lake.current(f"deliveries/{name}")
        rows = sum(e.rows or 0 for n, e in version.files.items() if n.startswith("opened/")) if version is not None else 0
        states.append(
            PartnerState(
                name,
                state_of(schedule, newest.reference_on, run.as_of),
                newest.delivery,
                newest.reference_on,
                newest.known_on,
                due_on,
                late,
                rows,
                allowed=not partner.completeness.required or late <= partner.completeness.late_days,
            )
        )
    return states


def covered_until(run: Run, partners: Iterable[str]) -> dict[str, date | None]:
    """The last reference date of each of the partners as known on `run.as_of`: what they report reaches so far; None before the first."""
    return {partner: max((a.reference_on for a in _by(run, partner)), default=None) for partner in sorted(partners)}


def lost_parents(run: Run, partner: str) -> dict[str, dict[str, Any]]:
    """The files of a partner with rows in force whose parent was withdrawn (rule K03): `rows`, `parents` and `ended_by` of each."""
    live = run.lake.current(f"deliveries/{partner}")
    found = live.facts.get("without_parent", {}) if live is not None else {}
    return {file: of for file, of in found.items() if date.fromisoformat(of["known_on"]) <= run.as_of}


def judge_completeness(run: Run) -> Verdict:
    """I10: every required partner has delivered, and none is later than its completeness rule allows."""
    states = completeness(run)
    stopping = [s.partner for s in states if not s.allowed]
    behind = [f"{s.partner} ({s.state}{f' by {s.late_days} days' if s.late_days else ''})" for s in states if s.state != "on_time"]
    if stopping:
        sentence = f"The chain does not run without {', '.join(stopping)}: take in what is due, or change completeness in partner.yaml."
    elif behind:
        sentence = f"Runs without the newest of {', '.join(behind)}, as the completeness rule allows; the figures say so."
    else:
        sentence = "Every partner has delivered in time."
    return Verdict(
        "I10",
        passed=not behind and not stopping,
        sentence=sentence,
        severity="block" if stopping else "warn",
        facts={"partners": len(states), "behind": len(behind), "stopping": len(stopping)},
    )


def vintages(run: Run) -> list[date]:
    """The days on which an accepted delivery became known, by `run.as_of`, in order."""
    return sorted({a.known_on for partner in load_partners(run.jurisdiction) for a in _by(run, partner)})


def newest_vintage(run: Run) -> date | None:
    """The last of the vintages; None before the first."""
    return max(vintages(run), default=None)


@dataclass(frozen=True)
class QuarantineRows:
    """Lines set aside: how many of a file broke a rule. `first_lines` are `<delivery>:<line>`."""

    partner: str
    file: str
    rule: str
    state: str
    rows: int
    first_lines: tuple[str, ...]


def quarantine_summary(run: Run) -> list[QuarantineRows]:
    """The quarantined lines by partner, file, rule and state: counts and line numbers, never a value."""
    summary = []
    with run.connect(identifying=True) as connection:
        for partner, version in partners_in(run).items():
            for file in load_partners(run.jurisdiction)[partner].files:
                names = sorted(n for n in version.files if n.startswith(f"quarantine/{file}/"))
                if not names:
                    continue
                parts = "\nUNION ALL ".join(
                    f"SELECT '{n.rsplit('/', 1)[1].removesuffix('.parquet')}' AS delivery, line_no, rule, state"
                    f" FROM {engine.parquet([version.path(n)])}"
                    for n in names
                )
                summary += [
                    QuarantineRows(partner, file, rule, state, rows, tuple(first))
                    for rule, state, rows, first in connection.execute(
                        f"""WITH lines AS (SELECT DISTINCT delivery, line_no, rule, state FROM ({parts}))
                        SELECT rule, state, COUNT(*), list(delivery || ':' || line_no ORDER BY delivery, line_no)[1:5]
                        FROM lines GROUP BY rule, state ORDER BY rule, state"""
                    ).fetchall()
                ]
    return summary


@dataclass(frozen=True)
class AccountRow:
    """What became of the lines of one delivered file."""

    partner: str
    delivery: str
    file: str
    known_on: date
    read: int
    accepted: int
    duplicate: int
    superseded: int
    quarantined: int
    absent: int
    stale: int


def account_rows(run: Run) -> list[AccountRow]:
    """The row accounts of all accepted deliveries known on `run.as_of`, by partner and in order of delivery."""
    accounts = []
    with run.connect() as connection:
        for partner, version in partners_in(run).items():
            rows = connection.execute(
                f"""SELECT delivery, file, known_on, read, accepted, duplicate, superseded, quarantined, absent, stale
                FROM {engine.parquet([version.path("account.parquet")])} WHERE known_on <= $as_of ORDER BY sequence, delivery, file""",
                {"as_of": run.as_of},
            ).fetchall()
            accounts += [AccountRow(partner, *row) for row in rows]
    return accounts
