"""From entities and edges to persons and cases, on one connection: layers 4 to 6."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from das_pipeline.engine import scalar, sql
from das_pipeline.linkage import reach
from das_pipeline.linkage.decisions import add_decided_references
from das_pipeline.linkage.definition import LinkageDefinition
from das_pipeline.linkage.ids import give_ids, make_former
from das_pipeline.linkage.merge import Birth, Cluster, Edge, Profile, constrained_merge

# Which records are one, for `give_ids`.
PERSONS = """SELECT p.node, p.person AS cluster, m.anchor IS NOT NULL AS is_verified
    FROM people AS p JOIN members AS m ON m.node = p.node WHERE p.person IS NOT NULL"""
CASES = "SELECT c.node, c.cluster, false AS is_verified FROM case_clusters AS c"


def link_records(
    connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition, vintage: date, most_records: int, join_at: float = 0.0
) -> bool:
    """Create `links`, one row per record with its ids, link class and weight; return whether the order of the edges does not matter.

    A new probable link needs `join_at` bits.

    Reads the tables of `identifying/entities`, `links_before`, `ledger` and `number_ids`; appends to `ledger` what happened to ids.
    """
    is_stable = join_records(connection, definition, most_records, join_at)
    add_decided_references(connection)
    make_cases(connection, definition)
    give_ids(connection, "person", PERSONS, vintage, definition.strong_keys[0].role)
    give_ids(connection, "case", CASES, vintage)
    make_links(connection)
    make_former(connection, vintage)
    return is_stable


def relink_records(
    connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition, vintage: date, most_records: int, join_at: float, links: str
) -> bool:
    """Do as `link_records`, for what `reach` found that a day can change; `links` are those of the version before, as a relation.

    `links` gets the rows of `recased`, and `links_before` is left with the records whose cases were made anew.
    """
    is_stable = join_records(connection, definition, most_records, join_at)
    reach.keep_people(connection, links)
    add_decided_references(connection)
    make_cases(connection, definition)
    reach.limit_before(connection, "(SELECT node FROM joined_nodes UNION SELECT node FROM delivered)")
    give_ids(connection, "person", PERSONS, vintage, definition.strong_keys[0].role)
    reach.limit_before(connection, "recased")
    give_ids(connection, "case", f"{CASES} SEMI JOIN recased AS s ON s.node = c.node", vintage)
    make_links(connection)
    reach.keep_links(connection, links)
    make_former(connection, vintage)
    return is_stable


def join_records(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition, most_records: int, join_at: float) -> bool:
    """Create `people` from entities and the edges between them; return whether the order of the edges does not matter."""
    keep_unambiguous(connection, join_at)
    is_stable = merge_entities(connection, definition, most_records)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE people AS {sql(__package__, 'people.sql')}")
    return is_stable


def make_links(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `links` from `people`, `case_clusters` and the ids of both, see links.sql."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE links AS {sql(__package__, 'links.sql')}")


def keep_unambiguous(connection: duckdb.DuckDBPyConnection, join_at: float) -> None:
    """Create `candidates`: the edges that the merge may take, see candidates.sql."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE candidates AS {sql(__package__, 'candidates.sql')}", {"join_at": join_at})


def merge_entities(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition, most_records: int) -> bool:
    """Create `merged` (entity, cluster) and `taken` (entity and the edge that brought it in); return whether order made no difference.

    The merge runs a second time on the same edges in reverse order, for rule L08; this costs some seconds per million entities.
    """
    edges = _edges(connection)
    entities = _constraints(connection, definition)
    roots, taken = constrained_merge(entities, edges, most_records)
    again, _ = constrained_merge(dict(reversed(entities.items())), reversed(edges), most_records)
    brought_in_by: dict[int, Edge] = {}
    for edge in taken:
        brought_in_by.setdefault(edge.left, edge)
        brought_in_by.setdefault(edge.right, edge)
    _table(connection, "merged_by_edges", {"entity": pa.int64(), "cluster": pa.int64()}, roots.items())
    reasons = ((entity, edge.link_class, edge.weight) for entity, edge in brought_in_by.items())
    _table(connection, "taken", {"entity": pa.int64(), "link_class": pa.string(), "weight": pa.decimal128(12, 6)}, reasons)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE merged AS SELECT e.entity, COALESCE(m.cluster, e.entity) AS cluster"
        " FROM entities AS e LEFT JOIN merged_by_edges AS m ON m.entity = e.entity"
    )
    return roots == again


