"""From entities and edges to persons and cases, on one connection: layers 4 to 6."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from das_pipeline.engine import sql
from das_pipeline.linkage.definition import LinkageDefinition
from das_pipeline.linkage.ids import give_ids, make_former
from das_pipeline.linkage.merge import Birth, Cluster, Edge, constrained_merge


def link_records(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition, vintage: date, most_records: int) -> bool:
    """`links`: one row per record with its person id, case id, link class and weight; whether the order of the edges made no difference.

    Reads the tables of `identifying/entities`, `links_before` and `ledger`, and appends to `ledger` what happened to ids.
    """
    keep_unambiguous(connection)
    is_stable = merge_entities(connection, definition, most_records)
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


def merge_entities(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition, most_records: int) -> bool:
    """`merged` (entity, cluster) and `taken` (entity, link_class, weight: the edge that brought it in); whether order made no difference.

    The merge runs a second time on the same edges turned around: rule L08, for some seconds per million entities.
    """
    rows = connection.execute(
        "SELECT link_class, weight, left_entity, right_entity FROM candidates ORDER BY left_entity, right_entity, link_class"
    ).fetchall()
    edges = [Edge(*row) for row in rows]
    entities = _constraints(connection, definition)
    roots, taken = constrained_merge(entities, edges, most_records)
    again, _ = constrained_merge(dict(reversed(entities.items())), reversed(edges), most_records)
    brought: dict[int, Edge] = {}
    for edge in taken:
        brought.setdefault(edge.left, edge)
        brought.setdefault(edge.right, edge)
    _table(connection, "merged_by_edges", {"entity": pa.int64(), "cluster": pa.int64()}, roots.items())
    reasons = ((entity, edge.link_class, edge.weight) for entity, edge in brought.items())
    _table(connection, "taken", {"entity": pa.int64(), "link_class": pa.string(), "weight": pa.decimal128(12, 6)}, reasons)
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


def _table(connection: duckdb.DuckDBPyConnection, name: str, columns: dict[str, pa.DataType], rows: Iterable[tuple[Any, ...]]) -> None:
    """The table `name` with `columns` and `rows`."""
    filled = pa.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in rows], schema=pa.schema(list(columns.items())))
    connection.register("filled", filled)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM filled")
    connection.unregister("filled")
