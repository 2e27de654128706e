"""What is resolved of a day alone equals what is resolved of everything, row for row."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from das_pipeline import layered
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.linkage import affected
from das_pipeline.linkage.entities import FILES, LAYERED, resolve_affected, resolve_entities
from das_pipeline.linkage.probabilistic import StoredModel, load_model
from das_pipeline.settings import PROJECT
from tests.linkage.people import draw_records
from tests.linkage.world import DEFINITION, MOST_HOLDERS, Key, fill, row

SPACING = 100_000  # so that a record has the same node on both days
Rows = Mapping[Key, Mapping[str, Any]]


@pytest.fixture(autouse=True)
def any_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layered, "LARGEST", 100)  # a few records are a large share of a few records


@cache
def model() -> StoredModel:
    return load_model(Jurisdiction(PROJECT / "jurisdictions" / "nl"), "linkage_model.json")


def resolved(rows: Rows, merged: Mapping[str, str], decided: Sequence[Any], model: StoredModel | None) -> duckdb.DuckDBPyConnection:
    """A connection with the tables of everything."""
    connection = duckdb.connect(":memory:")
    fill(connection, list(rows.values()), merged, decided, SPACING)
    resolve_entities(connection, DEFINITION, MOST_HOLDERS, model)
    return connection


def resolved_of_a_day(
    before: duckdb.DuckDBPyConnection,
    rows: Rows,
    delivered: set[Key],
    merged: Mapping[str, str],
    decided: Sequence[Any],
    model: StoredModel | None,
) -> duckdb.DuckDBPyConnection:
    """A connection with the tables of `rows`, made of those in `before` and of what was resolved of `delivered` and what it affects."""
    everything = duckdb.connect(":memory:")
    fill(everything, list(rows.values()), merged, decided, SPACING)
    connection = duckdb.connect(":memory:")
    for name in FILES:
        copy(before, f"SELECT * FROM {name}", connection, f"before_{name}")
    for name in ("merged_numbers", "decisions", "units"):
        copy(everything, f"SELECT * FROM {name}", connection, name)
    connection.execute("CREATE TABLE touched (unit VARCHAR, record_no BIGINT)")
    connection.executemany("INSERT INTO touched VALUES (?, ?)", [list(key) for key in delivered] or [["", 0]])
    affected.add_merged_and_decided(connection)
    copy(connection, "SELECT * FROM touched", everything, "touched")
    for name in ("identity", "named"):
        copy(everything, f"SELECT * FROM {name} SEMI JOIN touched USING (unit, record_no)", connection, name)
    assert resolve_affected(connection, DEFINITION, MOST_HOLDERS, model)
    for name, (key, rewritten) in LAYERED.items():
        connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE {name} AS
            SELECT n.* FROM {name} AS n SEMI JOIN {rewritten} AS t ON t.{key} = n.{key}
            UNION ALL SELECT b.* FROM before_{name} AS b ANTI JOIN {rewritten} AS t ON t.{key} = b.{key}"""
        )
    return connection


def copy(source: duckdb.DuckDBPyConnection, query: str, target: duckdb.DuckDBPyConnection, name: str) -> None:
    target.register("copied", source.execute(query).to_arrow_table())
    target.execute(f"CREATE TABLE {name} AS SELECT * FROM copied")
    target.unregister("copied")


def two_days(before: Rows, day: Rows, gone: set[Key]) -> tuple[Rows, Rows]:
    """The records of the first day and of the second one."""
    first = {key: row(key, **values) for key, values in before.items()}
    second = first | {key: row(key, **values) for key, values in day.items()}
    return first, {key: item for key, item in second.items() if key not in gone}


def contents(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    return {name: connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in FILES}


# Few values, so that they meet: numbers one edit apart, a placeholder, names one letter apart and swapped, partial birth dates.
value = st.fixed_dictionaries(
    {"surname": st.sampled_from(("Abernathy", "Abernaty", "Ada", "Brockhurst", "van der Castellane"))},
    optional={
        "chain_number": st.sampled_from(("1234567", "1234568", "1243567", "7654321", "5555555")),
        "citizen_number": st.sampled_from(("900000001", "900000002", "900000010")),
        "given_names": st.sampled_from(("Ada", "Ada Maria", "Maria", "Ben", "A", "Abernathy")),
        "birth_date": st.sampled_from((date(1990, 5, 1), date(1990, 5, 2), date(1990, 1, 1), date(1985, 7, 12))),
        "sex": st.sampled_from("MF"),
        "docket": st.sampled_from(("D1", "D2", "D3")),
        "report": st.sampled_from(("R1", "R2", "R3", "R4")),
        "event": st.sampled_from(("E1", "E2")),
    },
)
key = st.tuples(st.sampled_from(("report", "case", "ruling", "crime")), st.integers(1, 6))
world = st.dictionaries(key, value, max_size=16)
merges = st.sampled_from(({}, {"1234567": "7654321"}))
decision = st.tuples(st.just("person"), key, key, st.sampled_from(("one", "two"))).filter(lambda d: d[1] != d[2])
decisions = st.lists(decision, max_size=2, unique_by=lambda d: frozenset(d[1:3]))


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    before=world.filter(bool),
    day=world,
    gone=st.sets(key, max_size=3),
    merged=st.tuples(merges, merges),
    decided=st.tuples(decisions, decisions),
)
@example(  # the second record of a number says that the first was no slip of the pen
    before={("report", 1): {"surname": "Abernathy", "chain_number": "1234567"}},
    day={("case", 1): {"surname": "Abernathy", "chain_number": "1234567"}},
    gone=set(),
    merged=({}, {}),
    decided=([], []),
)
def test_a_day_equals_everything(
    before: Rows, day: Rows, gone: set[Key], merged: tuple[Mapping[str, str], Mapping[str, str]], decided: tuple[Any, Any]
) -> None:
    """New records, corrected and withdrawn ones, numbers that were merged and unmerged, decisions taken and taken back."""
    first, after = two_days(before, day, gone)
    for used in (None, model()):
        old = resolved(first, merged[0], decided[0], used)
        new = resolved_of_a_day(old, after, {*day, *gone}, merged[1], decided[1], used)
        assert contents(new) == contents(resolved(after, merged[1], decided[1], used))


@pytest.mark.slow
def test_a_day_of_persons_who_are_hard_to_link_equals_everything() -> None:
    """Of 300 persons with the mistakes of registers, one record in twenty is new, corrected or withdrawn."""
    rows = {item["key"]: item for item in draw_records(300, seed=5)[0]}
    other = {item["key"]: item for item in draw_records(300, seed=6)[0]}
    draw = random.Random(7)
    new, corrected, gone = (set(draw.sample(sorted(rows), len(rows) // 60)) for _ in range(3))
    before = {key: item for key, item in rows.items() if key not in new}
    after = {key: other.get(key, item) if key in corrected else item for key, item in rows.items() if key not in gone}
    old = resolved(before, {}, [], model())
    day = resolved_of_a_day(old, after, {*new, *corrected, *gone}, {}, [], model())
    assert contents(day) == contents(resolved(after, {}, [], model()))
    anew = day.execute("SELECT COUNT(*) FROM core").fetchall()[0][0]
    assert anew < len(rows) / 2, "most records are not resolved again"
