"""What must hold from version to version and between groups, with a fault planted in each."""

from __future__ import annotations

from datetime import date

import pytest

from das_pipeline.linkage import stability
from das_pipeline.linkage.persons import changed_if_linked_anew
from das_pipeline.policy import SubgroupFloor, Warn, WarnAndBlock
from tests.linkage.world import MOST_RECORDS, World, row

JAN = {"surname": "Jansen", "given_names": "Jan", "birth_date": "1980-05-17", "sex": "male"}
CHANGE = WarnAndBlock(warn=0.03, block=0.08, min_rows=2, reason="a limit of the test")
MONDAY, TUESDAY = date(2024, 1, 1), date(2024, 1, 2)


@pytest.mark.parametrize(("rate", "severity"), [(0.85, "warn"), (0.80, "block"), (0.95, "warn")])
@pytest.mark.breaks("L02")
def test_l02_sees_a_link_rate_that_moved(rate, severity):
    earlier = [{"watch": 0.90, "bench": 0.5}, {"watch": 0.90}]
    assert stability.rates_are_steady({"watch": 0.92, "new": 0.1}, earlier, CHANGE).passed
    verdict = stability.rates_are_steady({"watch": rate}, earlier, CHANGE)
    assert (verdict.passed, verdict.severity, verdict.facts["moved"]) == (False, severity, 1)


def test_l02_blocks_only_with_enough_earlier_versions():
    assert stability.rates_are_steady({"watch": 0.5}, [{"watch": 0.9}], CHANGE).severity == "warn"
    assert stability.rates_are_steady({"watch": 0.5}, [], CHANGE).passed


@pytest.mark.slow
@pytest.mark.breaks("L03")
def test_l03_sees_that_women_are_linked_less_often():
    """Of four men without a chain number three are one person by citizen number; none of three women is linked."""
    number = {"citizen_number": "123456782"}
    men = [row(("report", n), **JAN, **(number if n else {})) for n in range(4)]
    women = [row(("case", n), **(JAN | {"sex": "female", "surname": f"Name{n}"})) for n in range(3)]
    world = World()
    world.link([*men, *women])
    verdict, rates = stability.groups_are_linked_alike(world.connection, 3, Warn(warn=0.05, reason="a limit of the test"))
    assert rates == {"decade of birth": {"1980": 0.4286}, "sex": {"female": 0.0, "male": 0.75}}
    assert (verdict.passed, verdict.severity, verdict.facts["gap by sex"]) == (False, "warn", 0.75)
    assert stability.groups_are_linked_alike(world.connection, 4, Warn(warn=0.05, reason="a limit of the test"))[0].passed


@pytest.mark.slow
@pytest.mark.breaks("L06")
def test_l06_sees_a_new_link_that_is_too_weak():
    world = World()
    world.link([row(("report", 1), **JAN)], MONDAY)
    world.link([row(("report", 1), **JAN), row(("report", 2), **JAN)], TUESDAY)
    world.connection.execute("UPDATE links SET link_class = 'C', weight = 7 WHERE record_no = 1")
    assert stability.joins_are_above_keeping(world.connection, 8.0).passed
    world.connection.execute("UPDATE links SET link_class = 'C', weight = 7")
    verdict = stability.joins_are_above_keeping(world.connection, 8.0)
    assert (verdict.passed, verdict.severity, verdict.facts) == (False, "block", {"new_below": 1})


@pytest.mark.breaks("L13")
def test_l13_sees_that_the_number_of_persons_depends_on_the_threshold():
    limit = Warn(warn=0.01, reason="a limit of the test")
    assert stability.persons_are_certain({"default": 1000, "loose": 991, "strict": 1005}, limit).passed
    verdict = stability.persons_are_certain({"default": 1000, "loose": 980, "strict": 1005}, limit)
    assert (verdict.passed, verdict.severity, verdict.facts["moved"]) == (False, "warn", 0.02)


