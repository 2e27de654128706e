"""What must be true of persons, cases and what leaves the identifying zone: rules K04, K05, L01, L04, L05, L07,
L08, L12, L14 and L15."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import duckdb

from das_pipeline import engine
from das_pipeline.deliveries import CheckDigits, Contract, mask_pattern, passes, register_records
from das_pipeline.gate import Verdict
from das_pipeline.linkage.compare import born_apart, of_twins
from das_pipeline.linkage.definition import LinkageDefinition
from das_pipeline.linkage.sources import within
from das_pipeline.run import Run

NAMED = 10  # how many records a sentence names
MIN_MASK = 5  # shorter patterns match any count
# The only words and date columns that may leave: anything else in a text or date column breaks L14.
DATES = {"date", "vintage", "since"}
WORDS = {"A", "B", "C", "D", "S", "person", "case", "birth", "merge", "split", "move", "end", "return"}


def read_in_force(run: Run, connection: duckdb.DuckDBPyConnection, contracts: Iterable[Contract], only: str | None = None) -> None:
    """Create `in_force`, the records of the deliveries on the run's date, read again: the links are judged against it.

    `only` names a table (unit, record_no) of the records to read; None: all.
    """
    connection.execute("CREATE OR REPLACE TEMP TABLE in_force (unit VARCHAR, record_no BIGINT)")
    for contract in contracts:
        view = register_records(run, connection, contract.partner, contract.file, only=within(contract, only))
        connection.execute(
            f"INSERT INTO in_force SELECT DISTINCT $unit, record_no FROM {view} WHERE known_from <= $as_of AND $as_of < known_until",
            {"unit": contract.unit, "as_of": run.as_of},
        )


def every_record_is_linked(connection: duckdb.DuckDBPyConnection, others: int = 0) -> Verdict:
    """L01: each record in force has one row in `links`, with a case id, and with a person id if its unit is about persons.

    `others` is the number of records that stayed as they were when this rule last held, and are in neither.
    """
    records, missing, doubled, idless = connection.execute(engine.sql(__package__, "record_differences.sql")).fetchall()[0]
    records += others
    failed = missing + doubled + idless
    sentence = f"Each of {records} records has its case, and its person if it is about one."
    if failed:
        sentence = (
            f"{missing} records are not both in the deliveries and in the links, {doubled} are linked twice and {idless} lack an id:"
            " materialise identifying/entities again, and report it if this comes back."
        )
    facts: dict[str, int | float | str] = {"records": records, "missing": missing, "doubled": doubled, "without_id": idless}
    return Verdict("L01", not failed, sentence, facts=facts)


def numbers_are_of_one_person(connection: duckdb.DuckDBPyConnection) -> list[Verdict]:
    """K04 and K05: no number of a person is also that of another one, nor of so many that it stands for "not known".

    Linkage does without the number of these records, which `doubtful_numbers` names; a sentence names the first of them.
    """
    what = {
        "K04": "hold a number of which the other records have another name and birth date: it was mistyped, or given again",
        "K05": "hold a number of more persons than linkage.yaml allows: it stands for none, and is best declared there (`sentinels`)",
    }
    verdicts = []
    for rule, sentence in what.items():
        records, numbers = connection.execute(
            "SELECT COUNT(*), COUNT(DISTINCT (role, value)) FROM doubtful_numbers WHERE rule = $rule", {"rule": rule}
        ).fetchall()[0]
        first = connection.execute(
            f"SELECT unit, record_no FROM doubtful_numbers WHERE rule = $rule ORDER BY unit, record_no LIMIT {NAMED}", {"rule": rule}
        ).fetchall()
        named = ", ".join(f"{unit} {record_no}" for unit, record_no in first) + (" and more" if records > NAMED else "")
        found = f"{records:,} records {sentence}. They are linked without it: {named}."
        right = "Every number is of one person." if rule == "K04" else "No number is of more persons than linkage.yaml allows."
        verdicts.append(Verdict(rule, not records, found if records else right, facts={"records": records, "numbers": numbers}))
    return verdicts


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


def decisions_hold(connection: duckdb.DuckDBPyConnection) -> Verdict:
    """L07: what persons decided is so in the links. It blocks if two persons became one; that one became two is for review."""
    made, joined, parted = connection.execute(engine.sql(__package__, "broken_decisions.sql")).fetchall()[0]
    sentence = f"Each of {made} decisions on review holds."
    if joined:
        sentence = f"{joined} decisions that two records are two persons do not hold: a mistake in the code: report it."
    elif parted:
        sentence = (
            f"{parted} of {made} decisions do not hold, for what is known today contradicts them: das review list names them as"
            " decision_fails. Decide again."
        )
    facts: dict[str, int | float | str] = {"decisions": made, "joined": joined, "parted": parted}
    return Verdict("L07", not joined + parted, sentence, severity="block" if joined else "warn", facts=facts)


def twins_stay_apart(connection: duckdb.DuckDBPyConnection) -> Verdict:
    """L12: no probable link made one person of two entities that are twins by their profiles; only a key or a decision may."""
    twins = int(
        engine.scalar(
            connection,
            f"""
            SELECT COUNT(DISTINCT l.entity) FROM taken AS t JOIN merged AS m ON m.entity = t.entity AND t.link_class = 'C'
            JOIN merged AS o ON o.cluster = m.cluster AND o.entity <> m.entity LEFT JOIN taken AS k ON k.entity = o.entity
            JOIN entities AS l ON l.entity = m.entity JOIN entities AS r ON r.entity = o.entity
            WHERE (k.link_class = 'C' OR r.anchor IS NOT NULL) AND {of_twins("l", "r")}
            """,
        )
    )
    sentence = "No probable link joins two persons who were born together."
    if twins:
        sentence = f"{twins} probable links join two persons who were born together: a veto did not work. Report it."
    return Verdict("L12", not twins, sentence, facts={"twins": twins})


def cluster_is_small(connection: duckdb.DuckDBPyConnection, most: int) -> Verdict:
    """L05: no person has more than `most` records without a verified number."""
    largest, above = connection.execute(engine.sql(__package__, "person_sizes.sql"), {"limit": most}).fetchall()[0]
    sentence = f"No person has more than {most} records without a verified number."
    if above:
        sentence = (
            f"{above} persons have more than {most} records without a verified number: look for a placeholder value, and declare it in"
            " linkage.yaml (`sentinels`)."
        )
    return Verdict("L05", not above, sentence, facts={"largest": largest, "above": above})


def linkage_is_repeatable(is_stable: bool) -> Verdict:
    """L08: the same entities and edges in another order give the same persons."""
    sentence = "The same edges in another order give the same persons."
    if not is_stable:
        sentence = "The same edges in another order gave other persons: a tie is not broken. This is a mistake in the code: report it."
    return Verdict("L08", is_stable, sentence)


def every_key_links(connection: duckdb.DuckDBPyConnection) -> Verdict:
    """L15: every strong key that several records share joins some of them."""
    rows = connection.execute(engine.sql(__package__, "key_links.sql")).fetchall()
    idle = {role: shared for role, shared, joined in rows if not joined}
    sentence = "Every strong key that several records share links some of them."
    if idle:
        named = ", ".join(f"{role} ({shared:,} values that several records have)" for role, shared in idle.items())
        sentence = (
            f"No record is linked by {named}: beside a number, a name or a birth date must agree. If the partners give neither, and the"
            " number is never mistyped nor given again, declare it in linkage.yaml as enough `alone`."
        )
    return Verdict("L15", not idle, sentence, facts={"keys": len(rows), "idle": len(idle)})


def no_identifier_leaves(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    contracts: Sequence[Contract],
    definition: LinkageDefinition,
    whole: Mapping[str, str],
) -> Verdict:
    """L14: no column in `folder` is a direct identifier by its name, its words or its numbers, and no word of its JSON files is one.

    A column of whole numbers looks like numbers of persons if half of them were delivered as such, or pass a check digit of the contracts
    (one in eleven passes by chance). Of a file that has only what a day touched, `whole` has all rows as a relation, by its name: a few
    numbers may well pass.
    """
    find_given_numbers(connection)
    named = {column.name for contract in contracts for column in contract.direct} | {key.role for key in definition.strong_keys}
    words = WORDS | {contract.unit for contract in contracts} | set(definition.references)
    checks = list(dict.fromkeys(column.check for contract in contracts for column in contract.direct if column.check))
    masks = sorted({mask_pattern(c.mask) for contract in contracts for c in contract.direct if c.mask and len(c.mask) >= MIN_MASK})
    hits: set[str] = set()
    for path in sorted(folder.rglob("*.parquet")):
        table = engine.parquet([path])
        for name, kind, *_ in connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall():
            place = f"{path.stem}.{name}"
            if name in named or (kind == "DATE" and name not in DATES):
                hits.add(place)
            elif kind == "VARCHAR":
                texts = connection.execute(f'SELECT DISTINCT "{name}" FROM {table} WHERE "{name}" IS NOT NULL').fetchall()
                if {word for (word,) in texts} - words:
                    hits.add(place)
            elif kind in {"BIGINT", "INTEGER", "SMALLINT", "HUGEINT"}:
                tables = [table, *([whole[path.name.split(".")[0]]] if path.name.split(".")[0] in whole else [])]
                if all(looks_like_numbers(connection, rows, name, checks) for rows in tables):
                    hits.add(place)
    for path in sorted(folder.rglob("*.json")):
        if any(re.fullmatch(mask, word) for word in re.findall(r"\w+", path.read_text(encoding="utf-8")) for mask in masks):
            hits.add(path.name)
    sentence = "No direct identifier is in what leaves the identifying zone."
    if hits:
        sentence = (
            f"Direct identifiers may be in {', '.join(sorted(hits))}: take them out of what linkage writes. No other stage reads this"
            " version."
        )
    return Verdict("L14", not hits, sentence, facts={"places": len(hits)})


def find_given_numbers(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `given_numbers` (value): the numbers of persons as delivered.

    Where a register numbers its persons from 1, as linkage does, equal numbers say nothing: only numbers above its own are compared.
    """
    highest = int(engine.scalar(connection, "SELECT GREATEST(MAX(record_no), COUNT(*), 0) FROM records"))
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE given_numbers AS
        SELECT DISTINCT ltrim(value, '0') AS value FROM (SELECT value FROM numbers UNION SELECT number FROM merged_numbers)
        WHERE NOT COALESCE(TRY_CAST(value AS HUGEINT) <= {highest}, FALSE)
        """
    )


def looks_like_numbers(connection: duckdb.DuckDBPyConnection, table: str, column: str, checks: Sequence[CheckDigits]) -> bool:
    """Return whether half or more of the different whole numbers in a column were delivered as numbers of persons or pass a check digit.

    The former are in `given_numbers`, see `find_given_numbers`.
    """
    tests = ["value IN (SELECT value FROM given_numbers)", *(passes(check, "value") for check in checks)]
    values, alike = connection.execute(
        f"""WITH seen AS (SELECT DISTINCT CAST("{column}" AS VARCHAR) AS value FROM {table} WHERE "{column}" IS NOT NULL)
        SELECT COUNT(*), COUNT(*) FILTER (WHERE {" OR ".join(tests)}) FROM seen"""
    ).fetchall()[0]
    return values > 0 and alike * 2 >= values
