"""Which records are one case: what one person's records share."""

from __future__ import annotations

from tests.linkage.world import World, row

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
