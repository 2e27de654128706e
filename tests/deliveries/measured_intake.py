"""Take in the one delivery that waits in an installation; write what it cost: `python -m tests.deliveries.measured_intake FOLDER`."""

from __future__ import annotations

import json
import resource
import sys
import time
from datetime import date
from pathlib import Path

from das_pipeline.deliveries import pending, take_in
from das_pipeline.gate import GateFailed
from das_pipeline.run import Run
from das_pipeline.settings import Settings

if __name__ == "__main__":
    root = Path(sys.argv[1])
    run = Run.start(Settings(root / "home", root / "inbox", root / "keys", root / "toy"), date.max)
    (delivery,) = pending(run)
    sentence, start = "", time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_SELF)
    try:
        take_in(run, delivery)
    except GateFailed as failure:
        sentence = " ".join(v.sentence for v in failure.verdicts if not v.passed and v.severity == "block")
    used = resource.getrusage(resource.RUSAGE_SELF)
    # ru_maxrss would count the process that started this one.
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    cost = {
        "sentence": sentence,
        "seconds": round(time.perf_counter() - start, 2),
        "cpu_seconds": round(used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime, 2),
        "peak_mib": int(next(n for n in status if n.startswith("VmHWM")).split()[1]) >> 10,
    }
    sys.stdout.write(json.dumps(cost))
