"""What `simulation/parameters.yaml` of a jurisdiction may say. Every block names the source of its figures."""

from __future__ import annotations

from datetime import date

import numpy as np
from pydantic import BaseModel, Field, model_validator

from das_pipeline.jurisdiction import Jurisdiction
from simulation.draws import Floats, Ints, Spans, days_of, happens

Shares = dict[str, float]


class Block(BaseModel, extra="forbid"):
    """A block of parameters and where they come from."""

    source: str = Field(min_length=10)


class Part(BaseModel, extra="forbid"):
    """A part of a block."""


class Delay(Part):
    """Days between two events: a share on the same day, the others log-normal."""

    same_day: float = 0.0
    median_days: float
    sigma: float

    def draw(self, stream: np.random.Generator, n: int) -> Spans:
        """`n` delays in whole days."""
        drawn = days_of(stream, self.median_days, self.sigma, n) + np.timedelta64(1, "D")
        return np.where(happens(stream, self.same_day, n), np.timedelta64(0, "D"), drawn)


class Size(Part):
    """A log-normal amount; `most` is its ceiling."""

    median: float
    sigma: float
    most: float = 1e7

    def draw(self, stream: np.random.Generator, n: int) -> Ints:
        """`n` amounts, whole and at least 1."""
        return np.maximum(1, np.minimum(np.exp(stream.normal(0.0, self.sigma, n)) * self.median, self.most)).astype(np.int64)


class WorldSize(Part):
    """How many rows there are in all files together, and since when."""

    rows: int = Field(gt=0)
    start: date = Field(alias="from")


class Period(Block):
    """What is simulated and how much of it is delivered."""

    sizes: dict[str, WorldSize]  # from small to large; a number of rows in between starts when the size below it does
    rows_a_block: int = Field(gt=0)
    until: date
    history_until: date
    warm_up_days: int
    beyond_days: int
    records_a_crime: float


class Alignment(Block):
    """Factors on the odds of transitions, by year, so that totals meet the published ones: `alignment` in dynamic microsimulation.

    `custody_days` is one on a length: of custody imposed, so that the prisons hold as many as is published.
    """

    years: list[int] = Field(min_length=1)
    factors: dict[str, list[float]]  # by transition, one for each year; a transition that is not there happens as its block says

    @model_validator(mode="after")
    def _consistent(self) -> Alignment:
        if self.years != list(range(self.years[0], self.years[0] + len(self.years))):
            raise ValueError("years must follow each other")
        wrong = [name for name, factors in self.factors.items() if len(factors) != len(self.years) or min(factors) < 0]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: a factor for each of {len(self.years)} years, none below zero")
        return self


class CrimeClass(Part):
    """One class of registered crime."""

    registered: list[int]  # in each of the years of the block
    cleared: float
    offences: Shares


class Service(Part):
    """A police force beside the main one, with crimes of its own."""

    share: float  # of the crimes that the main force registers, on top of them
    classes: Shares
    regions: Shares
    unit: str  # its code in numbers of reports


class Damage(Size):
    """Which crimes have a sum of damage."""

    groups: list[str]
    share: float


class Crime(Block):
    """Registered crime: how much, of which class, where, and how soon it is known and cleared."""

    years: list[int] = Field(min_length=1)
    classes: dict[str, CrimeClass]
    season: list[float] = Field(min_length=12, max_length=12)
    months: dict[int, list[float]] = {}  # the season of years that were unlike others
    regions: Shares
    service: str  # the main police force
    services: dict[str, Service]  # others
    municipalities: dict[str, Shares]  # by region
    attempt: float
    same_incident: float
    damage: Damage
    offence_to_report: Delay
    report_to_registration: Delay
    registration_to_clearance: Delay

    @model_validator(mode="after")
    def _consistent(self) -> Crime:
        wrong = [name for name, c in self.classes.items() if len(c.registered) != len(self.years)]
        if wrong or self.years != list(range(self.years[0], self.years[0] + len(self.years))):
            raise ValueError(f"{', '.join(wrong)}: registered needs a number for each of the years, which follow each other")
        return self

    def registered_in(self, year: int) -> Floats:
        """Registered crimes of a year, by class; before and after the known years those of the first and the last."""
        place = min(max(year - self.years[0], 0), len(self.years) - 1)
        return np.array([c.registered[place] for c in self.classes.values()], dtype=np.float64)

    def registered(self, start: date, until: date) -> float:
        """Registered crimes of the days from `start` until `until`, both included."""
        days = np.arange(np.datetime64(start), np.datetime64(until) + 1).astype("datetime64[Y]").astype(np.int64) + 1970
        return sum(self.registered_in(int(y)).sum() * n / 365.2425 for y, n in zip(*np.unique(days, return_counts=True), strict=True))


