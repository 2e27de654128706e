"""Measure the cost of the demo, beside that of an earlier build: processor time, wall time and peak memory of `das demo` in an empty home.

python -m benchmarks.bench_demo [size] [commit ...]

With commits, each of them and this build run in turn, on deliveries that this build simulated once, and the files of their releases are
compared: but for what names the code or is made anew by DuckDB each time, they have the same bytes unless a figure or a page changed.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench_deliveries import checked_out
from das_pipeline.settings import PROJECT
from tests.installation import published


@dataclass(frozen=True)
class Cost:
    """What one demo used, the processes that it started included, and what it released: release and file -> SHA-256."""

    exit_status: int
    cpu_seconds: float
    wall_seconds: float
    peak_gb: float
    released: dict[str, dict[str, str]]


def main(size: str, commits: list[str]) -> None:
    """Run the demo of each build once and print what each cost."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        simulated = root / "simulated"
        das(PROJECT, simulated, "simulate", "--size", size)
        builds = {commit: checked_out(commit, root / commit) for commit in commits} | {"this build": PROJECT}
        costs = {build: demo(folder, simulated, root / "runs" / build, size) for build, folder in builds.items()}
    for build, cost in costs.items():
        used = f"{cost.cpu_seconds:.0f} s CPU, {cost.wall_seconds:.0f} s wall, peak {cost.peak_gb:.2f} GB"
        print(f"demo at size {size}, {build}: exit status {cost.exit_status}, {used}")
    ours = costs.pop("this build")
    for build, cost in costs.items():
        files = {(release, file) for cost_ in (cost, ours) for release, hashes in cost_.released.items() for file in hashes}
        other = [f for f in files if cost.released.get(f[0], {}).get(f[1]) != ours.released.get(f[0], {}).get(f[1])]
        print(f"this build / {build}: {ours.cpu_seconds / cost.cpu_seconds:.2f}; {len(other)} of {len(files)} released files differ")


def demo(build: Path, simulated: Path, root: Path, size: str) -> Cost:
    """Take the demo of `build` on a copy of the simulated deliveries, in the empty installation `root`."""
    shutil.copytree(simulated, root)
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    exit_status, peak = das(build, root, "demo", "--size", size)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    releases = sorted(path.parent for path in (root / "home" / "releases").glob("[0-9]*/manifest.json"))
    return Cost(exit_status, cpu, wall, peak, {release.name: published(release) for release in releases})


def das(build: Path, root: Path, *arguments: str) -> tuple[int, float]:
    """Run `das ARGUMENTS` with the code of `build`; return its exit status and its peak memory in GB."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("DAS_")}
    places = {"DAS_HOME": str(root / "home"), "DAS_INBOX": str(root / "inbox"), "DAS_KEYS": str(root / "keys")}
    environment = ours | places | {"DAGSTER_DISABLE_TELEMETRY": "yes", "GX_ANALYTICS_ENABLED": "false", "PYTHONPATH": str(build)}
    process = subprocess.Popen([sys.executable, "-m", "cli.main", *arguments], env=environment, cwd=build, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    return os.waitstatus_to_exitcode(status), usage.ru_maxrss / 1e6


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "demo", sys.argv[2:])
