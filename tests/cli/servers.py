"""Servers for the tests of serving: `das serve`, and the sample configurations with the real web servers, where these are installed."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from cli.serving import app_of
from das_pipeline.settings import PROJECT
from tests.cli.test_servers import free_port

SERVERS = ("das serve", "nginx", "caddy")


def is_installed(server: str) -> bool:
    """Whether the server is there: `das serve` always is."""
    return server == "das serve" or shutil.which(server, path=f"{os.environ['PATH']}:/usr/sbin") is not None


@contextlib.contextmanager
def serving(server: str, home: Path, scratch: Path) -> Iterator[int]:
    """The port of a server of the releases of `home`; it writes to `scratch` alone."""
    port = free_port()
    if server == "das serve":
        with _of_our_own(home / "releases", port):
            yield port
        return
    command = _nginx(home, scratch, port) if server == "nginx" else _caddy(home, scratch, port)
    log = scratch / "log"
    with log.open("wb") as output:
        places = {name: str(scratch) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
        process = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | places)
    try:
        _await(port, process, log)
        yield port
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def _of_our_own(root: Path, port: int) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app_of(root), "127.0.0.1", port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    yield
    server.should_exit = True
    thread.join()


def _nginx(home: Path, scratch: Path, port: int) -> list[str]:
    """The sample as it is shipped, but for the address, the certificate and the paths."""
    sample = (PROJECT / "deploy" / "nginx.conf").read_text(encoding="utf-8").replace("/srv/das/home", str(home))
    sample = re.sub(r"^ *ssl_.*\n", "", sample, flags=re.MULTILINE).replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
    temporary = "".join(f"{kind}_temp_path {scratch}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = f"user {_user()};\n" if os.geteuid() == 0 else ""
    whole = f"{user}daemon off;\npid {scratch}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{sample}}}\n"
    (scratch / "nginx.conf").write_text(whole, encoding="utf-8")
    return [shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "nginx", "-c", str(scratch / "nginx.conf"), "-p", str(scratch)]


def _user() -> str:
    import getpass

    return getpass.getuser()


def _caddy(home: Path, scratch: Path, port: int) -> list[str]:
    sample = (PROJECT / "deploy" / "Caddyfile").read_text(encoding="utf-8").replace("/srv/das/home", str(home))
    whole = "{\n\tadmin off\n}\n" + sample.replace("data.example.org {", f"http://127.0.0.1:{port} {{")
    (scratch / "Caddyfile").write_text(whole, encoding="utf-8")
    return ["caddy", "run", "--config", str(scratch / "Caddyfile"), "--adapter", "caddyfile"]


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            break
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.suppress(OSError):
            connection.request("HEAD", "/")
            connection.getresponse().close()
            connection.close()
            return
        time.sleep(0.05)
    raise AssertionError(log.read_text(encoding="utf-8", errors="replace")[-2000:])
