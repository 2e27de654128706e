"""Who is the same person: guarded keys, vetoes and the constrained merge, on rows one can read."""

from __future__ import annotations

import pytest

from tests.linkage.world import DEFINITION, World, row

JAN = {"surname": "Jansen", "given_names": "Jan", "birth_date": "1980-05-17", "sex": "male"}
PIET = {"surname": "de Vries", "given_names": "Piet", "birth_date": "1975-11-02", "sex": "male"}


def persons(*rows, **world):
    """The person ids of `rows`, in their order."""
    linked = World(**world).link(rows)
    return [linked[item["key"]].person for item in rows]


def test_same_number_and_same_profile_is_one_person():
    assert persons(row(("report", 1), chain_number="11", **JAN), row(("case", 1), chain_number="11", **JAN)) == [1, 1]


def test_same_number_and_another_profile_is_not():
    """A number mistyped into somebody else's: the guard refuses it."""
    rows = [
        row(("report", 1), chain_number="11", **JAN),
        row(("report", 2), chain_number="11", **JAN),
        row(("case", 1), chain_number="11", **PIET),
    ]
    first, second, other = persons(*rows)
    assert first == second != other


@pytest.mark.slow
def test_a_number_without_a_profile_links_only_when_it_is_declared_enough():
    rows = [row(("report", 1), chain_number="11"), row(("case", 1), chain_number="11"), row(("case", 2), chain_number="12")]
    first, second, third = persons(*rows)
    assert len({first, second, third}) == 3
    alone = DEFINITION.model_copy(update={"strong_keys": [DEFINITION.strong_keys[0].model_copy(update={"alone": True})], "profile": []})
    first, second, third = persons(*rows, definition=alone)
    assert first == second != third


# How a third record with the number of two records of Jan Jansen, 17 May 1980, differs, and whether it is his.
GUARDED = [
    ({"surname": None}, True),  # no evidence
    ({"birth_date": None}, True),
    ({"surname": None, "given_names": None, "birth_date": None}, False),  # nothing agrees: no evidence beside the number
    ({"birth_date": "1980-05-18"}, True),  # one part mistyped, the names agree
    ({"birth_date": "1980-01-01"}, True),  # the year is all that is known
    ({"birth_date": "1981-01-01"}, False),
    ({"birth_date": "1962-03-09"}, False),  # beyond tolerance, whatever the names say: father and son
    ({"surname": "JANSÉN "}, True),
    ({"surname": "van Jansen"}, True),
    ({"surname": "Bakker-Jansen"}, True),
    ({"surname": "Jasnen", "given_names": "J."}, True),  # two letters changed places
    ({"given_names": "Kees"}, False),  # all but the given name agrees: a twin's number
    ({"given_names": "Jam"}, True),
    ({"given_names": "Kees Jan"}, True),  # a call name
    ({"given_names": "Jantinus"}, True),  # of which Jan is short
    ({"surname": "Jan", "given_names": "Jansen"}, True),  # swapped
    ({"surname": "J.", "given_names": "Jansen"}, True),  # swapped, and an initial
    ({"surname": "Jan", "given_names": "Jannsen"}, True),  # swapped, and mistyped
    ({"sex": "female"}, True),
    ({"surname": "Bakker"}, True),  # married: birth date and initial agree
    ({"surname": "Bakker", "given_names": "Kees"}, False),
]


@pytest.mark.slow
def test_guard_counts_what_is_missing_as_nothing():
    rows = []
    for n, (change, _) in enumerate(GUARDED):
        usual = JAN | {"chain_number": f"{n}1"}
        rows += [row(("report", 2 * n), **usual), row(("report", 2 * n + 1), **usual), row(("case", n), **(usual | change))]
    linked = World().link(rows)
    outcome = [(change, linked[("case", n)].person == linked[("report", 2 * n)].person) for n, (change, _) in enumerate(GUARDED)]
    assert outcome == GUARDED


CITIZEN = {"citizen_number": "123456782"}


