"""A chain that does not exist: persons, crimes and cases, the deliveries that partners would send about them, faults, and the truth."""

from simulation.deliveries.deliver import Sent
from simulation.demonstration import Simulated, next_day, simulate
from simulation.faults import Fault

__all__ = ["Fault", "Sent", "Simulated", "next_day", "simulate"]
