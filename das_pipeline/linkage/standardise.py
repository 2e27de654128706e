"""Layer 1, identity as it is compared: names without accents, prefixes and double parts, partial birth dates marked, no placeholders.

Reads the tables `identity` (one row per record, as delivered) and `merged_numbers`; creates `records` and `numbers`.
"""

from __future__ import annotations

import re

import duckdb

from das_pipeline.engine import identifier, sql
from das_pipeline.linkage.definition import LinkageDefinition

_NAME = "NULLIF(trim(regexp_replace(lower(strip_accents({0})), '[^\\p{{L}}-]+', ' ', 'g'), ' -'), '')"


def bare_number(value: str) -> str:
    """Return an expression: the text `value` without case and punctuation, as numbers of persons are compared."""
    return f"regexp_replace(upper({value}), '[^0-9A-Z]', '', 'g')"


def standardise(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition) -> None:
    """Create `records`, one row each with its comparable profile, and `numbers`, one row per record and strong key that is no placeholder.

    The records of placeholders are in `doubtful_numbers` (rule K05).

    A number that its authority merged into another counts as that one.

    `node` numbers the records in the order of (unit, record_no), so that everything after it has a total order to fall back on.
    In every source seen, 1 January means that day and month are not known: such a birth date is compared by its year alone.
    """
    prefixes = [re.sub(r"\W", "", word) for word in definition.surname_prefixes]
    prefix = f"^(({'|'.join(prefixes)}) )+" if prefixes else "^$"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE records AS
        WITH cleaned AS (
            SELECT row_number() OVER (ORDER BY unit, record_no) AS node, unit, record_no, partner, is_person,
                {_NAME.format("surname")} AS full_surname, {_NAME.format("given_names")} AS given_names, birth_date AS birth_on, sex
            FROM identity),
        bare AS (SELECT *, COALESCE(NULLIF(trim(regexp_replace(full_surname, $prefix, '')), ''), full_surname) AS surname FROM cleaned),
        parted AS (
            SELECT *, NULLIF(trim(split_part(surname, '-', 1)), '') AS surname_1,
                NULLIF(trim(regexp_replace(trim(split_part(surname, '-', 2)), $prefix, '')), '') AS surname_2,
                NULLIF(trim(split_part(replace(given_names, '-', ' '), ' ', 1)), '') AS given_name
            FROM bare)
        SELECT node, unit, record_no, partner, is_person, surname, surname_1, surname_2, given_name,
            left(given_name, 1) AS initial, birth_on, COALESCE(month(birth_on) = 1 AND day(birth_on) = 1, false) AS is_year_only, sex
        FROM parted
        """,
        {"prefix": prefix},
    )
    connection.execute("CREATE OR REPLACE TEMP TABLE numbers (node BIGINT, role VARCHAR, value VARCHAR)")
    connection.execute("CREATE OR REPLACE TEMP TABLE placeholders (role VARCHAR, value VARCHAR, records BIGINT)")
    for key in definition.strong_keys:
        parameters = {"role": key.role}
        connection.execute(
            f"""
            INSERT INTO numbers
            WITH held AS (
                SELECT r.node, {bare_number(f"i.{identifier(key.role)}")} AS value
                FROM identity AS i JOIN records AS r ON r.unit = i.unit AND r.record_no = i.record_no)
            SELECT h.node, $role, COALESCE(m.leading_number, h.value)
            FROM held AS h LEFT JOIN merged_numbers AS m ON m.role = $role AND m.number = h.value
            WHERE h.value <> '' AND NOT list_contains($sentinels, h.value) ORDER BY h.node
            """,
            parameters | {"sentinels": key.sentinels},
        )
        connection.execute(
            f"INSERT INTO placeholders {sql(__package__, 'placeholders.sql')}", parameters | {"max_profiles": key.max_profiles}
        )
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE doubtful_numbers AS
        SELECT 'K05' AS rule, n.role, n.value, r.unit, r.record_no
        FROM numbers AS n JOIN placeholders AS p ON p.role = n.role AND p.value = n.value JOIN records AS r ON r.node = n.node"""
    )
    connection.execute("DELETE FROM numbers WHERE (role, value) IN (SELECT (role, value) FROM placeholders)")