class Halt(Part):
    """Which episodes of minors are referred instead of prosecuted."""

    groups: list[str]
    share: float


class Suspects(Block):
    """Who is suspected, how often again, and what the police do then."""

    a_cleared_crime: Shares
    joins_episode: float
    known_again: float
    return_days: Size  # from one episode of a person to the next
    male: float
    ages: Shares
    legal_entity: Shares
    one_report: float  # share of crimes whose suspects share one police report
    lives_in_region_of_crime: float
    residence_unknown: float
    not_a_residence: list[str]
    follow_up: Shares
    by_group: dict[str, Shares]  # what the share of a follow-up is multiplied by, by main group
    to_prosecutor: str
    to_halt: str
    still_open: str
    halt: Halt
    registration_to_follow_up: Delay


class Stock(Part):
    """Names of one origin; words of a surname that start in lower case are its prefix."""

    share: float
    surnames: list[str]
    male: list[str]
    female: list[str]


class Company(Part):
    """How legal entities are called."""

    words: list[str]
    form: str


class Persons(Block):
    """Names and numbers of persons, and the pairs that are hard to tell apart."""

    twins: float
    namesakes: float
    double_surname: float
    several_given_names: float
    has_citizen_number: float
    relatives: float  # others who live with the person before them in the list, under the same surname
    moves_a_year: float  # to another municipality
    moves_far: float  # share of them to another region
    second_chain_number: float
    merged: float  # share of second chain numbers of which it is found out whose they are
    merged_after_days: Size  # after the first offence
    stocks: list[Stock]
    company: Company


class FromObjection(Part):
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


class Judges(Part):
    """Which judge sits."""

    minor: str
    heavy: str
    other: str


class Order(Part):
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


class Appeal(Block):
    """Appeals: against which judgments, where, how long they take and how they end."""

    term_days: int  # for an appeal, and for cassation after it
    share: Shares  # of judgments, by kind of judge
    verdicts: Shares  # the part of that share with which each verdict is appealed against
    lodged_to_received: Delay
    outcomes: dict[str, Shares]  # by verdict
    outcome_days: Shares
    outcome_sigma: float
    acquitted: str
    final: list[str]  # outcomes against which there is no cassation
    courts: dict[str, list[str]]  # the district courts of each court of appeal
    court_codes: dict[str, str]


class Remand(Delay):
    """Who is held before the verdict."""

    share: float
    again: float  # what each case of the last two years, at most five, multiplies the odds by
    from_months: int
    stays_on: float  # share of those held and sentenced who stay on to serve the sentence


class EarlyRelease(Part):
    """Conditional release, of sentences longer than `from_days`; since some day of verdict of at most so many days."""

    from_days: int
    most_days: int
    capped_since: date


class SelfReporters(Part):
    """Who comes when called up to serve a sentence; from `until` on nobody is called up, and those sentences start later."""

    share: float  # of sentences that are served from the street
    until: date
    later_days: int


class OrderedStay(Size):
    """Days under an order, where, and by which title."""

    title: str
    institution: str


class Assignments(Part):
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


class Register(Part):
    """How one file sees the world: the table it tells, and which field is in which column."""

    table: str
    where: dict[str, list[str]] = {}  # field of words: only the rows with one of these
    columns: dict[str, str]  # column: field; what names a person follows from the contract's identity roles
    missing: Shares = {}  # column: share of rows in which the register never has it
    corrected: Shares = {}  # column: share of rows in which it was first wrong
    spellings: dict[str, Shares] = {}  # column: how its codes of two words are written, {0} the first, and how often


