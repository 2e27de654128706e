"""Faults in deliveries, drawn from a seed, each logged with the rule that should detect it and the expected outcome.

A fault of phase `source` is in the partner's own data, and the manifest agrees with it; `rendering` happens when the file is written,
`transport` after the manifest. A row has one fault at most, and a row that others depend on never has one that quarantines it, so that
one fault has one effect. A profile declares how often each kind happens, and where and when it happens more often.

Persons who are hard to tell apart are not faults but part of the world: twins, namesakes, aliases, second chain numbers.
"""

from simulation.faults.kinds import KINDS
from simulation.faults.page import Fault, Page
from simulation.faults.plan import Plan, Planned, put_faults, settled
from simulation.faults.profile import Faults, profile
from simulation.faults.whole import FILE_KINDS

__all__ = ["FILE_KINDS", "KINDS", "Fault", "Faults", "Page", "Plan", "Planned", "profile", "put_faults", "settled"]
