"""What is linked of a day alone equals what is linked of everything: persons, cases, ids and the ledger."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from das_pipeline import layered
from das_pipeline.engine import create_table
from das_pipeline.linkage import reach
from das_pipeline.linkage.entities import FILES
from das_pipeline.linkage.persons import relink_records
from das_pipeline.privacy import register_keyed_macro
from tests.linkage.people import draw_records
from tests.linkage.test_affected import SPACING, Rows, decisions, key, merges, model, resolved_of_a_day, two_days, world
from tests.linkage.world import DEFINITION, MOST_RECORDS, ON, Key, World

IDS = "unit VARCHAR, record_no BIGINT, person_id BIGINT, case_id BIGINT"
MONDAY, TUESDAY = date(2024, 1, 1), date(2024, 1, 2)


@pytest.fixture(autouse=True)
def any_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layered, "LARGEST", 100)  # a few records are a large share of a few records


def day_by_day(
    before: Rows,
    after: Rows,
    delivered: set[Key],
    merged: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {}),
    decided: tuple[Sequence[Any], Sequence[Any]] = ((), ()),
    threshold: Any = None,
) -> tuple[World, World, int]:
    """The world after Tuesday with everything linked, the same with what a day can change, and how many records the latter linked."""
    whole = World(model=threshold, spacing=SPACING)
    whole.link(before.values(), MONDAY, merged[0], decided[0])
    part = replace(whole)
    connection = resolved_of_a_day(whole.connection, after, delivered, merged[1], decided[1], threshold)
    whole.link(after.values(), TUESDAY, merged[1], decided[1])

    register_keyed_macro(connection, b"k" * 32)
    for name in FILES:
        connection.execute(f"CREATE TABLE whole_{name} AS SELECT * FROM {name}")
    connection.execute("CREATE TABLE delivered AS SELECT * FROM touched_nodes")
    tables = {
        "links_of_monday": (f"{IDS}, link_class VARCHAR, weight DECIMAL(12, 6)", part.links),
        "former_of_monday": (IDS, part.former),
        "ledger": ("kind VARCHAR, id BIGINT, event VARCHAR, other_id BIGINT, vintage DATE", part.ledger),
        "number_ids": ("number_key BLOB, id BIGINT, since DATE", part.number_ids),
        "dated": ("unit VARCHAR, record_no BIGINT, date DATE", [(*item["key"], item.get(ON)) for item in after.values()]),
    }
    for name, (columns, rows) in tables.items():
        connection.execute(f"CREATE TABLE {name} ({columns})")
        if rows:
            connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    connection.execute(
        "CREATE TABLE links_before AS SELECT unit, record_no, person_id, case_id, true AS is_in_force FROM links_of_monday"
        " UNION ALL SELECT *, false FROM former_of_monday"
    )
    reach.find_joined(connection)
    reach.find_recased(connection)
    reach.read_reached(connection)
    dates = "SELECT r.node, d.date FROM dated AS d JOIN records AS r USING (unit, record_no) WHERE d.date IS NOT NULL"
    for name in ("record_dates", "case_dates"):
        connection.execute(f"CREATE TABLE {name} AS {dates}")
    bits = threshold.threshold if threshold else 0.0
    assert relink_records(connection, DEFINITION, TUESDAY, MOST_RECORDS, bits, "links_of_monday")
    part.links = connection.execute(
        "SELECT * FROM links UNION ALL SELECT m.* FROM links_of_monday AS m ANTI JOIN relinked USING (unit, record_no)"
        " ORDER BY unit, record_no"
    ).fetchall()
    part.former = connection.execute("SELECT * FROM former ORDER BY unit, record_no").fetchall()
    part.ledger = connection.execute("SELECT * FROM ledger ORDER BY vintage, kind, id, event").fetchall()
    part.number_ids = connection.execute("SELECT * FROM number_ids ORDER BY number_key").fetchall()
    return whole, part, connection.execute("SELECT COUNT(*) FROM links").fetchall()[0][0]


def contents(world: World) -> tuple[Any, ...]:
    return world.links, world.former, world.ledger, world.number_ids


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    before=world.filter(bool),
    day=world,
    gone=st.sets(key, max_size=3),
    merged=st.tuples(merges, merges),
    decided=st.tuples(decisions, decisions),
)
def test_a_day_equals_everything(before: Rows, day: Rows, gone: Any, merged: Any, decided: Any) -> None:
    first, after = two_days(before, day, gone)
    assume(after)
    whole, part, _ = day_by_day(first, after, {*day, *gone}, merged, decided)
    assert contents(part) == contents(whole)


@pytest.mark.slow
def test_a_day_of_persons_who_are_hard_to_link_equals_everything() -> None:
    """Of 300 persons with the mistakes of registers, and cases of one to three of them, one record in sixty is delivered or gone."""
    draw = random.Random(8)
    rows = {item["key"]: in_cases(draw, item) for item in draw_records(300, seed=5)[0]}
    other = {item["key"]: in_cases(draw, item) for item in draw_records(300, seed=6)[0]}
    new, corrected, gone = (set(draw.sample(sorted(rows), len(rows) // 180)) for _ in range(3))
    before = {key: item for key, item in rows.items() if key not in new}
    after = {key: other.get(key, item) if key in corrected else item for key, item in rows.items() if key not in gone}
    whole, part, linked = day_by_day(before, after, {*new, *corrected, *gone}, threshold=model())
    assert contents(part) == contents(whole)
    assert linked < len(rows) / 4, "most records are not linked again"


def in_cases(draw: random.Random, item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with the references that its unit gives, some of them missing, and the day that it is about."""
    unit, number = item["key"]
    case = number // 3
    named = {"report": f"R{case}", "event": f"E{case // 2}"} | ({"docket": f"D{case}"} if unit != "report" else {})
    kept = {reference: value for reference, value in named.items() if draw.random() < 0.7}
    return {**item, **kept, ON: date(2023, 1, 1) + timedelta(days=draw.randrange(300))}


def test_what_earlier_versions_hold_together_is_counted_though_it_is_not_linked_again() -> None:
    """Of three links of too few bits one is made again today; a key and a strong link need no memory."""
    connection = duckdb.connect(":memory:")
    create_table(connection, "links", "unit VARCHAR, record_no BIGINT, link_class VARCHAR, weight DOUBLE", [
        ("report", 1, "C", 3.0), ("report", 2, "C", 7.9), ("report", 3, "C", 3.0), ("report", 4, "C", 8.0), ("report", 5, "B", None),
    ])  # fmt: skip
    create_table(connection, "relinked", "unit VARCHAR, record_no BIGINT", [("report", 3)])
    assert reach.kept_by_memory(connection, "links", 8.0) == 2
