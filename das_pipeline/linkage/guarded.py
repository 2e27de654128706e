"""Layer 2, guarded keys: records that hold the same number are one entity if their profiles agree as well.

Stars, not pairs: every record of a number is compared with the hub, the usual profile of that number, and with nothing else. If a number
was mistyped into somebody else's, the guard refuses it, and the record is linked without it.
"""

from __future__ import annotations

import re

import duckdb

from das_pipeline.engine import create_table, sql
from das_pipeline.linkage.compare import (
    agreement,
    born_apart,
    given_apart,
    is_another_person,
    nearly_born,
    of_twins,
    one_edit_apart,
    surname_agrees,
    surname_disagrees,
)
from das_pipeline.linkage.definition import LinkageDefinition

LONG = 6  # digits; among shorter numbers, one edit apart says nothing


def make_entities(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition) -> None:
    """Create `members`, record about a person → entity, and `entities`, one row each with its usual profile, anchor and number of records.

    A record whose first key is accepted belongs to the entity of that value, which is the entity's anchor; every other record starts as an
    entity of its own. An entity's name is its lowest node. A later key that is the usual one of the anchor's records counts like a part of
    the profile that agrees. Without one, the number of a twin is refused: all but the given names agrees. A part of the profile that only
    the record itself brought in does not agree with the others if their surname is another one.

    A record whose number is somebody else's, by name and birth date, is added to `doubtful_numbers` (rule K04), and so is one whose number
    was mistyped: no other record has it, and it is one edit from the number of a person with the same names and birth date.
    """
    first = definition.strong_keys[0]
    _make_anchors(connection, first.role)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE hubs AS {_usual_profile('anchors', 'anchor')}")
    _make_person_references(connection, definition)
    _set_mistyped_apart(connection, definition)
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
        held AS (
            SELECT r.*, a.anchor, COUNT(*) OVER (PARTITION BY a.anchor, r.given_name) = 1 AS names_alone,
                COUNT(*) OVER (PARTITION BY a.anchor, r.birth_on) = 1 AS is_born_alone
            FROM records AS r JOIN anchors AS a ON a.node = r.node),
        scored AS (
            SELECT l.node, l.anchor, {agreement(definition, "l", "r")} + COALESCE(s.keys, 0) AS score,
                {born_apart("l", "r")} OR (s.keys IS NULL AND {of_twins("l", "r")}) AS is_apart,
                CASE WHEN NOT {surname_disagrees("l", "r")} THEN 0 ELSE
                    CASE WHEN l.names_alone AND l.given_name = r.given_name THEN 1 ELSE 0 END
                    + CASE WHEN l.is_born_alone AND l.birth_on = r.birth_on THEN 1 ELSE 0 END END AS own_parts
            FROM held AS l JOIN hubs AS r ON r.anchor = l.anchor LEFT JOIN seconded AS s ON s.node = l.node),
        accepted AS (
            SELECT node, anchor, MIN(node) OVER (PARTITION BY anchor) AS entity
            FROM scored WHERE score - own_parts >= {0 if first.alone else 1} AND NOT is_apart)
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


