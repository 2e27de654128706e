"""Compare what a history and the day after it cost: an earlier build, this one, and a plain DuckDB script, on the same files in turn.

python -m benchmarks.bench_scale [rows] [commit]

The history of every partner and its first daily delivery are simulated once by this build. Each build takes the history in, with all
stages to protected leaves, and then in another process the day, in the same home. The plain script reads, maps and deduplicates the
history, and does nothing else. CPU seconds include the start of the process; megabytes are those of files written, without originals.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

from benchmarks.bench_deliveries import BEFORE, HISTORY_DELIVERED_ON, PARTS, Cost, checked_out, leave_out_stock, measured
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.settings import PROJECT
from simulation import simulate


def main(rows: int, commit: str) -> None:
    """Run them in turn and print what each cost."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        print(f"Simulating {rows:,} rows and a day", flush=True)
        history, day = simulated(root, rows)
        before = checked_out(commit, root / "build")
        old = [chained(f"build {commit}", before, inbox, root / "before") for inbox in (history, day)]
        ours = [chained("this build", PROJECT, inbox, root / "ours") for inbox in (history, day)]
        plain = measured("plain DuckDB", [str(PARTS / "plain_intake.py"), str(history), str(root / "plain")], PROJECT)
    lines = ours[1].printed["rows"] - ours[0].printed["rows"]
    for what, costs in (
        (f"history of {ours[0].printed['rows']:,} lines", [old[0], ours[0], plain]),
        (f"one day of {lines:,} lines", [old[1], ours[1]]),
    ):
        print(what)
        for cost in costs:
            written = sum(stage["megabytes"] for stage in cost.printed.get("spent", {}).values())
            print(f"  {cost.name:16}{cost.cpu_seconds:8.1f} s CPU {written:9.1f} MB written, peak {cost.peak_gb:.2f} GB")
        print_stages(costs[0], costs[1])


def print_stages(old: Cost, ours: Cost) -> None:
    """Print CPU seconds and megabytes of each stage, the earlier build's first."""
    for stage, cost in ours.printed["spent"].items():
        earlier = old.printed["spent"][stage]
        cpu = f"{earlier['cpu_seconds']:8.1f} {cost['cpu_seconds']:8.1f} s CPU"
        print(f"    {stage:12}{cpu} {earlier['megabytes']:9.1f} {cost['megabytes']:9.1f} MB")


def simulated(root: Path, rows: int) -> tuple[Path, Path]:
    """Simulate a history and a day; return the folders of their deliveries."""
    history, day = root / "history", root / "day"
    simulate(Jurisdiction(PROJECT / "jurisdictions" / "nl"), history, size=rows, until=HISTORY_DELIVERED_ON + timedelta(days=1))
    leave_out_stock(history)
    for manifest in sorted(history.glob("*/*/manifest.json")):
        if date.fromisoformat(json.loads(manifest.read_text(encoding="utf-8"))["delivered_on"]) > HISTORY_DELIVERED_ON:
            target = day / manifest.parent.relative_to(history)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(manifest.parent, target)
    return history, day


def chained(name: str, build: Path, inbox: Path, folder: Path) -> Cost:
    """Deliver a copy of `inbox` to the installation in `folder` and run the chain with the code and jurisdiction of `build`."""
    shutil.copytree(inbox, folder / "inbox", dirs_exist_ok=True)
    return measured(name, [str(PARTS / "scale_once.py"), str(folder), str(build / "jurisdictions" / "nl")], build)


if __name__ == "__main__":
    main(int((sys.argv[1:2] or ["1000000"])[0]), (sys.argv[2:3] or [BEFORE])[0])
