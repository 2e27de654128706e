"""A machine that runs `das ui` unattended: real processes, on a clock that the test sets, with a power switch."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from das_pipeline.settings import PROJECT
from tests.cli.test_servers import free_port, processes_of
from tests.installation import Installation

CLOCK = Path(__file__).parent / "clock"  # with sitecustomize.py
PATIENCE = 600  # seconds for what takes a few, on a machine that does other work
STARTING = {dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING}  # such a run has 180 seconds to start


@dataclass
class Machine:
    """An installation under `das ui`, whose day 0 is tomorrow: its clock is only set forward, else what has a deadline would miss it."""

    made: Installation
    store: dg.DagsterInstance
    midnight: datetime = field(
        default_factory=lambda: datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    )
    boots: int = 0

    def __post_init__(self) -> None:
        self.clock.write_bytes(struct.pack("d", 0.0))

    @property
    def clock(self) -> Path:
        return self.made.root / "clock"

    def set_clock(self, day: int, hour: int, minute: int = 0) -> None:
        """Let it be this time of day, and go on from there."""
        self._shift((self.midnight + timedelta(days=day, hours=hour, minutes=minute)).timestamp() - time.time())

    def forward(self, seconds: float) -> None:
        self._shift(struct.unpack("d", self.clock.read_bytes())[0] + seconds)

    def _shift(self, seconds: float) -> None:
        assert seconds >= struct.unpack("d", self.clock.read_bytes())[0]
        with self.clock.open("r+b") as file:
            file.write(struct.pack("d", seconds))

    def start(self) -> None:
        """Switch on, and wait until the daemon looks for deliveries."""
        self.boots += 1
        log = self.made.root / f"ui-{self.boots}.log"
        path = os.pathsep.join([str(PROJECT), str(CLOCK)])
        environment = {**self.made.environment, "PYTHONPATH": path, "SHIFTED_CLOCK": str(self.clock)}
        command = [sys.executable, "-W", "ignore", "-m", "cli.main", "ui", "--port", str(free_port())]
        with log.open("w", encoding="utf-8") as output:
            self.process = subprocess.Popen(command, env=environment, cwd=PROJECT, stdout=output, stderr=subprocess.STDOUT)
        self.wait(lambda: "Sensor delivery_arrived" in log.read_text(encoding="utf-8"), "the daemon looks for deliveries")

    def cut_power(self) -> None:
        """End every process at once, with nothing written."""
        for process in processes_of(self.made.home):
            os.kill(process, signal.SIGKILL)
        self.process.wait()

    def wait(self, holds: Callable[[], bool], what: str, step: float = 0.1) -> None:
        """Wait until something holds. Meanwhile the clock is fast, slower while a run is in progress, and stands while one starts."""
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, f"waited {PATIENCE} s in vain until {what}; see {self.made.root}"
            statuses = {run.status for run in self.unfinished()}
            self.forward(0 if statuses & STARTING else 5 * step if dg.DagsterRunStatus.STARTED in statuses else 50 * step)
            time.sleep(step)

    def unfinished(self) -> list[dg.DagsterRun]:
        return [run for run in self.store.get_runs() if not run.is_finished]

    def ticks(self, schedule: str) -> list[int]:
        """The days on which a schedule ticked."""
        states = [state for state in self.store.all_instigator_state() if state.instigator_name == schedule]
        ticks = [tick for state in states for tick in self.store.get_ticks(state.instigator_origin_id, state.selector_id)]
        return [
            (datetime.fromtimestamp(tick.timestamp, UTC) - self.midnight).days
            for tick in ticks
            if tick.is_completed and not tick.is_failure
        ]
