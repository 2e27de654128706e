"""The true world: crimes, suspects, cases, trials, sanctions and their execution, as tables of arrays.

Nothing in here knows a partner, a file or a code: fields have English names, categories are concepts, and every row says since
when it is in its register. Days after the last delivered one exist as well; a register shows them when their time has come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from das_pipeline.simulation import court, detention, execution, police, prosecution, youth
from das_pipeline.simulation.parameters import Parameters
from das_pipeline.simulation.persons import People
from das_pipeline.simulation.tables import Steps, Table

# Each table from those above it.
STEPS: dict[str, Callable[[Steps], Table]] = {
    "episodes": police.episodes,
    "suspicions": police.suspicions,
    "cases": prosecution.cases,
    "charges": prosecution.charges,
    "decisions": prosecution.decisions,
    "trials": court.trials,
    "sanctions": court.sanctions,
    "executions": execution.executions,
    "assignments": execution.assignments,
    "stays": detention.stays,
    "titles": detention.titles,
    "referrals": youth.referrals,
    "investigations": youth.investigations,
}


@dataclass(frozen=True)
class World:
    """People and everything that happened, by table."""

    people: People
    tables: Mapping[str, Table]


def simulate_world(parameters: Parameters, groups: Mapping[str, str], crimes_a_year: float, seed: int, until: date) -> World:
    """The world from the warm-up until the days beyond `until`. `groups`: the main group of each offence and police class."""
    period = parameters.period
    start = np.datetime64(period.start) - np.timedelta64(period.warm_up_days, "D")
    days = np.arange(start, np.datetime64(until) + np.timedelta64(period.beyond_days + 1, "D"))
    steps = Steps(parameters, groups, seed, days.astype("datetime64[D]"))
    steps.tables["crimes"] = police.crimes(steps, crimes_a_year)
    for name, step in STEPS.items():
        steps.tables[name] = step(steps)
    return World(steps.people, steps.tables)
