"""Which records are one case: what one person's records share."""

from __future__ import annotations

import pytest

from tests.linkage.world import DEFINITION, World, row

JAN = {"chain_number": "11", "surname": "Jansen", "given_names": "Jan", "birth_date": "1980-05-17"}
PIET = {"chain_number": "12", "surname": "Bakker", "given_names": "Piet", "birth_date": "1975-11-02"}


def cases(*rows):
    linked = World().link(rows)
    return [linked[item["key"]].case for item in rows]


def test_reference_and_person_make_a_case():
    assert cases(row(("case", 1), report="R1", **JAN), row(("report", 1), report="R1", **JAN)) == [1, 1]


def test_another_person_under_one_report_has_a_case_of_its_own():
    assert cases(row(("case", 1), report="R1", **JAN), row(("case", 2), report="R1", **PIET)) == [1, 2]


def test_another_reference_of_one_person_is_another_case():
    assert cases(row(("case", 1), report="R1", **JAN), row(("case", 2), report="R2", **JAN)) == [1, 2]


def test_weaker_reference_leads_to_the_stronger():
    """The report names R1 alone, the case R1 and D1, the ruling D1 alone: one case."""
    rows = [
        row(("report", 1), report="R1", **JAN),
        row(("case", 1), report="R1", docket="D1", **JAN),
        row(("ruling", 1), docket="D1", **JAN),
    ]
    assert cases(*rows) == [1, 1, 1]


def test_how_a_reference_is_written_does_not_matter():
    assert cases(row(("case", 1), docket="09/842004-13", **JAN), row(("ruling", 1), docket="09842004 13", **JAN)) == [1, 1]


def test_thing_belongs_to_the_case_of_a_person_who_names_it():
    rows = [row(("crime", 1), event="E1"), row(("crime", 2), event="E2"), row(("report", 1), event="E1", report="R1", **JAN)]
    thing, other, person = cases(*rows)
    assert thing == person != other


def test_record_without_a_reference_is_a_case():
    assert cases(row(("case", 1), **JAN), row(("case", 2), **JAN)) == [1, 2]


def test_reference_that_names_one_person_makes_a_case_of_records_whose_person_was_not_recognised():
    assert cases(row(("case", 1), docket="D1", **JAN), row(("ruling", 1), docket="D1", **PIET)) == [1, 1]


def test_day_leads_a_report_to_the_docket_that_does_not_name_it():
    """Jan has two reports and two dockets; docket D1 names no report, but its day is that of R1."""
    rows = [
        row(("report", 1), report="R1", on="2024-03-01", **JAN),
        row(("report", 2), report="R2", on="2024-05-09", **JAN),
        row(("case", 1), docket="D1", on="2024-03-01", **JAN),
        row(("case", 2), docket="D2", report="R2", on="2024-05-09", **JAN),
    ]
    first, second, *dockets = cases(*rows)
    assert dockets == [first, second]
    assert first != second


def test_day_of_two_dockets_leads_to_neither():
    rows = [row(("report", 1), report="R1", on="2024-03-01", **JAN)]
    rows += [row(("case", n), docket=f"D{n}", on="2024-03-01", **JAN) for n in (1, 2)]
    assert len(set(cases(*rows))) == 3


def test_day_does_not_join_what_names_another_report():
    rows = [
        row(("report", 1), report="R1", on="2024-03-01", **JAN),
        row(("case", 1), docket="D1", report="R2", on="2024-03-01", **JAN),
        row(("case", 2), docket="D2", report="R3", **JAN),
    ]
    assert len(set(cases(*rows))) == 3


@pytest.mark.slow
def test_only_two_cases_of_a_person_are_not_one_if_their_days_differ():
    report, docket = row(("report", 1), report="R1", on="2024-03-01", **JAN), row(("case", 1), docket="D1", **JAN)
    assert cases(report, docket) == [1, 1]
    assert cases(report, docket | {"on": "2024-03-01"}) == [1, 1]
    assert len(set(cases(report, docket | {"on": "2024-05-09"}))) == 2


@pytest.mark.slow
def test_record_without_a_reference_joins_the_case_that_was_last_heard_of():
    """The ruling has no docket; within 100 days only D2 came before it, and D1 long before that."""
    rows = [
        row(("case", 1), docket="D1", on="2023-01-10", **JAN),
        row(("case", 2), docket="D2", on="2024-02-01", **JAN),
        row(("ruling", 1), on="2024-03-01", **JAN),
    ]
    assert len(set(cases(*rows))) == 3
    world = World(DEFINITION.model_copy(update={"case_window": 100}))
    linked = world.link(rows)
    assert linked[("ruling", 1)].case == linked[("case", 2)].case != linked[("case", 1)].case


@pytest.mark.slow
def test_record_without_a_reference_joins_no_case_if_two_were_open_or_none_was():
    definition = DEFINITION.model_copy(update={"case_window": 100})
    for days in (("2024-01-10", "2024-02-01"), ("2023-01-10", "2023-02-01"), ("2024-03-02", "2024-03-03")):
        rows = [row(("case", n), docket=f"D{n}", on=on, **JAN) for n, on in enumerate(days)]
        linked = World(definition).link([*rows, row(("ruling", 1), on="2024-03-01", **JAN)])
        assert len({link.case for link in linked.values()}) == 3, days


@pytest.mark.slow
def test_report_with_one_suspect_makes_one_case_of_two_names():
    """Jan gave a false name at the police: the persons are not linked, the case is one all the same."""
    unnumbered = PIET | {"chain_number": None}
    first, second = cases(row(("report", 1), report="R1", **unnumbered), row(("case", 1), report="R1", docket="D1", **JAN))
    assert first == second
    assert len(set(cases(row(("report", 1), report="R1", **PIET), row(("report", 2), report="R1", **JAN)))) == 2
