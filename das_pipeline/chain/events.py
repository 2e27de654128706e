"""The table `chain/events`: what happened to every unit of every partner, as of every vintage up to the run's."""

from __future__ import annotations

from collections import Counter

import duckdb

from das_pipeline import engine
from das_pipeline.chain import sources, tables
from das_pipeline.chain.model import ChainModel, Unit, load_chain
from das_pipeline.gate import Verdict, share_exceeds
from das_pipeline.lake import Draft, Version
from das_pipeline.policy import load_policy
from das_pipeline.run import Run

RECORDS = "terminology/records"
LINKS = "linkage/links"
ORDER = "kind, occurred_on, record_no, sub, known_from"


def build_events(run: Run, draft: Draft) -> list[Verdict]:
    """The verdicts C01 and C04 on the events of all units, which are written to `draft`, one file a unit and partner.

    One row per event and stretch of vintages with one content: what the rows of the unit's own record tell, with the unit's attributes,
    its person and case. Judged here and never dropped: an event that breaks the order or the state machine has a `rule` and is not counted.
    Rules across units report only, so that the history of a unit depends on its own rows.
    """
    chain = load_chain(run.jurisdiction)
    records, links = run.lake.live(RECORDS), run.lake.live(LINKS)
    with run.connect() as connection:
        tables.create_kinds(connection, chain)
        units = [unit for told in chain.units.values() for unit in told]
        for unit in units:
            _create_rows(connection, run, unit, records)
            _create_links(connection, unit, links)
            draft.rows[unit.table] = write_unit(connection, chain, unit, draft)
        written = engine.parquet(draft.path(unit.table) for unit in units)
        connection.execute(f"CREATE TEMP VIEW events AS SELECT * FROM {written}")
        return judge_events(connection, run, chain, draft)


def write_unit(connection: duckdb.DuckDBPyConnection, chain: ChainModel, unit: Unit, draft: Draft) -> int:
    """The number of rows written of the events of `unit`, from its `rows_<file>`, `links`, `ages` and the `kinds` of the chain."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE segments AS {sources.segments(unit)}")
    told, bound = sources.told_events(unit)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE told AS {told}", bound)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE unit_attributes AS {sources.unit_attributes(unit, chain)}")
    query = sources.spread(engine.sql(__package__, "events.sql"), chain.attributes)
    named = {"unit": unit.name, "partner": unit.partner}
    return engine.write_parquet(connection, query, draft.path(unit.table), order_by=ORDER, parameters=named)


def _create_rows(connection: duckdb.DuckDBPyConnection, run: Run, unit: Unit, records: Version) -> None:
    """`rows_<file>` for every file that is read of the unit; a file that its partner never delivered has no rows."""
    for file, columns in unit.columns.items():
        name = f"{unit.partner}/{file}.parquet"
        found = engine.parquet([records.path(name)]) if name in records.files else None
        query = sources.rows_as_known(columns, found)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE rows_{file} AS {query}", {"as_of": run.as_of})


def _create_links(connection: duckdb.DuckDBPyConnection, unit: Unit, links: Version) -> None:
    """`links` and `ages` of the unit."""
    for name, columns in (("links", "record_no, person_id, case_id"), ("ages", "record_no, date, age")):
        query = f"SELECT {columns} FROM {engine.parquet([links.path(f'{name}.parquet')])} WHERE unit = $unit"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}", {"unit": unit.name})


def judge_events(connection: duckdb.DuckDBPyConnection, run: Run, chain: ChainModel, draft: Draft) -> list[Verdict]:
    """The verdicts on `events`, as known on the run's date; the counts go into the facts of `draft`."""
    as_of = {"as_of": run.as_of}
    known = "FROM events WHERE known_from <= $as_of AND $as_of < known_until"
    counts = connection.execute(
        f"SELECT unit, partner, kind, COALESCE(rule, ''), COUNT(*) {known} GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4", as_of
    ).fetchall()
    draft.facts["events"] = sum(n for *_, n in counts)
    draft.facts["accepted"] = sum(n for *_, rule, n in counts if not rule)
    return [_dates_run_forward(connection, run), _transitions_are_allowed(run, chain, counts)]


def _dates_run_forward(connection: duckdb.DuckDBPyConnection, run: Run) -> Verdict:
    limit = load_policy(run.jurisdiction).chain.order_share.warn
    events, in_units, in_cases = connection.execute(engine.sql(__package__, "order_in_cases.sql"), {"as_of": run.as_of}).fetchall()[0]
    share = (in_units + in_cases) / max(events, 1)
    return Verdict(
        "C01",
        passed=share <= limit,
        sentence=f"Of {events} events, those before an earlier step of their own unit (shown, not counted): {in_units}; of another unit of"
        f" their case: {in_cases}. The limit is a share of {limit:.2%}; ask the partners of these units about their dates.",
        severity="warn",
        facts={"events": events, "in_units": in_units, "in_cases": in_cases},
    )


def _transitions_are_allowed(run: Run, chain: ChainModel, counts: list[tuple[str, str, str, str, int]]) -> Verdict:
    """C04, judged for each unit and partner: a small partner's broken file must not hide behind a large partner's good one."""
    limit = load_policy(run.jurisdiction).chain.forbidden_share
    turning = {kind for _, kind, _ in chain.roles()}
    forbidden: Counter[str] = Counter()
    totals: Counter[tuple[str, str]] = Counter()
    failures: Counter[tuple[str, str]] = Counter()
    for unit, partner, kind, rule, n in counts:
        if kind in turning:
            totals[unit, partner] += n
        if rule == "C04":
            forbidden[kind] += n
            failures[unit, partner] += n
    broken = [
        f"{unit} of {partner} ({failed} of {totals[unit, partner]})"
        for (unit, partner), failed in failures.items()
        if share_exceeds(failed, totals[unit, partner], limit.block, limit.min_rows)
    ]
    found = f"Events that do not fit the state of their spell (shown, not counted): {sum(forbidden.values())}."
    mend = f" Above the limit of {limit.block:.2%}: {', '.join(broken)}. Look at these files, or list the transition in chain.yaml."
    return Verdict(
        "C04",
        passed=not broken,
        sentence=found + (mend if broken else ""),
        facts={"forbidden": sum(forbidden.values()), **{f"forbidden_{kind}": n for kind, n in forbidden.items()}},
    )
