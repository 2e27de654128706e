"""The model of `simulation/parameters.yaml` of a jurisdiction: one block for each part of the world, in a module of the same name.

Every block names the source of its figures.
"""

from __future__ import annotations

from pydantic import BaseModel

from das_pipeline.jurisdiction import Jurisdiction
from simulation.parameters.appeal import Appeal
from simulation.parameters.court import Court
from simulation.parameters.execution import Execution
from simulation.parameters.parts import Block, Delay, Size
from simulation.parameters.period import Alignment, Period
from simulation.parameters.persons import Persons, Stock
from simulation.parameters.police import Crime, Suspects
from simulation.parameters.prosecution import Prosecution
from simulation.parameters.registers import Habits, Registers

__all__ = ["Block", "Delay", "Habits", "Parameters", "Persons", "Registers", "Size", "Stock"]


class Parameters(BaseModel, extra="forbid"):
    """The whole file."""

    period: Period
    crime: Crime
    suspects: Suspects
    persons: Persons
    prosecution: Prosecution
    court: Court
    appeal: Appeal
    execution: Execution
    alignment: Alignment
    registers: Registers

    @classmethod
    def read(cls, jurisdiction: Jurisdiction) -> Parameters:
        """The parameters of a jurisdiction; ConfigurationError names the place of a mistake."""
        return jurisdiction.load("simulation/parameters.yaml", cls)
