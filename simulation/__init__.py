"""A simulated chain: persons, crimes and cases, the deliveries that partners would send about them, the faults in those, and the truth."""

from simulation.deliveries.deliver import Sent
from simulation.demonstration import Simulated, delivered_world, next_day, planned_world, simulate, truth_beside
from simulation.faults import Fault

__all__ = ["Fault", "Sent", "Simulated", "delivered_world", "next_day", "planned_world", "simulate", "truth_beside"]