@pytest.mark.slow
def test_second_number_makes_up_for_names_that_are_wrong():
    """Chain number, citizen number and birth date are those of report 1 and 2; the names are somebody else's."""
    rows = [row(("report", n), chain_number="11", **CITIZEN, **JAN) for n in (1, 2)]
    other = JAN | {"surname": "Bakker", "given_names": "Jasper"}
    assert len(set(persons(*rows, row(("case", 1), chain_number="11", **CITIZEN, **other)))) == 1
    assert len(set(persons(*rows, row(("case", 1), chain_number="11", **CITIZEN, **(JAN | {"given_names": "Kees"}))))) == 1


def test_mistyped_number_neither_leaves_its_person_nor_takes_others_along():
    """Only case 1 has 1234657, with two digits of 1234567 turned. Case 2 has no chain number and fits both."""
    rows = [row(("report", n), chain_number="1234567", **CITIZEN, **JAN) for n in (1, 2)]
    linked = World().link([*rows, row(("case", 1), chain_number="1234657", **CITIZEN, **JAN), row(("case", 2), **CITIZEN, **JAN)])
    assert len({link.person for link in linked.values()}) == 1
    assert [linked[("case", n)].link_class for n in (1, 2)] == ["B", "B"]


def test_number_that_only_one_record_has_takes_no_record_from_a_number_that_several_have():
    """98765 is not one edit from 11: case 1 stays a person of its own, as two verified numbers never merge."""
    rows = [row(("report", n), chain_number="11", **CITIZEN, **JAN) for n in (1, 2)]
    assert persons(row(("case", 1), chain_number="98765", **CITIZEN, **JAN), row(("case", 2), **CITIZEN, **JAN), *rows) == [1, 2, 2, 2]


@pytest.mark.slow
def test_number_of_one_record_is_wrong_if_its_docket_and_its_names_are_a_person_of_another_number():
    """A number of somebody else, not seen otherwise: names and birth date agree, and a docket names one person."""
    rows = [row(("report", n), chain_number="1234567", docket="D1", **JAN) for n in (1, 2)]
    stray = row(("case", 1), chain_number="9999888", docket="D1", **JAN)
    world = World()
    linked = world.link([*rows, stray])
    assert len({link.person for link in linked.values()}) == 1
    assert world.connection.execute("SELECT rule, unit, record_no FROM doubtful_numbers").fetchall() == [("pair", "case", 1)]
    assert len(set(persons(*rows, stray | {"docket": "D2"}))) == 2
    assert len(set(persons(*rows, stray | {"birth_date": "1980-05-18"}))) == 2  # no more than a pointer and the names
    assert len(set(persons(*rows, stray, row(("case", 2), chain_number="9999888", **JAN)))) == 2  # somebody else has it too


@pytest.mark.slow
def test_a_record_does_not_accept_itself_by_what_only_it_says():
    """Only case 1 knows a given name and a birth date, but the surname of the number's other records is another."""
    rows = [row(("report", n), chain_number="11", surname="Vastgoed Berg BV") for n in (1, 2)]
    first, second, other = persons(*rows, row(("case", 1), chain_number="11", **PIET))
    assert first == second != other
    assert len(set(persons(*rows, row(("case", 1), chain_number="11", surname="Vastgoed Berg BV", birth_date="1980-05-17")))) == 1


REPORTED = {"surname": "Jansen", "sex": "male"}


@pytest.mark.slow
def test_report_with_one_suspect_names_a_person():
    """A record without a number and a birth date is found by a report that nobody else is in."""
    rows = [row(("report", 1), report="R1", **REPORTED), row(("case", 1), report="R1", chain_number="11", **JAN)]
    assert len(set(persons(*rows))) == 1
    assert len(set(persons(*rows, row(("report", 2), report="R1", **PIET)))) == 3


