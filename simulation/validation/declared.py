"""The model of `simulation/backtest.yaml`: how each published figure is measured in a world, or why it cannot be."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, model_validator

from das_pipeline.jurisdiction import Jurisdiction

Word = str | bool | int
Kind = Literal["rows", "persons", "share", "mean", "days", "median_days", "stock", "average_stock", "present"]


class Measure(BaseModel, extra="forbid"):
    """One figure of a world for each year.

    A field is a column of the table, `link.column` of the row that it follows from, `person.sex`, `person.minor` (under 18 on
    `offence_on`), or any of these with `.group` behind: the main group of an offence or police class.
    """

    kind: Kind = "rows"
    table: str = ""
    day: str = ""  # the field with the day whose year counts
    where: dict[str, list[Word]] = {}  # field: only rows with one of these words count
    where_not: dict[str, list[Word]] = {}
    part: dict[str, list[Word]] = {}  # of a share: the rows in the numerator
    part_not: dict[str, list[Word]] = {}
    of: str = ""  # of a mean: the field that is averaged
    since: str = ""  # the field with the day on which a duration or stay begins
    until: str = ""  # the field with the day on which it ends
    month_day: str = "12-31"  # the day of a stock

    @property
    def is_scaled(self) -> bool:
        """Whether the figure grows with the world."""
        return self.kind in ("rows", "persons", "stock", "average_stock", "present")

    @property
    def judged_as(self) -> Literal["total", "share", "duration"]:
        """The kind of tolerance that applies."""
        return "share" if self.kind == "share" else "total" if self.is_scaled else "duration"


class Breakdown(Measure):
    """A published breakdown: how it is measured, or why it cannot be."""

    not_modelled: str = ""
    known_gap: str = ""  # why the simulated figure is outside the tolerance, if it is
    share_of: str = ""  # the published value is compared as a percentage of this other breakdown of the same year


class Indicator(Breakdown):
    """A published indicator: the definition of its figures, and its breakdowns. What they have in common is declared here once."""

    partner: str
    indicator: str
    definition: str = Field(min_length=10)
    breakdowns: dict[str, dict[str, Any]]


class Classes(Measure):
    """The figures of the police by class and year."""

    definition: str
    field: str
    figures: str  # a file with class code, year and number
    prefix: str  # what a concept has before the class code


class Tolerance(BaseModel, extra="forbid"):
    """How far a simulated figure may be from the published one, in addition to the sampling error of a small world."""

    total: float  # percent of the published figure
    share: float  # percentage points
    duration: float  # percent


class Fit(BaseModel, extra="forbid"):
    """One factor of the alignment and the published figures that it is fitted to; in each year the first one available counts."""

    factor: str
    figures: list[tuple[str, str, str]]  # partner, indicator, breakdown
    assumed: dict[int, float] = {}  # by year: the assumed value of the first figure where none is published
    gain: float = 1.0  # relative change of the factor for a relative change of the figure; negative when the factor lowers it


class Backtest(BaseModel, extra="forbid"):
    """The whole file."""

    source: str
    years: tuple[int, int]  # of the report
    tolerance: Tolerance
    classes: Classes
    indicators: list[Indicator]
    fit: list[Fit]

    @classmethod
    def read(cls, jurisdiction: Jurisdiction) -> Backtest:
        """The back-test of a jurisdiction; ConfigurationError names the place of a mistake."""
        return jurisdiction.load("simulation/backtest.yaml", cls)

    @model_validator(mode="after")
    def _says_each_thing_once(self) -> Backtest:
        names = [(i.partner, i.indicator) for i in self.indicators]
        if len(names) != len(set(names)):
            raise ValueError(f"indicators declared twice: {sorted({n for n in names if names.count(n) > 1})}")
        known = {(*name, b) for name, i in zip(names, self.indicators, strict=True) for b in i.breakdowns}
        if unknown := [f for fit in self.fit for f in fit.figures if f not in known]:
            raise ValueError(f"fitted to figures that are not declared: {unknown}")
        return self
