"""What a run costs in Dagster's event log: ours, whose connections stay open, beside Dagster's own, in turn, in CPU seconds.

python benchmarks/bench_event_log.py
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import yaml

from das_pipeline.settings import PROJECT

RUNS, CHECKS, ROUNDS = 10, 20, 3
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dg.asset(check_specs=[dg.AssetCheckSpec(f"check_{n}", asset="table") for n in range(CHECKS)])
def table() -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """A table with as many checks as the larger ones of the chain."""
    yield dg.MaterializeResult()
    for n in range(CHECKS):
        yield dg.AssetCheckResult(asset_key="table", check_name=f"check_{n}", passed=True)


def cpu_seconds(*, ours: bool) -> float:
    """The CPU seconds of `RUNS` runs in a new home."""
    deployed = yaml.safe_load((PROJECT / "deploy" / "dagster.yaml").read_text(encoding="utf-8"))
    settings = {name: deployed[name] for name in ("telemetry", *(("event_log_storage",) if ours else ()))}
    with tempfile.TemporaryDirectory() as home:
        os.environ["DAGSTER_HOME"] = home
        (Path(home) / "dagster.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        with dg.DagsterInstance.from_config(home) as store:
            begun = time.process_time()
            for _ in range(RUNS):
                dg.materialize([table], instance=store, run_config=QUIET)
            return time.process_time() - begun


def main() -> None:
    cpu_seconds(ours=False)  # imports
    theirs, ours = [], []
    for _ in range(ROUNDS):
        theirs.append(cpu_seconds(ours=False))
        ours.append(cpu_seconds(ours=True))
    print(f"{RUNS} runs of an asset with {CHECKS} checks, CPU s, best of {ROUNDS}:")
    print(f"Dagster {dg.__version__}'s own {min(theirs):.2f}, ours {min(ours):.2f}, ratio {min(ours) / min(theirs):.2f}")


if __name__ == "__main__":
    main()
