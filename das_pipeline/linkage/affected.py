"""What of `identifying/entities` a day can change: only that is resolved anew, and the rest stays as it was.

- `touched` (unit, record_no; node): records that were delivered, withdrawn or decided on since, or whose number was merged.
- `core` (node): all that has another entity, or another profile, if a touched record changes. These are the records that hold a number
  with a touched one, or held one; who shares a value with any of those, for it may turn out that their number was mistyped, and so is who
  holds a number one edit away and was born on the same day; and whoever is or was one entity with them.
- `context` (node): core and all who share a value with it. With these, core is resolved as if every record were there.
- `near` (entity): the entities of core, as they were and as they are, and those that share a value with them. Edges between these by key,
  and all their edges by name, are drawn anew; `wide` are those that it takes to know the hubs of their values.

A value is a number or a reference. All is exact, not an estimate: tests compare it with resolving everything.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from das_pipeline import layered
from das_pipeline.deliveries import Contract, touched_since
from das_pipeline.engine import create_table, sql
from das_pipeline.lake import Version
from das_pipeline.linkage.compare import one_edit_apart
from das_pipeline.run import Run


def find_touched(run: Run, connection: duckdb.DuckDBPyConnection, contracts: Sequence[Contract], base: Version) -> None:
    """Create `touched` (unit, record_no), from the deliveries since `base`, `merged_numbers`, `decisions` and the tables `before_*`."""
    create_table(connection, "touched", "unit VARCHAR, record_no BIGINT", [])
    for contract in contracts:
        delivered = run.lake.live(f"deliveries/{contract.partner}")
        rows = touched_since(delivered, contract.file, base.facts["base"]["deliveries"][contract.partner])
        if rows is not None:
            connection.execute(f"INSERT INTO touched SELECT '{contract.unit}', record_no FROM {rows}")
    add_merged_and_decided(connection)


def add_merged_and_decided(connection: duckdb.DuckDBPyConnection) -> None:
    """Add to `touched` who has a number that was merged since, or no longer is, and records that a person decided on, now or before."""
    connection.execute(f"INSERT INTO touched {sql(__package__, 'touched.sql')}")


def find_core(connection: duckdb.DuckDBPyConnection, first_role: str) -> bool:
    """Create `touched_nodes`, `core` and `context`; return False when they are so many that resolving everything costs no more.

    Reads the tables `before_*`, and `records`, `numbers` and `case_references` of what was touched, as it is now.
    """
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE touched_nodes AS"
        " SELECT DISTINCT u.first_node + t.record_no AS node FROM touched AS t JOIN units AS u ON u.unit = t.unit"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE held AS {sql(__package__, 'held.sql')}")
    connection.execute("CREATE OR REPLACE TEMP TABLE reached AS SELECT node FROM touched_nodes")
    _add_mates(connection)
    _add_holders(connection, [first_role])
    _add_mates(connection)
    _add_one_edit_apart(connection, first_role)
    _add_holders(connection)
    _add_holders(connection, [first_role])
    _add_mates(connection)
    connection.execute("CREATE OR REPLACE TEMP TABLE core AS SELECT node FROM reached")
    _add_one_edit_apart(connection, first_role)
    _add_holders(connection)
    _add_holders(connection, [first_role])
    connection.execute("CREATE OR REPLACE TEMP TABLE context AS SELECT node FROM reached")
    in_context, records = connection.execute("SELECT (SELECT COUNT(*) FROM context), (SELECT COUNT(*) FROM before_records)").fetchall()[0]
    return in_context <= layered.LARGEST * records


def _add(connection: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, object] | None = None) -> None:
    """Add the nodes of `query` to `reached`."""
    connection.execute(
        f"INSERT INTO reached SELECT DISTINCT f.node FROM ({query}) AS f ANTI JOIN reached AS r ON r.node = f.node", parameters or {}
    )


def _add_holders(connection: duckdb.DuckDBPyConnection, keys: Sequence[str] = ()) -> None:
    """Add who has a value of one of `keys`, or of any, in common with those that were reached, now or before."""
    of_keys = "WHERE list_contains($keys, h.key)" if keys else ""
    _add(
        connection,
        f"""
        SELECT o.node FROM held AS o
        SEMI JOIN (SELECT DISTINCT h.key, h.value FROM held AS h SEMI JOIN reached AS r ON r.node = h.node {of_keys}) AS v
            ON v.key = o.key AND v.value = o.value""",
        {"keys": list(keys)} if keys else {},
    )


def _add_mates(connection: duckdb.DuckDBPyConnection) -> None:
    """Add who was one entity with those that were reached."""
    _add(
        connection,
        """
        SELECT m.node FROM before_members AS m
        SEMI JOIN (SELECT o.entity FROM before_members AS o SEMI JOIN reached AS r ON r.node = o.node) AS e ON e.entity = m.entity""",
    )


def _add_one_edit_apart(connection: duckdb.DuckDBPyConnection, first_role: str) -> None:
    """Add who was born on the same day as somebody reached and has a number one edit away, now or before."""
    _add(
        connection,
        f"""
        WITH born AS (
            SELECT r.node, r.birth_on, h.value
            FROM (SELECT node, birth_on FROM before_records UNION SELECT node, birth_on FROM records) AS r
            JOIN held AS h ON h.node = r.node AND h.key = $role
            WHERE r.birth_on IS NOT NULL)
        SELECT o.node FROM born AS o
        JOIN (SELECT DISTINCT b.birth_on, b.value FROM born AS b SEMI JOIN reached AS r ON r.node = b.node) AS b
            ON b.birth_on = o.birth_on AND {one_edit_apart("b.value", "o.value")}""",
        {"role": first_role},
    )


def add_context(connection: duckdb.DuckDBPyConnection) -> None:
    """Add what is known of the records of `context` that were not touched to `records`, `numbers` and `case_references`."""
    untouched = "SEMI JOIN context AS c ON c.node = b.node ANTI JOIN touched_nodes AS t ON t.node = b.node"
    for table in ("records", "numbers", "case_references"):
        connection.execute(f"INSERT INTO {table} SELECT b.* FROM before_{table} AS b {untouched}")
    connection.execute(
        f"""
        INSERT INTO numbers
        SELECT b.node, b.role, b.value
        FROM (SELECT u.first_node + d.record_no AS node, d.role, d.value
            FROM before_doubtful_numbers AS d JOIN units AS u ON u.unit = d.unit WHERE d.rule = 'K05') AS b {untouched}
        """
    )


def find_near(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `moved`, `near` and `wide`, and bring `keys`, `entities`, `members` and `numbers` to what they are of these entities.

    Before, these tables have what was resolved in `context`, of which only that of `core` is right. `moved` are the entities of core, as
    they were and as they are.
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE moved AS {sql(__package__, 'moved.sql')}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE moved_values AS {sql(__package__, 'moved_values.sql')}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE near AS {sql(__package__, 'near.sql')}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE wide AS {sql(__package__, 'wide.sql')}")
    unmoved = "SEMI JOIN wide AS w ON w.entity = b.entity ANTI JOIN moved AS m ON m.entity = b.entity"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE keys AS
        WITH sure AS (
            SELECT p.key, p.value, bool_or(p.is_sure) AS is_sure
            FROM person_references AS p SEMI JOIN moved_values AS v ON v.key = p.key AND v.value = p.value GROUP BY p.key, p.value)
        SELECT k.* FROM keys AS k SEMI JOIN moved AS m ON m.entity = k.entity
        UNION ALL
        SELECT b.entity, b.key, b.value, COALESCE(s.is_sure, b.is_sure) AS is_sure
        FROM (SELECT b.* FROM before_keys AS b {unmoved}) AS b LEFT JOIN sure AS s ON s.key = b.key AND s.value = b.value
        """
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE entities AS
        SELECT e.* FROM entities AS e SEMI JOIN moved AS m ON m.entity = e.entity
        UNION ALL SELECT b.* FROM before_entities AS b {unmoved}
        """
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE members AS
        SELECT m.* FROM members AS m SEMI JOIN core AS c ON c.node = m.node
        UNION ALL SELECT b.* FROM before_members AS b {unmoved}
        """
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE numbers AS {sql(__package__, 'near_numbers.sql')}")


