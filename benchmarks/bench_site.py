"""Measure the website in a real browser, beside a page of Observable Framework with the same table: what a first view costs, and a filter.

python -m benchmarks.bench_site [release folder]

Without a folder it is the current release of the home. Each page is opened in turn with an empty cache, on a processor that is slowed down
four times and a line of 1.6 Mbit with 150 ms of delay, as a cheap phone has it. The peer is a page with one chart and one table; ours
of the same table has four more figures. The peer is built from packages of npm; without npm there is none.
"""

from __future__ import annotations

import functools
import gzip
import http.server
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, BinaryIO

from das_pipeline.settings import PROJECT, Settings
from tests.browser import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser

RUNS = 5
TABLE = "registered_crime"  # on a page of ours, and the one that the peer draws
PEER = PROJECT / "benchmarks" / "site_peer"
SLOWER = 4
LINE = {"offline": False, "latency": 150, "downloadThroughput": 1_600_000 / 8, "uploadThroughput": 750_000 / 8}
LARGEST = """new PerformanceObserver(list => (window.largest = list.getEntries().at(-1).startTime))
.observe({type: "largest-contentful-paint", buffered: true})"""
READY = "() => document.querySelector({!r}) ? performance.now() : 0"
FILTER = """async () => {
  const found = [];
  for (const view of ["table", "chart", "table", "chart", "table"]) {
    const shown = document.querySelector(".ask-shown"), input = document.querySelector(`[data-key=view-${view}]`);
    const drawn = new Promise(done => new MutationObserver((_, o) => (o.disconnect(), done())).observe(shown, {childList: true}));
    const start = performance.now();
    input.click();
    await drawn;
    found.push(performance.now() - start);
  }
  return Math.max(...found);
}"""


@dataclass(frozen=True)
class View:
    """One first view of a page: bytes over the line, and milliseconds until its largest part is painted and it can be used."""

    sent: int
    largest: float
    ready: float


class _Compressed(http.server.SimpleHTTPRequestHandler):
    """Files as a web server sends them: texts compressed."""

    def send_head(self) -> BytesIO | BinaryIO | None:
        path = Path(self.translate_path(self.path))
        if path.suffix not in {".html", ".css", ".js", ".svg", ".json", ".csv"} or not path.is_file():
            return super().send_head()
        body = gzip.compress(path.read_bytes())
        self.send_response(200)
        for name, value in (("Content-Type", self.guess_type(path)), ("Content-Encoding", "gzip"), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        return BytesIO(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def compressed(folder: Path) -> Iterator[str]:
    """The address of a web server over a folder that compresses texts."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Compressed, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def main(release: Path) -> None:
    """Open each page in turn and print the medians."""
    with tempfile.TemporaryDirectory() as name, chromium() as browser, compressed(release) as ours:
        pages = {
            "start page": (f"{ours}/site/en/index.html", ".flow-form select"),
            "page of crime": (f"{ours}/site/en/crime.html", ".ask-open"),
        }
        built = peer(release, Path(name))
        with compressed(built or release) as other:
            if built:
                pages["Observable Framework"] = (f"{other}/index.html", "main svg, main figure")
            views: dict[str, list[View]] = {page: [] for page in pages}
            for _ in range(RUNS):  # in turn: what else the machine does falls on all of them
                for page, (address, control) in pages.items():
                    views[page].append(view(browser, address, control))
        print(f"{'':22}{'bytes sent':>12}{'largest paint':>16}{'can be used':>14}")
        for page, seen in views.items():
            sent, largest, ready = (median(getattr(v, part) for v in seen) for part in ("sent", "largest", "ready"))
            print(f"{page:22}{sent:>12,.0f}{largest:>13,.0f} ms{ready:>11,.0f} ms")
        if built is None:
            print("No peer: npm is not here, or its packages cannot be had.")
        print(f"slowest of five answers on a figure, processor slowed {SLOWER} times: {answered(browser, ours):.0f} ms")


def view(browser: Browser, address: str, control: str) -> View:
    """Open `address` in a new browser profile until `control` is there."""
    context = browser.new_context(viewport={"width": 412, "height": 823}, device_scale_factor=1.75)
    page = context.new_page()
    page.route(lambda url: not url.startswith("http://127.0.0.1"), lambda route: route.abort())  # fonts of other hosts
    client = context.new_cdp_session(page)
    sent: list[int] = []
    client.on("Network.loadingFinished", lambda event: sent.append(event["encodedDataLength"]))
    client.send("Network.enable")
    client.send("Network.emulateNetworkConditions", LINE)
    client.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.add_init_script(LARGEST)
    page.goto(address)
    ready = page.wait_for_function(READY.format(control), polling="raf", timeout=60_000).json_value()
    page.wait_for_load_state("networkidle")
    largest = page.evaluate("window.largest ?? 0")
    context.close()
    return View(sum(sent), largest, ready)


def answered(browser: Browser, address: str) -> float:
    """The slowest of five answers to a choice of a reader, once the table is there."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/site/en/crime.html?table={TABLE}")
    page.locator(".ask-keep").wait_for()
    context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    slowest = float(page.evaluate(FILTER))
    context.close()
    return slowest


def peer(release: Path, folder: Path) -> Path | None:
    """Build the peer's page of the same table in `folder`; return its files, or None where npm or its packages are not to be had."""
    if shutil.which("npm") is None:
        return None
    made = Path(shutil.copytree(PEER, folder / "peer"))
    shutil.copy(release / "tables" / f"{TABLE}.csv", made / "src")
    done = subprocess.run(["sh", "build.sh"], cwd=made, check=False, capture_output=True, text=True)
    return made / "dist" if done.returncode == 0 else None


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else (Settings.from_environment().home / "releases" / "current"))
