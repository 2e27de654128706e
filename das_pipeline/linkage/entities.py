"""The table `identifying/entities`: records as they are compared, and entities with the edges between them."""

from __future__ import annotations

import duckdb

from das_pipeline import engine
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft
from das_pipeline.linkage.definition import LinkageDefinition, load_definition
from das_pipeline.linkage.guarded import guarded_edges, make_entities, make_keys
from das_pipeline.linkage.probabilistic import StoredModel, add_probable_edges, load_model
from das_pipeline.linkage.sources import number_references, read_identity, read_merged_numbers
from das_pipeline.linkage.standardise import standardise
from das_pipeline.run import Run

# The files of the table, each with the unique key that it is ordered by.
FILES = {
    "records": "node",
    "numbers": "node, role",
    "merged_numbers": "role, number",
    "members": "node",
    "entities": "entity",
    "keys": "entity, key, value",
    "case_references": "node, reference, value",
    "edges": "left_entity, right_entity, link_class",
}


def build_entities(run: Run, draft: Draft) -> list[Verdict]:
    """One row per record in force with its standardised identity, its entity, and the edges that say which entities may be one person.

    Everything in it is encrypted, and linkage alone reads it.
    """
    definition = load_definition(run.jurisdiction)
    model = load_model(run.jurisdiction, definition.model) if definition.model else None
    with run.connect(identifying=True) as connection, engine.errors_of_engine(draft.table):
        read_identity(run, connection, definition)
        read_merged_numbers(run, connection, definition)
        resolve_entities(connection, definition, model)
        for name, order in FILES.items():
            file = f"{name}.parquet"
            draft.rows[file] = engine.write_parquet(connection, f"SELECT * FROM {name}", draft.path(file), order_by=order, encrypted=True)
        draft.facts.update(_facts(connection))
    return []


def resolve_entities(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition, model: StoredModel | None = None) -> None:
    """Layers 1 to 3 on one connection: from `identity`, `named` and `merged_numbers` to the tables in `FILES`."""
    standardise(connection, definition)
    number_references(connection)
    make_entities(connection, definition)
    make_keys(connection, definition)
    guarded_edges(connection, definition)
    if model is not None:
        add_probable_edges(connection, model)


def _facts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Counts for the interface. Placeholders are numbers that more different persons share than linkage.yaml allows (K05)."""
    names = (
        "person_records",
        "numbers_used",
        "first_numbers_accepted",
        "entities",
        "placeholder_numbers",
        "placeholder_records",
        "merged_numbers",
    )
    counts = connection.execute(
        """
        SELECT (SELECT COUNT(*) FROM records WHERE is_person), (SELECT COUNT(*) FROM numbers),
            (SELECT COUNT(*) FROM members WHERE anchor IS NOT NULL), (SELECT COUNT(*) FROM entities),
            (SELECT COUNT(*) FROM placeholders), (SELECT CAST(COALESCE(SUM(records), 0) AS BIGINT) FROM placeholders),
            (SELECT COUNT(*) FROM merged_numbers)
        """
    ).fetchall()[0]
    return dict(zip(names, counts, strict=True))
