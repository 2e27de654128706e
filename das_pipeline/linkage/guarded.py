"""Layer 2, guarded keys: records that hold the same number are one entity if their profiles agree as well.

Stars, not pairs: every record of a number is compared with the hub, the usual profile of that number, and with nothing else. If a number
was mistyped into somebody else's, the guard refuses it, and the record is linked without it.
"""

from __future__ import annotations

import duckdb

from das_pipeline.linkage.compare import agreement, born_apart, is_another_person
from das_pipeline.linkage.definition import LinkageDefinition


def make_entities(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition) -> None:
    """Create `members`, record about a person → entity, and `entities`, one row each with its usual profile, anchor and number of records.

    A record whose first key is accepted belongs to the entity of that value, which is the entity's anchor; every other record starts as an
    entity of its own. An entity's name is its lowest node. A record whose number is somebody else's, by name and birth date, is added to
    `doubtful_numbers` (rule K04).
    """
    accepted = "score >= 0" if definition.strong_keys[0].alone else "score >= 1"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE anchors AS SELECT node, value AS anchor FROM numbers WHERE role = $first",
        {"first": definition.strong_keys[0].role},
    )
    connection.execute(
        f"""
        INSERT INTO doubtful_numbers
        WITH hubs AS ({_usual_profile("anchors", "anchor")})
        SELECT 'K04', $first, a.anchor, l.unit, l.record_no
        FROM records AS l JOIN anchors AS a ON a.node = l.node JOIN hubs AS r ON r.anchor = a.anchor
        WHERE {is_another_person("l", "r")}
        """,
        {"first": definition.strong_keys[0].role},
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE members AS
        WITH hubs AS ({_usual_profile("anchors", "anchor")}),
        held AS (SELECT r.*, a.anchor FROM records AS r JOIN anchors AS a ON a.node = r.node),
        scored AS (
            SELECT l.node, l.anchor, {agreement(definition, "l", "r")} AS score, {born_apart("l", "r")} AS is_apart
            FROM held AS l JOIN hubs AS r ON r.anchor = l.anchor),
        accepted AS (
            SELECT node, anchor, MIN(node) OVER (PARTITION BY anchor) AS entity FROM scored WHERE {accepted} AND NOT is_apart)
        SELECT r.node, COALESCE(a.entity, r.node) AS entity, a.anchor
        FROM records AS r LEFT JOIN accepted AS a ON a.node = r.node WHERE r.is_person
        """
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE entities AS
        WITH profiles AS ({_usual_profile("members", "entity")}),
        sizes AS (SELECT entity, ANY_VALUE(anchor) AS anchor, COUNT(*) AS records FROM members GROUP BY entity)
        SELECT s.entity, s.anchor, s.records, p.* EXCLUDE (entity)
        FROM sizes AS s JOIN profiles AS p ON p.entity = s.entity ORDER BY s.entity
        """
    )


def make_keys(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition) -> None:
    """Create `keys`, one row per entity, key and value: references that name one person, and strong keys, also those the guard refused."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE keys AS SELECT DISTINCT entity, role AS key, value FROM numbers JOIN members USING (node)"
    )
    connection.execute(
        "INSERT INTO keys SELECT DISTINCT entity, reference, value FROM case_references JOIN members USING (node)"
        " WHERE list_contains($named, reference)",
        {"named": [name for name, reference in definition.references.items() if reference.names_one_person]},
    )


def guarded_edges(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition, most_holders: int) -> None:
    """Create `edges` of class B: entity pairs that share a key and agree; weight = agreement score + number of keys shared.

    A value that more than `most_holders` entities hold joins nobody.

    The hub of a value is every anchored entity that holds it, or else the entity with most records. Where there is no profile to agree or
    disagree (a sanction without a birth date), two keys that point to the same hub are enough.
    """
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE edges AS
        WITH held AS (
            SELECT k.key, k.value, e.entity, e.anchor IS NOT NULL AS is_anchored,
                COUNT(*) OVER (PARTITION BY k.key, k.value) AS holders,
                row_number() OVER (PARTITION BY k.key, k.value ORDER BY e.anchor IS NULL, e.records DESC, e.entity) AS place
            FROM keys AS k JOIN entities AS e ON e.entity = k.entity),
        shared AS (
            SELECT m.entity AS member, h.entity AS hub, COUNT(*) AS keys_shared
            FROM held AS m JOIN held AS h ON h.key = m.key AND h.value = m.value AND h.entity <> m.entity
            WHERE m.holders <= {most_holders} AND NOT m.is_anchored AND (h.is_anchored OR h.place = 1)
            GROUP BY m.entity, h.entity),
        scored AS (
            SELECT l.entity AS member, r.entity AS hub, keys_shared, {agreement(definition, "l", "r")} AS score,
                {born_apart("l", "r")} AS is_apart
            FROM shared AS s JOIN entities AS l ON l.entity = s.member JOIN entities AS r ON r.entity = s.hub)
        SELECT LEAST(member, hub) AS left_entity, GREATEST(member, hub) AS right_entity, 'B' AS link_class,
            CAST(MAX(score + keys_shared) AS DECIMAL(12, 6)) AS weight
        FROM scored WHERE (score >= 1 OR (score = 0 AND keys_shared >= 2)) AND NOT is_apart GROUP BY ALL ORDER BY ALL
        """
    )


def _usual_profile(grouped: str, group: str) -> str:
    """Return a query: per `group` of the table `grouped` (node, group), the usual value of every part of the profile.

    Part by part, because most sources hold only some parts. Whole values win over initials and partial dates, then the most frequent,
    then the first in order.
    """

    def usual(value: str, part: str, worse: str = "false") -> str:
        return f"first({value} ORDER BY {worse}, n_{part} DESC, {part}) FILTER (WHERE {part} IS NOT NULL) AS {value}"

    counts = ", ".join(
        f"COUNT(*) OVER (PARTITION BY g.{group}, r.{part}) AS n_{part}" for part in ("surname", "given_name", "birth_on", "sex")
    )
    parts = ",\n            ".join(
        [
            *(usual(value, "surname") for value in ("surname", "surname_1", "surname_2")),
            *(usual(value, "given_name", "length(given_name) = 1") for value in ("given_name", "initial")),
            usual("birth_on", "birth_on", "is_year_only"),
            "COALESCE(bool_and(is_year_only) FILTER (WHERE birth_on IS NOT NULL), false) AS is_year_only",
            usual("sex", "sex"),
        ]
    )
    return f"""
        WITH held AS (SELECT g.{group}, r.*, {counts} FROM {grouped} AS g JOIN records AS r ON r.node = g.node)
        SELECT {group}, {parts} FROM held GROUP BY {group}"""