class Habits(Part):
    """How well a partner keeps its register."""

    late: float  # share of units that reach the register late
    withdrawn: float  # share of units that turn out not to belong there
    missing: Shares = {}  # share of records without it, by identity role
    placeholder: Shares = {}  # share of the records without a number that have one of nobody instead, by identity role
    typo: float = 0.0  # share of names with one
    alias: float = 0.0  # share of records of a natural person under a name and birth date that are not theirs, without numbers
    partial_birth_date: float = 0.0  # share of birth dates of which only the year is known: 1 January
    shows_second_surname: float = 1.0
    shows_all_given_names: float = 1.0


class Registers(Block):
    """What the partners hold and how."""

    late_days: Size
    withdrawn_after_days: Size
    corrected_after_days: Size
    yes: str
    no: str
    numbers: dict[str, str]  # patterns of the registers' own numbers: {year} {yy} {serial:width} and parts by name
    placeholders: dict[str, list[str]]  # numbers of nobody, by identity role
    habits: dict[str, Habits]  # by partner
    files: dict[str, Register]  # by partner/file


class Burst(Part):
    """Days or an office in which a partner makes more of the faults than usual: a bad month, a new system, one office."""

    partner: str
    file: str | None = None  # all of them
    start: date | None = Field(default=None, alias="from")  # the days on which a row came into the register
    until: date | None = None
    where: dict[str, list[str]] = {}  # column: the partner's own codes
    times: float = Field(gt=1)  # as often as elsewhere
    weights: Shares = {}  # the kinds that there are more of; those of the profile when none are named


class Trouble(Part):
    """A delivery, or a file in it, that does not come as it should."""

    partner: str
    reference_on: date
    fault: str
    file: str | None = None  # all of them that lend themselves to it
    days: int = 1  # how late
    column: str = ""  # of a correction: which is corrected
    share: float = Field(default=0.0, ge=0, le=1)  # of a correction: of the rows


class DefinitionChange(Part):
    """Rows that a partner counts no longer, by its own codes."""

    partner: str
    file: str
    start: date = Field(alias="from")  # of those that come into the register from this day on
    where: dict[str, list[str]] = Field(min_length=1)


class Migration(Part):
    """A partner's new system: from a reference date on everything in a file has another number, told by the first characters."""

    partner: str
    file: str
    start: date = Field(alias="from")
    column: str
    prefix: tuple[str, str]  # before, after


class Recoding(Part):
    """Codes of a partner that are renewed, without a word to those who read them."""

    partner: str
    file: str
    start: date = Field(alias="from")  # of rows that come into the register from this day on
    column: str
    prefix: str  # of each new code


class WholeFiles(Part):
    """How often a file of changes goes wrong as a whole, and how."""

    share: float = 0.0
    weights: Shares = {}


class Expected(Part):
    """What should come of a scenario: releases by id, deliveries as `partner id`, rules that warn, and rules that stop the chain."""

    released: list[str] = []
    refused: list[str] = []
    taken: list[str] = []
    warned: list[str] = []
    failed: list[str] = []


class Faults(Block):
    """A profile: how often each kind of fault happens, where more often than elsewhere, and which deliveries go wrong as a whole."""

    share: float = Field(ge=0, lt=1)  # of the rows of a file that carry a fault, all kinds together
    least: int = 0  # faults in a history file, whatever its size
    weights: Shares
    bursts: list[Burst] = []
    files: WholeFiles = WholeFiles()
    deliveries: list[Trouble] = []
    definitions: list[DefinitionChange] = []
    migrations: list[Migration] = []
    recodings: list[Recoding] = []
    # A profile with a story is a scenario: files under scenarios/, each played by a test from delivery to release.
    story: str = ""
    until: date | None = None  # deliveries come until this day
    expect: Expected = Expected()


class Parameters(BaseModel, extra="forbid"):
    """The whole file."""

    period: Period
    crime: Crime
    suspects: Suspects
    persons: Persons
    prosecution: Prosecution
    court: Court
    appeal: Appeal
    execution: Execution
    alignment: Alignment
    registers: Registers

    @classmethod
    def read(cls, jurisdiction: Jurisdiction) -> Parameters:
        """The parameters of a jurisdiction; ConfigurationError names the place of a mistake."""
        return jurisdiction.load("simulation/parameters.yaml", cls)
