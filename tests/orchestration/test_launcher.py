"""A run whose process is gone is noticed, with the launcher that deploy/dagster.yaml names."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.launcher import WorkerStatus

from das_pipeline.settings import PROJECT
from orchestration.launcher import PROCESS


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    shutil.copyfile(PROJECT / "deploy" / "dagster.yaml", tmp_path / "dagster.yaml")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


def health(store: dg.DagsterInstance, tags: dict[str, str]) -> WorkerStatus:
    run = store.add_run(dg.DagsterRun(job_name="chain", tags=tags, status=dg.DagsterRunStatus.STARTED))
    return store.run_launcher.check_run_worker_health(run).status


@pytest.mark.slow
def test_a_run_is_gone_with_its_code_server(store: dg.DagsterInstance, tmp_path: Path) -> None:
    server = json.dumps({"host": "localhost", "socket": str(tmp_path / "gone.sock")})
    assert health(store, {".dagster/grpc_info": server}) == WorkerStatus.FAILED


@pytest.mark.slow
def test_a_run_of_das_run_is_gone_with_its_process(store: dg.DagsterInstance) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    assert health(store, {PROCESS: str(ended.pid)}) == WorkerStatus.FAILED
    assert health(store, {PROCESS: str(os.getpid())}) == WorkerStatus.RUNNING
