"""Take in what waits in FOLDER/inbox and run the chain to protected leaves: `python scale_once.py FOLDER JURISDICTION` prints what it cost.

bench_scale.py runs it with the modules of this build and of an earlier one, so it uses what both have.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from das_pipeline import chain, disclosure, linkage, statistics, terminology
from das_pipeline.deliveries import account_rows, partners_in, pending, take_in
from das_pipeline.privacy import write_demo_keys
from das_pipeline.run import Run, produce
from das_pipeline.settings import Settings

spent: dict[str, dict[str, float]] = {}


@contextmanager
def measured(stage: str, home: Path) -> Iterator[None]:
    """Add what a stage uses to `spent`: CPU seconds, and the bytes of the files that are new afterwards, without originals."""
    known, start = files_of(home), time.process_time()
    yield
    cost = spent.setdefault(stage, {"cpu_seconds": 0.0, "megabytes": 0.0})
    cost["cpu_seconds"] += time.process_time() - start
    cost["megabytes"] += sum(size for file, size in files_of(home).items() if file not in known) / 1e6


def files_of(home: Path) -> dict[int, int]:
    """The size of every file of the home by its number on the disk, but for originals: those are the delivery itself."""
    stats = (path.lstat() for path in home.rglob("*") if path.is_file() and "landing" not in path.parts)
    return {stat.st_ino: stat.st_size for stat in stats}


def main(root: Path, jurisdiction: Path) -> None:
    """Take in partner by partner, then make every table of the chain as known on the newest day."""
    spent["start"] = {"cpu_seconds": time.process_time(), "megabytes": 0.0}
    settings = Settings(home=root / "home", inbox=root / "inbox", keys=root / "keys", jurisdiction=jurisdiction)
    if not settings.keys.exists():
        write_demo_keys(settings.keys, seed=1)
    run = Run.start(settings, date.max)
    for delivery in pending(run):
        with measured("intake", settings.home):
            take_in(run, delivery)
    partners = [f"deliveries/{partner}" for partner in partners_in(run)]
    run = run.known_on(max(date.fromisoformat(run.lake.live(table).as_of) for table in partners))
    steps = (
        ("terminology", "terminology/concepts", terminology.build_concepts, [], False),
        ("terminology", "terminology/records", terminology.build_records, ["terminology/concepts", *partners], False),
        ("linkage", "identifying/entities", linkage.build_entities, ["terminology/records", *partners], False),
        ("linkage", "linkage/links", linkage.build_links, ["identifying/entities", *partners], True),
        ("chain", "chain/events", chain.build_events, ["terminology/records", "linkage/links"], False),
        ("chain", "chain/spells", chain.build_spells, ["chain/events"], False),
        ("chain", "chain/flows", chain.build_flows, ["chain/events", "chain/spells"], False),
        ("statistics", "statistics/cubes", statistics.build_cubes, ["chain/events", "chain/flows", "terminology/concepts"], False),
        ("disclosure", "disclosure/leaves", disclosure.build_leaves, ["statistics/cubes", "terminology/concepts"], False),
    )
    for stage, table, build, inputs, chained in steps:
        with measured(stage, settings.home):
            produce(run, table, build, inputs=inputs, chained=chained)
    rows = sum(a.read for a in account_rows(run))
    print(json.dumps({"rows": rows, "spent": spent}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
