"""Runs the chain one day later with a fault in it: of the spells of reports one is lost on the way to disk."""

from __future__ import annotations

import sys
from datetime import date

from das_pipeline import chain, engine
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft
from das_pipeline.run import Run

build = chain.build_spells


def build_with_a_loss(run: Run, draft: Draft) -> list[Verdict]:
    verdicts = build(run, draft)
    path = draft.path("watch/report.parquet")
    whole = path.with_name("whole.parquet")
    path.rename(whole)
    with run.connect(confidential=True) as connection:
        query = f"SELECT * FROM {engine.parquet([whole])} WHERE record_no <> 1"
        engine.write_parquet(connection, query, path, order_by="ALL", encrypted=True)
    whole.unlink()
    return verdicts


if __name__ == "__main__":
    chain.build_spells = build_with_a_loss  # before assets.chain takes the name
    from das_pipeline.settings import Settings
    from orchestration.runs import Operator, instance

    with instance(Settings.from_environment()) as store:
        operator = Operator(store)
        succeeded = operator.chain(date(2024, 4, 1))
    sys.stdout.write("\n".join(reason for _, reason in operator.report.failed) + "\n")
    sys.exit(0 if succeeded else 1)
