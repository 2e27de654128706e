"""Review: what the evidence leaves open is listed and explained, and what a person decides holds however often links are made again."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from das_pipeline.damage import RESTORE, how_to_mend
from das_pipeline.deliveries import partners_in
from das_pipeline.errors import DasError
from das_pipeline.linkage import decide_on, decisions, explain_link, items
from das_pipeline.linkage.decisions import TABLE, Record, decide
from das_pipeline.linkage.entities import build_entities
from das_pipeline.linkage.explain import explain_pair
from das_pipeline.linkage.judging import decisions_hold
from das_pipeline.linkage.links import build_links
from das_pipeline.linkage.review import build_review, find_open
from das_pipeline.run import Run, produce
from das_pipeline.settings import Settings
from tests.linkage.world import DEFINITION, World, row
from tests.toy_deliveries import DAYS

JAN = {"surname": "Jansen", "given_names": "Jan", "birth_date": "1980-05-17", "sex": "male"}
KEES = JAN | {"given_names": "Kees"}
PIET = {"surname": "de Vries", "given_names": "Piet", "birth_date": "1975-11-02", "sex": "male"}
CITIZEN = {"citizen_number": "123456782"}
R1, R2, C1, C2 = ("report", 1), ("report", 2), ("case", 1), ("case", 2)


def persons(rows, decided):
    """The persons of `rows`, in their order, after decisions on persons."""
    linked = World().link(rows, decisions=[("person", *decision) for decision in decided])
    return [linked[item["key"]].person for item in rows]


@pytest.mark.slow
def test_two_records_are_one_person_by_decision_and_by_nothing_else():
    rows = [row(R1, chain_number="11", **JAN), row(C1, **KEES)]
    assert persons(rows, []) == [2, 1]
    assert persons(rows, [(C1, R1, "one")]) == [1, 1]
    linked = World().link(rows, decisions=[("person", C1, R1, "one")])
    assert linked[C1].link_class == "D"


@pytest.mark.slow
def test_decision_counts_before_any_other_evidence():
    """By citizen number case 1 is the person of report 1; by decision that of report 2, and it cannot be both."""
    rows = [row(R1, chain_number="11", **CITIZEN, **JAN), row(R2, chain_number="12", **JAN), row(C1, **CITIZEN, **JAN)]
    assert persons(rows, []) == [1, 2, 1]
    assert persons(rows, [(C1, R2, "one")]) == [2, 1, 1]


@pytest.mark.slow
def test_two_persons_by_decision_are_not_joined_by_a_record_between_them():
    rows = [row(R1, docket="D", **JAN), row(C1, docket="D", **JAN), row(C2, docket="D", **JAN)]
    assert len(set(persons(rows, []))) == 1
    first, second, _ = persons(rows, [(R1, C1, "two")])
    assert first != second


def test_of_two_records_with_one_number_the_first_leaves_it_by_decision():
    rows = [row(("report", n), chain_number="11", **JAN) for n in (1, 2, 3)]
    assert persons(rows, [(("report", 3), R1, "two")]) == [1, 1, 2]


@pytest.mark.slow
def test_record_gets_its_number_back_by_decision():
    rows = [row(("report", n), chain_number="1234567", docket="D1", **JAN) for n in (1, 2)]
    stray = row(C1, chain_number="9999888", docket="D1", **JAN)
    assert len(set(persons([*rows, stray], []))) == 1
    assert persons([*rows, stray], [(C1, R1, "two")]) == [2, 2, 1]


@pytest.mark.slow
def test_record_is_of_a_case_by_decision():
    known = JAN | {"chain_number": "11"}
    rows = [row(R1, report="R1", **known), row(R2, report="R2", **known), row(C1, **known)]
    linked = World().link(rows)
    assert len({linked[key].case for key in (R1, R2, C1)}) == 3
    linked = World().link(rows, decisions=[("case", C1, R2, "one")])
    assert linked[C1].case == linked[R2].case != linked[R1].case


def test_case_of_another_person_is_not_taken():
    rows = [row(R1, docket="D1", chain_number="11", **JAN), row(C1, chain_number="12", **PIET)]
    world = World()
    linked = world.link(rows, decisions=[("case", C1, R1, "one")])
    assert linked[C1].case != linked[R1].case
    assert decisions_hold(world.connection).facts["parted"] == 1


@pytest.mark.breaks("L07")
def test_l07_sees_two_persons_that_became_one_against_a_decision():
    world = World()
    world.link([row(R1, chain_number="11", **JAN), row(C1, chain_number="12", **PIET)], decisions=[("person", R1, C1, "two")])
    assert decisions_hold(world.connection).passed
    world.connection.execute("UPDATE links SET person_id = 1")
    verdict = decisions_hold(world.connection)
    assert (verdict.passed, verdict.severity, verdict.facts) == (False, "block", {"decisions": 1, "joined": 1, "parted": 0})


@pytest.mark.breaks("L07")
def test_l07_warns_of_a_decision_that_new_evidence_contradicts():
    """Case 1 had no number when it was decided on; now it has one of its own, and two never merge."""
    world = World()
    world.link([row(R1, chain_number="11", **JAN), row(C1, chain_number="12", **JAN)], decisions=[("person", C1, R1, "one")])
    verdict = decisions_hold(world.connection)
    assert (verdict.passed, verdict.severity, verdict.facts["parted"]) == (False, "warn", 1)
    assert open_items(world) == [("decision_fails", 1, 2, None)]


def open_items(world: World) -> list[tuple[object, ...]]:
    """What is to be reviewed: reason and nodes."""
    world.connection.execute(
        "CREATE OR REPLACE TEMP TABLE unsure_cases AS SELECT node, candidate AS other, rival FROM case_clusters WHERE candidate IS NOT NULL"
    )
    find_open(world.connection, world.definition, 8.0)
    return world.connection.execute("SELECT reason, node, other, rival FROM review ORDER BY urgency, node").fetchall()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reason", "rows", "nodes"),
    [
        (
            "two_candidates",
            [row(C1, **CITIZEN, **JAN), *(row(("report", n), chain_number=f"1{n}", **CITIZEN, **JAN) for n in (1, 2))],
            (1, 2, 3),
        ),
        ("two_numbers", [row(("report", n), chain_number=f"1{n}", **JAN) for n in (1, 2)], (1, 2, None)),
        ("two_numbers", [row(R1, chain_number="11", docket="D", **JAN), row(R2, chain_number="12", docket="D", **JAN)], (1, 2, None)),
        (
            "second_number",
            [row(C1, chain_number="9999888", docket="D", **JAN)]
            + [row(("report", n), chain_number="1234567", docket="D", **JAN) for n in (1, 2)],
            (1, 2, None),
        ),
        (
            "refused",  # two citizen numbers
            [row(C1, docket="1", citizen_number="111222333", **JAN), row(R1, docket="1", chain_number="11", **CITIZEN, **JAN)],
            (1, 2, None),
        ),
    ],
)
def test_what_is_left_open_is_to_be_reviewed_until_it_is_decided(reason, rows, nodes):
    world = World()
    world.link(rows)
    assert (reason, *nodes) in open_items(world)
    keys = sorted(item["key"] for item in rows)
    one, other = (keys[node - 1] for node in nodes[:2])
    world.link(rows, decisions=[("person", one, other, "two")])
    assert (reason, *nodes) not in open_items(world)


def test_nothing_is_to_be_reviewed_where_all_is_clear():
    world = World()
    world.link([row(R1, chain_number="11", **JAN), row(C1, chain_number="11", **JAN), row(C2, chain_number="12", **PIET)])
    assert open_items(world) == []


@pytest.mark.slow
def test_record_that_could_be_of_two_cases_is_to_be_reviewed():
    known = JAN | {"chain_number": "11"}
    rows = [
        row(R1, report="R1", on="2024-03-01", **known),
        row(R2, report="R2", on="2024-03-20", **known),
        row(C1, on="2024-04-01", **known),
    ]
    world = World(DEFINITION.model_copy(update={"case_window": 60}))
    world.link(rows)
    assert open_items(world) == [("two_cases", 1, 3, 2)]
    world.link(rows, decisions=[("case", C1, R1, "one")])
    assert open_items(world) == []


@pytest.mark.slow
def test_explanation_says_what_agrees_and_what_does_not_without_a_value():
    world = World()
    world.link([row(R1, chain_number="11", docket="D", **JAN), row(C1, docket="D", **KEES)])
    world.connection.execute("CREATE TEMP TABLE pair AS SELECT 1 AS entity, 2 AS other, 1 AS node, 2 AS other_node")
    facts = dict(explain_pair(world.connection, world.definition, None))
    assert facts["Keys in common"] == "docket"
    assert facts["Profiles"].startswith("surname agrees, given_names disagrees, birth_date agrees, sex says nothing: +1.")
    assert facts["Against"] == "They look like twins."
    assert not {"Jansen", "jansen", "kees", "1980"} & set(" ".join(facts.values()).split())


# -- in a lake


@pytest.fixture(scope="module")
def reviewed(linked, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The linked toy installation with its review. Not to be changed."""
    of_all, _ = linked
    made = replace(of_all, home=tmp_path_factory.mktemp("reviewed") / "home")
    shutil.copytree(of_all.home, made.home)
    link_again(made, DAYS[-1])
    return made


