"""Parameters of cases at the prosecutor and their decisions."""

from __future__ import annotations

from pydantic import BaseModel

from simulation.parameters.parts import Block, Delay, Shares, Size


class FromObjection(BaseModel, extra="forbid"):
    """Cases that come back to the prosecutor because somebody objected."""

    origin: str
    share: float
    decision: str


class Reopening(Delay):
    """Why a settled case is decided on again, and how soon."""

    after: list[str]  # decisions
    share: float
    decision: str


class Prosecution(Block):
    """Cases at the prosecutor, their offences and their decisions."""

    other_origin: float
    origins: Shares  # of those cases
    after_halt: list[str]  # results of a referral after which the case goes to the prosecutor
    again: float
    fast_track: float
    police_to_intake: Delay
    other_offences: Shares
    decisions: dict[str, Shares]
    aligned: dict[str, str]  # the transition whose alignment a decision follows
    from_objection: FromObjection
    reopened: dict[str, Reopening]  # by reason
    decision_days: Shares
    decision_sigma: float
    minors_pace: float  # by which the days of a decision about a minor are multiplied
    to_court: list[str]
    fined: Shares
    fine: Size
    penalties: dict[str, int]
    districts: dict[str, list[str]]
    district_codes: dict[str, str]
    unit_codes: dict[str, str]
