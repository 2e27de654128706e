"""Layer 1, identity as it is compared: names in plain letters and without prefixes, partial birth dates marked, no placeholders.

Reads the tables `identity` (one row per record, as delivered) and `merged_numbers`; creates `records` and `numbers`.
"""

from __future__ import annotations

import re

import duckdb
from text_unidecode import unidecode

from das_pipeline.engine import identifier, sql
from das_pipeline.linkage.definition import LinkageDefinition

_YEAR_ONLY = "COALESCE(month({0}) = 1 AND day({0}) = 1, false)"


def bare_number(value: str) -> str:
    """Return an expression: the text `value` without case and punctuation, as numbers of persons are compared."""
    return f"regexp_replace(upper({value}), '[^0-9A-Z]', '', 'g')"


def _make_names(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition) -> None:
    """Create `names`, one row per name as it is written anywhere in `identity`, with what of it is compared; NULL for "not known".

    Every letter counts as the plain ones that text_unidecode has for it (ø and o, ß and ss), then as `spellings` says. `bare` is the name
    without prefixes; `first_part` and `last_part` are those of a double name, with a hyphen or without; `words` are for given names.
    """
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE names AS SELECT surname AS written FROM identity WHERE surname IS NOT NULL"
        " UNION SELECT given_names FROM identity WHERE given_names IS NOT NULL"
    )
    rows = connection.execute(
        "SELECT DISTINCT unnest(regexp_extract_all(lower(nfc_normalize(written)), '[^[:ascii:]]')) FROM names ORDER BY ALL"
    ).fetchall()
    letters = {letter: definition.spellings.get(letter) or unidecode(letter).lower() for (letter,) in rows}
    prefixes = [re.sub(r"\W", "", word) for word in definition.surname_prefixes]
    respelled = "name"
    for written, compared in definition.spellings.items():
        if written.isascii():
            respelled = f"replace({respelled}, '{written}', '{compared}')"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE names AS
        WITH plain AS (
            SELECT written, CASE WHEN regexp_matches(written, '[^[:ascii:]]') THEN array_to_string(list_transform(
                    string_split(lower(nfc_normalize(written)), ''), lambda c: COALESCE(map($letters, $plain)[c], c)), '')
                ELSE lower(written) END AS name
            FROM names),
        cleaned AS (
            SELECT written, trim(regexp_replace(regexp_replace(regexp_replace(name, '[''`]', '', 'g'), '[^a-z-]+', ' ', 'g'),
                ' *-[ -]*', '-', 'g'), ' -') AS name
            FROM plain),
        known AS (
            SELECT written, {respelled} AS name FROM cleaned WHERE name <> '' AND NOT list_contains($missing, name)),
        bare AS (
            SELECT written, name, COALESCE(NULLIF(regexp_replace(name, $prefix, ''), ''), name) AS bare FROM known),
        parted AS (
            SELECT *, string_split_regex(name, '[ -]') AS words,
                CASE WHEN contains(bare, '-') THEN string_split(bare, '-') ELSE string_split(bare, ' ') END AS parts
            FROM bare)
        SELECT written, bare, words, parts[1] AS first_part,
            CASE WHEN len(parts) > 1 THEN COALESCE(NULLIF(regexp_replace(parts[-1], $prefix, ''), ''), parts[-1]) END AS last_part
        FROM parted
        """,
        {
            "letters": list(letters) or [""],
            "plain": list(letters.values()) or [""],
            "missing": definition.missing_names,
            "prefix": f"^(({'|'.join(prefixes)}) )+" if prefixes else "^$",
        },
    )


def standardise(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition) -> None:
    """Create `records`, one row each with its comparable profile, and `numbers`, one row per record and strong key.

    A number that its authority merged into another counts as that one.

    `node` numbers the records in the order of (unit, record_no), so that everything after it has a total order to fall back on.
    In every source seen, 1 January means that day and month are not known: such a birth date is compared by its year alone.
    """
    _make_names(connection, definition)
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE records AS
        SELECT i.node, i.unit, i.record_no, i.partner, i.is_person,
            s.bare AS surname, s.first_part AS surname_1, s.last_part AS surname_2,
            g.words[1] AS given_name, g.words[2] AS given_2, g.bare AS given_surname, left(g.words[1], 1) AS initial,
            i.birth_date AS birth_on, {_YEAR_ONLY.format("i.birth_date")} AS is_year_only, i.sex
        FROM identity AS i LEFT JOIN names AS s ON s.written = i.surname LEFT JOIN names AS g ON g.written = i.given_names
        """
    )
    connection.execute("CREATE OR REPLACE TEMP TABLE numbers (node BIGINT, role VARCHAR, value VARCHAR)")
    for key in definition.strong_keys:
        connection.execute(
            f"""
            INSERT INTO numbers
            WITH held AS (
                SELECT i.node, {bare_number(f"i.{identifier(key.role)}")} AS value FROM identity AS i)
            SELECT h.node, $role, COALESCE(m.leading_number, h.value)
            FROM held AS h LEFT JOIN merged_numbers AS m ON m.role = $role AND m.number = h.value
            WHERE h.value <> '' AND NOT list_contains($sentinels, h.value) ORDER BY h.node
            """,
            {"role": key.role, "sentinels": key.sentinels},
        )


def set_placeholders_apart(connection: duckdb.DuckDBPyConnection, definition: LinkageDefinition) -> None:
    """Move the numbers of placeholders from `numbers` to `doubtful_numbers` (rule K05), which is created."""
    connection.execute("CREATE OR REPLACE TEMP TABLE placeholders (role VARCHAR, value VARCHAR, records BIGINT)")
    for key in definition.strong_keys:
        connection.execute(
            f"INSERT INTO placeholders {sql(__package__, 'placeholders.sql')}", {"role": key.role, "max_profiles": key.max_profiles}
        )
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE doubtful_numbers AS
        SELECT 'K05' AS rule, n.role, n.value, r.unit, r.record_no
        FROM numbers AS n JOIN placeholders AS p ON p.role = n.role AND p.value = n.value JOIN records AS r ON r.node = n.node"""
    )
    connection.execute("DELETE FROM numbers WHERE (role, value) IN (SELECT (role, value) FROM placeholders)")
