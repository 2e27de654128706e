"""One small simulation that the tests look at, and the senders behind it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.settings import PROJECT
from simulation import Simulated, simulate
from simulation.deliveries.deliver import Schedule, Sender
from simulation.deliveries.registers import main_groups
from simulation.faults import Plan
from simulation.parameters import Parameters
from simulation.world.world import Extent, World, simulate_world

SEED = 3


@dataclass(frozen=True)
class Small:
    """A world of some two thousand rows a year, and its registers."""

    parameters: Parameters
    groups: dict[str, str]
    world: World
    sender: Sender
    schedule: Schedule


@pytest.fixture(scope="session")
def dutch() -> Jurisdiction:
    return Jurisdiction(PROJECT / "jurisdictions" / "nl")


@pytest.fixture(scope="session")
def small(dutch: Jurisdiction) -> Small:
    parameters, groups = Parameters.read(dutch), main_groups(dutch)
    world = simulate_world(parameters, groups, Extent.of(parameters, 7_600), SEED)
    return Small(parameters, groups, world, Sender(dutch, parameters, world, 0), Schedule(dutch, parameters, Plan(None, SEED)))


@pytest.fixture(scope="session")
def simulated(dutch: Jurisdiction, tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """A few thousand rows with faults in them."""
    out: Path = tmp_path_factory.mktemp("simulated") / "inbox"
    return simulate(dutch, out, size=6_000, seed=SEED)
