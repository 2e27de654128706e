"""Compare the cost of intake and terminology: an earlier build, this one, and a plain DuckDB script, on the same simulated files in turn.

python -m benchmarks.bench_deliveries [rows] [commit]

The files are the history of every partner in its own form (CSV, fixed width, JSON lines, XML, Parquet, Excel), simulated once by this
build; the earlier build takes them in as they are. The plain script reads, maps and deduplicates them and does nothing else.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.settings import PROJECT
from simulation import simulate

BEFORE = "fbc24b4"  # the build to compare with when no other is named
HISTORY_DELIVERED_ON = date(2025, 12, 27)  # the day after which no daily deliveries follow: the history alone
PARTS = PROJECT / "benchmarks"


@dataclass(frozen=True)
class Cost:
    """What one process used, the processes that it started included."""

    name: str
    cpu_seconds: float
    wall_seconds: float
    peak_gb: float
    printed: dict[str, Any]


def main(rows: int, commit: str) -> None:
    """Run the three in turn and print what each cost."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        inbox = root / "inbox"
        print(f"Simulating {rows:,} rows", flush=True)
        simulate(Jurisdiction(PROJECT / "jurisdictions" / "nl"), inbox, size=rows, until=HISTORY_DELIVERED_ON)
        leave_out_stock(inbox)
        before = checked_out(commit, root / "build")
        old = intake(f"build {commit}", before, inbox, root / "before")
        ours = intake("this build", PROJECT, inbox, root / "ours")
        plain = measured("plain DuckDB", [str(PARTS / "plain_intake.py"), str(inbox), str(root / "plain")], PROJECT)
    for cost in (old, ours, plain):
        used = f"{cost.cpu_seconds:7.1f} s CPU {cost.wall_seconds:7.1f} s wall, peak {cost.peak_gb:.2f} GB"
        print(f"{cost.name:16}{cost.printed['rows']:>10,} rows {used}")
    for stage in ours.printed["cpu_seconds"]:
        print(f"  {stage:14}{old.printed['cpu_seconds'][stage]:8.1f} {ours.printed['cpu_seconds'][stage]:8.1f} s CPU")
    print(f"this build / build {commit}: {ours.cpu_seconds / old.cpu_seconds:.2f}; / plain: {ours.cpu_seconds / plain.cpu_seconds:.1f}")
    same = "the same" if old.printed["account"] == ours.printed["account"] else "OTHER"
    print(f"Both builds have {same} counts of lines read, accepted and quarantined.")


def leave_out_stock(inbox: Path) -> None:
    """Remove from the manifests the sender's own count of a stock, which the earlier build does not know."""
    for path in inbox.glob("*/*/manifest.json"):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        for file in manifest["files"]:
            file.pop("stock", None)
        path.write_text(json.dumps(manifest), encoding="utf-8")


def checked_out(commit: str, folder: Path) -> Path:
    """Write the tree of a commit to `folder` and compile it, as an installed build is; return the folder."""
    archive = folder.parent / "build.tar"
    subprocess.run(["git", "archive", "--output", str(archive), commit], cwd=PROJECT, check=True)
    with tarfile.open(archive) as packed:
        packed.extraction_filter = getattr(tarfile, "data_filter", None)  # Debian's Python 3.11.2 has none
        packed.extractall(folder)
    subprocess.run([sys.executable, "-m", "compileall", "-q", "das_pipeline"], cwd=folder, check=True)
    return folder


def intake(name: str, build: Path, inbox: Path, folder: Path) -> Cost:
    """Take in a copy of `inbox` and map it with the code and jurisdiction of `build`, in an empty installation in `folder`."""
    shutil.copytree(inbox, folder / "inbox")
    return measured(name, [str(PARTS / "intake_once.py"), str(folder), str(build / "jurisdictions" / "nl")], build)


def measured(name: str, arguments: list[str], build: Path) -> Cost:
    """Run a Python script with the modules of `build`; return what it used, and the JSON that it printed."""
    print(f"Running {name}", flush=True)
    start = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(build)}
    process = subprocess.Popen([sys.executable, *arguments], cwd=build, env=environment, stdout=subprocess.PIPE)
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{name} ended with exit status {process.returncode}.")
    wall = time.perf_counter() - start
    return Cost(name, used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1e6, json.loads(printed))


if __name__ == "__main__":
    main(int((sys.argv[1:2] or ["1000000"])[0]), (sys.argv[2:3] or [BEFORE])[0])
