"""A Chromium for the tests of the website: the one of the machine, or else one that is installed here, and said so.

`python -m tests.browser` prints which browser the tests will use, and installs one where none is found.
"""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",  # a container's root has no user namespaces; pages are our own files
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find() -> str | None:
    """The path of a Chromium: DAS_CHROMIUM, one on the PATH, or Playwright's own; None when there is none, or nothing to drive it with."""
    if not _driver_runs():
        return None
    named = [os.environ.get("DAS_CHROMIUM"), *map(shutil.which, NAMES)]
    return next((path for path in named if path and Path(path).exists()), None) or _own()


def _driver_runs() -> bool:
    """Whether Playwright's driver starts: a minimal system may lack a library that it needs."""
    return subprocess.run([sys.executable, "-m", "playwright", "--version"], check=False, capture_output=True).returncode == 0


def _own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> str:
    """The path of a Chromium that was installed just now: the distribution's package (as root), else Playwright's own."""
    tried = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        packages = ["chromium", "libatomic1", "fonts-dejavu-core"]  # libatomic1: for Playwright's driver
        tried = [["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], *tried]
    for command in tried:
        sys.stdout.write(f"No Chromium found: running {' '.join(command)}\n")
        sys.stdout.flush()
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
        if (path := find()) is not None:
            return path
    raise SystemExit(
        "The tests of the website need a Chromium and none could be installed. Install one (apt-get install chromium) or set DAS_CHROMIUM."
    )


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running Chromium without a window. Tests fail, and are not skipped, when the machine has none."""
    from playwright.sync_api import sync_playwright

    path = find()
    if path is None:
        raise RuntimeError("No Chromium: run `python -m tests.browser`, or set DAS_CHROMIUM.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


class _Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a web server over a folder, for as long as it is needed."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Files, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


if __name__ == "__main__":
    sys.stdout.write(f"The website is tested in {find() or install()}\n")
