"""Measure intake: rows per second, CPU seconds and peak memory of taking in the simulated history of every partner.

python -m benchmarks.bench_deliveries [rows]
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from das_pipeline.deliveries import account_rows, pending, take_in
from das_pipeline.privacy import write_demo_keys
from das_pipeline.run import Run
from das_pipeline.settings import PROJECT, Settings

SIMULATE = """
import sys
from datetime import date
from pathlib import Path
from das_pipeline.jurisdiction import Jurisdiction
from simulation import simulate
simulate(Jurisdiction(Path(sys.argv[1])), Path(sys.argv[2]), size=sys.argv[3], until=date.fromisoformat(sys.argv[4]))
"""
HISTORY_DELIVERED_ON = "2025-12-27"


def main(rows: str) -> None:
    """Simulate in a process of its own, so that its memory does not count, then take in partner by partner."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        made = Settings(home=root / "home", inbox=root / "inbox", keys=root / "keys", jurisdiction=PROJECT / "jurisdictions" / "nl")
        made.inbox.mkdir()
        write_demo_keys(made.keys, seed=1)
        simulation = [sys.executable, "-c", SIMULATE, str(made.jurisdiction), str(made.inbox), rows, HISTORY_DELIVERED_ON]
        subprocess.run(simulation, check=True, cwd=PROJECT)
        run = Run.start(made, date.max)
        for delivery in pending(run):
            wall, cpu = time.perf_counter(), time.process_time()
            take_in(run, delivery)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            read = sum(a.read for a in account_rows(run) if a.partner == delivery.partner)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
            speed = f"{wall:6.1f} s wall {cpu:6.1f} s CPU {read / cpu:>9,.0f} rows a CPU second"
            print(f"{delivery.partner:14}{read:>10,} rows {speed}, peak {peak:.2f} GB")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "1000000")
