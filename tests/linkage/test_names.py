"""Names as they are compared: in plain letters, in one spelling, without prefixes, and unknown where a word says so."""

from __future__ import annotations

import pytest

from tests.linkage.world import World, row

SAME = [
    ("Łukasz", "LUKASZ"),
    ("Sørensen", "Soerensen"),
    ("Weiß", "Weiss"),
    ("Müller", "Mueller"),
    ("Mu\u0308ller", "Müller"),  # the accent as a letter of its own
    ("Meijer", "Meyer"),
    ("ĲZERMAN", "IJzerman"),
    ("Yıldız", "Yildiz"),
    ("ŞAHİN", "Sahin"),
    ("Đukić", "Dukic"),
    ("van der Berg", "Berg"),
    ("O'Brien", "O`Brien"),
    ("Иванов", "Ivanov"),
]
UNKNOWN = ["None", "NaN", "onbekend", "NN", " - ", "..."]
DOUBLE = ["Bakker - de Vries", "Bakker-Vries", "Bakker Vries"]
TWO_GIVEN = ["Jan-Pieter", "Jan Pieter"]
PAIR = list(enumerate(("report", "case")))


@pytest.fixture(scope="module")
def world() -> World:
    """One world with every name. Each pair of SAME is a report and a case with a number of their own."""
    born = {"birth_date": "1980-05-17", "given_names": "Jan"}
    rows = [row((unit, n), surname=pair[i], chain_number=f"{n}1", **born) for n, pair in enumerate(SAME) for i, unit in PAIR]
    rows += [row(("ruling", n), surname=word, given_names=word) for n, word in enumerate(UNKNOWN)]
    rows += [row(("ruling", 100 + n), surname=name) for n, name in enumerate(DOUBLE)]
    rows += [row(("ruling", 200 + n), surname="Bakker", given_names=names) for n, names in enumerate(TWO_GIVEN)]
    made = World()
    made.link(rows)
    return made


def compared(world: World, unit: str, record_no: int):
    """The parts of a name that linkage compares."""
    parts = "SELECT surname, surname_1, surname_2, given_name, given_2 FROM records WHERE unit = ? AND record_no = ?"
    return world.connection.execute(parts, [unit, record_no]).fetchall()[0]


@pytest.mark.slow
@pytest.mark.parametrize(("one", "other"), SAME)
def test_a_name_in_other_letters_is_the_same_name(world, one, other):
    n = SAME.index((one, other))
    assert compared(world, "report", n) == compared(world, "case", n)
    person = {(unit, record_no): person for unit, record_no, person, *_ in world.links}
    assert person[("report", n)] == person[("case", n)]
    assert len(set(person.values())) == len(SAME) + len(UNKNOWN) + len(DOUBLE) + len(TWO_GIVEN)


@pytest.mark.parametrize("word", UNKNOWN)
def test_a_word_that_means_unknown_is_no_name(world, word):
    assert compared(world, "ruling", UNKNOWN.index(word)) == (None, None, None, None, None)


def test_double_names_have_two_parts_with_and_without_a_hyphen(world):
    assert {compared(world, "ruling", 100 + n)[1:3] for n in range(len(DOUBLE))} == {("bakker", "vries")}


def test_given_names_are_words(world):
    assert {compared(world, "ruling", 200 + n)[3:] for n in range(len(TWO_GIVEN))} == {("jan", "pieter")}
