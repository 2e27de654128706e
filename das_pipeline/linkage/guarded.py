"""Layer 2, guarded keys: records that hold the same number are one entity if their profiles agree as well.

Stars, not pairs: every record of a number is compared with the hub, the usual profile of that number, and with nothing else. If a number
was mistyped into somebody else's, the guard refuses it, and the record is linked without it.
"""

from __future__ import annotations

import duckdb

from das_pipeline.linkage.compare import agreement, born_apart, given_apart, is_another_person, of_twins, surname_agrees
from das_pipeline.linkage.definition import LinkageDefinition

LONG = 6  # digits; among shorter numbers, one edit apart says nothing


def make_entities(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition) -> None:
    """Create `members`, record about a person → entity, and `entities`, one row each with its usual profile, anchor and number of records.

    A record whose first key is accepted belongs to the entity of that value, which is the entity's anchor; every other record starts as an
    entity of its own. An entity's name is its lowest node. A later key that is the usual one of the anchor's records counts like a part of
    the profile that agrees. Without one, the number of a twin is refused: all but the given names agrees.

    A record whose number is somebody else's, by name and birth date, is added to `doubtful_numbers` (rule K04), and so is one whose number
    was mistyped: no other record has it, and it is one edit from the number of a person with the same names and birth date.
    """
    first = definition.strong_keys[0]
    accepted = "score >= 0" if first.alone else "score >= 1"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE anchors AS SELECT node, value AS anchor FROM numbers WHERE role = $first", {"first": first.role}
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE hubs AS {_usual_profile('anchors', 'anchor')}")
    _set_mistyped_apart(connection, first.role)
    connection.execute(
        f"""
        INSERT INTO doubtful_numbers
        SELECT 'K04', $first, a.anchor, l.unit, l.record_no
        FROM records AS l JOIN anchors AS a ON a.node = l.node JOIN hubs AS r ON r.anchor = a.anchor
        WHERE {is_another_person("l", "r")}
        """,
        {"first": first.role},
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE members AS
        WITH usual AS (
            SELECT a.anchor, n.role, n.value FROM anchors AS a JOIN numbers AS n ON n.node = a.node WHERE n.role <> $first
            GROUP BY a.anchor, n.role, n.value HAVING COUNT(*) > 1
            QUALIFY row_number() OVER (PARTITION BY a.anchor, n.role ORDER BY COUNT(*) DESC, n.value) = 1),
        seconded AS (
            SELECT a.node, COUNT(*) AS keys FROM anchors AS a JOIN numbers AS n ON n.node = a.node
            JOIN usual AS u ON u.anchor = a.anchor AND u.role = n.role AND u.value = n.value GROUP BY a.node),
        held AS (SELECT r.*, a.anchor FROM records AS r JOIN anchors AS a ON a.node = r.node),
        scored AS (
            SELECT l.node, l.anchor, {agreement(definition, "l", "r")} + COALESCE(s.keys, 0) AS score,
                {born_apart("l", "r")} OR (s.keys IS NULL AND {of_twins("l", "r")}) AS is_apart
            FROM held AS l JOIN hubs AS r ON r.anchor = l.anchor LEFT JOIN seconded AS s ON s.node = l.node),
        accepted AS (
            SELECT node, anchor, MIN(node) OVER (PARTITION BY anchor) AS entity FROM scored WHERE {accepted} AND NOT is_apart)
        SELECT r.node, COALESCE(a.entity, r.node) AS entity, a.anchor
        FROM records AS r LEFT JOIN accepted AS a ON a.node = r.node WHERE r.is_person
        """,
        {"first": first.role},
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


def _set_mistyped_apart(connection: duckdb.DuckDBPyConnection, role: str) -> None:
    """Move mistyped numbers from `anchors` to `doubtful_numbers`. A second number of one person is never so close to the first."""
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE mistyped AS
        WITH sized AS (SELECT h.*, c.records FROM hubs AS h JOIN (
            SELECT anchor, COUNT(*) AS records FROM anchors GROUP BY anchor) AS c ON c.anchor = h.anchor)
        SELECT DISTINCT l.anchor FROM sized AS l JOIN sized AS r ON r.birth_on = l.birth_on AND r.records > 1 AND r.anchor <> l.anchor
        WHERE l.records = 1 AND NOT l.is_year_only AND NOT r.is_year_only AND length(l.anchor) >= {LONG}
            AND damerau_levenshtein(l.anchor, r.anchor) = 1
            AND {surname_agrees("l", "r")} AND l.given_name IS NOT NULL AND NOT {given_apart("l", "r")}
        """
    )
    connection.execute(
        "INSERT INTO doubtful_numbers SELECT 'K04', $role, a.anchor, r.unit, r.record_no"
        " FROM anchors AS a SEMI JOIN mistyped AS m ON m.anchor = a.anchor JOIN records AS r ON r.node = a.node",
        {"role": role},
    )
    connection.execute("DELETE FROM anchors WHERE anchor IN (SELECT anchor FROM mistyped)")


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
    disagree (a sanction without a birth date), a key that is enough `alone`, or two keys that point to the same hub, will do.
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
            SELECT m.entity AS member, h.entity AS hub, COUNT(*) AS keys_shared, bool_or(list_contains($alone, m.key)) AS is_alone
            FROM held AS m JOIN held AS h ON h.key = m.key AND h.value = m.value AND h.entity <> m.entity
            WHERE m.holders <= {most_holders} AND NOT m.is_anchored AND (h.is_anchored OR h.place = 1)
            GROUP BY m.entity, h.entity),
        scored AS (
            SELECT l.entity AS member, r.entity AS hub, keys_shared, is_alone, {agreement(definition, "l", "r")} AS score,
                {born_apart("l", "r")} OR (keys_shared = 1 AND {of_twins("l", "r")}) AS is_apart
            FROM shared AS s JOIN entities AS l ON l.entity = s.member JOIN entities AS r ON r.entity = s.hub)
        SELECT LEAST(member, hub) AS left_entity, GREATEST(member, hub) AS right_entity, 'B' AS link_class,
            CAST(MAX(score + keys_shared) AS DECIMAL(12, 6)) AS weight
        FROM scored WHERE (score >= 1 OR (score = 0 AND (is_alone OR keys_shared >= 2))) AND NOT is_apart GROUP BY ALL ORDER BY ALL
        """,
        {"alone": [key.role for key in definition.strong_keys if key.alone]},
    )


def _usual_profile(grouped: str, group: str) -> str:
    """Return a query: per `group` of the table `grouped` (node, group), the usual value of every part of the profile.

    Part by part, because most sources hold only some parts. Whole values win over initials and partial dates, then the most frequent,
    then the first in order.
    """

    def usual(value: str, part: str, worse: str = "false") -> str:
        return f"first({value} ORDER BY {worse}, n_{part} DESC, {part}) FILTER (WHERE {part} IS NOT NULL) AS {value}"

    counts = ", ".join(
        f"COUNT(*) OVER (PARTITION BY g.{group}, r.{part}) AS n_{part}" for part in ("surname", "given_name", "given_2", "birth_on", "sex")
    )
    parts = ",\n            ".join(
        [
            *(usual(value, "surname") for value in ("surname", "surname_1", "surname_2")),
            *(usual(value, "given_name", "length(given_name) = 1") for value in ("given_name", "initial", "given_surname")),
            usual("given_2", "given_2"),
            usual("birth_on", "birth_on", "is_year_only"),
            "COALESCE(bool_and(is_year_only) FILTER (WHERE birth_on IS NOT NULL), false) AS is_year_only",
            usual("sex", "sex"),
        ]
    )
    return f"""
        WITH held AS (SELECT g.{group}, r.*, {counts} FROM {grouped} AS g JOIN records AS r ON r.node = g.node)
        SELECT {group}, {parts} FROM held GROUP BY {group}"""
