"""The table `chain/flows`: inflow, outflow and stock of every kind of spell, by month, as known on the run's date."""

from __future__ import annotations

from das_pipeline import engine
from das_pipeline.chain import judging, tables
from das_pipeline.chain.loading import load_chain
from das_pipeline.chain.spells import EVENTS
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft
from das_pipeline.run import Run

SPELLS = "chain/spells"
ORDER = "partner, spell, state, month"


def build_flows(run: Run, draft: Draft) -> list[Verdict]:
    """Write the flows to `draft`, one row per partner, spell, state and month; return the verdicts F01 and F02.

    What a later vintage changes about a month is a revision, not part of this balance.
    """
    chain = load_chain(run.jurisdiction)
    file = draft.path("flows.parquet")
    parameters = {"as_of": run.as_of, "opening_month": chain.opening_month}
    with run.connect(confidential=True) as connection:
        tables.create_months(connection, chain, run.as_of)
        tables.create_spell_tables(connection, chain)
        tables.view(connection, "spells", run.lake.live(SPELLS))
        tables.view(connection, "events", run.lake.live(EVENTS))
        draft.rows["flows.parquet"] = engine.write_parquet(
            connection, engine.sql(__package__, "flows.sql"), file, order_by=ORDER, encrypted=True, parameters=parameters
        )
        connection.execute(f"CREATE TEMP VIEW flows AS SELECT * FROM {engine.parquet([file])}")
        draft.facts["open_spells"] = int(
            engine.scalar(connection, "SELECT COALESCE(SUM(closing), 0) FROM flows WHERE month = (SELECT MAX(month) FROM months)")
        )
        return judging.judge_flows(connection, parameters)