@pytest.mark.slow
@pytest.mark.breaks("L09")
def test_l09_sees_ids_that_moved_and_changes_that_the_ledger_does_not_have():
    """Report 2 turns out to be about the person of case 1; both persons go on."""
    world, limit = World(), Warn(warn=0.001, reason="a limit of the test")
    piet = JAN | {"surname": "Bakker", "given_names": "Piet", "birth_date": "1955-11-02"}
    kept = [row(("report", 1), chain_number="11", **JAN), row(("case", 1), chain_number="12", **piet)]
    world.link([*kept, row(("report", 2), chain_number="11", **JAN)], MONDAY)
    world.link([*kept, row(("report", 2), chain_number="12", **piet)], TUESDAY)
    assert [event for event in world.ledger if event[2] == "move" and event[0] == "person"] == [("person", 2, "move", 1, TUESDAY)]
    verdict = stability.ids_are_steady(stability.id_moves(world.connection, TUESDAY), 3, limit)
    assert (verdict.passed, verdict.severity, verdict.facts) == (False, "warn", {"records": 3, "moved": 1, "unexplained": 0})
    world.connection.execute("DELETE FROM ledger WHERE event = 'move'")
    verdict = stability.ids_are_steady(stability.id_moves(world.connection, TUESDAY), 3, limit)
    assert (verdict.passed, verdict.severity, verdict.facts["unexplained"]) == (False, "block", 1)


@pytest.mark.breaks("L10")
def test_l10_sees_a_person_that_only_an_earlier_version_holds_together():
    """Report 1 and case 1 were linked by 9 bits; 7 are left, which keep a link and would make none."""
    world, limit = World(), Warn(warn=0.1, reason="a limit of the test")
    world.link([row(("report", 1), **JAN), row(("case", 1), **JAN), row(("case", 2), **JAN)])
    connection = world.connection
    assert changed_if_linked_anew(connection, world.definition, MOST_RECORDS, 8.0) == 0
    connection.execute("INSERT INTO edges VALUES (1, 3, 'C', 7)")
    connection.execute("UPDATE merged SET cluster = 1 WHERE entity = 3")
    connection.execute("INSERT INTO taken VALUES (1, 'C', 7), (3, 'C', 7)")
    connection.execute("INSERT INTO links_before VALUES ('case', 1, 1, 1, true), ('report', 1, 1, 1, true)")
    changed = changed_if_linked_anew(connection, world.definition, MOST_RECORDS, 8.0)
    assert connection.execute("SELECT COUNT(*) FROM links_before").fetchall() == [(2,)]
    verdict = stability.linking_anew_agrees(changed, 3, limit)
    assert (verdict.passed, verdict.severity, verdict.facts) == (False, "warn", {"records": 3, "changed": 1})


@pytest.mark.breaks("L11")
def test_l11_sees_a_group_whose_persons_have_two_second_numbers():
    """Two men and a woman, each with one citizen number; then her second record has the number of somebody else."""
    floor = SubgroupFloor(precision=0.98, recall=0.9, reason="a limit of the test")
    world, eva = World(), JAN | {"surname": "Smit", "given_names": "Eva", "birth_date": "1992-03-04", "sex": "female"}
    men = [row(("report", n), chain_number="11", citizen_number="123456782", **JAN) for n in (1, 2)]
    women = [row(("case", n), chain_number="12", citizen_number="111222333", **eva) for n in (1, 2)]
    world.link([*men, *women])
    verdict = stability.second_numbers_agree(world.connection, "chain_number", 2, floor)
    assert (verdict.passed, verdict.facts["groups"]) == (True, 6)  # two partners, sexes and decades
    world.connection.execute("UPDATE numbers SET value = '123456782' WHERE node = 1 AND role = 'citizen_number'")
    verdict = stability.second_numbers_agree(world.connection, "chain_number", 2, floor)
    assert (verdict.passed, verdict.severity, verdict.facts["lowest precision"]) == (False, "warn", 0.0)
    assert "sex female (0.0%, 0.0%)" in verdict.sentence
    assert stability.second_numbers_agree(world.connection, "chain_number", 5, floor).passed
