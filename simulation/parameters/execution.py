"""Parameters of the execution of sanctions: collection, detention, probation, Halt and child protection."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel

from simulation.parameters.parts import Block, Delay, Shares, Size


class Remand(Delay):
    """Who is held before the verdict."""

    share: float
    again: float  # what the odds are multiplied by for each case of the last two years, up to five
    from_months: int
    stays_on: float  # share of those sentenced while on remand who stay to serve the sentence


class EarlyRelease(BaseModel, extra="forbid"):
    """Conditional release from sentences longer than `from_days`; for verdicts since `capped_since`, by at most `most_days`."""

    from_days: int
    most_days: int
    capped_since: date


class SelfReporters(BaseModel, extra="forbid"):
    """Persons who report when summoned to serve a sentence. From `until` on nobody is summoned, and their sentences start later."""

    share: float  # of the sentences of persons at liberty
    until: date
    later_days: int


class OrderedStay(Size):
    """The days under an order, its title, and the institution."""

    title: str
    institution: str


class Assignments(BaseModel, extra="forbid"):
    """The words for the kinds and results of probation work."""

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
    """The execution of sanctions, and the work of probation, Halt and child protection."""

    verdict_to_collection: Delay
    collection_days: Size
    results: dict[str, Shares]
    from_sanction: dict[str, str]
    from_decision: dict[str, str]
    undone: str  # the result when the prosecutor replaces the decision
    substituted: str  # the result after which substitute detention follows
    remand: Remand
    conditional: str
    partly_conditional: str
    partly_served: float
    failed_service_detained: float
    custody_title: str
    remand_title: str
    sentence_title: str
    substitute_title: str
    sentence_served: float  # share of the sentences of persons at liberty that are served in an institution
    sentence_wait_days: Size
    self_reporters: SelfReporters
    early_release: EarlyRelease
    orders: dict[str, OrderedStay]
    adults_stay_in: str
    minors_stay_in: str
    release_reasons: dict[str, Shares]
    service_begins: float  # share of community service that is started
    offered_again: float  # share of community service that was not completed
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
    minor_offences: float  # referrals to Halt for a minor offence or truancy, per referral for a crime
    minor_offence: str
    youth: Youth
