"""Evaluates ticks of sensors and schedules on the instance of the home, and runs what they request, in one process.

Reads a request a line, `{"name": "daily", "at": "2024-04-01T05:00", "impatient": true, "runs": false}`, and answers each with a line of
JSON: what was requested (partition, run key or last day), why nothing was, which runs succeeded, and the partitions afterwards. `at` is the
moment of a schedule's tick. Ticks are evaluated by the functions that Dagster's code server calls. `impatient` leaves the pauses between
attempts out; without `runs`, nothing is run.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.remote_representation.external_data import ScheduleExecutionErrorSnap, SensorExecutionErrorSnap
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._grpc.impl import get_external_schedule_execution, get_external_sensor_execution

from das_pipeline.settings import Settings
from orchestration import attempts
from orchestration.definitions import defs
from orchestration.runs import QUIET, instance

PAUSES = attempts.PAUSES
REPOSITORY = defs.get_repository_def()
ORIGIN = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="orchestration.definitions"))


def evaluate(store: dg.DagsterInstance, name: str, at: str | None) -> tuple[list[dg.RunRequest], str]:
    """The runs that a tick requests, with the changes of partitions made, and why there are none."""
    reference = store.get_ref()
    if REPOSITORY.has_sensor_def(name):
        ticked = get_external_sensor_execution(REPOSITORY, ORIGIN, reference, name, None, None, None, None, None)
    else:
        moment = datetime.fromisoformat(at or "").replace(tzinfo=ZoneInfo("Europe/Amsterdam")).timestamp()
        ticked = get_external_schedule_execution(REPOSITORY, reference, name, moment, "Europe/Amsterdam", None)
    if isinstance(ticked, SensorExecutionErrorSnap | ScheduleExecutionErrorSnap):
        raise SystemExit(str(ticked.error))
    for change in getattr(ticked, "dynamic_partitions_requests", None) or []:
        if isinstance(change, dg.AddDynamicPartitionsRequest):
            store.add_dynamic_partitions(change.partitions_def_name, list(change.partition_keys))
        else:
            for key in change.partition_keys:
                store.delete_dynamic_partition(change.partitions_def_name, key)
    return list(ticked.run_requests or []), ticked.skip_message or ""


def answer(store: dg.DagsterInstance, name: str, at: str | None = None, impatient: bool = False, runs: bool = True) -> dict[str, Any]:
    attempts.PAUSES = (timedelta(0),) * len(PAUSES) if impatient else PAUSES
    requests, skipped = evaluate(store, name, at)
    succeeded = []
    for request in requests if runs else []:
        job = defs.resolve_job_def(request.job_name or "chain")
        run = job.execute_in_process(QUIET, store, partition_key=request.partition_key, tags=dict(request.tags), raise_on_error=False)
        succeeded.append(run.success)
    return {
        "requested": [[request.partition_key, request.run_key or request.tags["das/until"]] for request in requests],
        "skipped": skipped,
        "succeeded": succeeded,
        "partitions": {name: sorted(store.get_dynamic_partitions(name)) for name in ("deliveries_watch", "deliveries_bench", "days")},
    }


if __name__ == "__main__":
    with instance(Settings.from_environment()) as shared:
        for line in sys.stdin:
            sys.stdout.write(json.dumps(answer(shared, **json.loads(line))) + "\n")
            sys.stdout.flush()
