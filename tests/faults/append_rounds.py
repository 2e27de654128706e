"""Adds files to two tables, round after round: to one that keeps what was there, and to one that is made anew each time."""

from __future__ import annotations

import sys
from datetime import date

from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft
from das_pipeline.run import Run, produce
from das_pipeline.settings import Settings

CHAINED, PLAIN = "deliveries/many", "chain/many"


def add(run: Run, name: str) -> None:
    """Add the file `name` to the live version of both tables."""

    def build(_: Run, draft: Draft) -> list[Verdict]:
        if draft.table == CHAINED and draft.live is not None:
            draft.adopt(draft.live)
        draft.path(name, rows=1).write_text(name, encoding="ascii")
        return []

    produce(run, CHAINED, build, salt=name, chained=True)
    produce(run, PLAIN, build, salt=name)


if __name__ == "__main__":
    process, rounds = sys.argv[1], int(sys.argv[2])
    run = Run.start(Settings.from_environment(), date(2024, 3, 31))
    sys.stdin.readline()  # every process is ready
    for n in range(rounds):
        add(run, f"{process}-{n}")
