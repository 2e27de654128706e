"""Running the jobs without a server: the same jobs as in the UI, in this process, recorded in the same instance."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import dagster as dg

from assets.definitions import defs
from assets.deliveries import EXTERNALS
from assets.resources import das
from das_pipeline import deliveries
from das_pipeline.settings import PROJECT, Settings

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def instance(settings: Settings) -> dg.DagsterInstance:
    """The Dagster instance of this installation, under its home; made with deploy/dagster.yaml the first time."""
    folder = settings.home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "dagster.yaml").exists():
        shutil.copyfile(PROJECT / "deploy" / "dagster.yaml", folder / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(folder)
    return dg.DagsterInstance.get()


@dataclass
class Report:
    """What a round of runs did: names of runs that failed with the reason, and how many checks passed, warned and failed."""

    runs: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    checks: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[str, str, str]] = field(default_factory=list)  # run, check, what it found


Progress = Callable[[str, int], None]  # what runs now, and how many runs there will be


def run_job(name: str, label: str, report: Report, *, partition: str | None = None, as_of: date | None = None) -> bool:
    """One job, run here; its outcome goes into `report`."""
    settings = Settings.from_environment()
    config: dict[str, object] = dict(QUIET)
    if as_of is not None:
        config["resources"] = {"das": {"config": {"as_of": as_of.isoformat()}}}
    with instance(settings) as store:
        result = defs.resolve_job_def(name).execute_in_process(
            instance=store, partition_key=partition, run_config=config, raise_on_error=False
        )
    report.runs += 1
    for check in result.get_asset_check_evaluations():
        outcome = "passed" if check.passed else "failed" if check.severity == dg.AssetCheckSeverity.ERROR else "warned"
        report.checks[outcome] += 1
        if not check.passed:
            report.findings.append((label, check.check_name, check.description or ""))
    if not result.success:
        report.failed.append((label, " ".join(_reason(e) for e in result.all_events if e.is_step_failure)))
    return result.success


def _reason(event: dg.DagsterEvent) -> str:
    """Why a step failed. Our own errors say it; of any other only kind and place are shown, since its text may quote a value."""
    error = event.step_failure_data.error
    assert error is not None
    if error.cls_name == "Failure":
        return " ".join(error.message.removeprefix("dagster._core.definitions.events.Failure: ").split())
    while error.cause is not None:
        error = error.cause
    place = error.stack[-1].split("\n")[0].strip() if error.stack else "unknown place"
    return f"{event.step_key}: unexpected {error.cls_name} at {place}. See the run in Dagster."


def take_in(report: Report, progress: Progress, until: date | None = None) -> None:
    """Everything that waits, in the order in which it became known: each day's deliveries, then the chain as known on that day."""
    expected = [d for d in waiting() if until is None or d.delivered_on <= until]
    days = sorted({d.delivered_on for d in expected})
    total = len(EXTERNALS) + len(expected) + len(days)
    for source in EXTERNALS:
        progress(f"external source {source}", total)
        run_job(f"external_{source}", source, report)
    for day in days:
        tried: set[tuple[str, str]] = set()
        # A delivery that waits for an earlier one becomes ready when that one is in, or is mended by a re-delivery.
        while ready := [d for d in waiting() if d.state == "ready" and d.delivered_on <= day and (d.partner, d.delivery) not in tried]:
            for delivery in ready:
                tried.add((delivery.partner, delivery.delivery))
                progress(f"intake of {delivery.partner} {delivery.delivery}", total)
                intake(delivery, report)
        progress(f"chain as known on {day}", total)
        run_job("chain", f"chain {day}", report, as_of=day)


def waiting() -> list[deliveries.PendingDelivery]:
    """The deliveries that are not taken in yet."""
    return deliveries.pending(das().whole())


def intake(delivery: deliveries.PendingDelivery, report: Report) -> None:
    """One delivery through the intake job of its partner."""
    with instance(Settings.from_environment()) as store:
        store.add_dynamic_partitions(f"deliveries_{delivery.partner}", [delivery.delivery])
    run_job(f"intake_{delivery.partner}", f"{delivery.partner} {delivery.delivery}", report, partition=delivery.delivery)
