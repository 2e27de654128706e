"""Names as they are compared: in plain letters, in one spelling, without prefixes, and unknown where a word says so."""

from __future__ import annotations

import pytest

from tests.linkage.world import World, row

BORN = {"birth_date": "1980-05-17", "given_names": "Jan"}


def compared(surname: str, given_names: str | None = None):
    """The parts of a name that linkage compares."""
    world = World()
    world.link([row(("report", 1), surname=surname, given_names=given_names)])
    return world.connection.execute("SELECT surname, surname_1, surname_2, given_name, given_2 FROM records").fetchall()[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
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
    ],
)
def test_a_name_in_other_letters_is_the_same_name(one, other):
    assert compared(one) == compared(other)
    number = {"chain_number": "11", **BORN}
    linked = World().link([row(("report", 1), surname=one, **number), row(("case", 1), surname=other, **number)])
    assert linked[("report", 1)].person == linked[("case", 1)].person


@pytest.mark.parametrize("word", ["None", "NaN", "onbekend", "NN", " - ", "..."])
def test_a_word_that_means_unknown_is_no_name(word):
    assert compared(word, word) == (None, None, None, None, None)


def test_double_names_have_two_parts_with_and_without_a_hyphen():
    assert compared("Bakker - de Vries")[1:3] == compared("Bakker-Vries")[1:3] == compared("Bakker Vries")[1:3] == ("bakker", "vries")


def test_given_names_are_words():
    assert compared("Bakker", "Jan-Pieter")[3:] == compared("Bakker", "Jan Pieter")[3:] == ("jan", "pieter")