def _make_anchors(connection: duckdb.DuckDBPyConnection, role: str) -> None:
    """Create `anchors`, record → the number of `role` that it is held by."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE anchors AS SELECT node, value AS anchor FROM numbers WHERE role = $first", {"first": role}
    )
    # Of two records with one number that a person decided are two persons, the first named one does without it.
    connection.execute(
        "DELETE FROM anchors WHERE node IN (SELECT d.node FROM decided AS d JOIN anchors AS l ON l.node = d.node JOIN anchors AS r"
        " ON r.node = d.other AND r.anchor = l.anchor WHERE d.kind = 'person' AND d.outcome = 'two')"
    )


def _make_person_references(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition) -> None:
    """Create `person_references`, see person_references.sql."""
    homes = [(name, reference.unit, reference.names_one_person) for name, reference in definition.references.items()]
    create_table(connection, "reference_homes", "reference VARCHAR, unit VARCHAR, names_one_person BOOLEAN", homes)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE person_references AS {sql(__package__, 'person_references.sql')}")


def _set_mistyped_apart(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition) -> None:
    """Move wrong numbers from `anchors` to `doubtful_numbers`: those of one record that all else says is a person with another number.

    It is one edit from the number of a person with the same names and birth date, or the record points to that person by another number
    or a reference that names one person, and nothing in the profile is against it. A pointer must be confirmed by as much as three agreeing
    parts of the profile and further pointers, or by the number that is one edit away.

    Two valid numbers never merge, and these do not: nobody else has the number, so that beside this record there is no second person to
    join. It is the record that moves, on evidence that links a record without a number too. Whether the person has both numbers is for
    their authority to say: a number that is not one edit away is a `pair` in `doubtful_numbers`, which breaks no rule and is reviewed. The
    record gets its number back when a second record has it, or when a person decides so.
    """
    role = definition.strong_keys[0].role
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE mistyped AS
        WITH sized AS (SELECT h.*, c.records, c.node FROM hubs AS h JOIN (
            SELECT anchor, COUNT(*) AS records, MIN(node) AS node FROM anchors GROUP BY anchor) AS c ON c.anchor = h.anchor
            WHERE length(h.anchor) >= {LONG}),
        pointers AS (
            SELECT node, key, value FROM person_references WHERE is_sure
            UNION ALL SELECT node, role, value FROM numbers WHERE role <> $role),
        pointing AS (
            SELECT s.anchor, a.anchor AS other, COUNT(DISTINCT p.key) AS pointers
            FROM sized AS s JOIN pointers AS p ON p.node = s.node
            JOIN pointers AS o ON o.key = p.key AND o.value = p.value AND o.node <> p.node
            JOIN anchors AS a ON a.node = o.node WHERE s.records = 1 AND a.anchor <> s.anchor GROUP BY ALL),
        one_edit AS (
            SELECT l.anchor FROM sized AS l JOIN sized AS r ON r.birth_on = l.birth_on AND r.records > 1 AND r.anchor <> l.anchor
            WHERE l.records = 1 AND NOT l.is_year_only AND NOT r.is_year_only AND {one_edit_apart("l.anchor", "r.anchor")}
                AND {surname_agrees("l", "r")} AND l.given_name IS NOT NULL AND NOT {given_apart("l", "r")}),
        pointed AS (
            SELECT l.anchor, r.anchor AS other, r.records, p.pointers, {agreement(definition, "l", "r")} AS score
            FROM pointing AS p JOIN sized AS l ON l.anchor = p.anchor JOIN sized AS r ON r.anchor = p.other
            WHERE NOT {surname_disagrees("l", "r")} AND NOT {given_apart("l", "r")} AND NOT {born_apart("l", "r")})
        SELECT anchor, bool_or(is_one_edit) AS is_one_edit FROM (
            SELECT anchor, true AS is_one_edit FROM one_edit
            UNION ALL
            SELECT anchor, {one_edit_apart("anchor", "other")} FROM pointed WHERE (records > 1 AND score + pointers >= 3)
                OR ((records > 1 OR other < anchor) AND score + pointers >= 1 AND {one_edit_apart("anchor", "other")}))
            WHERE anchor NOT IN (SELECT a.anchor FROM decided AS d JOIN anchors AS a ON a.node IN (d.node, d.other)
                WHERE d.kind = 'person' AND d.outcome = 'two')
        GROUP BY anchor
        """,
        {"role": role},
    )
    connection.execute(
        "INSERT INTO doubtful_numbers SELECT CASE WHEN m.is_one_edit THEN 'K04' ELSE 'pair' END, $role, a.anchor, r.unit, r.record_no"
        " FROM anchors AS a JOIN mistyped AS m ON m.anchor = a.anchor JOIN records AS r ON r.node = a.node",
        {"role": role},
    )
    connection.execute("DELETE FROM anchors WHERE anchor IN (SELECT anchor FROM mistyped)")