@pytest.fixture
def settings(reviewed: Settings, tmp_path: Path) -> Settings:
    """A copy of it, whose decisions are its own."""
    shutil.copytree(reviewed.home, tmp_path / "home")
    return replace(reviewed, home=tmp_path / "home")


def link_again(settings: Settings, day: date) -> Run:
    """A run after which entities, links and review were made anew."""
    run = Run.start(settings, day)
    delivered = [f"deliveries/{partner}" for partner in partners_in(run)]
    read = ["terminology/records", *delivered, *([TABLE] if run.lake.current(TABLE) else [])]
    produce(run, "identifying/entities", build_entities, inputs=read)
    produce(run, "linkage/links", build_links, inputs=["identifying/entities", *delivered], chained=True)
    produce(run, "identifying/review", build_review, inputs=["identifying/entities", "linkage/links"])
    return run


def outcome(run: Run, one: Record, other: Record) -> str:
    return dict(explain_link(run, one, other))["Outcome"]


@pytest.mark.slow
def test_decision_holds_through_every_rebuild_until_it_is_taken_back(settings):
    one, other = Record("report", 11), Record("case", 3)
    run = link_again(settings, DAYS[-1])
    assert outcome(run, one, other).startswith("Two persons")
    decision = decide_on(run, "person", one, other, "one", "anna", "The officer confirmed it on the phone.")
    assert (decision.number, decision.decided_by, decision.known_from) == (1, "anna", DAYS[-1])
    assert outcome(link_again(settings, DAYS[-1]), one, other).startswith("One person")
    shutil.rmtree(settings.home / "identifying" / "entities")
    facts = explain_link(link_again(settings, DAYS[-1]), one, other)
    assert dict(facts)["Outcome"].startswith("One person")
    assert ("Decision", f"anna, from {DAYS[-1]}: person one. The officer confirmed it on the phone.") in facts
    assert outcome(link_again(settings, DAYS[0]), one, other).startswith("Two persons")  # as known before it was decided
    decide_on(run, "person", other, one, "open", "bert", "It was another Cleo.")
    assert outcome(link_again(settings, DAYS[-1]), one, other).startswith("Two persons")
    assert [(d.outcome, d.decided_by) for d in decisions(run)] == [("one", "anna"), ("open", "bert")]


