"""What a delivered file looks like in counts, so that the next ones can be compared with it: rows, filled cells, and rows by code.

A profile has one row per file (`column` is ''), per column (`code` is NULL: its filled cells) and per code that stands in the column's code
list or contract; what is not listed there counts together, as the code ''. Columns that the contract does not know are a code of the file.
`declared` and `listed` are short hashes of what the contract says of it and of its code list and mapping, so that a change of ours is known
from one of the partner's.
"""

from __future__ import annotations

import hashlib

import duckdb

from das_pipeline.deliveries.column import Column
from das_pipeline.deliveries.contract import Contract
from das_pipeline.deliveries.opened import Intake, Opened
from das_pipeline.jurisdiction import Jurisdiction

COLUMNS = 'delivery VARCHAR, file VARCHAR, "column" VARCHAR, code VARCHAR, rows BIGINT, declared VARCHAR, listed VARCHAR'
CODES = ("code", "label", "valid_from", "valid_until", "kind")


def create_profile(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the table `profile`, empty."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE profile ({COLUMNS})")


def add_profile(intake: Intake, opened: Opened) -> None:
    """Add to `profile` what `delivered_rows` looks like: its rows without a fault that are no withdrawals."""
    contract, jurisdiction = opened.contract, intake.run.jurisdiction
    columns = [c for c in contract.columns if c.name in opened.header.positions]
    coded = [c for c in columns if c.privacy in {"none", "indirect"} and (c.concept is not None or c.one_of)]
    filled = ", ".join(["COUNT(*)", *(f"COUNT({c.name})" for c in columns)])
    by_code = "".join(
        f"""
    UNION ALL
    SELECT '{c.name}', CASE WHEN list_contains(codes['{c.name}'], {c.name}) THEN {c.name} ELSE '' END, rows, '', ''
    FROM (SELECT CAST({c.name} AS VARCHAR) AS {c.name}, COUNT(*) AS rows FROM whole WHERE {c.name} IS NOT NULL GROUP BY 1), lists"""
        for c in coded
    )
    by_code += "\n    UNION ALL SELECT '', 'unknown columns', $unknown, '', ''"
    intake.connection.execute(
        f"""INSERT INTO profile
WITH whole AS (
    SELECT * FROM delivered_rows
    WHERE len(faults) = 0 AND NOT is_withdrawal AND line_no NOT IN (SELECT line_no FROM faults)),
lists AS (SELECT $codes AS codes),
counted AS (
    SELECT unnest($columns) AS "column", CAST(NULL AS VARCHAR) AS code, unnest([{filled}]) AS rows, unnest($declared) AS declared,
        unnest($listed) AS listed
    FROM whole{by_code})
SELECT $delivery, $file, "column", code, SUM(rows), MAX(declared), MAX(listed) FROM counted GROUP BY "column", code""",
        {
            "delivery": intake.original.manifest.delivery,
            "file": contract.file,
            "unknown": opened.header.unknown,
            "columns": ["", *(c.name for c in columns)],
            "declared": [_hash(contract.version), *(_declared(contract, c) for c in columns)],
            "listed": ["", *(_listed(jurisdiction, c) for c in columns)],
            "codes": {c.name: _codes(jurisdiction, c) for c in coded} or {"": []},
        },
    )


def _codes(jurisdiction: Jurisdiction, column: Column) -> list[str]:
    """The codes that may be named: those of the contract, or of the code list."""
    if column.concept is None:
        return [str(value) for value in column.one_of]
    return [line["code"] for file in _list_files(jurisdiction, column)[:1] for line in jurisdiction.csv(file, CODES)]


def _declared(contract: Contract, column: Column) -> str:
    """A hash of all that says how the values of a column are read."""
    return _hash(contract.format.model_dump_json(), column.model_dump_json(exclude={"description"}))


def _listed(jurisdiction: Jurisdiction, column: Column) -> str:
    """A hash of the code list and the mapping of a column."""
    return _hash(*map(jurisdiction.text, _list_files(jurisdiction, column)))


def _list_files(jurisdiction: Jurisdiction, column: Column) -> list[str]:
    name = column.concept.list if column.concept else ""
    return [f for folder in ("codes", "mappings") for f in jurisdiction.files(f"terminology/{folder}/{name}.csv") if name]


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]
