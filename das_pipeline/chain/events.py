"""The table `chain/events`: what happened to every unit of every partner, as of every vintage up to the run's.

`events.sql` decides of each event whether the order of the chain and the state machine of its unit allow it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from das_pipeline import engine, layered
from das_pipeline.chain import changes, judging, sources, tables
from das_pipeline.chain.base import LINKS, facts_of_base, find_base, find_relinked, find_touched, touched_of
from das_pipeline.chain.loading import load_chain
from das_pipeline.chain.model import ChainModel, Unit
from das_pipeline.deliveries import lost_parents
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft, Version
from das_pipeline.linkage import ages_of, links_of
from das_pipeline.policy import load_policy
from das_pipeline.run import Run
from das_pipeline.terminology import records_of

RECORDS = "terminology/records"
ORDER = "kind, occurred_on, record_no, sub, known_from"


def build_events(run: Run, draft: Draft) -> list[Verdict]:
    """Write the events of all units to `draft`, one file a unit and partner (see `base`); return the verdicts C01, C04 and K10.

    One row per event and stretch of vintages with one content: what the rows of the unit's own record report, with the unit's attributes,
    its person and case. No event is dropped: one that breaks the order or the state machine names the `rule` and is not counted.
    Rules across units only report, so that the history of a unit depends on its own rows.
    """
    chain, limits = load_chain(run.jurisdiction), load_policy(run.jurisdiction).chain
    records, links = run.lake.live(RECORDS), run.lake.live(LINKS)
    with run.connect(confidential=True) as connection:
        tables.create_kinds(connection, chain)
        units = [unit for by_partner in chain.units.values() for unit in by_partner]
        base = find_base(run, draft, [records, links], units)
        if base and not (find_relinked(connection, run, base, links) and find_touched(connection, units, base, records)):
            base = None
        if base:
            layered.expect_few_rows(connection, base)
        of_links = (links_of(links), ages_of(links))
        if base:
            _create_links_of_touched(connection, links)
            of_links = ("touched_links", "touched_ages")
        for unit in units:
            touched = layered.write_touched(connection, draft, base, unit.table, touched_of(unit)) if base else None
            _create_rows(connection, run, unit, records, touched)
            _create_links(connection, unit, *of_links)
            name = f"{unit.table}{layered.OVERLAY if base else layered.PARQUET}"
            draft.rows[name] = write_unit(connection, chain, unit, draft.path(name))
        counted = _count(connection, run, draft, units, base)
        draft.facts["base"] = base.facts["base"] if base else facts_of_base(run, [records, links], units, counted=counted)
        counts = counted["event_counts"]
        lost = {partner: lost_parents(run, partner) for partner in sorted({unit.partner for unit in units})}
        draft.facts["events"] = sum(n for *_, n in counts)
        draft.facts["accepted"] = sum(n for *_, rule, n in counts if not rule)
        return [
            judging.dates_run_forward(counted, limits.order_share),
            judging.days_and_months_are_in_place(counted, limits.swapped_share),
            judging.transitions_are_allowed(counts, chain, limits.forbidden_share, lost),
        ]


def _count(connection: duckdb.DuckDBPyConnection, run: Run, draft: Draft, units: Sequence[Unit], base: Version | None) -> judging.Counted:
    """Return what the rules on events judge, of the events in `draft`; over `base`, of what changed only (see `changes`)."""
    if base is None:
        tables.view(connection, "events", draft)
        return judging.count_events(connection, run.as_of)
    changes.create_event_changes(connection, draft, units)
    of = []
    for part in ("events_before", "events_after"):
        connection.execute(f"CREATE OR REPLACE TEMP VIEW events AS SELECT * FROM {part}")
        of.append(judging.count_events(connection, run.as_of))
    return judging.carried_forward(base.facts["base"]["counted"], *of)


def write_unit(connection: duckdb.DuckDBPyConnection, chain: ChainModel, unit: Unit, path: Path) -> int:
    """Write the events of `unit` to `path`, from `rows_<file>`, `links`, `ages` and the `kinds` of the chain; return the number of rows."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE segments AS {sources.segments(unit)}")
    reported, bound = sources.reported_events(unit)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE reported AS {reported}", bound)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE unit_attributes AS {sources.unit_attributes(unit, chain)}")
    query = sources.spread(engine.sql(__package__, "events.sql"), chain.attributes)
    parameters = {"unit": unit.name, "partner": unit.partner}
    return engine.write_parquet(connection, query, path, order_by=ORDER, encrypted=True, parameters=parameters)


def _create_rows(connection: duckdb.DuckDBPyConnection, run: Run, unit: Unit, records: Version, touched: str | None) -> None:
    """Create `rows_<file>` for every file that the unit reads, of the records in `touched` or of all.

    A file that its partner never delivered has no rows.
    """
    for file, columns in unit.columns.items():
        rows = records_of(records, unit.partner, file)
        if rows and touched:
            rows = f"(SELECT r.* FROM {rows} AS r SEMI JOIN {touched} AS t ON t.record_no = r.record_no)"
        query = sources.rows_as_known(columns, rows)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE rows_{file} AS {query}", {"as_of": run.as_of})


def _create_links_of_touched(connection: duckdb.DuckDBPyConnection, links: Version) -> None:
    """Create `touched_links` and `touched_ages`, of the records in `touched`."""
    for name, rows in (("touched_links", links_of(links)), ("touched_ages", ages_of(links))):
        query = f"SELECT r.* FROM {rows} AS r SEMI JOIN touched AS t ON t.unit = r.unit AND t.record_no = r.record_no"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")


def _create_links(connection: duckdb.DuckDBPyConnection, unit: Unit, links: str, ages: str) -> None:
    """Create `links` and `ages` of the unit, from these of all units."""
    for name, columns, rows in (("links", "record_no, person_id, case_id", links), ("ages", "record_no, date, age", ages)):
        query = f"SELECT {columns} FROM {rows} WHERE unit = $unit"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}", {"unit": unit.name})
