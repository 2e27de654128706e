"""How large the world is, which days are delivered, and the alignment of its totals with published ones."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, Field, model_validator

from simulation.parameters.parts import Block


class WorldSize(BaseModel, extra="forbid"):
    """The number of rows in all files together, and the first day that is delivered."""

    rows: int = Field(gt=0)
    start: date = Field(alias="from")


class Period(Block):
    """The days that are simulated, and those that are delivered."""

    sizes: dict[str, WorldSize]  # from small to large; a number of rows in between starts on the day of the size below it
    rows_a_block: int = Field(gt=0)
    until: date
    history_until: date
    warm_up_days: int
    beyond_days: int
    records_a_crime: float


class Alignment(Block):
    """Factors on the odds of transitions, by year, that make totals meet the published ones: `alignment` in dynamic microsimulation.

    `custody_days` is a factor on a length instead: of the custody imposed, so that prisons hold as many people as published.
    """

    years: list[int] = Field(min_length=1)
    factors: dict[str, list[float]]  # by transition, one for each year; a transition without factors happens as its block says

    @model_validator(mode="after")
    def _consistent(self) -> Alignment:
        if self.years != list(range(self.years[0], self.years[0] + len(self.years))):
            raise ValueError("years must follow each other")
        wrong = [name for name, factors in self.factors.items() if len(factors) != len(self.years) or min(factors) < 0]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: a factor for each of {len(self.years)} years, none below zero")
        return self
