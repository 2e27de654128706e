"""The table `chain/spells`: the time that units spend in a state, paired from accepted events."""

from __future__ import annotations

from pathlib import Path

import duckdb

from das_pipeline import engine, layered
from das_pipeline.chain import judging, sources, tables
from das_pipeline.chain.base import facts_of_base, find_base
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
        base = find_base(run, draft, [events], units)
        if base:
            layered.expect_few_rows(connection, base)
        for unit in units:
            if base:
                layered.write_touched(connection, draft, base, unit.table, layered.touched_before(events, unit.table))
            turns = layered.rows_touched(events, unit.table) if base else layered.relation(events, unit.table)
            connection.execute(
                "CREATE OR REPLACE TEMP TABLE turns AS"
                f" SELECT e.*, k.spell, k.day_place FROM {turns} AS e JOIN kinds AS k ON k.kind = e.kind WHERE e.role IS NOT NULL"
            )
            name = f"{unit.table}{layered.OVERLAY if base else layered.PARQUET}"
            draft.rows[name] = write_unit(connection, chain, unit, draft.path(name))
        draft.facts["base"] = base.facts["base"] if base else facts_of_base(run, [events], units)
        tables.view(connection, "spells", draft)
        return [judging.one_open_spell(connection, run.as_of, load_policy(run.jurisdiction).chain.overlap_share)]


def write_unit(connection: duckdb.DuckDBPyConnection, chain: ChainModel, unit: Unit, path: Path) -> int:
    """Write the spells of `unit` to `path`, from its `turns`; return the number of rows."""
    query = sources.spread(engine.sql(__package__, "spells.sql"), chain.attributes)
    parameters = {"unit": unit.name, "partner": unit.partner}
    return engine.write_parquet(connection, query, path, order_by=ORDER, encrypted=True, parameters=parameters)