def keep_rest(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring `doubtful_numbers` and `false_names`, which are small, to what they are of all, and `edges` to those between near entities.

    Create `every_entity`, all entities as they are, with `is_near`.
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE doubtful_numbers AS {sql(__package__, 'kept_doubts.sql')}")
    both = "SEMI JOIN near AS n ON n.entity = {0}.{1} SEMI JOIN near AS o ON o.entity = {0}.{2}"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE false_names AS
        SELECT f.* FROM false_names AS f {both.format("f", "entity", "other")}
        UNION ALL
        SELECT b.* FROM before_false_names AS b
        ANTI JOIN (SELECT b.* FROM before_false_names AS b {both.format("b", "entity", "other")}) AS f
            ON f.entity = b.entity AND f.other = b.other
        """
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE edges AS SELECT e.* FROM edges AS e {both.format('e', 'left_entity', 'right_entity')}"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE every_entity AS {sql(__package__, 'every_entity.sql')}")


def keep_edges(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `redrawn` (left_entity), whose edges are written again, and add to `edges` those of theirs that stay as they were.

    Create `affected` (entity): those of touched records, those that are not what they were, or of which an edge is gone, new or another.
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE gone AS {sql(__package__, 'gone.sql')}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE affected AS {sql(__package__, 'affected.sql')}")
    connection.execute("CREATE OR REPLACE TEMP TABLE redrawn AS SELECT left_entity FROM gone UNION SELECT left_entity FROM edges")
    connection.execute(f"INSERT INTO edges {sql(__package__, 'kept_edges.sql')}")
