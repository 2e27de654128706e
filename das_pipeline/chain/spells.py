"""The table `chain/spells`: the time that units spend in a state, paired from accepted events."""

from __future__ import annotations

import duckdb

from das_pipeline import engine
from das_pipeline.chain import judging, sources, tables
from das_pipeline.chain.loading import load_chain
from das_pipeline.chain.model import ChainModel, Unit
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft
from das_pipeline.policy import load_policy
from das_pipeline.run import Run

EVENTS = "chain/events"
ORDER = "start_on, record_no, spell, spell_no, segment_no, known_from"


def build_spells(run: Run, draft: Draft) -> list[Verdict]:
    """Write the spells of all units that have any to `draft`, one file a unit and partner; return the verdict C06.

    One row per segment of a spell and stretch of vintages. A spell whose end becomes known stays one row: `end_known` is the vintage in
    which the end became known, so as known on a date the spell has an end if `end_known` is not later.
    """
    chain = load_chain(run.jurisdiction)
    events = run.lake.live(EVENTS)
    with run.connect(confidential=True) as connection:
        tables.create_kinds(connection, chain)
        tables.create_spell_tables(connection, chain)
        units = [unit for name in dict.fromkeys(spell.unit for spell in chain.spells.values()) for unit in chain.units[name]]
        for unit in units:
            turns = engine.parquet([events.path(unit.table)])
            connection.execute(
                "CREATE OR REPLACE TEMP TABLE turns AS"
                f" SELECT e.*, k.spell, k.day_place FROM {turns} AS e JOIN kinds AS k ON k.kind = e.kind WHERE e.role IS NOT NULL"
            )
            draft.rows[unit.table] = write_unit(connection, chain, unit, draft)
        connection.execute(f"CREATE TEMP VIEW spells AS SELECT * FROM {engine.parquet(draft.path(unit.table) for unit in units)}")
        return [judging.one_open_spell(connection, run.as_of, load_policy(run.jurisdiction).chain.overlap_share)]


def write_unit(connection: duckdb.DuckDBPyConnection, chain: ChainModel, unit: Unit, draft: Draft) -> int:
    """Write the spells of `unit`, from its `turns`; return the number of rows."""
    query = sources.spread(engine.sql(__package__, "spells.sql"), chain.attributes)
    parameters = {"unit": unit.name, "partner": unit.partner}
    return engine.write_parquet(connection, query, draft.path(unit.table), order_by=ORDER, encrypted=True, parameters=parameters)
