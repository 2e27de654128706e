"""The table `identifying/entities`: records as they are compared, and entities with the edges between them."""

from __future__ import annotations

import duckdb

from das_pipeline import engine
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft
from das_pipeline.linkage.decisions import add_decided_edges, place_decisions, read_decisions
from das_pipeline.linkage.definition import LinkageDefinition, load_definition
from das_pipeline.linkage.guarded import find_false_names, guarded_edges, make_entities, make_keys
from das_pipeline.linkage.probabilistic import StoredModel, add_probable_edges, load_model
from das_pipeline.linkage.sources import number_references, read_identity, read_merged_numbers
from das_pipeline.linkage.standardise import standardise
from das_pipeline.policy import load_policy
from das_pipeline.run import Run

# The files of the table, each with the unique key that it is ordered by.
FILES = {
    "records": "node",
    "numbers": "node, role",
    "merged_numbers": "role, number",
    "members": "node",
    "entities": "entity",
    "keys": "entity, key, value",
    "doubtful_numbers": "rule, role, value, unit, record_no",
    "case_references": "node, reference, value",
    "edges": "left_entity, right_entity, link_class",
    "decided": "kind, node, other",
}


def build_entities(run: Run, draft: Draft) -> list[Verdict]:
    """Write one row per record in force with its standardised identity, its entity, and the edges between entities that may be one person.

    Everything in it is encrypted, and only linkage reads it. It is judged together with the links.
    """
    definition = load_definition(run.jurisdiction)
    model = load_model(run.jurisdiction, definition.model) if definition.model else None
    with run.connect(identifying=True) as connection, engine.errors_of_engine(draft.table):
        read_identity(run, connection, definition)
        read_merged_numbers(run, connection, definition)
        read_decisions(run, connection)
        resolve_entities(connection, definition, load_policy(run.jurisdiction).linkage.entities_a_key.rows, model)
        for name, order in FILES.items():
            file = f"{name}.parquet"
            draft.rows[file] = engine.write_parquet(connection, f"SELECT * FROM {name}", draft.path(file), order_by=order, encrypted=True)
        counts = connection.execute(engine.sql(__package__, "entity_counts.sql"))
        draft.facts.update(zip([column[0] for column in counts.description or ()], counts.fetchall()[0], strict=True))
    return []


def resolve_entities(
    connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition, most_holders: int, model: StoredModel | None = None
) -> None:
    """Create the tables in `FILES` from `identity`, `named`, `merged_numbers` and `decisions`: layers 1 to 3 on one connection."""
    standardise(connection, definition)
    number_references(connection)
    place_decisions(connection)
    make_entities(connection, definition)
    make_keys(connection)
    guarded_edges(connection, definition, most_holders)
    find_false_names(connection, definition)
    if model is not None:
        add_probable_edges(connection, model)
    add_decided_edges(connection)
