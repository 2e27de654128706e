"""Ids stay what they were: births, merges, splits and ends are in the ledger, and a replay gives the same numbers."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.linkage.world import World, row

MONDAY, TUESDAY, WEDNESDAY = date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3)
JAN = {"surname": "Jansen", "given_names": "Jan", "birth_date": "1980-05-17"}
PIET = {"surname": "Bakker", "given_names": "Piet", "birth_date": "1975-11-02"}
KEES = {"surname": "Visser", "given_names": "Kees", "birth_date": "1991-03-30"}


def events(world: World, kind: str = "person"):
    """What happened to ids of one kind, without the cases."""
    return [(vintage, event, id_, other) for of, id_, event, other, vintage in world.ledger if of == kind]


def test_births_are_numbered_in_the_order_of_the_records():
    world = World()
    world.link([row(("report", 2), chain_number="9", **PIET), row(("report", 1), chain_number="11", **JAN)], MONDAY)
    assert [link[:3] for link in world.links] == [("report", 1, 1), ("report", 2, 2)]
    assert events(world) == [(MONDAY, "birth", 1, None), (MONDAY, "birth", 2, None)]


@pytest.mark.slow
def test_ids_stay_when_records_arrive_before_and_between():
    world = World()
    before = world.link([row(("report", 2), chain_number="11", **JAN), row(("report", 3), chain_number="12", **PIET)], MONDAY)
    after = world.link(
        [
            row(("case", 1), chain_number="13", **KEES),  # sorts first
            row(("report", 1), chain_number="12", **PIET),
            row(("report", 2), chain_number="11", **JAN),
            row(("report", 3), chain_number="12", **PIET),
        ],
        TUESDAY,
    )
    assert {key: after[key].person for key in before} == {key: link.person for key, link in before.items()}
    assert after[("report", 1)].person == before[("report", 3)].person
    assert events(world)[-1] == (TUESDAY, "birth", 3, None)


@pytest.mark.slow
def test_merge_keeps_the_larger_then_the_older_id_and_says_so():
    world = World()
    world.link([row(("case", 1), **JAN), row(("report", 1), **JAN), row(("report", 2), **JAN)], MONDAY)
    merged = world.link(
        [row(("case", 1), chain_number="11", **JAN), row(("report", 1), chain_number="11", **JAN), row(("report", 2), **JAN)], TUESDAY
    )
    assert [merged[key].person for key in (("case", 1), ("report", 1), ("report", 2))] == [1, 1, 3]
    assert events(world)[3:] == [(TUESDAY, "merge", 2, 1)]


@pytest.mark.slow
def test_split_gives_a_new_id_to_the_smaller_part():
    world = World()
    one = [row(("report", n), chain_number="11", **JAN) for n in (1, 2, 3)]
    world.link(one, MONDAY)
    apart = world.link([row(("report", 1), chain_number="12", **JAN), *one[1:]], TUESDAY)
    assert [apart[("report", n)].person for n in (1, 2, 3)] == [2, 1, 1]
    assert events(world)[1:] == [(TUESDAY, "birth", 2, None), (TUESDAY, "split", 2, 1)]


@pytest.mark.slow
def test_id_does_not_move_to_the_person_that_a_record_turns_out_to_be_about():
    """Case 1 had the number and the name of somebody else than it is about. It is corrected: id 2 stays whose it was, and id 1 ends."""
    world = World()
    jan, piet = row(("case", 1), chain_number="11", **JAN), row(("report", 1), chain_number="12", **PIET)
    world.link([jan, piet], MONDAY)
    corrected = world.link([row(("case", 1), chain_number="12", **PIET), piet], TUESDAY)
    assert [corrected[key].person for key in (("case", 1), ("report", 1))] == [2, 2]
    assert events(world)[2:] == [(TUESDAY, "end", 1, None)]
    again = world.link([jan, piet], WEDNESDAY)
    assert [again[key].person for key in (("case", 1), ("report", 1))] == [1, 2]
    assert events(world)[3:] == [(WEDNESDAY, "return", 1, None)]


@pytest.mark.slow
def test_number_that_was_never_seen_takes_no_id_of_another_number():
    world = World()
    world.link([row(("report", 1), chain_number="11", **JAN)], MONDAY)
    assert world.link([row(("report", 1), chain_number="12", **PIET)], TUESDAY)[("report", 1)].person == 2
    assert events(world)[1:] == [(TUESDAY, "end", 1, None), (TUESDAY, "birth", 2, None), (TUESDAY, "split", 2, 1)]


@pytest.mark.slow
def test_verified_person_keeps_the_id_after_a_split():
    """Docket D held them together; three records without a chain number are more than one with it, and count for less."""
    world = World()
    verified = row(("report", 1), chain_number="11", docket="D", **JAN)
    others = [row(("case", n), citizen_number="123456782", **JAN) for n in (1, 2, 3)]
    world.link([verified, others[0] | {"docket": "D"}, *others[1:]], MONDAY)
    apart = world.link([verified, *others], TUESDAY)
    assert [apart[("report", 1)].person, *(apart[("case", n)].person for n in (1, 2, 3))] == [1, 2, 2, 2]


@pytest.mark.slow
def test_record_that_gets_a_number_keeps_the_id_when_its_person_splits():
    world = World()
    rows = [row(("case", n), citizen_number="123456782", **JAN) for n in (1, 2, 3)]
    world.link(rows, MONDAY)
    apart = world.link([*rows[:2], row(("case", 3), chain_number="11", **JAN)], TUESDAY)
    assert [apart[("case", n)].person for n in (1, 2, 3)] == [2, 2, 1]


@pytest.mark.slow
def test_records_keep_their_id_when_the_number_of_their_person_is_gone():
    world = World()
    verified, other = row(("report", 1), chain_number="11", docket="D", **JAN), row(("case", 1), docket="D", **JAN)
    world.link([verified, other], MONDAY)
    assert world.link([other], TUESDAY)[("case", 1)].person == 1
    assert len(events(world)) == 1


@pytest.mark.slow
def test_revoked_merge_of_numbers_gives_the_second_person_its_id_back():
    world = World()
    rows = [row(("report", n), chain_number=number, **JAN) for n, number in ((1, "11"), (2, "12"), (3, "12"))]
    world.link(rows, MONDAY)
    merged = world.link(rows, TUESDAY, merged={"12": "11"})
    assert [merged[("report", n)].person for n in (1, 2, 3)] == [2, 2, 2]
    revoked = world.link(rows, WEDNESDAY)
    assert [revoked[("report", n)].person for n in (1, 2, 3)] == [1, 2, 2]
    assert events(world)[2:] == [(TUESDAY, "merge", 1, 2), (WEDNESDAY, "return", 1, None)]


@pytest.mark.slow
def test_ended_id_is_never_used_again():
    world = World()
    world.link([row(("report", 1), **JAN), row(("report", 2), **PIET)], MONDAY)
    world.link([row(("report", 1), **JAN)], TUESDAY)
    world.link([row(("report", 1), **JAN), row(("report", 3), **KEES)], WEDNESDAY)
    assert events(world)[2:] == [(TUESDAY, "end", 2, None), (WEDNESDAY, "birth", 3, None)]


@pytest.mark.slow
def test_record_that_comes_back_gets_its_id_back():
    """A snapshot that lost a row for a day moves no ids."""
    world, jan, piet = World(), row(("report", 1), **JAN), row(("report", 2), **PIET)
    world.link([jan, piet], MONDAY)
    world.link([jan], TUESDAY)
    assert world.link([jan, piet], WEDNESDAY)[("report", 2)].person == 2
    assert events(world)[2:] == [(TUESDAY, "end", 2, None), (WEDNESDAY, "return", 2, None)]


@pytest.mark.slow
def test_merged_id_is_not_used_again_by_a_record_that_comes_back():
    """Report 1 had id 2, which merged into 1 while the report was gone."""
    world = World()
    cases = [row(("case", n), citizen_number="123456782", **JAN) for n in (1, 2, 3)]
    gone, other = row(("report", 1), docket="D1", **JAN), row(("report", 2), docket="D1", **JAN)
    world.link([*cases, gone, other], MONDAY)
    world.link([*cases, other | {"citizen_number": "123456782", "docket": None}], TUESDAY)
    assert [record[:3] for record in world.former] == [("report", 1, 1)]
    assert world.link([*cases, gone], WEDNESDAY)[("report", 1)].person == 3
    assert events(world)[2:] == [(TUESDAY, "merge", 2, 1), (WEDNESDAY, "birth", 3, None), (WEDNESDAY, "split", 3, 1)]


@pytest.mark.slow
def test_running_again_changes_nothing():
    world, rows = (
        World(),
        [row(("report", 1), chain_number="11", **JAN), row(("case", 1), chain_number="11", **JAN), row(("report", 2), **PIET)],
    )
    world.link(rows, MONDAY)
    links, ledger = list(world.links), list(world.ledger)
    world.link(rows, MONDAY)
    assert (world.links, world.ledger) == (links, ledger)


def test_cases_have_ids_of_their_own_in_the_same_ledger():
    world = World()
    world.link([row(("report", 1), report="R1", **JAN), row(("crime", 1), event="E1")], MONDAY)
    assert events(world, "case") == [(MONDAY, "birth", 1, None), (MONDAY, "birth", 2, None)]


people = st.lists(
    st.tuples(
        st.sampled_from(["report", "case"]),
        st.integers(1, 6),
        st.sampled_from([None, "11", "12", "13"]),
        st.sampled_from([None, "123456782", "111222333"]),
        st.sampled_from([JAN, PIET, JAN | {"birth_date": "1980-01-01"}, {"surname": "Jansen"}]),
        st.sampled_from([None, "D1", "D2"]),
    ),
    max_size=12,
    unique_by=lambda r: r[:2],
)


def as_rows(drawn):
    return [
        row((unit, no), chain_number=chain, citizen_number=citizen, docket=docket, **who) for unit, no, chain, citizen, who, docket in drawn
    ]


@pytest.mark.slow
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(first=people, second=people, seed=st.randoms(use_true_random=False))
def test_every_history_gives_each_record_one_id_whatever_the_order_of_rows_and_threads(first, second, seed):
    one, other = World(threads=1), World(threads=2)
    for vintage, drawn in ((MONDAY, first), (TUESDAY, second), (WEDNESDAY, first)):
        rows = as_rows(drawn)
        shuffled = list(rows)
        seed.shuffle(shuffled)
        linked = one.link(rows, vintage)
        assert set(linked) == {item["key"] for item in rows}
        assert all(link.person and link.case for link in linked.values())
        other.link(shuffled, vintage)
        assert (one.links, one.ledger) == (other.links, other.ledger)
    alive = {link[2] for link in one.links}
    last = {id_: event for _, event, id_, _ in events(one)}
    assert alive == {id_ for id_, event in last.items() if event not in {"merge", "end"}}
