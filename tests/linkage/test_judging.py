"""Every rule of linkage, with a fault planted that it must see."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from das_pipeline.deliveries import CheckDigits, load_contracts
from das_pipeline.gate import Verdict
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.linkage import judging
from das_pipeline.linkage.compare import born_apart
from das_pipeline.linkage.definition import load_definition
from das_pipeline.linkage.merge import Birth, Cluster, Edge, constrained_merge
from das_pipeline.linkage.persons import merge_entities
from tests.linkage.world import MOST_RECORDS, World, row

JAN = {"surname": "Jansen", "given_names": "Jan", "birth_date": "1980-05-17"}
ELEVEN_TEST = CheckDigits(weights=(9, 8, 7, 6, 5, 4, 3, 2, -1), modulo=11)
PIET = {"surname": "Bakker", "given_names": "Piet", "birth_date": "1955-11-02"}


@pytest.fixture(scope="module")
def linked() -> World:
    world = World()
    world.link([row(("report", 1), chain_number="11", **JAN), row(("report", 2), chain_number="12", **PIET), row(("crime", 1), event="E1")])
    return world


@pytest.fixture
def world(linked: World) -> Iterator[World]:
    """Two persons and a thing, linked; what a test does to the tables is undone."""
    linked.connection.begin()
    yield linked
    linked.connection.rollback()


@pytest.mark.parametrize(
    ("fault", "fact"),
    [
        ("DELETE FROM links WHERE record_no = 2", "missing"),
        ("INSERT INTO links SELECT 'report', 99, 1, 1, 'S', NULL", "missing"),
        ("INSERT INTO links SELECT * FROM links WHERE record_no = 2", "doubled"),
        ("UPDATE links SET person_id = NULL WHERE record_no = 2", "without_id"),
        ("UPDATE links SET case_id = NULL WHERE unit = 'crime'", "without_id"),
    ],
)
@pytest.mark.breaks("L01")
def test_l01_sees_a_record_without_its_link(world, fault, fact):
    world.connection.execute("CREATE TABLE in_force AS SELECT unit, record_no FROM records")
    assert judging.every_record_is_linked(world.connection).passed
    world.connection.execute(fault)
    verdict = judging.every_record_is_linked(world.connection)
    assert (verdict.passed, verdict.severity, verdict.facts[fact]) == (False, "block", 1)


@pytest.mark.breaks("L04")
def test_l04_sees_two_numbers_and_two_birth_dates_in_one_person(world):
    assert judging.cluster_is_one_person(world.connection).passed
    world.connection.execute("UPDATE merged SET cluster = 2")
    verdict = judging.cluster_is_one_person(world.connection)
    assert (verdict.passed, verdict.severity, verdict.facts) == (False, "block", {"two_numbers": 1, "two_births": 1})


@pytest.mark.breaks("L04")
def test_l04_sees_a_record_in_an_entity_with_another_birth_date(world):
    world.connection.execute("UPDATE members SET entity = (SELECT MIN(entity) FROM members)")
    assert judging.cluster_is_one_person(world.connection).facts["two_births"] == 1


@pytest.mark.breaks("L12")
def test_l12_sees_twins_that_a_probable_link_made_one():
    world, kees = World(), JAN | {"given_names": "Kees"}
    world.link([row(("report", 1), chain_number="11", **JAN), row(("report", 2), **kees), row(("report", 3), **JAN)])
    for entity in (2, 3):
        world.connection.execute(f"UPDATE merged SET cluster = 1 WHERE entity = {entity}")
    world.connection.execute("INSERT INTO taken VALUES (3, 'C', 9)")
    assert judging.twins_stay_apart(world.connection).passed  # a key says that the second is the first
    world.connection.execute("INSERT INTO taken VALUES (2, 'C', 9)")
    verdict = judging.twins_stay_apart(world.connection)
    assert (verdict.passed, verdict.severity, verdict.facts) == (False, "block", {"twins": 2})


@pytest.mark.breaks("K04")
def test_k04_names_a_record_with_the_number_of_another_person():
    world = World()
    own = [row(("report", n), chain_number="11", **JAN) for n in (1, 2)]
    assert world.link([*own, row(("case", 3), chain_number="11", **PIET), row(("case", 4), chain_number="12", **PIET)])
    verdict = next(v for v in judging.numbers_are_of_one_person(world.connection) if v.rule == "K04")
    assert (verdict.passed, verdict.severity, verdict.facts) == (False, "warn", {"records": 1, "numbers": 1})
    assert verdict.sentence.endswith("They are linked without it: case 3.")


@pytest.mark.breaks("K05")
def test_k05_names_the_records_of_a_placeholder():
    world = World()
    names = ("Bakker", "Visser", "Smit", "Mulder", "Bos")
    others = [JAN | {"surname": name, "birth_date": f"19{60 + n}-05-17"} for n, name in enumerate(names)]
    world.link([row(("report", n), chain_number="99", **person) for n, person in enumerate(others, start=1)])
    verdicts = {v.rule: v for v in judging.numbers_are_of_one_person(world.connection)}
    assert (verdicts["K05"].passed, verdicts["K05"].facts) == (False, {"records": 5, "numbers": 1})
    assert verdicts["K04"].passed


@pytest.mark.breaks("L05")
def test_l05_sees_a_person_with_many_records_without_a_verified_number(world):
    assert judging.cluster_is_small(world.connection, MOST_RECORDS).passed
    world.connection.execute("INSERT INTO links SELECT 'report', range, 1, 1, 'C', 9 FROM range(100, 161)")
    verdict = judging.cluster_is_small(world.connection, MOST_RECORDS)
    assert (verdict.passed, verdict.severity, verdict.facts) == (False, "warn", {"largest": 62, "above": 1})


@pytest.mark.breaks("L08")
def test_l08_sees_a_merge_that_depends_on_the_order_of_its_edges(monkeypatch):
    """Citizen number 7 is that of 1 and 2, docket D that of 1 and 3; 2 and 3 hold other chain numbers, so 1 can join one of them only."""
    world = World()
    world.link(
        [
            row(("report", 1), citizen_number="7", docket="D", **JAN),
            row(("report", 2), chain_number="11", citizen_number="7", **JAN),
            row(("report", 3), chain_number="12", docket="D", **JAN),
        ]
    )
    world.connection.execute("CREATE OR REPLACE TEMP TABLE candidates AS SELECT left_entity, right_entity, link_class, weight FROM edges")
    assert judging.linkage_is_repeatable(merge_entities(world.connection, world.definition, MOST_RECORDS)).passed
    monkeypatch.setattr(Edge, "strength", lambda edge: 0)  # ties are no longer broken
    assert not judging.linkage_is_repeatable(merge_entities(world.connection, world.definition, MOST_RECORDS)).passed


@pytest.mark.slow
@pytest.mark.breaks("L15")
def test_l15_sees_a_key_that_links_nobody():
    """Two records have one number, and neither a name nor a birth date beside it."""
    world = World()
    world.link([row(("report", 1), chain_number="11"), row(("case", 1), chain_number="11"), row(("case", 2), citizen_number="7", **JAN)])
    verdict = judging.every_key_links(world.connection)
    assert (verdict.passed, verdict.severity, verdict.facts) == (False, "warn", {"keys": 1, "idle": 1})
    assert "chain_number (1 values that several records have)" in verdict.sentence
    world.link([row(("report", 1), chain_number="11", **JAN), row(("case", 1), chain_number="11", **JAN)])
    assert judging.every_key_links(world.connection).passed


@pytest.mark.parametrize(
    ("planted", "place"),
    [
        ("SELECT 1 AS surname", "links.surname"),
        ("SELECT 1 AS chain_no", "links.chain_no"),
        ("SELECT DATE '1980-05-17' AS day", "links.day"),
        ("SELECT 'Abernathy' AS unit", "links.unit"),
        ("SELECT 'R0001' AS unit", "links.unit"),
        ("SELECT range AS person_id FROM range(11, 13)", "links.person_id"),  # both are chain numbers of the world
    ],
)
@pytest.mark.breaks("L14")
def test_l14_sees_what_identifies_a_person(world, toy, tmp_path, planted, place):
    assert place in judge_leaving(world, toy, tmp_path, planted).sentence


@pytest.mark.parametrize(
    "harmless",
    [
        "SELECT 1 AS person_id, 'report' AS unit, 'A' AS link_class",
        "SELECT range AS person_id FROM range(11, 20)",  # two of nine are chain numbers of the world by chance
    ],
)
def test_l14_lets_words_of_the_links_and_small_numbers_leave(world, toy, tmp_path, harmless):
    assert judge_leaving(world, toy, tmp_path, harmless).passed


def judge_leaving(world: World, toy: Jurisdiction, folder: Path, rows: str) -> Verdict:
    """L14 on a file with the rows of a query."""
    world.connection.execute(f"COPY ({rows}) TO '{folder / 'links.parquet'}' (FORMAT parquet)")
    return judging.no_identifier_leaves(world.connection, folder, list(load_contracts(toy).values()), load_definition(toy), {})


def test_l14_sees_citizen_numbers_by_their_check_digit(world, tmp_path):
    """Four numbers that pass the eleven-test, and one that does not, under an innocent name."""
    numbers = ["111222333", "123456782", "987654321", "100000009", "100000010"]
    listed = ", ".join(f"({number})" for number in numbers)
    world.connection.execute(f"COPY (SELECT * FROM (VALUES {listed}) AS v(case_id)) TO '{tmp_path / 'cases.parquet'}' (FORMAT parquet)")
    table = f"read_parquet('{tmp_path / 'cases.parquet'}')"
    judging.find_given_numbers(world.connection)
    assert judging.looks_like_numbers(world.connection, table, "case_id", [ELEVEN_TEST])
    assert not judging.looks_like_numbers(world.connection, table, "case_id", [])


@pytest.mark.slow
def test_l14_takes_no_number_of_its_own_for_one_of_a_register_that_numbers_from_1_too():
    world = World()
    persons = {n: {"surname": f"Name{n}", "given_names": "Jan", "birth_date": "1980-05-17", "chain_number": str(n)} for n in range(1, 41)}
    world.link([row(("report", n), **person) for n, person in persons.items()])
    for column in ("record_no", "person_id", "case_id"):
        judging.find_given_numbers(world.connection)
        assert not judging.looks_like_numbers(world.connection, "links", column, [])


@pytest.mark.slow
def test_l14_sees_the_numbers_of_a_register_above_its_own():
    world = World()
    persons = {n: {"surname": f"Name{n}", "given_names": "Jan", "birth_date": "1980-05-17", "chain_number": str(n)} for n in range(41, 81)}
    world.link([row(("report", n - 40), **person) for n, person in persons.items()])
    world.connection.execute("UPDATE links SET person_id = 40 + record_no")
    judging.find_given_numbers(world.connection)
    assert judging.looks_like_numbers(world.connection, "links", "person_id", [])


@pytest.mark.breaks("L14")
def test_l14_reads_json_files_too(world, toy, tmp_path: Path):
    (tmp_path / "quality.json").write_text('{"largest": 12345, "of": "R0001"}')
    verdict = judging.no_identifier_leaves(world.connection, tmp_path, list(load_contracts(toy).values()), load_definition(toy), {})
    assert "quality.json" in verdict.sentence


def test_merge_refuses_what_could_not_be_one_person():
    """Strongest edge first: 1 joins 2; 3 is then another citizen number, 4 born too far apart, 5 anchored as well."""
    born = Birth(date(1980, 5, 17), is_year_only=False)
    entities = {
        1: Cluster(1, is_anchored=True, births={born}),
        2: Cluster(1, births={born}, numbers={("citizen_number", 7)}),
        3: Cluster(1, births={born}, numbers={("citizen_number", 8)}),
        4: Cluster(1, births={Birth(date(1955, 2, 20), is_year_only=False)}),
        5: Cluster(1, is_anchored=True),
        6: Cluster(59, births={Birth(date(1980, 1, 1), is_year_only=True)}),
        7: Cluster(60),
    }
    edges = [Edge("C", 9, 1, n) for n in (3, 4, 5, 7)] + [Edge("B", 4, 1, 2), Edge("C", 8, 1, 6)]
    clusters, taken = constrained_merge(entities, edges, MOST_RECORDS)
    assert clusters == {1: 1, 2: 1, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7}
    assert [edge.right for edge in taken] == [2]


def test_both_tolerances_of_birth_dates_are_one():
    """The merge (in Python) and rule L04 (in SQL) separate the same dates, over every pair of some that are close."""
    days = [date(y, m, d) for y in (1979, 1980) for m in (1, 2, 5) for d in (1, 2, 5)]
    connection = duckdb.connect()
    connection.execute("CREATE TABLE births (birth_on DATE, is_year_only BOOLEAN)")
    connection.executemany("INSERT INTO births VALUES (?, ?)", [(day, day.month == day.day == 1) for day in days])
    rows = connection.execute(f"SELECT l.*, r.*, {born_apart('l', 'r')} FROM births AS l, births AS r").fetchall()
    assert len(rows) == len(days) ** 2
    assert all(Birth(a, p).apart(Birth(b, q)) is apart for a, p, b, q, apart in rows)
