"""What starts an intake: a delivery that has arrived complete."""

from collections.abc import Iterator

import dagster as dg

from das_pipeline import deliveries
from orchestration import jobs
from orchestration.resources import Das


@dg.sensor(
    name="delivery_arrived",
    jobs=jobs.INTAKE,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    description="Requests one intake run for each delivery whose manifest is there. A re-delivery runs, a duplicate does not.",
)
def delivery_arrived(context: dg.SensorEvaluationContext, das: Das) -> Iterator[dg.RunRequest | dg.SkipReason]:
    ready = [d for d in deliveries.pending(das.whole()) if d.state == "ready"]
    if not ready:
        yield dg.SkipReason("No delivery is waiting to be taken in.")
    for delivery in ready:
        context.instance.add_dynamic_partitions(f"deliveries_{delivery.partner}", [delivery.delivery])
        yield dg.RunRequest(
            job_name=f"intake_{delivery.partner}",
            partition_key=delivery.delivery,
            run_key=f"{delivery.partner}|{delivery.delivery}|{delivery.manifest.delivered_on}",
        )
