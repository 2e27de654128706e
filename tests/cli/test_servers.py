"""`das ui` and `das serve` as processes: what they answer, and that nothing of them is left when they are asked to stop."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from das_pipeline.settings import PROJECT
from tests.installation import Installation, installation

pytestmark = [pytest.mark.slow]

PATIENCE = 120  # seconds: several Pythons start one after the other, on a machine that does other work


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def answer(port: int, path: str) -> str:
    """What the server at `port` answers, once it does."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as reply:
                return reply.read().decode()
        except urllib.error.URLError:
            time.sleep(0.5)
    raise AssertionError(f"nothing answers at port {port}")


def processes_of(home: Path) -> list[int]:
    """Every process that works on this home: they carry it in their environment."""
    mine = f"DAS_HOME={home}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mine in (folder / "environ").read_bytes().split(b"\0") and "Z" not in (folder / "stat").read_text().rpartition(")")[2][:3]:
                found.append(int(folder.name))
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
    return found


def process_of(home: Path, *words: str) -> int | None:
    """The process of this home that has these words on its command line."""
    for process in processes_of(home):
        with suppress(FileNotFoundError, ProcessLookupError):
            if {word.encode() for word in words} <= set(Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")):
                return process
    return None


@contextmanager
def started(made: Installation, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A running `das ARGUMENTS` with Ctrl-C ignored, as a shell starts a background job; nothing of it is left afterwards."""
    output = (made.root / "output.txt").open("w+", encoding="utf-8")
    ignored = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-c", ignored, sys.executable, "-m", "cli.main", *arguments]
    process = subprocess.Popen(command, env=made.environment, cwd=PROJECT, text=True, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        for left in processes_of(made.home):
            os.kill(left, signal.SIGKILL)
        process.wait()
        output.close()


def stop(process: subprocess.Popen[str], number: signal.Signals) -> int:
    process.send_signal(number)
    return process.wait(timeout=PATIENCE)


@pytest.fixture
def fresh(tmp_path: Path) -> Installation:
    """An installation with keys, an empty inbox and no home: what a person has before the first delivery."""
    return installation(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_site_is_served_until_it_is_told_to_stop(fresh: Installation, number: signal.Signals) -> None:
    page = fresh.home / "releases" / "2024-01-31.1" / "site" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("the site", encoding="utf-8")
    (fresh.home / "releases" / "current").symlink_to("2024-01-31.1")
    port = free_port()
    with started(fresh, "serve", "--port", str(port)) as process:
        assert answer(port, "/site/index.html") == "the site"
        assert stop(process, number) == 0


@pytest.mark.slow
def test_dagster_runs_once_on_a_home_and_ends_as_a_whole(fresh: Installation) -> None:
    """On an empty home the UI is healthy, another `das ui` is refused, a killed code server comes back, and SIGTERM leaves nothing."""
    port = free_port()
    with started(fresh, "ui", "--port", str(port)) as process:
        assert "dagster_webserver_version" in answer(port, "/server_info")
        assert f"already (process {process.pid}, http://localhost:{port}/)" in fresh.das("ui", "--port", str(free_port()), code=1)
        assert f"held: das ui by process {process.pid}" in " ".join(fresh.das("doctor").replace("│", "").split())
        log = fresh.root / "output.txt"
        until = time.monotonic() + PATIENCE
        while "delivery_arrived skipped: " not in (seen := log.read_text(encoding="utf-8")) and time.monotonic() < until:
            time.sleep(1)
        assert "No delivery is waiting to be taken in." in seen
        assert "Traceback" not in seen
        assert len(processes_of(fresh.home)) >= 3, "Dagster itself, the webserver and the daemon"
        server = process_of(fresh.home, "api", "grpc")
        assert server is not None
        os.kill(server, signal.SIGKILL)
        until = time.monotonic() + PATIENCE
        while process_of(fresh.home, "api", "grpc") in (None, server) and time.monotonic() < until:
            time.sleep(0.5)
        assert process_of(fresh.home, "api", "grpc") not in (None, server), "the code server is started again"
        assert stop(process, signal.SIGTERM) == 0
        until = time.monotonic() + PATIENCE
        while processes_of(fresh.home) and time.monotonic() < until:
            time.sleep(0.5)
        assert processes_of(fresh.home) == []


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [1, 4, 8])
def test_dagster_that_is_stopped_while_it_starts_leaves_nothing(fresh: Installation, seconds: int) -> None:
    with started(fresh, "ui", "--port", str(free_port())) as process:
        time.sleep(seconds)
        process.terminate()
        process.wait(timeout=PATIENCE)
        until = time.monotonic() + PATIENCE
        while processes_of(fresh.home) and time.monotonic() < until:
            time.sleep(0.5)
        assert processes_of(fresh.home) == []