def changed_if_linked_anew(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition, most_records: int, join_at: float) -> int:
    """Return how many records would have another person without `links_before` (rule L10); replaces `candidates`.

    Only links below `join_at` depend on it, and mostly there are none. A person is its lowest entity.
    """
    if not int(scalar(connection, "SELECT COUNT(*) FROM taken WHERE link_class = 'C' AND weight < $join_at", {"join_at": join_at})):
        return 0
    connection.execute("CREATE TEMP TABLE remembered AS SELECT * FROM links_before")
    connection.execute("DELETE FROM links_before")
    keep_unambiguous(connection, join_at)
    connection.execute("INSERT INTO links_before SELECT * FROM remembered")
    connection.execute("DROP TABLE remembered")
    roots, _ = constrained_merge(_constraints(connection, definition), _edges(connection), most_records)
    _table(connection, "anew", {"entity": pa.int64(), "cluster": pa.int64()}, roots.items())
    return int(
        scalar(
            connection,
            "SELECT COUNT(*) FROM members AS m JOIN merged AS g ON g.entity = m.entity LEFT JOIN anew AS a ON a.entity = m.entity"
            " WHERE COALESCE(a.cluster, m.entity) <> g.cluster",
        )
    )


def persons_at(
    connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition, most_records: int, tried: Mapping[str, float]
) -> dict[str, int]:
    """Return how many persons there are if a probable link needs so many bits, by the names in `tried` (rule L13)."""
    if not tried:
        return {}
    entities, every = _constraints(connection, definition), int(scalar(connection, "SELECT COUNT(*) FROM entities"))
    persons = {}
    for name, join_at in tried.items():
        keep_unambiguous(connection, join_at)
        persons[name] = every - len(constrained_merge(entities, _edges(connection), most_records)[1])
    return persons


def _edges(connection: duckdb.DuckDBPyConnection) -> list[Edge]:
    return [Edge(*row) for row in connection.execute("SELECT link_class, weight, left_entity, right_entity FROM candidates").fetchall()]


def _constraints(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition) -> dict[int, Cluster]:
    """Return what the merge must respect, of every entity that has an edge. Numbers of persons are replaced by ordinals."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE touched AS SELECT left_entity AS entity FROM edges UNION SELECT right_entity FROM edges"
    )
    rows = connection.execute(
        "SELECT entity, CASE WHEN anchor IS NULL THEN records ELSE 0 END, anchor IS NOT NULL, birth_on, is_year_only,"
        " sex, given_name, given_2, surname_1 FROM entities SEMI JOIN touched USING (entity) ORDER BY entity"
    ).fetchall()
    clusters = {
        entity: Cluster(
            records,
            is_anchored,
            {Birth(born, is_year_only)} if born else set(),
            profiles={Profile(*who)} if any(who[:2]) else set(),
        )
        for entity, records, is_anchored, born, is_year_only, *who in rows
    }
    numbers = connection.execute(
        "SELECT entity, key, dense_rank() OVER (ORDER BY key, value) FROM keys SEMI JOIN touched USING (entity)"
        " WHERE list_contains($strong, key)",
        {"strong": [key.role for key in definition.strong_keys[1:]]},
    ).fetchall()
    for entity, key, number in numbers:
        clusters[entity].numbers.add((key, number))
    partners = connection.execute(
        "SELECT DISTINCT entity, partner FROM members SEMI JOIN touched USING (entity) JOIN records USING (node)"
        " WHERE list_contains($alone, partner)",
        {"alone": definition.one_per_person},
    ).fetchall()
    for entity, partner in partners:
        clusters[entity].alone.add(partner)
    apart = connection.execute(sql(__package__, "decided_apart.sql")).fetchall()
    for number, *sides in apart:
        for side, entity in enumerate(sides):
            if entity in clusters:
                clusters[entity].numbers.add((f"decision {number}", side))
    return clusters


def make_cases(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition) -> None:
    """Create `case_clusters`, one row per record: its case, see cases.sql."""
    connection.execute("CREATE OR REPLACE TEMP TABLE anchor_strength (reference VARCHAR, strength INTEGER)")
    for strength, reference in enumerate(definition.case_anchor, start=1):
        connection.execute("INSERT INTO anchor_strength VALUES (?, ?)", [reference, strength])
    connection.execute(f"CREATE OR REPLACE TEMP TABLE case_clusters AS {sql(__package__, 'cases.sql')}", {"window": definition.case_window})


def _table(connection: duckdb.DuckDBPyConnection, name: str, columns: dict[str, pa.DataType], rows: Iterable[tuple[Any, ...]]) -> None:
    """Create the table `name` with `columns` and `rows`."""
    filled = pa.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in rows], schema=pa.schema(list(columns.items())))
    connection.register("filled", filled)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM filled")
    connection.unregister("filled")
