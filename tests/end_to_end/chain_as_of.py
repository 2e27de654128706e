"""Runs the chain job as known on the date given; prints what failed."""

from __future__ import annotations

import sys
from datetime import date

from das_pipeline.settings import Settings
from orchestration.runs import Operator, instance

if __name__ == "__main__":
    with instance(Settings.from_environment()) as store:
        operator = Operator(store)
        succeeded = operator.chain(date.fromisoformat(sys.argv[1]))
    sys.stdout.write("\n".join(reason for _, reason in operator.report.failed) + "\n")
    sys.exit(0 if succeeded else 1)
