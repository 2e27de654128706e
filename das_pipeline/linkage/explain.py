"""Why two records are, or are not, one person, in words and without a value of a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb

from das_pipeline import engine
from das_pipeline.linkage.compare import agreements, born_apart, given_apart, of_twins, sexes_apart
from das_pipeline.linkage.decisions import Record, decisions
from das_pipeline.linkage.definition import LinkageDefinition, load_definition
from das_pipeline.linkage.ids import TABLE as LINKS
from das_pipeline.linkage.probabilistic import StoredModel, load_model
from das_pipeline.linkage.review import ENTITIES, load_linked, place_pair
from das_pipeline.linkage.waterfall import make_waterfall
from das_pipeline.run import Run

PROFILE = ("surname", "given_name", "given_2", "birth_on", "sex")
CLASSES = {
    "A": "a verified number",
    "B": "a key that both have, and a profile that agrees",
    "C": "a probable link",
    "D": "a decision",
    "S": "nothing: it is alone",
}
AGREES = {1: "agrees", 0: "says nothing", -1: "disagrees"}
Fact = tuple[str, str]


def explain_link(run: Run, record: Record, other: Record) -> list[Fact]:
    """Return, as names and sentences, what links two records or keeps them apart in the live version."""
    definition = load_definition(run.jurisdiction)
    model = load_model(run.jurisdiction, definition.model) if definition.model else None
    with run.connect(identifying=True) as connection, engine.errors_of_engine("the explanation"):
        load_linked(connection, run.lake.open(ENTITIES), run.lake.open(LINKS))
        place_pair(connection, record, other)
        return [*_outcome(connection, record, other), *_decided(run, record, other), *explain_pair(connection, definition, model)]


def profiles(run: Run, record: Record, other: Record) -> list[tuple[str, Any, Any]]:
    """Return the parts of the profiles of two records as they are compared. Values of persons: for the screen of who reviews them only."""
    with run.connect(identifying=True) as connection, engine.errors_of_engine("the profiles"):
        load_linked(connection, run.lake.open(ENTITIES), run.lake.open(LINKS))
        place_pair(connection, record, other)
        rows = connection.execute(
            f"SELECT {', '.join(f'l.{part}, r.{part}' for part in PROFILE)} FROM pair AS p"
            " JOIN records AS l ON l.node = p.node JOIN records AS r ON r.node = p.other_node"
        ).fetchall()[0]
    return [(part, rows[2 * n], rows[2 * n + 1]) for n, part in enumerate(PROFILE)]


def _outcome(connection: duckdb.DuckDBPyConnection, record: Record, other: Record) -> Iterator[Fact]:
    links = [
        connection.execute("SELECT person_id, link_class, weight FROM links WHERE unit = ? AND record_no = ?", list(each)).fetchall()[0]
        for each in (record, other)
    ]
    persons = [person for person, *_ in links]
    yield "Outcome", f"One person, {persons[0]}." if persons[0] == persons[1] else f"Two persons, {persons[0]} and {persons[1]}."
    for each, (_, link_class, weight) in zip((record, other), links, strict=True):
        yield str(each), f"is linked by {CLASSES[link_class]}{f' of {weight:.1f} bits' if weight is not None else ''}."


def _decided(run: Run, record: Record, other: Record) -> Iterator[Fact]:
    for d in decisions(run):
        if {d.record, d.other} == {record, other}:
            yield "Decision", f"{d.decided_by}, from {d.known_from}: {d.kind} {d.outcome}. {d.reason}"


def explain_pair(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition, model: StoredModel | None) -> Iterator[Fact]:
    """Yield what speaks for and against the two entities in `pair` being one person."""
    entity, other, node, other_node = connection.execute("SELECT * FROM pair").fetchall()[0]
    yield from _keys(connection)
    anchors = dict(connection.execute("SELECT entity, anchor FROM entities WHERE entity IN ($1, $2)", [entity, other]).fetchall())
    number = definition.strong_keys[0].role
    if entity == other:
        if node != other_node:
            yield "Why one", f"Both hold one {number}, and the profile of each agrees with the usual one of that number."
        return
    if anchors[entity] and anchors[other]:
        yield "Against", f"Each has a verified {number} of its own: two of them never merge, unless their authority merges them."
    terms = agreements(definition, "l", "r")
    scores = connection.execute(
        f"SELECT {', '.join(terms.values()) or '0'} FROM pair AS p JOIN entities AS l ON l.entity = p.entity"
        " JOIN entities AS r ON r.entity = p.other"
    ).fetchall()[0]
    if terms:
        said = ", ".join(f"{role} {AGREES[score]}" for role, score in zip(terms, scores, strict=True))
        yield "Profiles", f"{said}: {sum(scores):+d}. A sure key that both have needs +1, another one +2."
    vetoes = {
        "birth dates differ in more than one part": born_apart("l", "r"),
        "given names are nothing alike": given_apart("l", "r"),
        "sex differs": sexes_apart("l", "r"),
        "they look like twins": of_twins("l", "r"),
    }
    flags = connection.execute(
        f"SELECT {', '.join(vetoes.values())} FROM pair AS p JOIN entities AS l ON l.entity = p.entity"
        " JOIN entities AS r ON r.entity = p.other"
    ).fetchall()[0]
    for veto, holds in zip(vetoes, flags, strict=True):
        if holds:
            yield "Against", f"{veto[0].upper()}{veto[1:]}."
    if model is not None:
        yield from _weight(connection, model)
    yield from _edges(connection, entity, other)


def _keys(connection: duckdb.DuckDBPyConnection) -> Iterator[Fact]:
    """Yield the kinds of numbers and references that both records, or records of their entities, have."""
    rows = connection.execute(
        "SELECT DISTINCT l.key, l.is_sure AND r.is_sure FROM pair AS p JOIN keys AS l ON l.entity = p.entity"
        " JOIN keys AS r ON r.entity = p.other AND r.key = l.key AND r.value = l.value ORDER BY ALL"
    ).fetchall()
    said = ", ".join(f"{key}{'' if is_sure else ' (of several persons)'}" for key, is_sure in rows)
    yield "Keys in common", said or "none"


def _weight(connection: duckdb.DuckDBPyConnection, model: StoredModel) -> Iterator[Fact]:
    make_waterfall(connection, model, "pair")
    rows = connection.execute("SELECT part, finding, bits FROM waterfall ORDER BY place").fetchall()
    for part, finding, bits in rows:
        yield f"  {part}", f"{bits:+6.1f} bits  {finding}"
    total = sum(bits for *_, bits in rows)
    yield "Weight", f"{total:.1f} bits. A new link needs {model.threshold:g}; one that was made stays from {model.kept_from:g} on."


def _edges(connection: duckdb.DuckDBPyConnection, entity: int, other: int) -> Iterator[Fact]:
    """Yield whether a link was proposed, and how many other persons were proposed too."""
    rows = connection.execute(
        "SELECT link_class, weight FROM edges WHERE left_entity = LEAST($1, $2) AND right_entity = GREATEST($1, $2)", [entity, other]
    ).fetchall()
    if not rows:
        yield "Proposed", "no: they are one person only by way of other records, if at all."
    for link_class, weight in rows:
        unit = {"B": "points", "C": "bits"}.get(link_class)
        yield "Proposed", f"by {CLASSES[link_class]}{f', {weight:.1f} {unit}' if unit else ''}."
    for each in {entity, other}:
        rivals = connection.execute(
            engine.sql(__package__, "rivals.sql"), {"entity": each, "other": other if each == entity else entity}
        ).fetchall()[0]
        if rivals[0]:
            which = "first" if each == entity else "second"
            yield "Rivals", f"{rivals[0]} other persons with a number are proposed for the {which} record, the best with {rivals[1]:.1f}."
