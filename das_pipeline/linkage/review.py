"""The table `identifying/review`: pairs of records and cases that the evidence leaves open, for a person to decide on.

It is made anew with every version of the links, so that what is decided, or what later records settle, is no longer in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import duckdb

from das_pipeline import engine, layered
from das_pipeline.errors import DasError
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft, Version
from das_pipeline.linkage import stability
from das_pipeline.linkage.compare import agreement, born_apart, of_twins
from das_pipeline.linkage.decisions import Decision, Kind, Outcome, Record, decide
from das_pipeline.linkage.definition import LinkageDefinition, load_definition
from das_pipeline.linkage.entities import load_entities
from das_pipeline.linkage.ids import RECORD, links_of
from das_pipeline.linkage.ids import TABLE as LINKS
from das_pipeline.linkage.probabilistic import load_model
from das_pipeline.linkage.waterfall import make_waterfall
from das_pipeline.run import Run

TABLE = "identifying/review"
ENTITIES = "identifying/entities"

# What each reason of review.sql means, and what a person can do.
REASONS = {
    "decision_fails": "A decision does not hold: what is known today contradicts it. Decide again.",
    "two_candidates": "The first record has no verified number and fits two persons equally well: it joins neither.",
    "second_number": "Only the first record has its number; all else says that it is about the other person, whom it joined without it."
    " Ask the authority that gave both numbers; `two` gives the record its number back.",
    "refused": "The evidence is enough for a link, but the result could not be one person: look at what differs.",
    "two_numbers": "Two verified numbers look like one person's. They never merge here: report them to the authority that gave them.",
    "barely_apart": f"Less than {stability.BITS:g} bits are missing for a link.",
    "barely_linked": f"A link with less than {stability.BITS:g} bits to spare.",
    "two_cases": "The record names no case, and its person had two at the time.",
}


@dataclass(frozen=True)
class Item:
    """A row of the table: a record, the one that it may belong with, and a second candidate if there are two."""

    kind: str
    reason: str
    record: Record
    other: Record
    rival: Record | None
    weight: Decimal | None  # bits of a probable link, or the score of a guarded one


def build_review(run: Run, draft: Draft) -> list[Verdict]:
    """Write what is to be reviewed, and the waterfall of every pair of persons; facts have the number by reason."""
    definition = load_definition(run.jurisdiction)
    model = load_model(run.jurisdiction, definition.model) if definition.model else None
    with run.connect(identifying=True) as connection, engine.errors_of_engine(draft.table):
        load_linked(connection, run.lake.live(ENTITIES), run.lake.live(LINKS))
        find_open(connection, definition, model.threshold if model else 0.0)
        if model is not None:
            connection.execute("CREATE TEMP TABLE pairs AS SELECT DISTINCT node AS entity, other FROM review WHERE kind = 'person'")
            make_waterfall(connection, model, "pairs")
            file = "waterfall.parquet"
            draft.rows[file] = engine.write_parquet(
                connection, "SELECT * FROM waterfall", draft.path(file), order_by="entity, other, place", encrypted=True
            )
        query = engine.sql(__package__, "review_rows.sql")
        order = "urgency, unit, record_no, other_unit, other_record_no"
        file = "review.parquet"
        draft.rows[file] = engine.write_parquet(connection, query, draft.path(file), order_by=order, encrypted=True)
        draft.facts.update(connection.execute("SELECT reason, COUNT(*) FROM review GROUP BY reason ORDER BY MIN(urgency)").fetchall())
    return []


def load_linked(connection: duckdb.DuckDBPyConnection, entities: Version, links: Version) -> None:
    """Create views of the tables of `entities`, of `links`, and the table `unsure_cases` (node, other, rival)."""
    load_entities(connection, entities)
    connection.execute(f"CREATE TEMP VIEW links AS SELECT * FROM {links_of(links)}")
    connection.execute(
        f"""
        CREATE TEMP TABLE unsure_cases AS
        SELECT r.node, c.node AS other, o.node AS rival
        FROM {layered.relation(links, "unsure_cases", RECORD)} AS u
        JOIN records AS r ON r.unit = u.unit AND r.record_no = u.record_no
        JOIN records AS c ON c.unit = u.other_unit AND c.record_no = u.other_record_no
        JOIN records AS o ON o.unit = u.rival_unit AND o.record_no = u.rival_record_no
        """
    )


def find_open(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition, join_at: float) -> None:
    """Create `review` (kind, urgency, reason, node, other, rival, weight), see review.sql."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE placed AS {engine.sql(__package__, 'placed.sql')}")
    # Two verified numbers with a second number, a docket or all of the profile in common. The pairs are a table before they are compared:
    # in one query the planner may compare every two persons first, and look up which were pairs afterwards.
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE like_pairs AS {engine.sql(__package__, 'like_pairs.sql')}", {"first": definition.strong_keys[0].role}
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE like_numbers AS
        SELECT p.entity, p.other FROM like_pairs AS p
        JOIN entities AS l ON l.entity = p.entity
        JOIN entities AS r ON r.entity = p.other
        WHERE {agreement(definition, "l", "r")} >= 2 AND NOT {born_apart("l", "r")} AND NOT {of_twins("l", "r")}
        """
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE second_numbers AS {engine.sql(__package__, 'second_numbers.sql')}")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE review AS {engine.sql(__package__, 'review.sql')}", {"join_at": join_at, "bits": stability.BITS}
    )


def items(run: Run) -> list[Item]:
    """Return what waits for review in the live version, the most urgent first."""
    source = engine.parquet([run.lake.open(TABLE).path("review.parquet")])
    with run.connect(identifying=True) as connection, engine.errors_of_engine(TABLE):
        rows = connection.execute(f"SELECT * EXCLUDE (urgency) FROM {source}").fetchall()
    return [
        Item(kind, reason, Record(unit, number), Record(other, other_no), Record(rival, rival_no) if rival else None, weight)
        for kind, reason, unit, number, other, other_no, rival, rival_no, weight in rows
    ]


def place_pair(connection: duckdb.DuckDBPyConnection, record: Record, other: Record) -> None:
    """Create `pair` (entity, other, node, other_node): one row, two records about persons that are in force; DasError if one is not."""
    nodes = []
    for each in (record, other):
        found = connection.execute(
            "SELECT r.node, m.entity FROM records AS r JOIN members AS m ON m.node = r.node WHERE r.unit = $unit AND r.record_no = $number",
            each._asdict(),
        ).fetchall()
        if not found:
            raise DasError(f"{each} is no record in force about a person: das review list names records as unit:number.")
        nodes.append(found[0])
    (node, entity), (other_node, other_entity) = nodes
    columns = "entity BIGINT, other BIGINT, node BIGINT, other_node BIGINT"
    engine.create_table(connection, "pair", columns, [(entity, other_entity, node, other_node)])


def decide_on(run: Run, kind: Kind, record: Record, other: Record, outcome: Outcome, decided_by: str, reason: str) -> Decision:
    """Add a decision that the live version of the links can follow, and return it; DasError if it cannot."""
    definition = load_definition(run.jurisdiction)
    with run.connect(identifying=True) as connection, engine.errors_of_engine("the decision"):
        load_linked(connection, run.lake.open(ENTITIES), run.lake.open(LINKS))
        place_pair(connection, record, other)
        if outcome == "one" and (why_not := _impossible(connection, definition, kind, record, other)):
            raise DasError(why_not)
    return decide(run, kind, record, other, outcome, decided_by, reason)


def _impossible(
    connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition, kind: Kind, record: Record, other: Record
) -> str | None:
    """Return why the two records in `pair` cannot be one person, or one case."""
    numbers, apart = connection.execute(
        f"SELECT l.anchor <> r.anchor, {born_apart('l', 'r')} FROM pair AS p JOIN entities AS l ON l.entity = p.entity"
        " JOIN entities AS r ON r.entity = p.other"
    ).fetchall()[0]
    if kind == "person" and numbers:
        return (
            f"{record} and {other} each have a verified {definition.strong_keys[0].role} of their own, and two never merge: report them to"
            " the authority that gave them."
        )
    if kind == "person" and apart:
        return f"The birth dates of {record} and {other} differ in more than one part: ask their partners to correct the wrong one first."
    persons = engine.scalar(
        connection,
        "SELECT COUNT(DISTINCT l.person_id) FROM links AS l JOIN records AS r ON r.unit = l.unit AND r.record_no = l.record_no"
        " JOIN pair AS p ON r.node IN (p.node, p.other_node)",
    )
    named = engine.scalar(connection, "SELECT COUNT(*) FROM case_references AS c JOIN pair AS p ON c.node = p.other_node")
    if kind == "case" and persons == 2:
        return f"{record} and {other} are of two persons: decide on that first (das review decide without --case)."
    if kind == "case" and not named:
        return f"{other} names no case: name a record of the case that {record} is of."
    return None
