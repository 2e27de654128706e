"""For people with a browser: Dagster on this home, and the site of the current release. Both listen on this machine only."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.console import console
from das_pipeline.errors import DasError
from das_pipeline.home_format import require_current
from das_pipeline.settings import PROJECT, Settings

app = typer.Typer()

HOST = "127.0.0.1"
LOCK = "ui.lock"  # in Dagster's folder of the home: held by the `das ui` that runs there

Port = Annotated[int, typer.Option(min=1, max=65535, help="On this machine only.")]


@app.command()
def ui(port: Port = 3000) -> None:
    """Open Dagster on this home, with the daily schedule and the delivery sensor running."""
    from das_pipeline.privacy import Keys
    from orchestration.runs import instance

    settings = Settings.from_environment()
    Keys.load(settings)  # without keys the sensor would fail at every tick
    require_free_port(port, "ui")
    instance(settings).dispose()
    lock = lock_ui(settings.home, port)
    os.set_inheritable(lock, True)  # held by Dagster, which replaces this process and gets its signals
    console.print(f"Dagster: http://localhost:{port}/  (stop with Ctrl-C)")
    sys.stdout.flush()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell starts a background job with Ctrl-C ignored, and Dagster takes SIGTERM as Ctrl-C
    os.chdir(PROJECT)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])])}
    arguments = [f"http://{HOST}:{port}", "-w", str(PROJECT / "workspace.yaml"), "-h", HOST, "-p", str(port)]
    os.execve(sys.executable, [*_DAGSTER_DEV, *arguments], environment)


_DAGSTER_DEV = (sys.executable, "-W", "ignore", "-m", "orchestration.dev")  # Dagster's advice to use another program is not for our users


def lock_ui(home: Path, port: int) -> int:
    """Return the descriptor of the lock of `das ui` on `home`, now held; DasError when another `das ui` holds it.

    The lock is free as soon as its holder has ended, however it ended.
    """
    path = home / "dagster" / LOCK
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 200).decode()
        os.close(descriptor)
        raise DasError(
            f"Dagster runs on {home} already ({holder}). Use that one, or stop it first: two would start every run twice."
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"process {os.getpid()}, http://localhost:{port}/".encode())
    return descriptor


def require_free_port(port: int, verb: str) -> None:
    """Raise DasError when nothing can listen on `port`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            reason = "You may not use" if isinstance(error, PermissionError) else "Another program uses"
            other = port + 1 if 1024 <= port < 65535 else 8080
            raise DasError(
                f"{reason} port {port}. Choose another one: das {verb} --port {other}, or make {_TARGETS[verb]} PORT={other}."
            ) from None


_TARGETS = {"ui": "ui", "serve": "site"}  # what a verb is called in the Makefile


@app.command()
def serve(port: Port = 8000) -> None:
    """Serve the releases, tables and site, on http://localhost:PORT/. For everybody else, use a web server (deploy/)."""
    import uvicorn

    from cli.serving import FIRST_PAGE, app_of

    home = Settings.from_environment().home
    require_current(home)
    if not (home / "releases" / "current").exists():
        raise DasError("There is no release yet: run das demo, or das run.")
    require_free_port(port, "serve")
    console.print(f"The site: http://localhost:{port}{FIRST_PAGE}  (stop with Ctrl-C)")
    sys.stdout.flush()
    server = uvicorn.Server(uvicorn.Config(app_of(home / "releases"), HOST, port, log_level="warning", server_header=False, lifespan="off"))
    for asked_to_stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked_to_stop, signal.default_int_handler)
    try:
        server.run()
    except KeyboardInterrupt:
        return
