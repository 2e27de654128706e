"""Parameters of trials in first instance, their verdicts and sanctions."""

from __future__ import annotations

from pydantic import BaseModel

from simulation.parameters.parts import Block, Delay, Shares, Size


class Judges(BaseModel, extra="forbid"):
    """Which judge sits."""

    minor: str
    heavy: str
    other: str


class Order(BaseModel, extra="forbid"):
    """A measure that keeps somebody in for years: for whom, by which judge, and whether other sanctions go with it."""

    groups: list[str]
    judges: list[str]
    minor: bool
    instead: bool
    share: float  # of convictions of that kind
    warm_up: float = 1.0  # what its odds are multiplied by before the first day delivered: who has been in for long is in then


class Court(Block):
    """Trials in first instance, verdicts and sanctions."""

    judges: Judges
    heavy_from_months: int
    heavy_share: float
    summons_to_intake: Delay
    intake_to_hearing_days: Shares
    hearing_sigma: float
    pace: Shares  # by which the days until the hearing are multiplied, by offence
    hearing_to_verdict_days: Shares
    verdicts: Shares
    aligned: list[str]  # verdicts, and sanctions, that are transitions with an alignment
    convicted: str
    principal: dict[str, Shares]  # of an adult, a minor, a legal entity
    orders: dict[str, Order]
    extra: Shares
    traffic_only: list[str]
    traffic_group: str
    modality: dict[str, Shares]  # by sanction; measures that are not there have none
    custody_again: float  # what each case of the last two years, at most five, multiplies the weight of custody by
    custody_days: Size
    minor_custody_days: Size
    service_hours: Size
    fine: Size
    damages: Size
    custody: str
    minor_custody: str
    fined: str
    served: str
    repaid: str
