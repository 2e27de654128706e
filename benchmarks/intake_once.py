"""Take in all deliveries that wait in FOLDER/inbox and map them; print counts and CPU seconds: `python intake_once.py FOLDER JURISDICTION`.

bench_deliveries.py runs it with the modules of this build and of an earlier one, so it uses what both have.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import date
from pathlib import Path

from das_pipeline import terminology
from das_pipeline.deliveries import account_rows, partners_in, pending, take_in
from das_pipeline.privacy import write_demo_keys
from das_pipeline.run import Run, produce
from das_pipeline.settings import Settings


def main(root: Path, jurisdiction: Path) -> None:
    """Take in partner by partner, then map the records of all of them."""
    spent = {"start": time.process_time()}
    settings = Settings(home=root / "home", inbox=root / "inbox", keys=root / "keys", jurisdiction=jurisdiction)
    write_demo_keys(settings.keys, seed=1)
    run = Run.start(settings, date.max)
    for delivery in pending(run):
        before = time.process_time()
        take_in(run, delivery)
        spent[delivery.partner] = time.process_time() - before
    before = time.process_time()
    tables = [f"deliveries/{partner}" for partner in partners_in(run)]
    run = run.known_on(max(date.fromisoformat(run.lake.live(table).as_of) for table in tables))
    produce(run, "terminology/concepts", terminology.build_concepts)
    produce(run, "terminology/records", terminology.build_records, inputs=["terminology/concepts", *tables])
    spent["terminology"] = time.process_time() - before
    account = [[a.partner, a.file, a.read, a.accepted, a.quarantined] for a in account_rows(run)]
    print(json.dumps({"rows": sum(line[2] for line in account), "account": account, "cpu_seconds": spent}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
