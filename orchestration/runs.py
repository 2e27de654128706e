"""Running the jobs without a server: the same jobs as in the UI, in this process, recorded in the same instance."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import dagster as dg

from assets.deliveries import DELIVERED, FIGURES
from das_pipeline import deliveries
from das_pipeline.disk import make_private, require_room
from das_pipeline.errors import DasError
from das_pipeline.home_format import require_current
from das_pipeline.release import DECISION
from das_pipeline.settings import Settings
from orchestration.attempts import reason, root
from orchestration.configuration import provide
from orchestration.days import days_due, partners_missing
from orchestration.definitions import defs
from orchestration.launcher import PROCESS
from orchestration.resources import das
from orchestration.table_assets import pool_of

INTERRUPTED = "DagsterExecutionInterruptedError"  # Dagster ends the step at Ctrl-C or SIGTERM, and reports it like any failure
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def instance(settings: Settings) -> dg.DagsterInstance:
    """Return the Dagster instance of this installation, under its home; create it with deploy/dagster.yaml the first time."""
    require_current(settings.home)
    require_room(settings.home)
    make_private(settings.home)
    folder = settings.home / "dagster"
    provide(folder)
    os.environ["DAGSTER_HOME"] = str(folder)
    store = dg.DagsterInstance.get()
    limit_pools(store)
    return store


def limit_pools(store: dg.DagsterInstance) -> None:
    """Give every pool its limit before the first run of it waits.

    Dagster 1.13.27 applies the default limit from the round after the one in which it first meets a pool: of a first backfill, every day
    that waits would start at once.
    """
    log = store.event_log_storage
    for pool in {pool_of(table) for table in (*DELIVERED, *FIGURES, DECISION)} - log.get_concurrency_keys():
        log.initialize_concurrency_limit_to_default(pool)


@dataclass
class Report:
    """What a round of runs did: names of runs that failed with the reason, and how many checks passed, warned and failed."""

    runs: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    checks: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[str, str, str]] = field(default_factory=list)  # run, check, sentence


Progress = Callable[[str, int], None]  # what runs now, and how many runs there will be


@dataclass(frozen=True)
class Operator:
    """Runs jobs in this process and keeps the report of them."""

    store: dg.DagsterInstance
    report: Report = field(default_factory=Report)

    def take_in(self, progress: Progress, until: date | None = None) -> None:
        """Everything that waits, in the order in which it became known: each day's deliveries, then the chain as known on that day.

        A day whose deliveries are in but whose chain never came to its end (the process was killed, a gate was shut) is done first. A day
        waits until what was delivered by then is taken in or refused: else its figures would change after it was done.
        """
        expected = [d for d in waiting() if until is None or d.known_on <= until]
        days = sorted({*days_due(das().whole(), until), *(d.known_on for d in expected)})
        total = len(expected) + len(days)
        for day in days:
            tried: set[tuple[str, str]] = set()
            # A delivery that waits for an earlier one becomes ready when that one is accepted or corrected.
            while ready := [d for d in waiting() if d.state == "ready" and d.known_on <= day and (d.partner, d.delivery) not in tried]:
                for delivery in ready:
                    tried.add((delivery.partner, delivery.delivery))
                    progress(f"intake of {delivery.partner} {delivery.delivery}", total)
                    self.intake(delivery)
            if stuck := [f"{d.partner} {d.delivery}" for d in waiting() if d.state == "ready" and d.known_on <= day]:
                self.report.failed.append((f"chain {day}", f"It waits for {', '.join(stuck)}: once the cause is gone, das run goes on."))
                return
            progress(f"chain as known on {day}", total)
            if day == days[-1] or not partners_missing(das().whole(), day):
                self.chain(day)

    def intake(self, delivery: deliveries.PendingDelivery) -> bool:
        """Take one delivery through the intake job of its partner; return whether it was accepted."""
        self.store.add_dynamic_partitions(f"deliveries_{delivery.partner}", [delivery.delivery])
        return self.run(f"intake_{delivery.partner}", f"{delivery.partner} {delivery.delivery}", delivery.delivery)

    def chain(self, as_of: date) -> bool:
        """Run the chain as known on a day; return whether it came to its end."""
        self.store.add_dynamic_partitions("days", [as_of.isoformat()])
        return self.run("chain", f"chain {as_of}", as_of.isoformat())

    def run(self, job: str, label: str, partition: str | None = None) -> bool:
        """Run one job; return whether it succeeded."""
        result = defs.resolve_job_def(job).execute_in_process(
            QUIET, self.store, partition_key=partition, tags={PROCESS: str(os.getpid())}, raise_on_error=False
        )
        self.report.runs += 1
        for check in result.get_asset_check_evaluations():
            outcome = "passed" if check.passed else "failed" if check.severity == dg.AssetCheckSeverity.ERROR else "warned"
            self.report.checks[outcome] += 1
            if not check.passed:
                self.report.findings.append((label, check.check_name, check.description or ""))
        failures = [event for event in result.all_events if event.is_step_failure]
        if any(root(event).cls_name == INTERRUPTED for event in failures):
            raise DasError(f"Stopped in {label}, as you asked. What is live stays live, and das run goes on from there.")
        if not result.success:
            self.report.failed.append((label, " ".join(reason(event) for event in failures)))
        return result.success


def waiting() -> list[deliveries.PendingDelivery]:
    """The deliveries that are not taken in yet."""
    return deliveries.pending(das().whole())
