"""How far what changed in `identifying/entities` reaches: which persons and cases are made anew, so that all others stay as they were.

- `joined` (entity): those that changed, all that edges lead to from them, and all who were one person with any of these. Whether they are
  one person is decided anew.
- `recased` (node): the records of these, those that a delivery touched, who shares a case reference with any of them, or did, all records
  of their persons, and all of the cases that any of these had. Their cases are made anew.
- `seen` (node): these, and those that the cases of recased may have in common with others: what is read to make them.

Outside, nothing that a person or a case is made from is another than it was. Tests compare the links with those made of everything.
"""

from __future__ import annotations

import duckdb

from das_pipeline import layered
from das_pipeline.engine import scalar, sql


def find_joined(connection: duckdb.DuckDBPyConnection) -> bool:
    """Create `joined` from `affected` and the views `whole_*`; return False when that is so much that all is to be linked anew."""
    connection.execute("CREATE OR REPLACE TEMP TABLE joined AS SELECT entity FROM affected")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE persons_before AS {sql(__package__, 'persons_before.sql')}")
    found = 1
    while found:
        found = connection.execute(f"INSERT INTO joined {sql(__package__, 'joined.sql')}").fetchall()[0][0]
    many, all_of_them = connection.execute("SELECT (SELECT COUNT(*) FROM joined), (SELECT COUNT(*) FROM whole_entities)").fetchall()[0]
    return many <= layered.LARGEST * all_of_them


def find_recased(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `joined_nodes`, `recased` and `seen`, from `joined`, `delivered` (node), `links_before` and the views `whole_*`.

    The nodes of records that are no longer in force are among them.
    """
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE joined_nodes AS SELECT m.node FROM whole_members AS m SEMI JOIN joined AS j ON j.entity = m.entity"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE placed_before AS {sql(__package__, 'placed_before.sql')}")
    connection.execute("CREATE OR REPLACE TEMP TABLE reached AS SELECT node FROM joined_nodes UNION SELECT node FROM delivered")
    _add_mates(connection, "case_id")  # who was of one case with a record that is gone, or names another case now
    _add_sharing(connection)
    _add_mates(connection, "person_id")
    _add_mates(connection, "case_id")
    connection.execute("CREATE OR REPLACE TEMP TABLE recased AS SELECT node FROM reached")
    for _ in range(2):  # a name of a case leads by a stronger reference to the name that counts, and by that to who has it
        _add_sharing(connection)
        _add_mates(connection, "person_id")
    connection.execute("CREATE OR REPLACE TEMP TABLE seen AS SELECT node FROM reached")


def _add_sharing(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"INSERT INTO reached {sql(__package__, 'sharing.sql')}")


def _add_mates(connection: duckdb.DuckDBPyConnection, kind: str) -> None:
    connection.execute(
        f"""
        INSERT INTO reached
        SELECT DISTINCT p.node FROM placed_before AS p
        SEMI JOIN (SELECT q.{kind} FROM placed_before AS q SEMI JOIN reached AS r ON r.node = q.node WHERE q.{kind} IS NOT NULL) AS o
            ON o.{kind} = p.{kind}
        ANTI JOIN reached AS r ON r.node = p.node
        """
    )


def read_reached(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables that linking reads, of what is to be linked anew: the persons in `joined`, and the cases in `seen`."""
    parts = {
        "records": "SELECT w.* FROM whole_records AS w SEMI JOIN seen AS s ON s.node = w.node",
        "case_references": "SELECT w.* FROM whole_case_references AS w SEMI JOIN seen AS s ON s.node = w.node",
        "members": "SELECT w.* FROM whole_members AS w SEMI JOIN joined AS j ON j.entity = w.entity",
        "entities": "SELECT w.* FROM whole_entities AS w SEMI JOIN joined AS j ON j.entity = w.entity",
        "edges": "SELECT w.* FROM whole_edges AS w SEMI JOIN joined AS j ON j.entity = w.left_entity",
        "keys": """SELECT w.* FROM whole_keys AS w SEMI JOIN joined AS j ON j.entity = w.entity
            UNION ALL SELECT w.* FROM whole_keys AS w
            SEMI JOIN case_references AS c ON c.reference = w.key AND c.value = w.value ANTI JOIN joined AS j ON j.entity = w.entity""",
        "decided": "SELECT * FROM whole_decided",
        "merged_numbers": "SELECT * FROM whole_merged_numbers",
    }
    for name, query in parts.items():
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")


def keep_people(connection: duckdb.DuckDBPyConnection, links: str) -> None:
    """Complete `people` with the persons, in `links` (a relation), of the records that were not joined anew."""
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE people AS
        WITH kept AS (
            SELECT p.node, MIN(p.node) OVER (PARTITION BY l.person_id) AS person, l.link_class, l.weight
            FROM people AS p JOIN {links} AS l ON l.unit = p.unit AND l.record_no = p.record_no
            ANTI JOIN joined_nodes AS j ON j.node = p.node WHERE l.person_id IS NOT NULL)
        SELECT p.node, p.unit, p.record_no, p.partner, COALESCE(p.person, k.person) AS person,
            COALESCE(p.link_class, k.link_class) AS link_class, COALESCE(p.weight, k.weight) AS weight
        FROM people AS p LEFT JOIN kept AS k ON k.node = p.node
        """
    )


def keep_links(connection: duckdb.DuckDBPyConnection, links: str) -> None:
    """Bring `links` to the records in `recased`; those that were not joined anew have their person of `links` (a relation).

    Create `relinked` and `aged` (unit, record_no), whose links and whose ages are written again.
    """
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE links AS
        SELECT l.unit, l.record_no, COALESCE(l.person_id, b.person_id) AS person_id, l.case_id, l.link_class, l.weight
        FROM links AS l JOIN records AS r ON r.unit = l.unit AND r.record_no = l.record_no SEMI JOIN recased AS c ON c.node = r.node
        LEFT JOIN {links} AS b ON b.unit = l.unit AND b.record_no = l.record_no
        """
    )
    for name, nodes in (("relinked", "recased"), ("aged", "joined_nodes")):
        connection.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE {name} AS
            WITH nodes AS (SELECT node FROM {nodes} UNION SELECT node FROM delivered)
            SELECT p.unit, p.record_no FROM placed_before AS p SEMI JOIN nodes AS n ON n.node = p.node
            UNION SELECT r.unit, r.record_no FROM records AS r SEMI JOIN nodes AS n ON n.node = r.node
            """
        )


def kept_by_memory(connection: duckdb.DuckDBPyConnection, links: str, join_at: float) -> int:
    """Return how many records that are not linked again have a link, in `links` (a relation), of too few bits for a new one."""
    query = f"""
        SELECT COUNT(*) FROM {links} AS l ANTI JOIN relinked AS r ON r.unit = l.unit AND r.record_no = l.record_no
        WHERE l.link_class = 'C' AND l.weight < $join_at"""
    return int(scalar(connection, query, {"join_at": join_at}))


def limit_before(connection: duckdb.DuckDBPyConnection, nodes: str) -> None:
    """Bring `links_before` to the records in `nodes`, a relation, and those that were not in force: only their ids can change."""
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE links_before AS
        SELECT p.unit, p.record_no, p.person_id, p.case_id, p.is_in_force
        FROM placed_before AS p LEFT JOIN {nodes} AS n ON n.node = p.node
        WHERE n.node IS NOT NULL OR NOT p.is_in_force
        """
    )
