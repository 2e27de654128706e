"""What starts an intake: a delivery that has arrived complete and is the next one of its partner."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg

from assets.deliveries import partitions
from das_pipeline import deliveries
from orchestration import jobs
from orchestration.attempts import is_busy, next_attempt, runs_of
from orchestration.resources import Das
from orchestration.table_assets import key


@dg.sensor(
    name="delivery_arrived",
    jobs=jobs.INTAKE,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Requests an intake run for the next delivery of each partner, once its manifest is there. A refused delivery waits for "
    "its successor; a run that ended by a passing fault is tried again after a pause, five times in all.",
)
def delivery_arrived(context: dg.SensorEvaluationContext, das: Das) -> dg.SensorResult:
    run = das.whole()
    # The partition of a refused delivery that was made good would stay red for ever.
    changes: list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest] = [
        partitions(r.partner).build_delete_request([r.delivery])
        for r in deliveries.refusals(run)
        if r.is_made_good and context.instance.has_dynamic_partition(f"deliveries_{r.partner}", r.delivery)
    ]
    requests, reasons = [], []
    for delivery in deliveries.next_deliveries(run):
        partner, partition, job = delivery.partner, delivery.delivery, f"intake_{delivery.partner}"
        if is_busy(context.instance, job, {key(f"deliveries/{partner}")}):
            reasons.append(f"{partner} {partition} waits for the run of {partner} in progress.")
            continue
        attempt = next_attempt(job, partition, runs_of(context.instance, job, partition), datetime.now(UTC))
        if attempt.hindrance:
            reasons.append(f"{partner} {attempt.hindrance}")
            continue
        changes.append(partitions(partner).build_add_request([partition]))
        requests.append(dg.RunRequest(f"{partner}|{partition}|{attempt.number}", job_name=job, partition_key=partition))
    nothing = None if requests else " ".join(reasons) or "No delivery is waiting to be taken in."
    return dg.SensorResult(run_requests=requests, skip_reason=nothing, dynamic_partitions_requests=changes)
