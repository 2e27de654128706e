"""The shapes of `contracts/<partner>/events.yaml` and `chain.yaml`, as a person writes them; `model` checks them against each other.

A partner's new column is declared in its contract (`contracts/<partner>/<file>.yaml`). To use it in the chain, name it here: as an
attribute of a unit or as the date, outcome, amount or condition of an event.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, Field, RootModel, model_validator

from das_pipeline.shape_faults import Mistakes

Word = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")]  # an identifier, because it becomes part of SQL text


class Picked(BaseModel, extra="forbid"):
    """An attribute taken from one of several rows: `from: feiten.artikel_concept`, the first row in the order `pick`."""

    source: Annotated[str, Field(alias="from", pattern=r"^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$")]  # file.column
    pick: Word


class DeclaredEvent(BaseModel, extra="forbid"):
    """An event that a row reports when its `date` is filled in and its columns have one of the values in `when`."""

    kind: Word
    file: Annotated[Word | None, Field(alias="from")] = None  # None: the unit's own file
    date: Word
    outcome: Word | None = None
    amount: Word | None = None
    to: Word | None = None
    when: dict[Word, list[str]] = {}


class DeclaredUnit(BaseModel, extra="forbid"):
    """A unit of count: one row each in the file `of`, or several in the file `rows`: `pick` chooses the one with the attributes."""

    of: Word | None = None
    rows: Word | None = None
    pick: Word | None = None
    attributes: dict[Word, Word | Picked] = {}
    events: Annotated[list[DeclaredEvent], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_own_file(self) -> DeclaredUnit:
        if (self.of is None) == (self.rows is None):
            raise ValueError("a unit has either `of` (one row each) or `rows` (many rows each)")
        if (self.rows is None) != (self.pick is None):
            raise ValueError("`rows` and `pick` go together: `pick` chooses the row that has the attributes")
        return self


class EventsFile(RootModel[dict[Word, DeclaredUnit]]):
    """A partner's events.yaml: its units by name."""


class Reopening(BaseModel, extra="forbid"):
    """A closed spell opens again: closed by `kind` with `outcome`, reopened `by`.

    Written `{om_decided: dismissal_conditional, by: om_summoned}`.
    """

    kind: Word
    outcome: str
    by: Word

    @model_validator(mode="before")
    @classmethod
    def _from_pair(cls, written: Any) -> Any:
        if isinstance(written, dict) and len(written) == 2 and "by" in written:
            ((kind, outcome),) = ((k, v) for k, v in written.items() if k != "by")
            return {"kind": kind, "outcome": outcome, "by": written["by"]}
        raise ValueError("write {<kind that closed>: <its outcome>, by: <kind that reopens>}")


class Spell(BaseModel, extra="forbid"):
    """The state machine of a unit: which kinds open, move and close its spell, and so which transitions are allowed, by which `law`."""

    unit: Word
    opens: Annotated[list[Word], Field(min_length=1)]
    moves: list[Word] = []
    closes: Annotated[list[Word], Field(min_length=1)]
    reopens: list[Reopening] = []
    one_per_person: bool = False  # the law allows a person one open spell of this kind (rule C06)
    law: str


class ChainFile(BaseModel, extra="forbid"):
    """chain.yaml. `order` breaks ties within a day; over days the kinds of `order_across` may not run backwards (rule C01)."""

    attributes: Annotated[list[Word], Field(min_length=1)]
    picks: dict[Word, Annotated[list[Annotated[str, Field(pattern=r"^-?[a-z_][a-z0-9_]*$")]], Field(min_length=1)]]
    opening_month: date
    order: list[Word]
    order_across: list[Word] = []
    spells: Annotated[dict[Word, Spell], Field(min_length=1)]

    @model_validator(mode="after")
    def _starts_on_a_first(self) -> ChainFile:
        if self.opening_month.day != 1:
            raise Mistakes([(("opening_month",), f"it must be the first day of a month: {self.opening_month.replace(day=1)}.")])
        return self
