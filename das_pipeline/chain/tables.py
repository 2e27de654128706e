"""What the chain's SQL reads beside the lake: chain.yaml and the calendar as small tables, and views over the files of all units."""

from __future__ import annotations

from datetime import date

import duckdb

from das_pipeline import engine, layered
from das_pipeline.chain.model import ChainModel
from das_pipeline.lake import Draft, Version
from das_pipeline.periods import months


def create_months(connection: duckdb.DuckDBPyConnection, chain: ChainModel, as_of: date) -> None:
    """Create `months`: every month from the opening month to that of `as_of`, each with the month before."""
    days = list(months(chain.opening_month, as_of))
    engine.create_table(connection, "months", "month DATE, previous_month DATE", list(zip(days, [None, *days], strict=False)))


def create_kinds(connection: duckdb.DuckDBPyConnection, chain: ChainModel) -> None:
    """Create `kinds`, one row per kind of event with its place within a day and over days, its spell and its role there; and `reopens`."""
    turning = {kind: (spell, role) for spell, kind, role in chain.roles()}
    reopening = {kind for spell in chain.spells.values() for kind in chain.reopeners(spell)}
    rows = []
    for place, kind in enumerate(chain.order):
        spell, role = turning.get(kind, (None, None))
        across = chain.order_across.index(kind) if kind in chain.order_across else None
        rows.append((kind, place, across, spell, "reopening" if kind in reopening else role))
    engine.create_table(connection, "kinds", "kind VARCHAR, day_place INTEGER, chain_place INTEGER, spell VARCHAR, role VARCHAR", rows)
    listed = [(name, r.kind, r.outcome, r.by) for name, spell in chain.spells.items() for r in spell.reopens]
    engine.create_table(connection, "reopens", "spell VARCHAR, closed_by VARCHAR, outcome VARCHAR, reopened_by VARCHAR", listed)


def create_spell_tables(connection: duckdb.DuckDBPyConnection, chain: ChainModel) -> None:
    """Create `turn_roles`, what each kind does to a spell, and `single_spells`, of which a person has one at a time."""
    engine.create_table(connection, "turn_roles", "spell VARCHAR, kind VARCHAR, role VARCHAR", chain.roles())
    engine.create_table(
        connection, "single_spells", "spell VARCHAR", [(name,) for name, spell in chain.spells.items() if spell.one_per_person]
    )


def view(connection: duckdb.DuckDBPyConnection, name: str, version: Version | Draft) -> None:
    """Create the view `name` on the rows of every file of `version`."""
    rows = " UNION ALL ".join(f"SELECT * FROM {layered.relation(version, file)}" for file in layered.names(version))
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {rows}")
