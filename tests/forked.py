"""Commands of `das` in processes that are forked from one that has loaded the libraries: each starts at once, not after seconds of imports.

Of the project nothing is loaded before the fork, so a command reads its code, its environment and its jurisdiction as a fresh process does.
What it shares with the others is the order in which Python iterates over sets, which is drawn once per process: a home that others are
compared with is made by `Installation.python`.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import socket
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]
LIBRARIES = (
    "dagster",
    "great_expectations.render.renderer.page_renderer",
    "great_expectations.render.view.view",
    "jinja2",
    "lxml.html",
    "numba",
    "pandera.pandas",
    "rich.progress",
    "typer",
    "vl_convert",
)  # without DuckDB, which starts a thread on import; those that pyarrow and OpenBLAS start outlive a fork
PATIENCE = 1200  # seconds that a command may take
_one_at_a_time = threading.Lock()


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Run `das ARGUMENTS`; return its exit code and what it printed, standard error included."""
    with _one_at_a_time, tempfile.TemporaryFile() as printed:
        channel = _parent_of_commands()
        request = json.dumps({"arguments": arguments, "environment": dict(environment)}).encode()
        socket.send_fds(channel, [request], [printed.fileno()])
        try:
            code = json.loads(channel.recv(100))
        except TimeoutError:  # its answer must not be taken for that to the next command
            channel.close()
            _parent_of_commands.cache_clear()
            raise
        printed.seek(0)
        return code, printed.read().decode()


@cache
def _parent_of_commands() -> socket.socket:
    """Start the process that is forked; return the channel to it, at whose end it ends."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(PATIENCE)
    ignored = ("DAS_", "DAGSTER_HOME", "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ignored)}
    environment |= {"PYTHONPATH": str(PROJECT), "GX_ANALYTICS_ENABLED": "false", "DAGSTER_DISABLE_TELEMETRY": "yes"}
    command = [sys.executable, "-m", "tests.forked", str(its.fileno())]
    process = subprocess.Popen(
        command, env=environment, cwd=PROJECT, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    its.close()

    def end() -> None:
        ours.close()
        process.wait(timeout=60)

    atexit.register(end)
    return ours


def _wait_for_command(channel: socket.socket) -> Any:
    """Fork for each request and answer with the exit code of the child; return, in the child, what is requested."""
    while True:
        message, files, _, _ = socket.recv_fds(channel, 1 << 20, 1)
        if not message:
            sys.exit()
        (printed,) = files
        child = os.fork()
        if child == 0:
            channel.close()
            os.dup2(printed, 1)
            os.dup2(printed, 2)
            return json.loads(message)
        os.close(printed)
        channel.send(json.dumps(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def _main() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as where the project imports them
        for library in LIBRARIES:
            importlib.import_module(library)
    assert threading.active_count() == 1, "a process with threads cannot be forked"
    assert "duckdb" not in sys.modules
    ours = {"assets", "checks", "cli", "das_pipeline", "orchestration"} & sys.modules.keys()
    assert not ours, f"{ours} would be shared by all commands"
    gc.collect()
    gc.freeze()
    request = _wait_for_command(socket.socket(fileno=int(sys.argv[1])))
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["das", *request["arguments"]]
    runpy.run_module("cli.main", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
