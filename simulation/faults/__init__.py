"""What goes wrong on the way, seeded, and logged with the rule that should notice it and what should become of the row, file or delivery.

`source`: the partner's own data is wrong, and the manifest agrees with it. `rendering`: the writer of the file made it. `transport`:
after the manifest. A row carries one fault at most, and a row that others depend on none that sets it aside, so that one fault has
one effect. A profile says how often each kind happens, and where and when more often than elsewhere.

What persons are like is no fault and is in the world instead: twins, fathers and sons of one name, aliases, second chain numbers.
"""

from simulation.faults.kinds import KINDS
from simulation.faults.page import Fault, Page
from simulation.faults.plan import Plan, Planned, put_faults, settled
from simulation.faults.profile import Faults, profile
from simulation.faults.whole import FILE_KINDS

__all__ = ["FILE_KINDS", "KINDS", "Fault", "Faults", "Page", "Plan", "Planned", "profile", "put_faults", "settled"]