def test_damaged_decisions_are_to_be_restored(settings):
    assert how_to_mend(Run.start(settings, DAYS[-1]), TABLE) == RESTORE


def test_decisions_are_encrypted(settings):
    run = link_again(settings, DAYS[-1])
    decide(run, "person", Record("report", 11), Record("case", 3), "two", "anna", "Wroclawska is not Wroclawski.")
    assert not [path for path in (settings.home / TABLE).rglob("*") if path.is_file() and b"roclawsk" in path.read_bytes()]


@pytest.mark.parametrize(
    ("kind", "one", "other", "by", "message"),
    [
        ("person", "report:1", "report:99", "anna", "report:99 is no record in force about a person"),
        ("person", "report:1", "report:1", "anna", "report:1 is one record"),
        ("person", "report:1", "report:3", "anna", "two never merge"),
        ("person", "report:1", "report:3", " ", "needs a name and a reason"),
        ("case", "report:1", "report:3", "anna", "are of two persons"),
    ],
)
def test_decision_that_links_could_not_follow_is_refused(settings, kind, one, other, by, message):
    run = link_again(settings, DAYS[-1])
    outcome = "two" if not by.strip() else "one"
    with pytest.raises(DasError, match=message):
        decide_on(run, kind, Record.parse(one), Record.parse(other), outcome, by, "seen")


def test_record_is_named_by_unit_and_number():
    with pytest.raises(DasError, match="write unit:number"):
        Record.parse("report 12")


def test_review_of_the_toy_has_its_items(settings):
    run = link_again(settings, DAYS[-1])
    assert {item.reason for item in items(run)} <= {"two_numbers", "refused", "two_candidates", "second_number"}
