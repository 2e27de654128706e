"""Layers 4 and 5 on one connection: from entities and edges to persons and cases with persistent ids."""

from __future__ import annotations

from datetime import date
from typing import Literal

import duckdb
import pyarrow as pa

from das_pipeline.engine import scalar, sql
from das_pipeline.linkage.definition import LinkageDefinition
from das_pipeline.linkage.merge import Birth, Cluster, Edge, constrained_merge

Kind = Literal["person", "case"]


def link_records(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition, vintage: date) -> bool:
    """`links`: one row per record with its person id, case id, link class and weight; whether the order of the edges made no difference.

    Reads the tables of `identifying/entities`, `links_before` and `ledger`, and appends to `ledger` what happened to ids.
    """
    keep_unambiguous(connection)
    is_stable = merge_entities(connection, definition)
    make_people(connection)
    make_cases(connection, definition)
    give_ids(connection, "person", "SELECT node, person AS cluster FROM people WHERE person IS NOT NULL", vintage)
    give_ids(connection, "case", "SELECT node, cluster FROM case_clusters", vintage)
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE links AS
        SELECT p.unit, p.record_no, i.id AS person_id, j.id AS case_id, p.link_class, p.weight
        FROM people AS p JOIN case_clusters AS c ON c.node = p.node JOIN case_ids AS j ON j.cluster = c.cluster
        LEFT JOIN person_ids AS i ON i.cluster = p.person
        """
    )
    make_former(connection, vintage)
    return is_stable


def keep_unambiguous(connection: duckdb.DuckDBPyConnection) -> None:
    """`candidates`: the edges, without those from an entity that has no anchor to one that has unless it is the best by 1 (bit) or more."""
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE candidates AS
        WITH sided AS (
            SELECT e.*, CASE WHEN l.anchor IS NULL AND r.anchor IS NOT NULL THEN e.left_entity
                WHEN r.anchor IS NULL AND l.anchor IS NOT NULL THEN e.right_entity END AS member
            FROM edges AS e JOIN entities AS l ON l.entity = e.left_entity JOIN entities AS r ON r.entity = e.right_entity),
        ranked AS (
            SELECT *, row_number() OVER (PARTITION BY member, link_class ORDER BY weight DESC, left_entity, right_entity) AS place,
                lead(weight) OVER (PARTITION BY member, link_class ORDER BY weight DESC, left_entity, right_entity) AS next_weight
            FROM sided)
        SELECT left_entity, right_entity, link_class, weight FROM ranked
        WHERE member IS NULL OR (place = 1 AND weight - COALESCE(next_weight, weight - 1) >= 1)
        """
    )


def merge_entities(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition) -> bool:
    """`merged` (entity, cluster) and `taken` (entity, link_class, weight: the edge that brought it in); whether order made no difference.

    The merge runs a second time on the same edges turned around: rule L08, at no cost worth naming.
    """
    rows = connection.execute(
        "SELECT link_class, weight, left_entity, right_entity FROM candidates ORDER BY left_entity, right_entity, link_class"
    ).fetchall()
    edges = [Edge(*row) for row in rows]
    entities = _constraints(connection, definition)
    roots, taken = constrained_merge(entities, edges)
    again, _ = constrained_merge(dict(reversed(entities.items())), reversed(edges))
    brought: dict[int, Edge] = {}
    for edge in taken:
        brought.setdefault(edge.left, edge)
        brought.setdefault(edge.right, edge)
    _table(
        connection, "merged_by_edges", {"entity": roots.keys(), "cluster": roots.values()}, {"entity": pa.int64(), "cluster": pa.int64()}
    )
    _table(
        connection,
        "taken",
        {"entity": brought.keys(), "link_class": [e.link_class for e in brought.values()], "weight": [e.weight for e in brought.values()]},
        {"entity": pa.int64(), "link_class": pa.string(), "weight": pa.decimal128(12, 6)},
    )
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE merged AS
        SELECT e.entity, COALESCE(m.cluster, e.entity) AS cluster FROM entities AS e LEFT JOIN merged_by_edges AS m ON m.entity = e.entity
        """
    )
    return roots == again


def _constraints(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition) -> dict[int, Cluster]:
    """What the merge must respect, of every entity that has an edge."""
    rows = connection.execute(
        """
        WITH touched AS (SELECT left_entity AS entity FROM candidates UNION SELECT right_entity FROM candidates),
        numbered AS (SELECT entity, key, dense_rank() OVER (ORDER BY key, value) AS number FROM keys WHERE list_contains($strong, key)),
        held AS (SELECT entity, list({'key': key, 'number': number} ORDER BY number) AS numbers FROM numbered GROUP BY entity),
        sources AS (
            SELECT entity, list(DISTINCT partner ORDER BY partner) AS partners FROM members JOIN records USING (node)
            WHERE list_contains($alone, partner) GROUP BY entity)
        SELECT e.entity, CASE WHEN e.anchor IS NULL THEN e.records ELSE 0 END, e.anchor IS NOT NULL,
            e.birth_on, e.is_year_only, h.numbers, s.partners
        FROM touched AS t JOIN entities AS e ON e.entity = t.entity
        LEFT JOIN held AS h ON h.entity = e.entity LEFT JOIN sources AS s ON s.entity = e.entity ORDER BY e.entity
        """,
        {"alone": definition.one_per_person, "strong": [key.role for key in definition.strong_keys[1:]]},
    ).fetchall()
    return {
        entity: Cluster(
            records,
            is_anchored,
            {Birth(born, is_year_only)} if born else set(),
            {(n["key"], n["number"]) for n in numbers or []},
            set(partners or []),
        )
        for entity, records, is_anchored, born, is_year_only, numbers, partners in rows
    }


def make_people(connection: duckdb.DuckDBPyConnection) -> None:
    """`people`: one row per record: its person (the lowest node of the cluster; NULL for a record about no person), link class and weight.

    A verified number, B guarded key, C probable, S single. Probable links have a weight, in bits.
    """
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE people AS
        WITH clustered AS (
            SELECT r.node, m.entity, m.anchor, g.cluster,
                COUNT(*) OVER (PARTITION BY g.cluster) AS records, MIN(r.node) OVER (PARTITION BY g.cluster) AS person
            FROM records AS r JOIN members AS m ON m.node = r.node JOIN merged AS g ON g.entity = m.entity WHERE r.is_person),
        linked AS (
            SELECT c.node, c.person, CASE WHEN records = 1 THEN 'S' WHEN anchor IS NOT NULL THEN 'A' ELSE t.link_class END AS link_class,
                CASE WHEN records > 1 AND anchor IS NULL AND t.link_class = 'C' THEN t.weight END AS weight
            FROM clustered AS c LEFT JOIN taken AS t ON t.entity = c.entity)
        SELECT r.node, r.unit, r.record_no, r.partner, l.person, l.link_class, l.weight
        FROM records AS r LEFT JOIN linked AS l ON l.node = r.node ORDER BY r.node
        """
    )


