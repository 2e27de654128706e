"""The gate of linkage: rules L01, L04, L05, L08 and L14, and the link rates that the interface shows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from das_pipeline import engine
from das_pipeline.deliveries import CHECKS, Contract, mask_pattern, register_records
from das_pipeline.gate import Verdict
from das_pipeline.lake import Draft
from das_pipeline.linkage.compare import born_apart
from das_pipeline.linkage.definition import LinkageDefinition
from das_pipeline.run import Run

MIN_MASK = 5  # shorter patterns match any count
# All the words and dates that may leave: anything else in a text or date column is a hit of L14.
DATES = {"date", "vintage"}
WORDS = {"A", "B", "C", "D", "S", "person", "case", "birth", "merge", "split", "end", "return"}


def read_in_force(run: Run, connection: duckdb.DuckDBPyConnection, contracts: Iterable[Contract]) -> None:
    """`in_force`: the records of the deliveries on the run's date, read anew: what linkage made of them is judged against it."""
    connection.execute("CREATE OR REPLACE TEMP TABLE in_force (unit VARCHAR, record_no BIGINT)")
    for contract in contracts:
        view = register_records(run, connection, contract.partner, contract.file, half="content")
        connection.execute(
            f"INSERT INTO in_force SELECT DISTINCT $unit, record_no FROM {view} WHERE known_from <= $as_of AND $as_of < known_until",
            {"unit": contract.unit, "as_of": run.as_of},
        )


def every_record_is_linked(connection: duckdb.DuckDBPyConnection) -> Verdict:
    """L01: each record in force has one row in `links`, with one case id, and one person id when its unit is about persons."""
    records, missing, doubled, idless = connection.execute(
        """
        WITH expected AS (SELECT DISTINCT unit, record_no FROM in_force),
        found AS (SELECT unit, record_no, COUNT(*) AS n FROM links GROUP BY unit, record_no),
        about_persons AS (SELECT DISTINCT unit FROM records WHERE is_person)
        SELECT (SELECT COUNT(*) FROM expected),
            (SELECT COUNT(*) FROM expected AS e FULL JOIN found AS f ON f.unit = e.unit AND f.record_no = e.record_no
                WHERE e.unit IS NULL OR f.unit IS NULL),
            (SELECT COUNT(*) FROM found WHERE n > 1),
            (SELECT COUNT(*) FROM links WHERE case_id IS NULL OR (person_id IS NULL AND unit IN (SELECT unit FROM about_persons)))
        """
    ).fetchall()[0]
    failed = missing + doubled + idless
    sentence = f"Each of {records} records has its case, and its person where it is about one."
    if failed:
        sentence = (
            f"{missing} records are not both in the deliveries and in the links, {doubled} are linked twice and {idless} lack an id:"
            " materialise identifying/entities again, and report it when it stays."
        )
    facts: dict[str, int | float | str] = {"records": records, "missing": missing, "doubled": doubled, "without_id": idless}
    return Verdict("L01", not failed, sentence, facts=facts)


def cluster_is_one_person(connection: duckdb.DuckDBPyConnection) -> Verdict:
    """L04: no person has two verified numbers of the first key, or two birth dates beyond tolerance."""
    numbers, births = connection.execute(
        f"""
        WITH placed AS (SELECT g.cluster, e.* FROM merged AS g JOIN entities AS e ON e.entity = g.entity)
        SELECT (SELECT COUNT(*) FROM (SELECT cluster FROM placed GROUP BY cluster HAVING COUNT(DISTINCT anchor) > 1)),
            (SELECT COUNT(DISTINCT l.cluster) FROM placed AS l JOIN placed AS r ON r.cluster = l.cluster AND l.entity < r.entity
                WHERE {born_apart("l", "r")})
            + (SELECT COUNT(DISTINCT r.entity)
                FROM members AS m JOIN records AS l ON l.node = m.node JOIN entities AS r ON r.entity = m.entity
                WHERE {born_apart("l", "r")})
        """
    ).fetchall()[0]
    sentence = "No person has two verified numbers or two birth dates beyond tolerance."
    if numbers + births:
        sentence = (
            f"{numbers} persons have two verified numbers and {births} two birth dates beyond tolerance: these links cannot be right."
            " Look at what changed in linkage.yaml or in the stored model."
        )
    return Verdict("L04", not numbers + births, sentence, facts={"two_numbers": numbers, "two_births": births})


