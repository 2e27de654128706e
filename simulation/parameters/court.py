"""Parameters of trials in first instance, their verdicts and sanctions."""

from __future__ import annotations

from pydantic import BaseModel

from simulation.parameters.parts import Block, Delay, Shares, Size


class Judges(BaseModel, extra="forbid"):
    """The kinds of judge."""

    minor: str
    heavy: str
    other: str


class Order(BaseModel, extra="forbid"):
    """An order that detains somebody for years: for which offences, by which judges, and whether it replaces other sanctions."""

    groups: list[str]
    judges: list[str]
    minor: bool
    instead: bool
    share: float  # of the convictions it can follow
    warm_up: float = 1.0  # what its odds are multiplied by before the first delivered day, so that institutions are not empty then


class Court(Block):
    """Trials in first instance, verdicts and sanctions."""

    judges: Judges
    heavy_from_months: int
    heavy_share: float
    summons_to_intake: Delay
    intake_to_hearing_days: Shares
    hearing_sigma: float
    pace: Shares  # by offence: what the days until the hearing are multiplied by
    hearing_to_verdict_days: Shares
    verdicts: Shares
    aligned: list[str]  # the verdicts and sanctions that have an alignment
    convicted: str
    principal: dict[str, Shares]  # for an adult, a minor and a legal entity
    orders: dict[str, Order]
    extra: Shares
    traffic_only: list[str]
    traffic_group: str
    modality: dict[str, Shares]  # by sanction; a measure that is not listed has none
    custody_again: float  # what the weight of custody is multiplied by for each case of the last two years, up to five
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
