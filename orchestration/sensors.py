"""What starts an intake: a delivery that has arrived complete and is the next one of its partner. What goes on with the next day."""

from __future__ import annotations

from datetime import UTC, date, datetime

import dagster as dg

from assets.deliveries import partitions
from das_pipeline import deliveries
from orchestration import jobs
from orchestration.attempts import is_busy, next_attempt, partitions_in_progress, runs_of, was_refused
from orchestration.days import DAYS, UNTIL, asked_until, last_done, ready_and_waiting
from orchestration.resources import Das
from orchestration.table_assets import key


@dg.sensor(
    name="delivery_arrived",
    jobs=jobs.INTAKE,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Requests an intake run for the next delivery of each partner, once its manifest is there. A refused delivery waits for "
    "its successor; a run that ended by a passing fault is tried again after a pause, five times in all. What arrives for a day that is "
    "being run waits until that day is done.",
)
def delivery_arrived(context: dg.SensorEvaluationContext, das: Das) -> dg.SensorResult:
    run = das.whole()
    # The partition of a refused delivery that was made good would stay red for ever.
    changes: list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest] = [
        partitions(r.partner).build_delete_request([r.delivery])
        for r in deliveries.refusals(run)
        if r.is_made_good and context.instance.has_dynamic_partition(f"deliveries_{r.partner}", r.delivery)
    ]
    # Every day that can be run is there to click on: a backfill catches up, one day after the other.
    changes.append(DAYS.build_add_request(ready_and_waiting(run, None, context.instance)[0]))
    requests, reasons = [], []
    running = max(partitions_in_progress(context.instance, "chain"), default="")
    for delivery in deliveries.next_deliveries(run):
        partner, partition, job = delivery.partner, delivery.delivery, f"intake_{delivery.partner}"
        if is_busy(context.instance, job, key(f"deliveries/{partner}")):
            reasons.append(f"{partner} {partition} waits for the run of {partner} in progress.")
            continue
        if delivery.known_on.isoformat() <= running:  # some of its tables would be made with the delivery, and others without
            reasons.append(f"{partner} {partition} waits until {running} is done, and becomes known on the day after it.")
            continue
        attempt = next_attempt(job, partition, runs_of(context.instance, job, partition), datetime.now(UTC))
        if attempt.hindrance:
            reasons.append(f"{partner} {attempt.hindrance}")
            continue
        changes.append(partitions(partner).build_add_request([partition]))
        requests.append(dg.RunRequest(f"{partner}|{partition}|{attempt.number}", job_name=job, partition_key=partition))
    nothing = None if requests else " ".join(reasons) or "No delivery is waiting to be taken in."
    return dg.SensorResult(run_requests=requests, skip_reason=nothing, dynamic_partitions_requests=changes)


@dg.sensor(
    name="day_follows",
    job=jobs.CHAIN,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Up to the day that the schedule asked for, the days that are not done, one at a time and in order. A day waits until "
    "what was delivered by then is taken in. A day whose gate is shut is passed over (the next may be whole); a run that ended by a "
    "passing fault is tried again after a pause, five times in all.",
)
def day_follows(context: dg.SensorEvaluationContext, das: Das) -> dg.SensorResult | dg.SkipReason:
    asked = asked_until(context.instance)
    if asked is None:
        return dg.SkipReason("The schedule has not asked for a day yet.")
    until = asked.partition("|")[0]
    if is_busy(context.instance, "chain", key("release/decision")):
        return dg.SkipReason("A day is being run.")
    run = das.whole()
    ready, waiting = ready_and_waiting(run, date.fromisoformat(until), context.instance)
    changes = _remove_days_passed(context.instance, last_done(run).isoformat())
    reasons = []
    for day in (day for day in ready if day <= until):
        earlier = runs_of(context.instance, "chain", day, {UNTIL: asked})
        if earlier and was_refused(earlier[0]):
            reasons.append(f"{day} was refused in run {earlier[0].dagster_run.run_id}.")
            continue
        attempt = next_attempt("chain", day, earlier, datetime.now(UTC))
        if attempt.hindrance:
            reasons.append(attempt.hindrance)
            break
        request = dg.RunRequest(f"{asked}|{day}|{attempt.number}", partition_key=day, tags={UNTIL: asked})
        return dg.SensorResult([request], dynamic_partitions_requests=[*changes, DAYS.build_add_request([day])])
    reasons += [f"{day} waits until what was delivered by then is taken in." for day in waiting[:1] if day <= until]
    return dg.SensorResult(skip_reason=" ".join(reasons) or f"Every day until {until} is done.", dynamic_partitions_requests=changes)


def _remove_days_passed(instance: dg.DagsterInstance, done: str) -> list[dg.DeleteDynamicPartitionsRequest]:
    """Days before `done` whose chain never came to its end: they can no longer be run in this home, and would stay red for ever."""
    days = set(instance.get_dynamic_partitions("days")) - instance.get_materialized_partitions(key("release/decision"))
    passed = sorted(day for day in days if day < done)
    return [DAYS.build_delete_request(passed)] if passed else []
