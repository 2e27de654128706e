"""The table `chain/flows`: inflow, outflow and stock of every kind of spell, by month, as known on the run's date."""

from __future__ import annotations

from typing import Any

import duckdb

from das_pipeline import engine
from das_pipeline.chain import tables
from das_pipeline.chain.model import load_chain
from das_pipeline.chain.spells import EVENTS
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft
from das_pipeline.run import Run

SPELLS = "chain/spells"
ORDER = "partner, spell, state, month"


def build_flows(run: Run, draft: Draft) -> list[Verdict]:
    """The verdicts F01 and F02 on the flows, which are written to `draft`: one row per partner, spell, state and month.

    Flows are counted from the turns of spells; that they equal the accepted events, and that the stocks equal the spells counted anew at
    each boundary, is what F01 checks. What a later vintage changes about a month is a revision, not part of this balance.
    """
    chain = load_chain(run.jurisdiction)
    file = draft.path("flows.parquet")
    parameters = {"as_of": run.as_of, "opening_month": chain.opening_month}
    with run.connect() as connection:
        tables.create_months(connection, chain, run.as_of)
        tables.create_spell_tables(connection, chain)
        tables.view(connection, "spells", run.lake.live(SPELLS))
        tables.view(connection, "events", run.lake.live(EVENTS))
        draft.rows["flows.parquet"] = engine.write_parquet(
            connection, engine.sql(__package__, "flows.sql"), file, order_by=ORDER, parameters=parameters
        )
        connection.execute(f"CREATE TEMP VIEW flows AS SELECT * FROM {engine.parquet([file])}")
        draft.facts["open_spells"] = int(
            engine.scalar(connection, "SELECT COALESCE(SUM(closing), 0) FROM flows WHERE month = (SELECT MAX(month) FROM months)")
        )
        return judge_flows(connection, parameters)


def judge_flows(connection: duckdb.DuckDBPyConnection, parameters: dict[str, Any]) -> list[Verdict]:
    """F01 and F02 on the relations `flows`, `spells`, `events`, `months` and `turn_roles`."""
    cells = engine.scalar(connection, "SELECT COUNT(*) FROM flows")
    stock = connection.execute(engine.sql(__package__, "stock_differences.sql"), {"as_of": parameters["as_of"]}).fetchall()
    event = connection.execute(engine.sql(__package__, "event_differences.sql"), parameters).fetchall()
    carried = connection.execute(engine.sql(__package__, "carried_differences.sql")).fetchall()
    wrong = f"Cells that are not the spells counted anew: {len(stock)}; not the accepted events: {len(event)}; of spells "
    wrong += ", ".join(sorted({f"{spell} of {partner}" for partner, spell, *_ in stock + event}))
    right = f"Opening + inflow - outflow + corrections = closing = the spells counted anew in all {cells} cells, and flows are the events"
    return [
        Verdict(
            "F01",
            passed=not stock and not event,
            sentence=f"{wrong}. Materialise chain/spells and chain/flows again from the live events." if stock or event else f"{right}.",
            facts={"cells": cells, "stock_differences": len(stock), "event_differences": len(event)},
        ),
        Verdict(
            "F02",
            passed=not carried,
            sentence=f"Of {cells} cells, those that do not open with the closing stock of the month before: {len(carried)}."
            + (" Materialise chain/flows again." if carried else ""),
            facts={"cells": cells, "differences": len(carried)},
        ),
    ]
