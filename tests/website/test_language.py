"""Sentences about numbers say no more than protected counts bear."""

from __future__ import annotations

from datetime import date

import pytest

from das_pipeline.jurisdiction import Jurisdiction, Text
from das_pipeline.publication.texts import Forms, Words, load_words
from das_pipeline.website.language import Language
from tests.conftest import TOY

ENGLISH = Language("en", load_words(Jurisdiction(TOY)))
DUTCH = Language("nl", load_words(Jurisdiction(TOY)))


@pytest.mark.parametrize(
    ("part", "whole", "share"),
    [
        (20, 45, None),  # nothing below 50
        (20, 50, "40%"),  # in fives below 100
        (35, 95, "35%"),
        (45, 100, "45%"),
        (5, 495, "under 5%"),  # below 500 never 0, 1 … 4
        (490, 495, "over 95%"),
        (5, 1000, "under 5%"),  # never 0
        (1000, 1000, "over 95%"),  # never 100
        (20, 1000, "2%"),
    ],
)
def test_a_share_is_as_coarse_as_its_denominator(part: int, whole: int, share: str | None) -> None:
    assert ENGLISH.share(part, whole) == share


@pytest.mark.parametrize(
    ("new", "old", "said"),
    [
        (105, 100, "about the same as in 2023"),  # less than 10
        (120, 100, "more than in 2023"),  # no percentage below 200
        (80, 100, "fewer than in 2023"),
        (220, 200, "10% more than in 2023"),
        (12_345, 12_000, "2.9% more than in 2023"),
        (10_000, 10_000, "about the same as in 2023"),
        (9_990, 9_980, "about the same as in 2023"),  # 0 per cent
    ],
)
def test_a_change_is_as_fine_as_the_counts_allow(new: int, old: int, said: str) -> None:
    assert ENGLISH.change(new, old, "2023") == said


def test_a_change_in_a_table() -> None:
    assert [ENGLISH.signed_change(n, 100) for n in (105, 120, 80)] == ["≈", "+", "−"]
    assert ENGLISH.signed_change(180, 200) == "−10%"
    assert DUTCH.signed_change(12_345, 12_000) == "+2,9%"


def test_numbers_and_dates_have_the_forms_of_the_folder() -> None:
    german = Forms(name="Deutsch", thousands="\u202f", decimal=",", date="{day}. {month} {year}", months=["Januar", *"ABCDEFGHIJK"])
    american = german.model_copy(update={"thousands": ",", "decimal": ".", "date": "{month} {day}, {year}"})
    words = Words(words={"quarter": Text(de="{quarter}. Quartal {year}", us="Q{quarter} {year}")}, languages={"de": german, "us": american})
    first, second = Language("de", words), Language("us", words)
    assert [first.number(-1234567), first.number(1234.5, 1)] == ["−1\u202f234\u202f567", "1\u202f234,5"]
    assert [second.number(-1234567), second.number(1234.5, 1)] == ["−1,234,567", "1,234.5"]
    assert [language.date(date(2024, 1, 9)) for language in (first, second)] == ["9. Januar 2024", "Januar 9, 2024"]
    assert [first.period("2024-01"), second.period("2024-Q1")] == ["Januar 2024", "Q1 2024"]
    assert [first.is_first, second.is_first] == [True, False]


def test_an_edition_says_what_it_changed_and_nothing_else() -> None:
    changes = {"added": 0, "revised": 166, "became_final": 1462, "removed": 0}
    assert ENGLISH.edition(changes) == "Figures: 166 revised, 1,462 became final."
    assert ENGLISH.edition(dict.fromkeys(changes, 0)) == "No figure changed."


def test_periods_are_named() -> None:
    assert [DUTCH.period(p) for p in ("2024", "2024-Q2", "2024-03")] == ["2024", "2e kwartaal 2024", "maart 2024"]
    assert [ENGLISH.period(p) for p in ("2024", "2024-Q2", "2024-03")] == ["2024", "quarter 2 of 2024", "March 2024"]


def test_text_from_a_table_is_escaped_on_a_page() -> None:
    assert "&lt;b&gt;" in DUTCH.say_html("finding_total", period="2024", n=1, unit="<b>")
