"""Parameters of cases at the prosecutor and their decisions."""

from __future__ import annotations

from pydantic import BaseModel

from simulation.parameters.parts import Block, Delay, Shares, Size


class FromObjection(BaseModel, extra="forbid"):
    """Cases that come back to the prosecutor after an objection."""

    origin: str
    share: float
    decision: str


class Reopening(Delay):
    """A reason for which a settled case is decided on again, and how soon."""

    after: list[str]  # these decisions
    share: float
    decision: str


class Prosecution(Block):
    """Cases at the prosecutor, their offences and their decisions."""

    other_origin: float
    origins: Shares  # of the cases from elsewhere
    after_halt: list[str]  # results of a referral after which the case goes to the prosecutor
    again: float
    fast_track: float
    police_to_intake: Delay
    other_offences: Shares
    decisions: dict[str, Shares]
    aligned: dict[str, str]  # by decision: the transition whose alignment it follows
    from_objection: FromObjection
    reopened: dict[str, Reopening]  # by reason
    grounds: dict[str, Shares]  # by decision: why the case was dismissed
    decision_days: Shares
    decision_sigma: float
    minors_pace: float  # what the days until a decision are multiplied by for minors
    to_court: list[str]
    fined: Shares
    fine: Size
    penalties: dict[str, int]
    districts: dict[str, list[str]]
    district_codes: dict[str, str]
    unit_codes: dict[str, str]
