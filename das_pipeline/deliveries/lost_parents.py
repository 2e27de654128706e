"""Rows in force whose parent has ended (rule K03): a withdrawn parent whose children were left is never silent.

A child is judged against its parents when it arrives, and again when a parent ends. It stays in force, since only its partner knows
whether it was to end too; the file `without_parent/<file>.parquet` of the partner's version names every such row by its record number,
until it ends or its parent is back. Only the ends of a delivery are looked at, so a delivery that ends no parent costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from das_pipeline import engine
from das_pipeline.deliveries import versions
from das_pipeline.deliveries.checking import canonical
from das_pipeline.deliveries.contract import Contract, Relation
from das_pipeline.deliveries.opened import Intake
from das_pipeline.deliveries.state import in_force
from das_pipeline.gate import Verdict
from das_pipeline.lake import Version

COLUMNS = "record_no BIGINT, sub VARCHAR, delivery VARCHAR, line_no BIGINT, parent_file VARCHAR, parent_no BIGINT, ended_by VARCHAR"
NAMED = 10  # how many records a sentence names


@dataclass(frozen=True)
class LostParents:
    """The rows in force of one file that have no parent: how many, how many since this delivery, and the first of those in words."""

    file: str
    parents: tuple[str, ...]
    rows: int
    new: int
    first: tuple[str, ...]
    ended_by: tuple[str, ...]  # the deliveries that ended the parents


def find_lost_parents(intake: Intake, contracts: Sequence[Contract]) -> list[LostParents]:
    """Write the rows without a parent of every file with relations, once all files are taken in; return those files that have any.

    `contracts` are all of the partner, also of files that it delivers no longer and of which rows are in force.
    """
    lost = []
    for contract in (c for c in contracts if c.relations):
        _create_table(intake.connection, contract, intake.live)
        delivery = intake.original.manifest.delivery
        for relation in contract.relations:
            _find_new(intake, contract, relation, next(c for c in contracts if c.file == relation.to))
        name = f"without_parent/{contract.file}.parquet"
        intake.draft.rows[name] = engine.write_parquet(
            intake.connection,
            "SELECT * FROM without_parent",
            intake.draft.path(name),
            order_by="record_no, sub, parent_file",
            encrypted=True,
        )
        if intake.draft.rows[name]:
            lost.append(_summary(intake.connection, contract.file, delivery))
    return lost


def _create_table(connection: duckdb.DuckDBPyConnection, contract: Contract, live: Version | None) -> None:
    """Create `without_parent` with the rows of the version before that are still so: the child in force, the parent not."""
    name = f"without_parent/{contract.file}.parquet"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE without_parent ({COLUMNS})")
    if live is None or name not in live.files:
        return
    before = engine.parquet([live.path(name)])
    for relation in contract.relations:
        connection.execute(
            f"""INSERT INTO without_parent
            SELECT w.* FROM {before} AS w
            JOIN {in_force(contract.file, before)} AS v ON v.record_no = w.record_no AND v.sub = w.sub AND v.delivery = w.delivery
            WHERE w.parent_file = $parent AND w.parent_no NOT IN (
                SELECT record_no FROM {in_force(relation.to, f"(SELECT parent_no AS record_no FROM {before})")})""",
            {"parent": relation.to},
        )


def _find_new(intake: Intake, contract: Contract, relation: Relation, parent: Contract) -> None:
    """Add the rows in force that point to a parent which this delivery ended."""
    connection, live, delivery = intake.connection, intake.live, intake.original.manifest.delivery
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE ended AS
        WITH closed AS (SELECT * FROM closed_{relation.to} WHERE closed_by = $delivery)
        SELECT o.record_no, MAX_BY(o.delivery, o.known_from) AS delivery, MAX_BY(o.line_no, o.known_from) AS line_no
        FROM opened_{relation.to} AS o
        JOIN closed AS c ON c.record_no = o.record_no AND c.sub = o.sub AND c.opened_by = o.opened_by
        WHERE o.record_no NOT IN (SELECT record_no FROM {in_force(relation.to, "closed")})
        GROUP BY o.record_no""",
        {"delivery": delivery},
    )
    if live is None or not engine.scalar(connection, "SELECT COUNT(*) FROM ended"):
        return
    key_of_parent = _key("s", parent.unit_key)
    key_of_child = _key("s", relation.columns)
    connection.execute(
        f"""INSERT INTO without_parent
        WITH parents AS (
            SELECT e.record_no AS parent_no, {key_of_parent} AS key
            FROM ended AS e JOIN {_stored(live, parent, parent.unit_key)} AS s ON s.delivery = e.delivery AND s.line_no = e.line_no
        ), lines AS (
            SELECT s.delivery, s.line_no, p.parent_no
            FROM {_stored(live, contract, relation.columns)} AS s JOIN parents AS p ON p.key = {key_of_child}
        ), children AS (
            SELECT o.record_no, o.sub, o.opened_by, o.delivery, o.line_no, l.parent_no
            FROM opened_{contract.file} AS o JOIN lines AS l ON l.delivery = o.delivery AND l.line_no = o.line_no
        )
        SELECT c.record_no, c.sub, c.delivery, c.line_no, $parent, c.parent_no, $delivery
        FROM children AS c
        ANTI JOIN closed_{contract.file} AS e ON e.record_no = c.record_no AND e.sub = c.sub AND e.opened_by = c.opened_by
        WHERE NOT EXISTS (
            FROM without_parent AS w
            WHERE w.record_no = c.record_no AND w.sub = c.sub AND w.parent_file = $parent AND w.parent_no = c.parent_no)""",
        {"parent": relation.to, "delivery": delivery},
    )


