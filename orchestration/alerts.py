"""What a person must act on now, from the home and from Dagster's runs, and the sensor that reports it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import takewhile

import dagster as dg

from das_pipeline import deliveries
from das_pipeline.errors import DasError
from das_pipeline.release import DECISION
from das_pipeline.release.decision import SIGNATURES
from das_pipeline.run import Run
from das_pipeline.settings import Settings
from orchestration import jobs
from orchestration.attempts import FINISHED, REFUSED, reason_of, rules_broken
from orchestration.channels import Cause, load_configuration
from orchestration.reporting import report
from orchestration.resources import Das

OPERATORS = "team:das"
RUNS = 200  # how far back a job is looked at: more runs in vain than in half a year of days


@dg.sensor(
    name="alerts",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    description="Reports what a person must act on, once for each cause, to the channels of deploy/alerts.yaml (or DAS_ALERTS): refused "
    "deliveries, late partners, shut gates, failed runs, releases that wait for a signature. An alert closes by itself.",
)
def alerts(context: dg.SensorEvaluationContext, das: Das) -> dg.SkipReason:
    settings, now = Settings.from_environment(), datetime.now(UTC)
    causes = [*causes_of_runs(context.instance)]
    try:
        causes += causes_in_home(das.whole(), now.date())
        broken = False
    except DasError as error:  # nothing runs then, and what else is open cannot be seen
        causes.append(Cause("installation", OPERATORS, f"Nothing can run: {error} das doctor says what else is wrong."))
        broken = True
    failed = report(settings.home, load_configuration(settings.alerts), causes, now, is_whole=not broken)
    for sentence in failed:
        context.log.error(sentence)
    open_alerts = "; ".join(f"{cause.key} ({cause.owner})" for cause in causes) or "Nothing that a person must act on."
    return dg.SkipReason(" ".join([*failed, open_alerts]))


def causes_in_home(run: Run, today: date) -> list[Cause]:
    """What a person must act on, but for the runs that Dagster knows of."""
    return [*causes_of_deliveries(run, today), *causes_of_release(run)]


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
    """Of each job, the fault of its newest run since the last that succeeded, and of the chain the gate that was shut last since then.

    A refused delivery is no failed run: it has a cause of its own.
    """
    for job in (*jobs.INTAKE, jobs.CHAIN):
        runs = instance.get_runs(dg.RunsFilter(job_name=job.name, statuses=list(FINISHED)), limit=RUNS)
        since_success = takewhile(lambda run: run.status != dg.DagsterRunStatus.SUCCESS, runs)
        in_vain = [run for run in since_success if run.status == dg.DagsterRunStatus.FAILURE]
        faults = list(takewhile(lambda run: REFUSED not in run.tags, in_vain))
        if faults:
            text = f"{reason_of(instance, faults[0])} Run {faults[0].run_id} for {_day(faults[0])}. Passing faults are tried again."
            yield Cause(f"failed {job.name}", OPERATORS, text)
        if job is jobs.CHAIN and len(in_vain) > len(faults):
            shut = in_vain[len(faults)]
            table, rules = shut.tags[REFUSED], ", ".join(rules_broken(instance, shut))
            text = f"As known on {_day(shut)}, {table} broke {rules} (run {shut.run_id}); what is live stays. The run says what to do."
            yield Cause(f"gate {table}", OPERATORS, text)


def _day(run: dg.DagsterRun) -> str:
    return run.tags.get("dagster/partition", "no partition")


def causes_of_release(run: Run) -> Iterator[Cause]:
    """A candidate that waits for a signature."""
    decided = run.lake.current(DECISION)
    if decided is not None and decided.facts["rule"] == SIGNATURES:
        yield Cause(f"signature {decided.facts['candidate']}", OPERATORS, str(decided.facts["decision"]))
