"""What is live, what waits and what was refused: gathered once, for the tables and for `--json`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
from rich.table import Table

from cli.console import console, shown
from das_pipeline import deliveries, linkage, publication, retention
from das_pipeline.deliveries import PartnerState
from das_pipeline.disk import size_of
from das_pipeline.release import DECISION
from das_pipeline.release.decision import SIGNATURES
from das_pipeline.run import Run
from das_pipeline.settings import Settings
from das_pipeline.waivers import WaiverState, load_waivers, state_of


@dataclass(frozen=True)
class Waiting:
    """A delivery that is not taken in yet; `reason` says for what it waits, and is empty for one that is ready."""

    partner: str
    delivery: str
    state: str
    reason: str


@dataclass(frozen=True)
class LiveTable:
    """The live version of a table of the lake, and how many of its checks passed."""

    table: str
    version: str
    rows: int
    checks_passed: int
    checks: int


@dataclass(frozen=True)
class OpenAlert:
    """What a person must act on now, whether or not a channel reports it."""

    cause: str
    owner: str
    text: str


@dataclass(frozen=True)
class ReleaseRow:
    """A published release."""

    release: str
    tables: int
    cells: int
    folder: Path


@dataclass(frozen=True)
class Status:
    """The state of one installation."""

    as_of: date | None
    partners: list[PartnerState]
    waiting: list[Waiting]
    problems: list[str]
    alerts: list[OpenAlert]
    tables: list[LiveTable]
    releases: list[ReleaseRow]
    reviews: dict[str, int]  # links that a person must decide on, by reason, the most urgent first
    decision: str | None  # on the newest candidate
    waits_for_signature: str | None  # the release that the candidate becomes when two persons have signed
    not_counted: str | None  # events before the first month
    waivers: list[WaiverState]
    bytes: int  # of the whole home
    expired_items: int  # what das clean would remove
    expired_bytes: int
    next_expiry: date | None  # the next day on which something outlives its term


def read_status(settings: Settings) -> Status:
    """Return the state of the installation."""
    run = Run.start(settings, date.max)
    newest = deliveries.newest_vintage(run)
    judged = run.known_on(retention.judged_on(run))
    expired = retention.expired(judged)
    return Status(
        as_of=newest,
        partners=deliveries.completeness(run.known_on(newest)) if newest else [],
        waiting=[Waiting(d.partner, d.delivery, d.state, d.reason) for d in deliveries.pending(run)],
        problems=deliveries.problems(run),
        alerts=_open_alerts(run),
        tables=_live_tables(run),
        releases=read_releases(run),
        reviews=read_reviews(run),
        decision=read_decision(run),
        waits_for_signature=_waiting_release(run),
        not_counted=read_not_counted(run),
        waivers=read_waivers(run),
        bytes=size_of(settings.home),
        expired_items=len(expired),
        expired_bytes=sum(e.bytes for e in expired),
        next_expiry=retention.next_day(judged),
    )


def _open_alerts(run: Run) -> list[OpenAlert]:
    from orchestration.alerts import causes_in_home, causes_of_runs
    from orchestration.runs import instance

    causes = causes_in_home(run, date.today())
    if (run.settings.home / "dagster").exists():
        with instance(run.settings) as store:
            causes += causes_of_runs(store)
    return [OpenAlert(cause.key, cause.owner, cause.text) for cause in causes]


def _waiting_release(run: Run) -> str | None:
    decided = run.lake.current(DECISION)
    return decided.facts["release"] if decided is not None and decided.facts["rule"] == SIGNATURES else None


def read_releases(run: Run) -> list[ReleaseRow]:
    """Return the releases, oldest first."""
    rows = []
    for folder in publication.release_folders(run):
        tables = sorted(folder.glob("tables/*.parquet"))
        rows.append(ReleaseRow(folder.name, len(tables), sum(pq.read_metadata(path).num_rows for path in tables), folder))
    return rows


def _live_tables(run: Run) -> list[LiveTable]:
    home = run.lake.home
    names = (pointer.parent.relative_to(home).as_posix() for pointer in sorted(home.glob("*/*/current.json")))
    versions = [version for name in names if (version := run.lake.current(name)) is not None]
    return [LiveTable(v.table, v.id, v.rows, sum(c["passed"] for c in v.verdicts), len(v.verdicts)) for v in versions]


def read_reviews(run: Run) -> dict[str, int]:
    """Return how many links wait for a decision, by reason; empty before the first review."""
    live = run.lake.current(linkage.REVIEW)
    return {} if live is None else {reason: live.facts[reason] for reason in linkage.REASONS if live.facts.get(reason)}


def read_decision(run: Run) -> str | None:
    """Return what was decided on the newest candidate; None before the first."""
    live = run.lake.current("release/decision")
    return None if live is None else f"The newest candidate, as known on {live.as_of}: {live.facts['decision']}"


def read_not_counted(run: Run) -> str | None:
    """Return which cubes leave events out because they are before the opening month, and how many; None when there are none."""
    live = run.lake.current("statistics/cubes")
    early = live.facts.get("before_opening") if live else None
    if live is None or not early:
        return None
    listed = ", ".join(f"{cube} {n:,}" for cube, n in sorted(early.items()))
    return f"Not counted, before {live.facts['opening_month']} (chain.yaml, opening_month): {listed}"


def read_waivers(run: Run) -> list[WaiverState]:
    """Return the state of every waiver, on the day on which terms are judged."""
    today, states = retention.judged_on(run), []
    for waiver in load_waivers(run.jurisdiction):
        live = run.lake.current(waiver.table)
        states.append(state_of(waiver, () if live is None else live.verdicts, today))
    return states


def show_status(status: Status) -> None:
    """Print the state as tables."""
    if status.as_of is not None:
        partners = Table("partner", "newest delivery", "next due", "late by", "state", title=f"Partners, as of {status.as_of}")
        for state in status.partners:
            late = f"{state.late_days} days"
            partners.add_row(state.partner, str(state.reference_on or "–"), str(state.due_on or "–"), late, state.state.replace("_", " "))
        console.print(partners)
    for delivery in status.waiting:
        console.print(f"[yellow]waiting[/] {delivery.partner} {delivery.delivery}: {delivery.reason or 'ready: das run takes it in'}")
    for problem in status.problems:
        console.print(f"[red]problem[/] {problem}")
    if status.waits_for_signature:
        console.print(f"[yellow]waiting[/] release {status.waits_for_signature} waits for signatures: das release show says whose")
    if status.reviews:
        listed = ", ".join(f"{reason} {n:,}" for reason, n in status.reviews.items())
        total = sum(status.reviews.values())
        console.print(f"[yellow]waiting[/] {total:,} links wait for a decision ({listed}): das review list names them", highlight=False)
    if status.alerts:
        alerts = Table("cause", "whose", title="Open alerts")
        for alert in status.alerts:
            alerts.add_row(alert.cause, alert.owner)
        console.print(alerts)
    live = Table("table", "live version", "rows", "checks", title="Live versions")
    for table in status.tables:
        live.add_row(table.table, table.version, f"{table.rows:,}", f"{table.checks_passed} of {table.checks}")
    console.print(live)
    show_waivers(status.waivers)
    show_releases(status.releases)
    for sentence in (status.decision, status.not_counted):
        if sentence:
            console.print(sentence)
    due = f"{status.expired_items:,} items of {status.expired_bytes / 1e6:,.1f} MB have outlived their term: das clean removes them."
    following = f" The next term ends on {status.next_expiry}." if status.next_expiry else ""
    held = f"The home holds {status.bytes / 1e6:,.1f} MB."
    console.print(f"{held} {due if status.expired_items else 'Nothing has outlived its term.'}{following}")


def show_waivers(waivers: list[WaiverState]) -> None:
    """Print the waivers as a table, when there are any."""
    table = Table("table", "rule", "part", "until", "state", "failing", "at most", "owner", "reason", title="Waivers")
    for w in waivers:
        failing = "–" if w.failing is None else f"{w.failing:,}"
        table.add_row(w.table, w.rule, w.part, str(w.expires_on), w.state, failing, f"{w.limit:,}", w.owner, w.reason)
    if waivers:
        console.print(table)


def show_releases(releases: list[ReleaseRow]) -> None:
    """Print the releases as a table."""
    table = Table("release", "tables", "cells", "where", title="Releases")
    for row in releases:
        table.add_row(row.release, str(row.tables), f"{row.cells:,}", shown(row.folder))
    console.print(table)
