"""The event log of one machine: the files of Dagster's own, fewer connections, and pages that follow a run."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from das_pipeline.settings import PROJECT
from orchestration.event_log import KEPT, OpenEventLog


@dg.asset(check_specs=[dg.AssetCheckSpec("is_even", asset="number")])
def number() -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    yield dg.MaterializeResult(metadata={"n": 4})
    yield dg.AssetCheckResult(asset_key="number", check_name="is_even", passed=True)


def stored_by(folder: Path, own: bool) -> dg.DagsterInstance:
    folder.mkdir()
    deployed = yaml.safe_load((PROJECT / "deploy" / "dagster.yaml").read_text(encoding="utf-8"))
    kept = {name: deployed[name] for name in ("telemetry", *(("event_log_storage",) if own else ()))}
    (folder / "dagster.yaml").write_text(yaml.safe_dump(kept), encoding="utf-8")
    return dg.DagsterInstance.from_config(str(folder))


def events(store: dg.DagsterInstance, run_id: str) -> list[str | None]:
    return [e.dagster_event_type and e.dagster_event_type.value for e in store.all_logs(run_id)]


@pytest.mark.slow
def test_it_keeps_what_dagsters_own_log_keeps_in_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stores = {}
    for name in ("own", "dagsters"):
        monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / name))
        with stored_by(tmp_path / name, own=name == "own") as store:
            assert isinstance(store.event_log_storage, OpenEventLog) == (name == "own")
            run_id = dg.materialize([number], instance=store).run_id
            stores[name] = events(store, run_id)
            assert stores[name][-1] == "PIPELINE_SUCCESS"
            files = tmp_path / name / "history" / "runs"
            assert {p.name for p in files.glob("*.db")} == {"index.db", f"{run_id}.db"}
        with stored_by(tmp_path / f"{name}-read", own=False) as other:
            other_log = SqliteEventLogStorage(str(files))
            other_log.register_instance(other)
            assert [e.dagster_event_type and e.dagster_event_type.value for e in other_log.get_logs_for_run(run_id)] == stores[name]
            record = other_log.get_latest_materialization_events([dg.AssetKey("number")])[dg.AssetKey("number")]
            assert record is not None
            assert record.run_id == run_id
    assert stores["own"] == stores["dagsters"]


@pytest.mark.slow
def test_it_opens_a_connection_a_file_and_keeps_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "own"))
    opened: list[str] = []
    connect = sqlite3.dbapi2.connect

    def counted(path: str, *arguments: object, **options: object) -> sqlite3.Connection:
        opened.append(Path(path).stem)
        return connect(path, *arguments, **options)  # pyright: ignore

    monkeypatch.setattr(sqlite3.dbapi2, "connect", counted)
    with stored_by(tmp_path / "own", own=True) as store:
        runs = [dg.materialize([number], instance=store).run_id for _ in range(3)]
        assert [opened.count(run_id) for run_id in runs] == [1, 1, 1]
        assert isinstance(store.event_log_storage, OpenEventLog)
        assert len(store.event_log_storage._engines) == KEPT
        assert events(store, runs[0])[-1] == "PIPELINE_SUCCESS"


@pytest.mark.slow
def test_a_burst_is_written_before_anything_is_read_and_when_the_log_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "own"))
    job = dg.Definitions([number], jobs=[dg.define_asset_job("count", [number])]).resolve_job_def("count")
    planned = {"ASSET_MATERIALIZATION_PLANNED", "ASSET_CHECK_EVALUATION_PLANNED"}
    with stored_by(tmp_path / "own", own=True) as store:
        log = store.event_log_storage
        assert isinstance(log, OpenEventLog)
        first, second = (store.create_run_for_job(job, asset_selection=job.asset_selection).run_id for _ in range(2))
        assert {e.run_id for e in log._held} == {second}, "the burst of another run has ended"
        assert set(events(store, first)) == planned
        assert not log._held
        store.report_runless_asset_event(dg.AssetMaterialization("number"))
        assert not log._held, "nothing follows what a person reports"
        third = store.create_run_for_job(job, asset_selection=job.asset_selection).run_id
        assert log._held
    with stored_by(tmp_path / "read", own=False) as other:
        theirs = SqliteEventLogStorage(str(tmp_path / "own" / "history" / "runs"))
        theirs.register_instance(other)
        for run_id in (second, third):
            assert {e.dagster_event_type and e.dagster_event_type.value for e in theirs.get_logs_for_run(run_id)} == planned


@pytest.mark.slow
def test_a_page_that_follows_a_run_sees_each_event_when_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "own"))
    with stored_by(tmp_path / "own", own=True) as store:
        run_id = dg.materialize([number], instance=store).run_id
        came = threading.Event()
        written: list[str] = []

        def follow(entry: dg.EventLogEntry, _cursor: str) -> None:
            written.append(entry.message)
            came.set()

        last = store.get_records_for_run(run_id).cursor
        store.watch_event_logs(run_id, last, follow)
        run = store.get_run_by_id(run_id)
        assert run is not None
        store.report_engine_event("one more", run)
        assert came.wait(20)
        assert written == ["one more"]
