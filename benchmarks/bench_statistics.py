"""What all cubes of a large home cost: the events and spells of a finished home, repeated until they come from about so many records.

DAS_HOME=… DAS_KEYS=… python -m benchmarks.bench_statistics [records]

The home is copied, and each copy of its records has record numbers, persons and cases of its own. CPU seconds are of `build_cubes` alone,
from events and spells to the encrypted cubes with their verdicts; the peak is that of the process that builds them.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

from das_pipeline import engine, statistics
from das_pipeline.run import Run
from das_pipeline.settings import Settings

REPEATED = ("chain/events", "chain/spells")
READ = ("terminology/concepts", *REPEATED)
APART = 10**10  # between the record numbers of two copies


def main(records: int) -> None:
    """Repeat the home's records in a copy, build its cubes in a process of its own, and print what that cost."""
    settings = Settings.from_environment()
    with tempfile.TemporaryDirectory() as name:
        run = Run.start(replace(settings, home=Path(name) / "home"), date.max)
        for part in (*READ, "deliveries", "format", "keys.json"):
            source, target = settings.home / part, run.settings.home / part
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
        run = run.known_on(date.fromisoformat(run.lake.live(REPEATED[0]).as_of))
        with run.connect(confidential=True) as connection:
            events = engine.parquet(run.lake.live(REPEATED[0]).paths())
            there = int(engine.scalar(connection, f"SELECT COUNT(DISTINCT (unit, partner, record_no)) FROM {events}"))
        times = max(round(records / there), 1)
        for table in REPEATED:
            repeat(run, table, times)
        command = [sys.executable, "-m", "benchmarks.bench_statistics", "build", str(run.settings.home), run.as_of.isoformat()]
        cost = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    made = f"{there * times:,} records, {cost['events']:,} events: {cost['cubes']} cubes"
    print(f"{made} in {cost['cpu']:.1f} s CPU, peak {cost['peak']:.2f} GB")


def repeat(run: Run, table: str, times: int) -> None:
    """Replace the live version of `table` by one with every row so many times, each time of other records, persons and cases."""
    live = run.lake.open(table)
    with run.begin(table) as draft, run.connect(confidential=True) as connection:
        for file in live.files:
            rows = engine.parquet([live.path(file)])
            moved = ", ".join(f"{column} + copy * {APART} AS {column}" for column in ("record_no", "person_id", "case_id"))
            query = f"SELECT r.* REPLACE ({moved}) FROM {rows} AS r CROSS JOIN range({times}) AS copies (copy)"
            draft.rows[file] = engine.write_parquet(connection, query, draft.path(file), order_by="record_no", encrypted=True)
        run.lake.promote(run.lake.seal(draft, as_of=live.as_of, inputs=live.inputs, inputs_hash=live.inputs_hash, verdicts=[]))


def build(home: Path, as_of: date) -> None:
    """Build the cubes of `home`, and print what that cost."""
    run = Run.start(replace(Settings.from_environment(), home=home), as_of)
    start = time.process_time()
    with run.begin("statistics/cubes") as draft:
        statistics.build_cubes(run, draft)
    cpu, peak = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    with run.connect(confidential=True) as connection:
        events = int(engine.scalar(connection, f"SELECT COUNT(*) FROM {engine.parquet(run.lake.live(REPEATED[0]).paths())}"))
    print(json.dumps({"cubes": len(draft.rows), "events": events, "cpu": cpu, "peak": peak}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["build"]:
        build(Path(sys.argv[2]), date.fromisoformat(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 3_000_000)