@pytest.mark.slow
def test_report_with_several_suspects_asks_for_two_parts_that_agree():
    others = [row(("report", 2), report="R1", **PIET), row(("case", 1), report="R1", chain_number="11", **JAN)]
    by_names = row(("report", 1), report="R1", given_names="Jan", **REPORTED)
    first, _, case = persons(by_names, *others)
    assert first == case
    first, _, case = persons(row(("report", 1), report="R1", **REPORTED), *others)
    assert first != case


def test_two_numbers_a_letter_apart_with_several_records_each_stay_apart():
    numbers = ("1234567", "1234567", "1234657", "1234657")
    rows = [row(("report", n), chain_number=number, **JAN) for n, number in enumerate(numbers, start=1)]
    assert persons(*rows) == [1, 1, 2, 2]


@pytest.mark.slow
def test_number_that_is_enough_alone_links_records_without_a_profile():
    rows = [row(("report", 1), citizen_number="123456782"), row(("case", 1), citizen_number="123456782")]
    assert persons(*rows) == [2, 1]
    first, second = DEFINITION.strong_keys
    alone = DEFINITION.model_copy(update={"strong_keys": [first, second.model_copy(update={"alone": True})]})
    assert persons(*rows, definition=alone) == [1, 1]


def test_father_and_son_with_one_name_are_two_persons():
    father, son = JAN | {"birth_date": "1955-02-20"}, JAN
    assert persons(row(("report", 1), chain_number="11", **father), row(("case", 1), chain_number="12", **son)) == [2, 1]


def test_two_verified_numbers_never_merge():
    """One person may hold two numbers; joining them is for the authority that gave them, not for us."""
    first = row(("report", 1), chain_number="11", citizen_number="123456782", **JAN)
    second = row(("case", 1), chain_number="12", citizen_number="123456782", **JAN)
    assert len(set(persons(first, second))) == 2


def test_numbers_that_their_authority_merged_are_one_person():
    rows = [row(("report", n), chain_number=number, **JAN) for n, number in enumerate(("11", "12", "13"), start=1)]
    linked = World().link(rows, merged={"12": "11"})
    assert [linked[("report", n)].person for n in (1, 2, 3)] == [1, 1, 2]
    assert [linked[("report", n)].link_class for n in (1, 2, 3)] == ["A", "A", "S"]


def test_a_mistyped_merged_number_is_refused_like_any_other():
    other = row(("case", 1), chain_number="12", surname="Bakker", given_names="Piet", birth_date="1961-11-30", sex="male")
    rows = [row(("report", 1), chain_number="11", **JAN), row(("report", 2), chain_number="11", **JAN), other]
    linked = World().link(rows, merged={"12": "11"})
    assert linked[("report", 1)].person == linked[("report", 2)].person != linked[("case", 1)].person


def test_record_between_two_verified_numbers_joins_neither():
    tied = [
        row(("report", 1), chain_number="11", citizen_number="123456782", **JAN),
        row(("report", 2), chain_number="12", citizen_number="123456782", **JAN),
        row(("case", 1), citizen_number="123456782", **JAN),
    ]
    assert len(set(persons(*tied))) == 3


def test_record_without_number_joins_by_citizen_number():
    world = World().link(
        [row(("report", 1), chain_number="11", citizen_number="123456782", **JAN), row(("case", 1), citizen_number="123456782", **JAN)]
    )
    assert world[("report", 1)].person == world[("case", 1)].person
    assert world[("report", 1)].link_class == "A"
    assert (world[("case", 1)].link_class, world[("case", 1)].weight) == ("B", None)  # only a probable link has a weight


def test_reference_that_names_one_person_is_a_key_too():
    rows = [row(("report", 1), chain_number="11", docket="D-1", **JAN), row(("case", 1), docket="d1", birth_date="1980-05-17")]
    assert persons(*rows) == [1, 1]


