"""When a job is requested for a partition: never twice at once, and after a passing fault again, with a growing pause.

The runs in Dagster's storage are the only memory. A run in which a blocking rule failed carries the tag `das/refused`: another attempt
would end the same way, so the caller decides what follows. Everything else that ends a run (out of memory, a restarted machine, a full
disk) may be over in a minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

PARTITION = "dagster/partition"
REFUSED = "das/refused"  # its value is the table whose candidate was rejected
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 25, 125))
"""Before the second to the fifth attempt. A restart or a busy disk is over within minutes, a disk that is full within hours."""
FINISHED = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}
UNFINISHED = [status for status in dg.DagsterRunStatus if status not in FINISHED]


@dataclass(frozen=True)
class Attempt:
    """The next run of a job for a partition: its number, and why it is not requested now (empty when it is)."""

    number: int
    hindrance: str = ""


def is_busy(instance: dg.DagsterInstance, job: str, asset: dg.AssetKey) -> bool:
    """Whether a run of `job`, or one that makes `asset` by hand, is queued or in progress."""
    runs = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
    return any(run.job_name == job or asset in (run.asset_selection or ()) for run in runs)


def partitions_in_progress(instance: dg.DagsterInstance, job: str) -> list[str]:
    """The partitions whose runs of `job` have begun and have not ended; those that are queued have not begun."""
    begun = [status for status in UNFINISHED if status not in (dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED)]
    runs = instance.get_runs(dg.RunsFilter(job_name=job, statuses=begun))
    return [run.tags[PARTITION] for run in runs if PARTITION in run.tags]


def runs_of(instance: dg.DagsterInstance, job: str, partition: str, tags: Mapping[str, str] | None = None) -> list[dg.RunRecord]:
    """The runs of `job` for `partition` that have `tags`, the newest first."""
    return list(instance.get_run_records(dg.RunsFilter(job_name=job, tags={PARTITION: partition, **(tags or {})})))


def was_refused(record: dg.RunRecord) -> bool:
    """Whether a blocking rule failed in the run."""
    return REFUSED in record.dagster_run.tags


def is_given_up(earlier: list[dg.RunRecord]) -> bool:
    """Whether the runs in `earlier`, the newest first, ended by a fault so often that a person must act."""
    return len(_failed(earlier)) > len(PAUSES)


def next_attempt(job: str, partition: str, earlier: list[dg.RunRecord], now: datetime) -> Attempt:
    """The next attempt of `job` for `partition` after the runs in `earlier`, the newest first."""
    number, failed = len(earlier) + 1, _failed(earlier)
    if not failed:
        return Attempt(number)
    run_id, ended = failed[0].dagster_run.run_id, failed[0].end_time or failed[0].create_timestamp.timestamp()
    if is_given_up(earlier):
        return Attempt(number, f"{partition} failed {len(failed)} times, last in run {run_id}: fix the cause, then launch {job}.")
    due = datetime.fromtimestamp(ended, tz=now.tzinfo) + PAUSES[len(failed) - 1]
    return (
        Attempt(number, f"{partition} failed in run {run_id}: attempt {number} follows at {due:%H:%M:%S}.")
        if now < due
        else Attempt(number)
    )


def _failed(earlier: list[dg.RunRecord]) -> list[dg.RunRecord]:
    """The runs since the last success that ended by a passing fault, the newest first; none when the newest was refused."""
    in_vain = takewhile(lambda record: record.dagster_run.status != dg.DagsterRunStatus.SUCCESS, earlier)
    failed = [record for record in in_vain if not was_refused(record)]
    return failed if failed and failed[0] is earlier[0] else []


def reason(event: dg.DagsterEvent) -> str:
    """Why a step failed. Our own errors say it; of any other only kind and place are shown, since its text may quote a value."""
    error = event.step_failure_data.error
    assert error is not None
    if error.cls_name == "Failure":
        return " ".join(error.message.removeprefix("dagster._core.definitions.events.Failure: ").split())
    error = root(event)
    place = error.stack[-1].split("\n")[0].strip() if error.stack else "unknown place"
    return f"{event.step_key}: unexpected {error.cls_name} at {place}. See the run in Dagster."


def root(event: dg.DagsterEvent) -> SerializableErrorInfo:
    """The error at the root of a failed step."""
    error = event.step_failure_data.error
    assert error is not None
    while error.cause is not None:
        error = error.cause
    return error


def reason_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """Why a run failed, as its first failed step says; a run whose process was killed has none."""
    logs = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    events = [entry.dagster_event for entry in logs if entry.dagster_event is not None]
    return reason(events[0]) if events else "It ended without a failed step: its process was killed, or the machine restarted."


def rules_broken(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[str]:
    """The blocking rules that a refused run broke, by the names of their checks."""
    logs = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    checks = [entry.asset_check_evaluation for entry in logs]
    return sorted({c.check_name for c in checks if c is not None and not c.passed and c.severity == dg.AssetCheckSeverity.ERROR})
