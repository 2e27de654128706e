"""The run launcher of one machine: Dagster's own, which cannot tell that a run's process is gone.

Without it, a run that a restart of the machine ended would be in progress for ever, and hold up its partner or the chain. With it, the run
monitoring (deploy/dagster.yaml) records the run as failed, and the sensor asks for the next attempt.
"""

from __future__ import annotations

import os

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value

PROCESS = "das/process"  # the tag of a run that `das run` executes in its own process


class MonitoredRunLauncher(DefaultRunLauncher):
    """Launches runs in the code server, and asks that server whether a run is still executed."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the code server that the run was launched in is there and executes it."""
        if PROCESS in run.tags:
            return _health_of_process(int(run.tags[PROCESS]))
        client = self._get_grpc_client_for_termination(run.run_id)
        if client is None:  # it ended meanwhile, or its code server is not known yet
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        try:
            answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id))
        except DagsterUserCodeUnreachableError:
            return CheckRunHealthResult(WorkerStatus.FAILED, "Its code server is gone: the machine or the daemon was restarted.")
        if deserialize_value(answer, CanCancelExecutionResult).can_cancel:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, "Its process has ended.")


def _health_of_process(process: int) -> CheckRunHealthResult:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return CheckRunHealthResult(WorkerStatus.FAILED, "The process of `das run` is gone.")
    return CheckRunHealthResult(WorkerStatus.RUNNING)