def make_cases(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition) -> None:
    """`case_clusters`: one row per record: its case, see cases.sql."""
    connection.execute("CREATE OR REPLACE TEMP TABLE anchor_strength (reference VARCHAR, strength INTEGER)")
    for strength, reference in enumerate(definition.case_anchor, start=1):
        connection.execute("INSERT INTO anchor_strength VALUES (?, ?)", [reference, strength])
    connection.execute(f"CREATE OR REPLACE TEMP TABLE case_clusters AS {sql(__package__, 'cases.sql')}")


def give_ids(connection: duckdb.DuckDBPyConnection, kind: Kind, clusters: str, vintage: date) -> None:
    """`<kind>_ids` (cluster, id) for the query `clusters` (node, cluster), and what happened to ids appended to the table `ledger`.

    Reads `links_before` (unit, record_no, person_id, case_id, is_in_force) and `ledger` (kind, id, event, other_id, vintage).
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE clusters AS {clusters}")
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE held_before AS
        SELECT r.node, b.{kind}_id AS id FROM links_before AS b JOIN records AS r ON r.unit = b.unit AND r.record_no = b.record_no
        WHERE b.{kind}_id IS NOT NULL
        """
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE given_before AS
        SELECT DISTINCT {kind}_id AS id FROM links_before WHERE is_in_force AND {kind}_id IS NOT NULL
        """
    )
    last = scalar(connection, "SELECT COALESCE(MAX(id), 0) FROM ledger WHERE kind = $kind", {"kind": kind})
    connection.execute(f"CREATE OR REPLACE TEMP TABLE ids AS {sql(__package__, 'ids.sql')}", {"last": last})
    connection.execute(
        f"INSERT INTO ledger SELECT $kind, id, event, other_id, $vintage FROM ({sql(__package__, 'id_events.sql')})",
        {"kind": kind, "vintage": vintage},
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {kind}_ids AS SELECT cluster, id FROM ids")


def make_former(connection: duckdb.DuckDBPyConnection, vintage: date) -> None:
    """`former`: records that were linked once and are not in force now, with the ids that they had last: they get them back on return.

    An id that merged since is replaced by the one it merged into.
    """
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE former AS
        SELECT b.unit, b.record_no, COALESCE(p.other_id, b.person_id) AS person_id, COALESCE(c.other_id, b.case_id) AS case_id
        FROM links_before AS b
        LEFT JOIN ledger AS p ON p.kind = 'person' AND p.event = 'merge' AND p.vintage = $vintage AND p.id = b.person_id
        LEFT JOIN ledger AS c ON c.kind = 'case' AND c.event = 'merge' AND c.vintage = $vintage AND c.id = b.case_id
        WHERE NOT EXISTS (SELECT 1 FROM links AS l WHERE l.unit = b.unit AND l.record_no = b.record_no)
        """,
        {"vintage": vintage},
    )


def _table(connection: duckdb.DuckDBPyConnection, name: str, columns: dict[str, object], types: dict[str, pa.DataType]) -> None:
    table = pa.table({k: pa.array(list(v), types[k]) for k, v in columns.items()})  # type: ignore[call-overload]
    connection.register("handed_over", table)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM handed_over")
    connection.unregister("handed_over")