def _key(table: str, columns: Sequence[str]) -> str:
    return "[" + ", ".join(canonical(f"{table}.{column}") for column in columns) + "]"


def _stored(live: Version, contract: Contract, columns: Sequence[str]) -> str:
    """The stored rows of a file with these columns, whichever half has each."""
    direct = [c.name for c in contract.direct if c.name in columns]
    content = [c for c in columns if c not in direct]
    parts = [f"(SELECT delivery, line_no, {', '.join(direct)} FROM {versions.stored_rows(live, contract, 'direct')})"] if direct else []
    parts += [f"(SELECT delivery, line_no, {', '.join(content)} FROM {versions.stored_rows(live, contract, 'content')})"] if content else []
    return parts[0] if len(parts) == 1 else f"(SELECT * FROM {parts[0]} JOIN {parts[1]} USING (delivery, line_no))"


def _summary(connection: duckdb.DuckDBPyConnection, file: str, delivery: str) -> LostParents:
    rows, new, parents, ended_by = connection.execute(
        """SELECT COUNT(*), COUNT(*) FILTER (ended_by = $delivery),
            list_sort(list(DISTINCT parent_file)), list_sort(list(DISTINCT ended_by))
        FROM without_parent""",
        {"delivery": delivery},
    ).fetchall()[0]
    first = connection.execute(
        f"""SELECT record_no, delivery, line_no FROM without_parent
        ORDER BY ended_by = $delivery DESC, record_no, sub LIMIT {NAMED}""",
        {"delivery": delivery},
    ).fetchall()
    named = tuple(f"record {record} ({came} line {line})" for record, came, line in first)
    return LostParents(file, tuple(parents), rows, new, named, tuple(ended_by))


def judge_lost_parents(lost: Sequence[LostParents]) -> list[Verdict]:
    """K03 on what was in force before: no verdict when every row has its parent, since the arrivals have one of their own."""
    if not lost:
        return []
    told = [
        f"{o.rows:,} rows in force of {o.file} have no parent in {', '.join(o.parents)} any more, {o.new:,} of them since this delivery: "
        f"{', '.join(o.first)}{f' and {o.rows - len(o.first):,} more' if o.rows > len(o.first) else ''}"
        for o in lost
    ]
    sentence = f"{'; '.join(told)}. They stay in force. Ask whether they were to be withdrawn too, or their parents were not."
    facts: dict[str, int | float | str] = {f"{o.file}_without_parent": o.rows for o in lost}
    return [Verdict("K03", False, sentence, severity="warn", facts=facts)]


def facts_of(lost: Sequence[LostParents], known_on: str) -> dict[str, Any]:
    """What later stages are told of it: the number of rows by file, with their parents and the deliveries that ended these."""
    return {o.file: {"rows": o.rows, "parents": list(o.parents), "ended_by": list(o.ended_by), "known_on": known_on} for o in lost}
