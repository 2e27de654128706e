"""Measure the simulation: rows, seconds, and the processor time and peak memory of all its processes, read from /proc (Linux).

python benchmarks/bench_simulation.py [size ...]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROCESSES = os.cpu_count() or 1


def main(sizes: list[str]) -> None:
    """Simulate each size once, as `das simulate` does, with the default faults."""
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "inbox"
            command = [sys.executable, "-m", "cli.main", "simulate", "--size", size, "--out", str(out), "--processes", str(PROCESSES)]
            start = time.perf_counter()
            with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:
                peak, used = 0, dict[int, float]()
                while running.poll() is None:
                    now = processes(running.pid)
                    peak = max(peak, sum(memory for _, memory in now.values()))
                    used |= {process: seconds for process, (seconds, _) in now.items()}
                    time.sleep(0.2)
            wall = time.perf_counter() - start
            rows = sum(count(json.loads(path.read_text(encoding="utf-8"))) for path in out.glob("*/*/manifest.json"))
            written = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
        cost = f"{wall:6.1f} s wall, {sum(used.values()):6.1f} s CPU in {PROCESSES} processes, peak {peak / 1e9:.2f} GB"
        print(f"{size}: exit status {running.returncode}, {rows:,} lines, {written / 1e9:.2f} GB, {cost}", flush=True)


def count(manifest: dict[str, list[dict[str, int]]]) -> int:
    """The lines of the files in a delivery."""
    return sum(file["lines"] for file in manifest["files"])


def processes(first: int) -> dict[int, tuple[float, int]]:
    """By process, of `first` and all that it started: its seconds of processor time, and its bytes. What they share counts once."""
    seconds, children = {}, dict[int, list[int]]()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        process = int(status.parent.name)
        children.setdefault(int(fields[1]), []).append(process)
        seconds[process] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    waiting, found = [first], {}
    while waiting:
        process = waiting.pop()
        waiting.extend(children.get(process, []))
        try:
            said = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        found[process] = seconds.get(process, 0.0), sum(int(line.split()[1]) * 1024 for line in said if line.startswith("Pss:"))
    return found


if __name__ == "__main__":
    main(sys.argv[1:] or ["large", "national"])
