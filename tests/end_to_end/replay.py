"""Takes in everything that waits, and only then runs the chain as known on each day: a replay, in which later deliveries must not show."""

from __future__ import annotations

from das_pipeline import deliveries
from das_pipeline.settings import Settings
from orchestration.resources import das
from orchestration.runs import Operator, instance, waiting

if __name__ == "__main__":
    with instance(Settings.from_environment()) as store:
        operator = Operator(store)
        while ready := [d for d in waiting() if d.state == "ready"]:
            for delivery in ready:
                assert operator.intake(delivery), operator.report.failed
        for day in deliveries.vintages(das().whole()):
            assert operator.chain(day), operator.report.failed
