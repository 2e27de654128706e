"""How large the world is, which days are delivered, and the alignment of its totals with published ones."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, Field, model_validator

from simulation.parameters.parts import Block


class WorldSize(BaseModel, extra="forbid"):
    """How many rows there are in all files together, and since when."""

    rows: int = Field(gt=0)
    start: date = Field(alias="from")


class Period(Block):
    """What is simulated and how much of it is delivered."""

    sizes: dict[str, WorldSize]  # from small to large; a number of rows in between starts when the size below it does
    rows_a_block: int = Field(gt=0)
    until: date
    history_until: date
    warm_up_days: int
    beyond_days: int
    records_a_crime: float


class Alignment(Block):
    """Factors on the odds of transitions, by year, so that totals meet the published ones: `alignment` in dynamic microsimulation.

    `custody_days` is one on a length: of custody imposed, so that the prisons hold as many as is published.
    """

    years: list[int] = Field(min_length=1)
    factors: dict[str, list[float]]  # by transition, one for each year; a transition that is not there happens as its block says

    @model_validator(mode="after")
    def _consistent(self) -> Alignment:
        if self.years != list(range(self.years[0], self.years[0] + len(self.years))):
            raise ValueError("years must follow each other")
        wrong = [name for name, factors in self.factors.items() if len(factors) != len(self.years) or min(factors) < 0]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: a factor for each of {len(self.years)} years, none below zero")
        return self