def test_who_has_two_given_names_is_found_by_each_of_them():
    """Albert is Albert Nico, and so is Nico: the second of them that comes does not look like the first."""
    who = JAN | {"given_names": "Albert Nico"}
    known = row(("report", 1), chain_number="11", docket="D", **who)
    linked = [
        row(("case", n), **{"docket": "D"} | who | {"given_names": given}) for n, given in enumerate(("Nico", "Albert", "A.", "N."), 1)
    ]
    assert len(set(persons(known, *linked))) == 1


@pytest.mark.slow
def test_two_keys_find_a_person_whose_birth_date_is_mistyped():
    known = row(("report", 1), chain_number="11", docket="D", report="R", **JAN)
    sanction = {"docket": "D", "birth_date": "1980-05-18"}
    first, second = persons(known, row(("case", 1), report="R", **sanction))
    assert first == second
    for other in (sanction, sanction | {"report": "R", "birth_date": "1980-06-18"}):
        first, second = persons(known, row(("case", 1), **other))
        assert first != second


COMPANY = {"surname": "Bouw Jansen B.V."}


@pytest.mark.slow
def test_company_is_found_by_its_name():
    definition = DEFINITION.model_copy(update={"legal_forms": ["b v", "bv"]})
    rows = [row(("report", 1), chain_number="11", **COMPANY), row(("report", 2), **COMPANY), row(("case", 1), surname="BOUW JANSEN BV")]
    others = [row(("case", 2), surname="Bouw Janssens B.V."), row(("case", 3), surname="Bouw Jansen"), row(("case", 4), **COMPANY | JAN)]
    first, *same, two, three, four = persons(*rows, *others, definition=definition)
    assert same == [first, first]
    assert len({first, two, three, four}) == 4
    assert len(set(persons(*rows))) == 3, "without legal forms nobody is linked by a surname alone"


@pytest.mark.slow
def test_company_whose_name_two_have_joins_neither():
    definition = DEFINITION.model_copy(update={"legal_forms": ["b v"]})
    rows = [*(row(("report", n), chain_number=f"1{n}", **COMPANY) for n in (1, 2)), row(("case", 1), **COMPANY)]
    assert len(set(persons(*rows, definition=definition))) == 3


@pytest.mark.slow
def test_placeholder_number_joins_nobody():
    """More different persons than the limit hold it: it means "not known"."""
    names = [("Jansen", "1980-05-17"), ("Bakker", "1981-06-18"), ("Visser", "1982-07-19"), ("Smit", "1983-08-20")]
    rows = [row(("report", n), chain_number="7", surname=s, birth_date=b) for n, (s, b) in enumerate(names)]
    rows.append(row(("case", 1), chain_number="7", surname="Jansen", birth_date="1980-05-17"))
    assert len(set(persons(*rows))) == 5


def test_declared_sentinel_joins_nobody():
    assert len(set(persons(row(("report", 1), chain_number="999", **JAN), row(("case", 1), chain_number="999", **JAN)))) == 2


@pytest.mark.slow
def test_different_citizen_numbers_are_two_persons_even_with_a_shared_reference():
    rows = [
        row(("report", 1), citizen_number="123456782", docket="1", **JAN),
        row(("case", 1), citizen_number="111222333", docket="1", **JAN),
    ]
    assert len(set(persons(*rows))) == 2


@pytest.mark.slow
def test_a_partner_with_one_record_a_person_keeps_it_so():
    rows = [row(("case", n), citizen_number="123456782", **JAN) for n in (1, 2)]
    alone = World().definition.model_copy(update={"one_per_person": ["partner_of_case"]})
    assert persons(*rows) == [1, 1]
    assert persons(*rows, definition=alone) == [1, 2]


def test_thing_has_a_case_and_no_person():
    linked = World().link([row(("crime", 1), event="E1")])
    assert (linked[("crime", 1)].person, linked[("crime", 1)].case, linked[("crime", 1)].link_class) == (None, 1, None)


def test_single_record_is_a_person_too():
    linked = World().link([row(("report", 1), **JAN), row(("report", 2))])
    assert [link.link_class for link in linked.values()] == ["S", "S"]
    assert [link.person for link in linked.values()] == [1, 2]
