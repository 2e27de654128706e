"""What a person must act on now, from the home and from Dagster's runs, and the sensor that reports it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import dagster as dg

from das_pipeline import deliveries
from das_pipeline.release import DECISION
from das_pipeline.release.decision import SIGNATURES
from das_pipeline.run import Run
from orchestration import jobs
from orchestration.attempts import FINISHED, REFUSED
from orchestration.channels import Cause, load_configuration, report
from orchestration.resources import Das

OPERATORS = "team:das"


@dg.sensor(
    name="alerts",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    description="Reports what a person must act on, once for each cause, to the channels of deploy/alerts.yaml (or DAS_ALERTS): refused "
    "deliveries, late partners, shut gates, failed runs, releases that wait for a signature. An alert closes by itself.",
)
def alerts(context: dg.SensorEvaluationContext, das: Das) -> dg.SkipReason:
    run, now = das.whole(), datetime.now(UTC)
    causes = [*causes_of_deliveries(run, now.date()), *causes_of_runs(context.instance), *causes_of_release(run)]
    failed = report(run.settings.home, load_configuration(run.settings.alerts), causes, now)
    if failed:
        raise dg.Failure(" ".join(failed))
    return dg.SkipReason("; ".join(f"{cause.key} ({cause.owner})" for cause in causes) or "Nothing that a person must act on.")


def causes_of_deliveries(run: Run, today: date) -> Iterator[Cause]:
    """Refusals not made good, and late partners: by the calendar; with simulated deliveries, by the day of the newest one."""
    partners = deliveries.load_partners(run.jurisdiction)
    for refusal in deliveries.refusals(run):
        if not refusal.is_made_good:
            text = f"{refusal.partner} {refusal.delivery} breaks {', '.join(refusal.rules)}: sequence {refusal.manifest.sequence} must be "
            text += "delivered again under the next number. The receipt says what is wrong; later deliveries may wait for it."
            yield Cause(f"refused {refusal.partner} {refusal.delivery}", partners[refusal.partner].owner, text)
    day = today if deliveries.has_calendar(run) else deliveries.newest_vintage(run)
    for state in deliveries.completeness(run.known_on(day)) if day else []:
        if state.state != "on_time":
            since = f"Its newest delivery is {state.newest}." if state.newest else "It has never delivered."
            effect = "The chain runs without it" if state.allowed else "The chain does not run without it"
            yield Cause(f"{state.state} {state.partner}", partners[state.partner].owner, f"{since} {effect}: ask for what is due.")


def causes_of_runs(instance: dg.DagsterInstance) -> Iterator[Cause]:
    """The jobs whose newest finished run failed. A refused delivery is no failed run: it has a cause of its own."""
    for job in (*jobs.INTAKE, jobs.CHAIN):
        newest = instance.get_runs(dg.RunsFilter(job_name=job.name, statuses=list(FINISHED)), limit=1)
        if not newest or newest[0].status != dg.DagsterRunStatus.FAILURE:
            continue
        run_id, table, day = newest[0].run_id, newest[0].tags.get(REFUSED), newest[0].tags.get("dagster/partition")
        if table is None:
            yield Cause(
                f"failed {job.name}", OPERATORS, f"Run {run_id} for {day} failed: its log says why. Passing faults are tried again."
            )
        elif job is jobs.CHAIN:
            yield Cause(f"gate {table}", OPERATORS, f"As known on {day}, {table} broke a blocking rule (run {run_id}); what is live stays.")


def causes_of_release(run: Run) -> Iterator[Cause]:
    """A candidate that waits for a signature."""
    decided = run.lake.current(DECISION)
    if decided is not None and decided.facts["rule"] == SIGNATURES:
        yield Cause(f"signature {decided.facts['candidate']}", OPERATORS, str(decided.facts["decision"]))
