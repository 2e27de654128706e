"""The simulation measured: rows, seconds, and the peak memory of all its processes together, read from /proc (Linux).

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
            command = [sys.executable, "-m", "assets.cli", "simulate", "--size", size, "--out", str(out), "--processes", str(PROCESSES)]
            start = time.perf_counter()
            with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:
                peak = 0
                while running.poll() is None:
                    peak = max(peak, memory(running.pid))
                    time.sleep(0.2)
            wall = time.perf_counter() - start
            rows = sum(count(json.loads(path.read_text(encoding="utf-8"))) for path in out.glob("*/*/manifest.json"))
            written = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
        cost = f"{wall:6.1f} s in {PROCESSES} processes, {rows / wall:>9,.0f} lines a second, peak {peak / 1e9:.2f} GB"
        print(f"{size}: exit status {running.returncode}, {rows:,} lines, {written / 1e9:.2f} GB, {cost}", flush=True)


def count(manifest: dict[str, list[dict[str, int]]]) -> int:
    """The lines of the files in a delivery."""
    return sum(file["lines"] for file in manifest["files"])


def memory(process: int) -> int:
    """Bytes that a process and all that it started take up; what they share counts once."""
    parents: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents.setdefault(int(status.read_text().rpartition(")")[2].split()[1]), []).append(int(status.parent.name))
        except OSError:  # it has ended
            continue
    waiting, total = [process], 0
    while waiting:
        process = waiting.pop()
        waiting.extend(parents.get(process, []))
        try:
            said = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in said if line.startswith("Pss:"))
    return total


if __name__ == "__main__":
    main(sys.argv[1:] or ["large", "national"])
