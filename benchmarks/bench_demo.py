"""Measure the cost of the demo: wall time, processor time and peak memory of `das demo` in an empty home.

python benchmarks/bench_demo.py [size]
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main(size: str) -> None:
    """Run the demo once and print its cost."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "DAS_HOME": str(Path(folder) / "home"), "DAGSTER_DISABLE_TELEMETRY": "yes"}
        environment.pop("DAS_KEYS", None)
        environment.pop("DAS_INBOX", None)
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", "demo", "--size", size], env=environment, check=False, stdout=subprocess.DEVNULL
        )
        wall = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6
    print(f"demo at size {size}: exit status {done.returncode}, {wall:.0f} s wall, {cpu:.0f} s CPU, peak {peak:.2f} GB")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "demo")
