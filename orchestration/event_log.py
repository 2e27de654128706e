"""Dagster's event log of one machine, with its connections kept open.

Dagster 1.13.27 opens a SQLite connection for every event and closes it again. Closing the last connection of a database in WAL mode copies
the log into the file and waits for the disk, hundreds of times a run. And it makes the tables of each run's file one by one, where a copy
of an empty file has them. Files, tables and contents are those of Dagster's own storage: either reads what the other wrote.

Most events are of checks, and come in bursts: all that a run is going to judge, and all that a step judged. A burst is written in one
transaction, together with the event that ends it, or before anything is read.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import dagster
import sqlalchemy as db
from dagster import DagsterEventType, StringSource
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import event as on
from sqlalchemy.pool import StaticPool

KEPT = 2  # open files: the index of all runs, and the run that was written or read last
BURSTS = {
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
    DagsterEventType.STEP_OUTPUT,
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_CHECK_EVALUATION,
}
"""Events after which Dagster records another one of the same run at once: that the run is queued or starts, or that the step has ended."""


class OpenEventLog(SqliteEventLogStorage):
    """Dagster's event log in SQLite, one file per run and an index, whose last used connections stay open."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, db.Engine] = OrderedDict()
        self._tables: set[str] = set()  # seen in the index
        self._held: list[EventLogEntry] = []  # of a burst that has not ended
        self._begun: Callable[[str], db.Connection] | None = None  # while a burst is written: its transaction in a file
        super().__init__(base_dir, inst_data)
        self._db_lock = threading.RLock()

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {"dagster_home": StringSource}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        return cls(os.path.join(config_value["dagster_home"], "history", "runs", ""), inst_data)  # noqa: PTH118  # as Dagster spells it

    def store_event(self, event: EventLogEntry) -> None:
        with self._db_lock:
            if self._held and self._held[0].run_id != event.run_id:
                self._write_held()
            self._held.append(event)
            if event.dagster_event_type not in BURSTS or not event.run_id:  # without a run: what a person reports in the UI
                self._write_held()

    def _write_held(self) -> None:
        """Write the events that are held, in one transaction a file."""
        if not self._held:
            return
        events, self._held = self._held, []
        with ExitStack() as transactions:
            self._begun = cache(lambda shard: transactions.enter_context(self._begin(shard)))
            transactions.callback(setattr, self, "_begun", None)
            for event in events:
                super().store_event(event)
        for run_id in {event.run_id for event in events}:
            # A page that follows the run watches this file, and what is written stays beside it, in the log of the database, for a while.
            os.utime(self.path_for_shard(run_id))

    def has_table(self, table_name: str) -> bool:
        if table_name not in self._tables and super().has_table(table_name):  # opens a connection; no table is ever dropped
            self._tables.add(table_name)
        return table_name in self._tables

    def dispose(self) -> None:
        super().dispose()
        with self._db_lock:
            self._write_held()
            while self._engines:
                self._engines.popitem()[1].dispose()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[db.Connection]:
        with self._db_lock:  # one thread at a time: a connection is never shared by two
            if self._begun is not None:
                yield self._begun(shard)
                return
            self._write_held()
            with self._begin(shard) as connection:
                yield connection

    @contextmanager
    def _begin(self, shard: str) -> Iterator[db.Connection]:
        if not os.path.exists(self.path_for_shard(shard)):  # noqa: PTH110
            self._copy_empty_file(shard)
        engine = self._engine(shard)
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        with engine.connect() as connection, connection.begin():
            yield connection

    def _copy_empty_file(self, shard: str) -> None:
        """Create the file of `shard` with its tables, at once: another process never sees a file without them."""
        if stale := self._engines.pop(shard, None):  # of a file that was removed
            stale.dispose()
        history = Path(self._base_dir).parent
        empty = history / f"empty-{dagster.__version__}.sqlite"
        own = history / f"{uuid4()}.sqlite"
        if not empty.exists():
            engine = _engine(f"sqlite:///{own}")
            self._initdb(engine)
            engine.dispose()
            own.replace(empty)
        shutil.copyfile(empty, own)
        with suppress(FileExistsError):  # another process was first
            os.link(own, self.path_for_shard(shard))
        own.unlink()
        self._initialized_dbs.add(shard)

    def _engine(self, shard: str) -> db.Engine:
        if shard not in self._engines:
            self._engines[shard] = _engine(self.conn_string_for_shard(shard))
        self._engines.move_to_end(shard)
        if len(self._engines) > KEPT:
            oldest = next(name for name in self._engines if name not in (INDEX_SHARD_NAME, shard))
            self._engines.pop(oldest).dispose()
        return self._engines[shard]


def _engine(url: str) -> db.Engine:
    engine = db.create_engine(url, poolclass=StaticPool, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False})

    @on.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        # In WAL mode a power cut may then lose the last events, never damage the file. What is live is in the lake, which does wait.
        connection.execute("PRAGMA synchronous=NORMAL")

    return engine
