"""The model of `simulation/parameters.yaml` of a jurisdiction: one block for each part of the world, in a module of the same name.

Every block names the source of its figures.
"""

from __future__ import annotations

from pydantic import BaseModel

from das_pipeline.jurisdiction import Jurisdiction
from simulation.parameters.appeal import Appeal
from simulation.parameters.court import Court
from simulation.parameters.execution import Execution
from simulation.parameters.mistakes import Mistakes, PersonsProfile
from simulation.parameters.parts import Block, Delay, Size
from simulation.parameters.period import Alignment, Period
from simulation.parameters.persons import Persons, Stock
from simulation.parameters.police import Crime, Suspects
from simulation.parameters.prosecution import Prosecution
from simulation.parameters.registers import Habits, Registers

__all__ = ["Block", "Delay", "Habits", "Mistakes", "Parameters", "Persons", "PersonsProfile", "Registers", "Size", "Stock"]


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
    profile: PersonsProfile | None = None  # of simulation/persons/<profile>.yaml; None: persons who are easy to link

    @classmethod
    def read(cls, jurisdiction: Jurisdiction, persons: str | None = None) -> Parameters:
        """The parameters of a jurisdiction, with the persons of a profile if one is named; ConfigurationError names the mistake."""
        parameters = jurisdiction.load("simulation/parameters.yaml", cls)
        if persons is None:
            return parameters
        profile = jurisdiction.load(f"simulation/persons/{persons}.yaml", PersonsProfile)
        habits = parameters.registers.habits
        missing = {p: h.model_copy(update={"missing": h.missing | profile.missing.get(p, {})}) for p, h in habits.items()}
        return parameters.model_copy(
            update={
                "persons": Persons.model_validate(parameters.persons.model_dump() | profile.persons),
                "registers": parameters.registers.model_copy(update={"habits": missing}),
                "profile": profile,
            }
        )