def make_keys(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition) -> None:
    """Create `keys`: what entities may have in common, see keys.sql, and the names of organisations.

    An organisation has a name and nothing else, but its name was chosen to be its own. It is known by its legal form, and compared without.
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE keys AS {sql(__package__, 'keys.sql')}")
    if definition.legal_forms:
        forms = f" ({'|'.join(re.escape(form) for form in definition.legal_forms)})$"
        own_name = "NULLIF(regexp_replace(r.surname, $forms, ''), r.surname)"
        connection.execute(
            f"INSERT INTO keys SELECT DISTINCT m.entity, 'organisation', {own_name}, true FROM records AS r JOIN members AS m"
            f" ON m.node = r.node WHERE r.given_name IS NULL AND r.birth_on IS NULL AND {own_name} IS NOT NULL",
            {"forms": forms},
        )


def guarded_edges(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition, most_holders: int) -> None:
    """Create `edges` of class B: entity pairs that share a key and agree; weight = agreement score + number of keys shared.

    A value that more than `most_holders` entities hold joins nobody.

    The hub of a value is every anchored entity that holds it, or else the entity with most records. One sure key and one part of the
    profile that agrees will do, and so does a further sure key for a part: where there is no profile to agree (a sanction without a birth
    date), a key that is enough `alone`, or two keys that point to the same hub. Without a sure key, two parts must agree. A birth date with
    one mistyped part says nothing here.
    """
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE edges AS
        WITH held AS (
            SELECT k.key, k.value, k.is_sure, e.entity, e.anchor IS NOT NULL AS is_anchored,
                COUNT(*) OVER (PARTITION BY k.key, k.value) AS holders,
                row_number() OVER (PARTITION BY k.key, k.value ORDER BY e.anchor IS NULL, e.records DESC, e.entity) AS place
            FROM keys AS k JOIN entities AS e ON e.entity = k.entity),
        shared AS (
            SELECT m.entity AS member, h.entity AS hub, COUNT(*) FILTER (WHERE m.is_sure AND h.is_sure) AS keys_shared,
                bool_or(list_contains($alone, m.key)) AS is_alone
            FROM held AS m JOIN held AS h ON h.key = m.key AND h.value = m.value AND h.entity <> m.entity
            WHERE m.holders <= {most_holders} AND NOT m.is_anchored AND (h.is_anchored OR h.place = 1)
            GROUP BY m.entity, h.entity),
        scored AS (
            SELECT l.entity AS member, r.entity AS hub, keys_shared, is_alone,
                {agreement(definition, "l", "r")} + CASE WHEN {nearly_born("l", "r")} THEN 1 ELSE 0 END AS score,
                {born_apart("l", "r")} OR (keys_shared <= 1 AND {of_twins("l", "r")}) AS is_apart
            FROM shared AS s JOIN entities AS l ON l.entity = s.member JOIN entities AS r ON r.entity = s.hub)
        SELECT LEAST(member, hub) AS left_entity, GREATEST(member, hub) AS right_entity, 'B' AS link_class,
            CAST(MAX(score + keys_shared) AS DECIMAL(12, 6)) AS weight
        FROM scored WHERE (score + keys_shared >= 2 OR (score = 0 AND is_alone)) AND NOT is_apart GROUP BY ALL ORDER BY ALL
        """,
        {"alone": [key.role for key in definition.strong_keys if key.alone]},
    )


def find_false_names(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition) -> None:
    """Create `false_names` (entity, other): a record without any number, and whom it is about by a sure reference, of another name.

    Somebody who gives the name and birth date of another person is found in the case that follows under his own name. Names alone must
    not link such a record to the person whose name it was.
    """
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE false_names AS
        WITH pointing AS (
            SELECT DISTINCT k.entity, o.entity AS other FROM keys AS k
            JOIN keys AS o ON o.key = k.key AND o.value = k.value AND o.entity <> k.entity
            WHERE k.is_sure AND o.is_sure AND k.entity NOT IN (SELECT entity FROM numbers JOIN members USING (node)))
        SELECT l.entity, r.entity AS other
        FROM pointing AS p JOIN entities AS l ON l.entity = p.entity JOIN entities AS r ON r.entity = p.other
        WHERE l.records = 1 AND {agreement(definition, "l", "r")} < 0 ORDER BY ALL
        """
    )


# A part of the profile, what goes with it, and what makes a value worse than every other one.
_PARTS = {
    "surname": (("surname_1", "surname_2"), "false"),
    "given_name": (("initial", "given_surname"), "length(given_name) = 1"),
    "given_2": ((), "false"),
    "birth_on": ((), "is_year_only"),
    "sex": ((), "false"),
}


def _usual_profile(grouped: str, group: str) -> str:
    """Return a query: per `group` of the table `grouped` (node, group), the usual value of every part of the profile.

    Part by part, because most sources hold only some parts. Whole values win over initials and partial dates, then the most frequent,
    then the first in order.
    """
    queries, columns, joins = [], [], []
    for part, (others, worse) in _PARTS.items():
        with_part = "".join(f", MAX({other}) AS {other}" for other in others)
        fields = ", ".join(f"{name} := {name}" for name in (part, *others))
        queries.append(
            f"{part}_counts AS (SELECT {group}, {part}, COUNT(*) AS n, bool_and({worse}) AS is_worse{with_part}"
            f" FROM held WHERE {part} IS NOT NULL GROUP BY {group}, {part}),"
            f" {part}_usual AS (SELECT {group}, min_by(struct_pack({fields}), (is_worse, -n, {part})) AS usual,"
            " bool_and(is_worse) AS is_worse"
            f" FROM {part}_counts GROUP BY {group})"
        )
        columns += [f"{part}_usual.usual.{name} AS {name}" for name in (part, *others)]
        joins.append(f"LEFT JOIN {part}_usual ON {part}_usual.{group} = g.{group}")
    columns.append("COALESCE(birth_on_usual.is_worse, false) AS is_year_only")
    return f"""
        WITH held AS (SELECT g.{group}, r.* FROM {grouped} AS g JOIN records AS r ON r.node = g.node), {", ".join(queries)}
        SELECT g.{group}, {", ".join(columns)} FROM (SELECT DISTINCT {group} FROM {grouped}) AS g {" ".join(joins)}"""
