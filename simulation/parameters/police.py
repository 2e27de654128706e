"""Parameters of registered crime and of suspects."""

from __future__ import annotations

from datetime import date

import numpy as np
from pydantic import BaseModel, Field, model_validator

from simulation.draws import Floats
from simulation.parameters.parts import Block, Delay, Shares, Size


class CrimeClass(BaseModel, extra="forbid"):
    """One class of registered crime."""

    registered: list[int]  # in each of the block's years
    cleared: float
    offences: Shares


class Service(BaseModel, extra="forbid"):
    """A police force other than the main one, with its own crimes."""

    share: float  # in addition to the crimes of the main force, as a share of those
    classes: Shares
    regions: Shares
    unit: str  # its code in numbers of reports


class Damage(Size):
    """The amount of damage, and which crimes have one."""

    groups: list[str]
    share: float


class Crime(Block):
    """Registered crime: how much, of which class, where, and how soon it is reported, registered and cleared."""

    years: list[int] = Field(min_length=1)
    classes: dict[str, CrimeClass]
    season: list[float] = Field(min_length=12, max_length=12)
    months: dict[int, list[float]] = Field(default={})  # by year: the season of exceptional years
    regions: Shares
    service: str  # name of the main police force
    services: dict[str, Service]  # others
    municipalities: dict[str, Shares]  # by region
    attempt: float
    same_incident: float
    damage: Damage
    offence_to_report: Delay
    report_to_registration: Delay
    registration_to_clearance: Delay

    @model_validator(mode="after")
    def _consistent(self) -> Crime:
        wrong = [name for name, c in self.classes.items() if len(c.registered) != len(self.years)]
        if wrong or self.years != list(range(self.years[0], self.years[0] + len(self.years))):
            raise ValueError(f"{', '.join(wrong)}: registered needs a number for each of the years, which follow each other")
        return self

    def registered_in(self, year: int) -> Floats:
        """Registered crimes of a year, by class; a year outside the block's years gets those of the first or the last."""
        place = min(max(year - self.years[0], 0), len(self.years) - 1)
        return np.array([c.registered[place] for c in self.classes.values()], dtype=np.float64)

    def registered(self, start: date, until: date) -> float:
        """Registered crimes from `start` to `until`, both days included."""
        days = np.arange(np.datetime64(start), np.datetime64(until) + 1).astype("datetime64[Y]").astype(np.int64) + 1970
        return sum(self.registered_in(int(y)).sum() * n / 365.2425 for y, n in zip(*np.unique(days, return_counts=True), strict=True))


class Halt(BaseModel, extra="forbid"):
    """Which episodes of minors are referred to Halt instead of prosecuted."""

    groups: list[str]
    share: float


class Suspects(Block):
    """Suspects: who they are, how often they return, and what the police decide."""

    a_cleared_crime: Shares
    joins_episode: float
    known_again: float
    return_days: Size  # from one episode of a person to the next
    male: float
    ages: Shares
    legal_entity: Shares
    one_report: float  # share of crimes whose suspects share one police report
    lives_in_region_of_crime: float
    residence_unknown: float
    not_a_residence: list[str]
    follow_up: Shares
    by_group: dict[str, Shares]  # by follow-up: what its share is multiplied by, by main group
    to_prosecutor: str
    to_halt: str
    still_open: str
    given_up: str  # what becomes of those that stay open in the end
    given_up_days: Size  # from the last registration of the case
    halt: Halt
    registration_to_follow_up: Delay
