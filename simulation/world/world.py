"""The true world: crimes, suspects, cases, trials, sanctions and their execution, as tables of arrays.

Nothing here knows a partner, a file or a code: fields have English names, categories are concepts, and every row has the day on which
it enters its register. The world also has days after the last delivered one; a register shows their rows once those days have come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from das_pipeline.errors import ConfigurationError
from simulation.draws import of_block
from simulation.parameters import Parameters
from simulation.world import appeal, court, detention, execution, police, prosecution, youth
from simulation.world.persons import People
from simulation.world.tables import Steps, Table

# Each table is made from those above it.
STEPS: dict[str, Callable[[Steps], Table]] = {
    "crimes": police.crimes,
    "episodes": police.episodes,
    "suspicions": police.suspicions,
    "merges": police.merges,
    "referrals": youth.referrals,
    "cases": prosecution.cases,
    "charges": prosecution.charges,
    "decisions": prosecution.decisions,
    "trials": court.trials,
    "sanctions": court.sanctions,
    "appeals": appeal.appeals,
    "executions": execution.executions,
    "assignments": execution.assignments,
    "stays": detention.stays,
    "titles": detention.titles,
    "investigations": youth.investigations,
}


@dataclass(frozen=True)
class World:
    """Everybody, and everything that happened, by table."""

    steps: Steps

    @property
    def people(self) -> People:
        return self.steps.people

    @property
    def tables(self) -> Mapping[str, Table]:
        return self.steps.tables


@dataclass(frozen=True)
class Extent:
    """The extent of a world: its first delivered day, and its number of rows in all files together."""

    rows: int
    start: date

    @classmethod
    def of(cls, parameters: Parameters, size: str | int) -> Extent:
        """The extent for a named size or a number of rows; ConfigurationError for an unknown size."""
        sizes = parameters.period.sizes
        if not str(size).isdigit() or int(size) == 0:
            if size not in sizes:
                raise ConfigurationError(f"The size {size} is not known: use {', '.join(sizes)} or a number of rows.")
            return cls(sizes[size].rows, sizes[size].start)
        rows = int(size)
        below = [s for s in sizes.values() if s.rows <= rows] or list(sizes.values())[:1]
        return cls(rows, below[-1].start)

    def blocks(self, parameters: Parameters) -> int:
        """The number of blocks that the world is made in."""
        return -(-self.rows // parameters.period.rows_a_block)

    def scale(self, parameters: Parameters) -> float:
        """The number of simulated crimes for each crime registered in reality."""
        return self.rows / parameters.period.records_a_crime / parameters.crime.registered(self.start, parameters.period.until)


def simulate_world(parameters: Parameters, groups: Mapping[str, str], extent: Extent, seed: int, block: int = 0) -> World:
    """Simulate one block, from the warm-up to the days beyond the end. `groups` has the main group of each offence and police class."""
    period = parameters.period
    start = np.datetime64(extent.start)
    days = np.arange(start - period.warm_up_days, np.datetime64(period.until) + period.beyond_days + 1)
    blocks = extent.blocks(parameters)
    seed = of_block(seed, block)
    steps = Steps(parameters, groups, seed, block, blocks, extent.scale(parameters), days.astype("datetime64[D]"), start)
    for name, step in STEPS.items():
        steps.tables[name] = step(steps)
    return World(steps)
