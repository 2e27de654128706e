"""Runs the chain job as known on the date given; prints what failed."""

from __future__ import annotations

import sys
from datetime import date

from assets.operate import Report, run_job

if __name__ == "__main__":
    report = Report()
    succeeded = run_job("chain", "chain", report, as_of=date.fromisoformat(sys.argv[1]))
    sys.stdout.write("\n".join(reason for _, reason in report.failed) + "\n")
    sys.exit(0 if succeeded else 1)
