"""A chain that does not exist: persons, crimes and cases, the deliveries that partners would send about them, faults, and the truth."""

from das_pipeline.simulation.deliver import Sent
from das_pipeline.simulation.demonstration import Simulated, next_day, simulate
from das_pipeline.simulation.faults import Fault

__all__ = ["Fault", "Sent", "Simulated", "next_day", "simulate"]
