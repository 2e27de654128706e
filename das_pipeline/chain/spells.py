"""The table `chain/spells`: the time that units spend in a state, paired from accepted events."""

from __future__ import annotations

import duckdb

from das_pipeline import engine
from das_pipeline.chain import sources, tables
from das_pipeline.chain.model import ChainModel, Unit, load_chain
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft
from das_pipeline.policy import load_policy
from das_pipeline.run import Run

EVENTS = "chain/events"
ORDER = "start_on, record_no, spell, spell_no, segment_no, known_from"


def build_spells(run: Run, draft: Draft) -> list[Verdict]:
    """The verdict C06 on the spells of all units that have any, which are written to `draft`, one file a unit and partner.

    One row per segment of a spell and stretch of vintages. A spell whose end becomes known stays one row: `end_known` is the vintage
    that learned it, so the end as known on a date is `end_on` where `end_known` is not later, else none.
    """
    chain = load_chain(run.jurisdiction)
    events = run.lake.live(EVENTS)
    with run.connect() as connection:
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
        return [_one_open_spell(connection, run)]


def write_unit(connection: duckdb.DuckDBPyConnection, chain: ChainModel, unit: Unit, draft: Draft) -> int:
    """The number of rows written of the spells of `unit`, from its `turns`."""
    query = sources.spread(engine.sql(__package__, "spells.sql"), chain.attributes)
    named = {"unit": unit.name, "partner": unit.partner}
    return engine.write_parquet(connection, query, draft.path(unit.table), order_by=ORDER, parameters=named)


def _one_open_spell(connection: duckdb.DuckDBPyConnection, run: Run) -> Verdict:
    limit = load_policy(run.jurisdiction).chain.overlap_share.warn
    spells, overlapping = connection.execute(engine.sql(__package__, "overlapping_spells.sql"), {"as_of": run.as_of}).fetchall()[0]
    return Verdict(
        "C06",
        passed=overlapping <= limit * spells,
        sentence=f"Of {spells} spells of which the law allows a person one at a time, begun while another is open: {overlapping}."
        f" The limit is a share of {limit:.2%}. Nothing is removed: look at the links of these persons and the partner's end dates.",
        severity="warn",
        facts={"spells": spells, "overlapping": overlapping},
    )