def cluster_is_small(connection: duckdb.DuckDBPyConnection, most: int) -> Verdict:
    """L05: what is held together by something else than a verified number is small."""
    largest, above = connection.execute(
        """
        WITH sizes AS (SELECT person_id, COUNT(*) AS records, SUM(CASE WHEN link_class = 'A' THEN 0 ELSE 1 END) AS unverified
            FROM links WHERE person_id IS NOT NULL GROUP BY person_id)
        SELECT COALESCE(MAX(records), 0), COUNT(*) FILTER (WHERE unverified > $limit) FROM sizes
        """,
        {"limit": most},
    ).fetchall()[0]
    sentence = f"No person has more than {most} records without a verified number."
    if above:
        sentence = f"{above} persons have more than {most} records without a verified number: look for a placeholder value."
    return Verdict("L05", not above, sentence, facts={"largest": largest, "above": above})


def linkage_is_repeatable(is_stable: bool) -> Verdict:
    """L08: the same entities and edges in another order gave the same persons."""
    sentence = "The same edges in another order give the same persons."
    if not is_stable:
        sentence = "The same edges in another order gave other persons: a tie is not broken. This is a mistake in the code, report it."
    return Verdict("L08", is_stable, sentence)


def no_identifier_leaves(
    connection: duckdb.DuckDBPyConnection, folder: Path, contracts: Sequence[Contract], definition: LinkageDefinition
) -> Verdict:
    """L14: no column in `folder` is a direct identifier by name, by its words, or by its numbers; nor is a word of its JSON files.

    Whole numbers may not look like the numbers of the contracts: half of them passing the check digit, or being one of the numbers
    delivered (one in eleven passes by chance).
    """
    named = {column.name for contract in contracts for column in contract.direct} | {key.role for key in definition.strong_keys}
    words = WORDS | {contract.unit for contract in contracts} | set(definition.references)
    checks = sorted({column.check for contract in contracts for column in contract.direct if column.check})
    masks = sorted({mask_pattern(c.mask) for contract in contracts for c in contract.direct if c.mask and len(c.mask) >= MIN_MASK})
    hits: set[str] = set()
    for path in sorted(folder.rglob("*.parquet")):
        table = engine.parquet([path])
        for name, kind, *_ in connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall():
            place = f"{path.stem}.{name}"
            if name in named or (kind == "DATE" and name not in DATES):
                hits.add(place)
            elif kind == "VARCHAR":
                found = connection.execute(f'SELECT DISTINCT "{name}" FROM {table} WHERE "{name}" IS NOT NULL').fetchall()
                if {word for (word,) in found} - words:
                    hits.add(place)
            elif kind in {"BIGINT", "INTEGER", "SMALLINT", "HUGEINT"} and looks_like_numbers(connection, table, name, checks):
                hits.add(place)
    for path in sorted(folder.rglob("*.json")):
        if any(re.fullmatch(mask, word) for word in re.findall(r"\w+", path.read_text(encoding="utf-8")) for mask in masks):
            hits.add(path.name)
    sentence = "No direct identifier is in what leaves the identifying zone."
    if hits:
        sentence = f"Direct identifiers may be in {', '.join(sorted(hits))}: take them out of what is written. Nothing of it is read."
    return Verdict("L14", not hits, sentence, facts={"places": len(hits)})


def looks_like_numbers(connection: duckdb.DuckDBPyConnection, table: str, column: str, checks: Sequence[str]) -> bool:
    """Whether half or more of the different whole numbers in a column are numbers of persons: delivered ones, or of their check digit."""
    known = "SELECT ltrim(value, '0') FROM numbers UNION SELECT ltrim(number, '0') FROM merged_numbers"
    tests = [f"value IN ({known})", *(CHECKS[check]("value") for check in checks)]
    values, alike = connection.execute(
        f"""WITH seen AS (SELECT DISTINCT CAST("{column}" AS VARCHAR) AS value FROM {table} WHERE "{column}" IS NOT NULL)
        SELECT COUNT(*), COUNT(*) FILTER (WHERE {" OR ".join(tests)}) FROM seen"""
    ).fetchall()[0]
    return values > 0 and alike * 2 >= values


def link_rates(connection: duckdb.DuckDBPyConnection, least: int) -> dict[str, float]:
    """By partner, the share of its records that are about a person whom another partner knows too; over `least` records or more."""
    rows = connection.execute(
        """
        WITH known AS (SELECT person, COUNT(DISTINCT partner) AS partners FROM people WHERE person IS NOT NULL GROUP BY person)
        SELECT p.partner, COUNT(*), COUNT(*) FILTER (WHERE k.partners > 1)
        FROM people AS p JOIN known AS k ON k.person = p.person GROUP BY p.partner HAVING COUNT(*) >= $least ORDER BY p.partner
        """,
        {"least": least},
    ).fetchall()
    return {partner: round(linked / records, 4) for partner, records, linked in rows}


def write_quality(draft: Draft, facts: dict[str, Any]) -> None:
    """quality.json: link rates and classes, without anything about a single person."""
    draft.path("quality.json").write_text(json.dumps(facts, sort_keys=True, indent=1), encoding="utf-8")
