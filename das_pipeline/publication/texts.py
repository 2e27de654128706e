"""The words that go into published files, from `texts/tables.yaml` of the jurisdiction."""

from __future__ import annotations

from pydantic import BaseModel

from das_pipeline.jurisdiction import Jurisdiction, Text


class Licence(BaseModel, extra="forbid"):
    """The terms under which figures may be used."""

    name: str
    title: str
    url: str

    def as_descriptor(self) -> dict[str, str]:
        """Return the licence as a data package names it."""
        return {"name": self.name, "title": self.title, "path": self.url}


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
    columns: dict[str, Text]
    codes: dict[str, Text]
    units: dict[str, Text]
    simulated: Text
    withdrawn: Text
    current_release: Text


def table_texts(jurisdiction: Jurisdiction) -> TableTexts:
    """Return the texts of `jurisdiction`."""
    return jurisdiction.load("texts/tables.yaml", TableTexts)
