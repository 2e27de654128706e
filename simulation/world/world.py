"""The true world: crimes, suspects, cases, trials, sanctions and their execution, as tables of arrays.

Nothing in here knows a partner, a file or a code: fields have English names, categories are concepts, and every row says since
when it is in its register. Days after the last delivered one exist as well; a register shows them when their time has come.
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

# Each table from those above it.
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
    """People and everything that happened, by table."""

    steps: Steps

    @property
    def people(self) -> People:
        return self.steps.people

    @property
    def tables(self) -> Mapping[str, Table]:
        return self.steps.tables


@dataclass(frozen=True)
class Extent:
    """How large a world is: since when, and how many rows it gives in all files together."""

    rows: int
    start: date

    @classmethod
    def of(cls, parameters: Parameters, size: str | int) -> Extent:
        """The extent of a named size or of a number of rows; ConfigurationError for a size that is not known."""
        sizes = parameters.period.sizes
        if isinstance(size, str) and not size.isdigit():
            if size not in sizes:
                raise ConfigurationError(f"The size {size} is not known: use {', '.join(sizes)} or a number of rows.")
            return cls(sizes[size].rows, sizes[size].start)
        rows = int(size)
        below = [s for s in sizes.values() if s.rows <= rows] or list(sizes.values())[:1]
        return cls(rows, below[-1].start)

    def blocks(self, parameters: Parameters) -> int:
        """In how many blocks the world is made."""
        return -(-self.rows // parameters.period.rows_a_block)

    def scale(self, parameters: Parameters) -> float:
        """Simulated crimes for each registered one."""
        return self.rows / parameters.period.records_a_crime / parameters.crime.registered(self.start, parameters.period.until)


def simulate_world(parameters: Parameters, groups: Mapping[str, str], extent: Extent, seed: int, block: int = 0) -> World:
    """One block of the world from the warm-up until the days beyond the end. `groups`: the main group of each offence and police class."""
    period = parameters.period
    start = np.datetime64(extent.start)
    days = np.arange(start - period.warm_up_days, np.datetime64(period.until) + period.beyond_days + 1)
    blocks = extent.blocks(parameters)
    seed = of_block(seed, block)
    steps = Steps(parameters, groups, seed, block, blocks, extent.scale(parameters), days.astype("datetime64[D]"), start)
    for name, step in STEPS.items():
        steps.tables[name] = step(steps)
    return World(steps)
