"""The table `identifying/entities`: records as they are compared, and entities with the edges between them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import duckdb

from das_pipeline import engine, layered
from das_pipeline.deliveries import Contract, deliveries_known
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft, Version
from das_pipeline.linkage import affected
from das_pipeline.linkage.decisions import add_decided_edges, place_decisions, read_decisions
from das_pipeline.linkage.definition import LinkageDefinition, load_definition
from das_pipeline.linkage.guarded import find_false_names, guarded_edges, make_entities, make_keys
from das_pipeline.linkage.probabilistic import StoredModel, add_probable_edges, load_model
from das_pipeline.linkage.sources import linked_contracts, number_references, read_identity, read_merged_numbers
from das_pipeline.linkage.standardise import set_placeholders_apart, standardise
from das_pipeline.policy import load_policy
from das_pipeline.run import Run, code_version

# The files of the table, each with the unique key that it is ordered by. Those of `LAYERED` are a base and an overlay.
FILES = {
    "records": "node",
    "numbers": "node, role",
    "merged_numbers": "role, number",
    "members": "node",
    "entities": "entity",
    "keys": "entity, key, value",
    "doubtful_numbers": "rule, role, value, unit, record_no",
    "case_references": "node, reference, value",
    "false_names": "entity, other",
    "edges": "left_entity, right_entity, link_class",
    "decided": "kind, node, other",
}
# What a day rewrites of them, by the column that rows go by.
LAYERED = {
    "records": ("node", "touched_nodes"),
    "numbers": ("node", "core"),
    "members": ("node", "core"),
    "entities": ("entity", "moved"),
    "keys": ("entity", "near"),
    "case_references": ("node", "touched_nodes"),
    "edges": ("left_entity", "redrawn"),
}
# In a version that builds on another: entities that are not what they were or have other edges, and the nodes of what was delivered since.
CHANGED = {"affected": ("affected", "entity"), "delivered": ("touched_nodes", "node")}


def build_entities(run: Run, draft: Draft) -> list[Verdict]:
    """Write one row per record in force with its standardised identity, its entity, and the edges between entities that may be one person.

    Everything in it is encrypted, and only linkage reads it. It is judged together with the links. What no delivery since the version
    before can change is not resolved again, see `affected`.
    """
    definition = load_definition(run.jurisdiction)
    model = load_model(run.jurisdiction, definition.model) if definition.model else None
    most_holders = load_policy(run.jurisdiction).linkage.entities_a_key.rows
    contracts = linked_contracts(run, definition)
    draft.facts["base"] = _facts_of_base(run, contracts)
    with run.connect(identifying=True) as connection, engine.errors_of_engine(draft.table):
        read_merged_numbers(run, connection, definition)
        read_decisions(run, connection)
        base = _find_base(run, draft)
        if base is not None:
            layered.expect_few_rows(connection, base)
            for name in FILES:
                connection.execute(f"CREATE TEMP VIEW before_{name} AS SELECT * FROM {relation(base, name)}")
            affected.find_touched(run, connection, contracts, base)
            read_identity(run, connection, definition, touched="touched")
        if base is None or not resolve_affected(connection, definition, most_holders, model):
            engine.use_threads(connection, run.settings.threads)
            read_identity(run, connection, definition)
            resolve_entities(connection, definition, most_holders, model)
            base = None
        draft.facts["since"] = base.id if base is not None else None
        _write(connection, draft, base)
        for name in FILES:
            connection.execute(f"CREATE OR REPLACE TEMP VIEW written_{name} AS SELECT * FROM {relation(draft, name)}")
        counts = connection.execute(engine.sql(__package__, "entity_counts.sql"))
        draft.facts.update(zip([column[0] for column in counts.description or ()], counts.fetchall()[0], strict=True))
    return []


def relation(version: Version | Draft, name: str) -> str:
    """The rows of one of `FILES` in a version."""
    return layered.relation(version, name, LAYERED[name][0]) if name in LAYERED else layered.relation(version, name)


def load_entities(connection: duckdb.DuckDBPyConnection, version: Version) -> None:
    """Create a view for each of `FILES`, so that a query reads the columns and rows that it needs."""
    for name in FILES:
        connection.execute(f"CREATE TEMP VIEW {name} AS SELECT * FROM {relation(version, name)}")


def resolve_entities(
    connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition, most_holders: int, model: StoredModel | None = None
) -> None:
    """Create the tables in `FILES` from `identity`, `named`, `merged_numbers` and `decisions`: layers 1 to 3 on one connection."""
    standardise(connection, definition)
    number_references(connection)
    place_decisions(connection)
    set_placeholders_apart(connection, definition)
    make_entities(connection, definition)
    make_keys(connection, definition)
    guarded_edges(connection, definition, most_holders)
    find_false_names(connection, definition)
    if model is not None:
        add_probable_edges(connection, model)
    add_decided_edges(connection)


def resolve_affected(
    connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition, most_holders: int, model: StoredModel | None = None
) -> bool:
    """Create the tables in `FILES` as far as a day can change them; return False when that is so much that all is to be resolved.

    Of those in `LAYERED`, the rows of what the day rewrites; of the others, all rows. Reads what `resolve_entities` reads, but `identity`
    and `named` of records in `touched` only, and the tables of the version before, `before_<name>`.
    """
    standardise(connection, definition)
    number_references(connection)
    if not affected.find_core(connection, definition.strong_keys[0].role):
        return False
    affected.add_context(connection)
    place_decisions(connection)
    set_placeholders_apart(connection, definition)
    make_entities(connection, definition)
    make_keys(connection, definition)
    affected.find_near(connection)
    guarded_edges(connection, definition, most_holders)
    find_false_names(connection, definition)
    affected.keep_rest(connection)
    if model is not None:
        add_probable_edges(connection, model, near_only=True)
    add_decided_edges(connection)
    affected.keep_edges(connection)
    return True


def _facts_of_base(run: Run, contracts: Sequence[Contract]) -> dict[str, Any]:
    """Return what the version remembers, so that the next one can build on it; nothing when the records have no base."""
    records = run.lake.live("terminology/records").facts.get("base")
    if not records:
        return {}
    known = {c.partner: deliveries_known(run.lake.live(f"deliveries/{c.partner}"), run.as_of) for c in contracts}
    rules = {"records": records, "jurisdiction": run.jurisdiction.hash, "code": code_version("linkage")}
    return {"as_of": run.as_of.isoformat(), "deliveries": known, "rules": rules}


def _find_base(run: Run, draft: Draft) -> Version | None:
    """Return the live version when this one can be built on it; None when everything must be resolved."""
    live, wanted = draft.live, draft.facts["base"]
    known = live.facts.get("base") if live is not None else None
    if live is None or not known or not wanted or known["rules"] != wanted["rules"]:
        return None
    if date.fromisoformat(known["as_of"]) > run.as_of or known["deliveries"].keys() != wanted["deliveries"].keys():
        return None
    if any(layered.is_overgrown(live, name) for name in LAYERED):
        return None
    if any(not set(deliveries) <= set(wanted["deliveries"][partner]) for partner, deliveries in known["deliveries"].items()):
        return None
    return live if run.lake.is_whole(live.table, live.id) else None


def _write(connection: duckdb.DuckDBPyConnection, draft: Draft, base: Version | None) -> None:
    """Write the tables in `FILES`, whole or over those of `base`."""
    for name, order in FILES.items():
        if base is not None and name in LAYERED:
            key, rewritten = LAYERED[name]
            layered.write_over(connection, draft, base, name, rewritten, name, key=key, order_by=order)
        else:
            file = f"{name}{layered.PARQUET}"
            draft.rows[file] = engine.write_parquet(connection, f"SELECT * FROM {name}", draft.path(file), order_by=order, encrypted=True)
    for name, (table, key) in CHANGED.items() if base is not None else ():
        file = f"{name}{layered.PARQUET}"
        draft.rows[file] = engine.write_parquet(connection, f"SELECT * FROM {table}", draft.path(file), order_by=key, encrypted=True)
