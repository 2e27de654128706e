"""Parameters of the execution of sanctions: collection, detention, probation, Halt and child protection."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel

from simulation.parameters.parts import Block, Delay, Shares, Size


class Remand(Delay):
    """Who is held before the verdict."""

    share: float
    again: float  # what each case of the last two years, at most five, multiplies the odds by
    from_months: int
    stays_on: float  # share of those held and sentenced who stay on to serve the sentence


class EarlyRelease(BaseModel, extra="forbid"):
    """Conditional release, of sentences longer than `from_days`; since some day of verdict of at most so many days."""

    from_days: int
    most_days: int
    capped_since: date


class SelfReporters(BaseModel, extra="forbid"):
    """Who comes when called up to serve a sentence; from `until` on nobody is called up, and those sentences start later."""

    share: float  # of sentences that are served from the street
    until: date
    later_days: int


class OrderedStay(Size):
    """Days under an order, where, and by which title."""

    title: str
    institution: str


class Assignments(BaseModel, extra="forbid"):
    """The words for the kinds of probation work."""

    service: str
    supervision: str
    advice: str
    completed: str
    failed: str
    withdrawn: str


class Youth(Delay):
    """Investigations of minors by the child protection board."""

    share: float
    service: str  # the kind that is community service
    kinds: Shares
    results: dict[str, Shares]


class Execution(Block):
    """What becomes of sanctions, and what probation, Halt and child protection do."""

    verdict_to_collection: Delay
    collection_days: Size
    results: dict[str, Shares]
    from_sanction: dict[str, str]
    from_decision: dict[str, str]
    undone: str  # the result when the prosecutor decides again
    substituted: str  # the result after which somebody is detained instead
    remand: Remand
    conditional: str
    partly_conditional: str
    partly_served: float
    failed_service_detained: float
    custody_title: str
    remand_title: str
    sentence_title: str
    substitute_title: str
    sentence_served: float  # share of the sentences of who is free that are served in an institution
    sentence_wait_days: Size
    self_reporters: SelfReporters
    early_release: EarlyRelease
    orders: dict[str, OrderedStay]
    adults_stay_in: str
    minors_stay_in: str
    release_reasons: dict[str, Shares]
    service_begins: float  # share of community service that is begun
    offered_again: float  # of community service that was not completed
    ordered_hours: Size  # of community service that the prosecutor orders
    service_wait_days: Size
    service_days: Size
    supervision_days: Size
    assignments: Assignments
    supervised: float
    advised: float
    assignment_results: dict[str, Shares]
    halt_days: Size
    halt_results: Shares
    minor_offences: float  # referrals to Halt for a minor offence or truancy, for each one for a crime
    minor_offence: str
    youth: Youth
