"""The words that go into published files, from `texts/tables.yaml` and `texts/words.yaml` of the jurisdiction."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, model_validator

from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import SELF, Jurisdiction, Text
from das_pipeline.periods import kind_of
from das_pipeline.shape_faults import Mistakes

FILE = "texts/tables.yaml"
EXAMPLE = re.compile(r"(^|\.)example(\.(com|net|org))?$", re.IGNORECASE)  # names that RFC 2606 keeps free of any owner


class Licence(BaseModel, extra="forbid"):
    """The terms under which figures may be used."""

    name: str
    title: str
    url: str

    def as_descriptor(self) -> dict[str, str]:
        """Return the licence as a data package names it."""
        return {"name": self.name, "title": self.title, "path": self.url}


class Catalogue(BaseModel, extra="forbid"):
    """What portals of open data need to know besides the tables: where releases are served, whom to ask, and what they are about."""

    address: Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9._~:/-]+/$")]
    email: Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+$")]
    description: Text
    themes: list[Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9._~:/#-]+$")]]

    def require_for(self, *, is_simulated: bool) -> None:
        """Nothing, or ConfigurationError when real figures would be published at the address of an example, which leads nowhere."""
        for key, host in (("address", urlsplit(self.address).hostname or ""), ("email", self.email.rpartition("@")[2])):
            if EXAMPLE.search(host) and not is_simulated:
                raise ConfigurationError(
                    f"{FILE}, catalogue.{key}: {host} is the name of an example, and these figures are real: catalogue, feed and citations "
                    f"of every release would lead nowhere. Write your own {'address' if key == 'address' else 'e-mail address'} there."
                )


class Break(BaseModel, extra="forbid"):
    """What makes the figures of some tables before a period and from it on not the same kind of figure: of all, or of one category.

    `category`: dimension -> code.
    """

    tables: Annotated[list[str], Field(min_length=1)]
    since: Annotated[str, Field(pattern=r"^\d{4}(-(0[1-9]|1[0-2]))?$")]
    category: Annotated[dict[str, str], Field(max_length=1)] = {}
    text: Text


class Difference(BaseModel, extra="forbid"):
    """Two tables about the same thing, and why their figures differ: by year, in total and for each code that both dimensions have."""

    table: str
    other: str
    dimension: str = ""
    other_dimension: str = ""
    reason: Literal["vintage", "definition"]
    text: Text

    @model_validator(mode="after")
    def _has_both_dimensions(self) -> Difference:
        if bool(self.dimension) != bool(self.other_dimension):
            raise ValueError("give `dimension` and `other_dimension`, or neither")
        return self


class FileTexts(BaseModel, extra="forbid"):
    """What a file beside the tables is, and each of its columns; `text` is the description of the text in every language."""

    title: Text
    description: Text
    columns: dict[str, Text]


class TableTexts(BaseModel, extra="forbid"):
    """Texts of tables.yaml: publisher, licence, and the names of columns, codes and units.

    `columns` has a text for each dimension and for period_kind, period, n, n_exact and status; `codes` for codes that no scheme
    defines (periods, statuses, unknown, not_applicable, rows of stacks); `units` the plural of each unit of count; `simulated` is the
    sentence that a table's notes end with when its figures are simulated; `withdrawn` the notice in place of a withdrawn release, with
    {release}, {day} and {reason}, and `current_release` its link to the one that is live.
    """

    publisher: Text
    dataset: Text
    licence: Licence
    catalogue: Catalogue
    columns: dict[str, Text]
    codes: dict[str, Text]
    units: dict[str, Text]
    simulated: Text
    withdrawn: Text
    current_release: Text
    files: dict[Literal["breaks", "differences", "revisions"], FileTexts]
    breaks: list[Break] = []
    differences: list[Difference] = []


def table_texts(jurisdiction: Jurisdiction) -> TableTexts:
    """Return the texts of `jurisdiction`."""
    return jurisdiction.load(FILE, TableTexts)


class Forms(BaseModel, extra="forbid"):
    """How a language writes its own name, numbers and dates; `date` has {day}, {month} and {year}."""

    name: str
    thousands: str
    decimal: str
    date: str
    months: Annotated[list[str], Field(min_length=12, max_length=12)]

    @model_validator(mode="after")
    def _forms_a_date(self) -> Forms:
        try:
            formed = {self.date.format(day=day, month=month, year=year) for day in "12" for month in "ab" for year in "34"}
        except (KeyError, IndexError, ValueError):
            formed = set()
        if len(formed) < 8:
            raise Mistakes([(("date",), "it needs {day}, {month} and {year}, and no other braces.")])
        return self


class Words(BaseModel, extra="forbid"):
    """The content of words.yaml: texts by name, with `{…}` to be filled in, and the forms of each language."""

    words: dict[str, Text]
    languages: dict[str, Forms]

    def period(self, period: str, language: str) -> str:
        """Return `2024`, `1e kwartaal 2024` or `maart 2024`."""
        kind = kind_of(period)
        if kind == "year":
            return period
        if kind == "quarter":
            return self.words["quarter"][language].format(quarter=period[6:], year=period[:4])
        return f"{self.languages[language].months[int(period[5:]) - 1]} {period[:4]}"


def load_words(jurisdiction: Jurisdiction) -> Words:
    """The words of buttons, captions and sentences of `jurisdiction`, and the forms of its languages, the first one first."""
    words = jurisdiction.load("texts/words.yaml", Words)
    if tuple(words.languages) != tuple(jurisdiction.languages):
        expected = ", ".join(jurisdiction.languages)
        jurisdiction.place("texts/words.yaml", "languages").refuse(f"the languages here must be those of {SELF}, in its order: {expected}.")
    return words
