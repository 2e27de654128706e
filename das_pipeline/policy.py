"""The limits that the data owner sets (policy.yaml), each with its reason: the one reader of that file."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.shape_faults import Mistakes

FILE = "policy.yaml"
Share = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel, extra="forbid"):
    """A part of the file; a key that it does not know is a mistake, and so is a limit without a reason."""

    @model_validator(mode="after")
    def _has_a_reason(self) -> Section:
        if not getattr(self, "reason", "a part without one").strip():
            raise Mistakes([(("reason",), "it is empty: say why the limit is what it is.")])
        return self


class Warn(Section):
    """A share that warns above `warn`."""

    warn: Share
    reason: str


class WarnFrom(Warn):
    """A share that warns above `warn`, beyond chance and when at least `min_rows` rows fail."""

    min_rows: int


class Block(Section):
    """A share that blocks above `block`, beyond chance and when at least `min_rows` rows fail."""

    block: Share
    min_rows: int
    reason: str


class WarnAndBlock(Block):
    """A share that warns above `warn` and blocks above `block`."""

    warn: Share

    @model_validator(mode="after")
    def _warns_first(self) -> WarnAndBlock:
        if self.warn > self.block:
            raise Mistakes([(("warn",), f"it would never warn: {self.warn:g} is above block, {self.block:g}.")])
        return self


class Earlier(Section):
    """A rule that compares a file with so many earlier deliveries, from so many rows."""

    deliveries: int
    rows: int
    reason: str


class Rows(Section):
    """A number of rows."""

    rows: int
    reason: str


class DeliveryDay(Section):
    """How far delivered_on may lie after the day a delivery arrived; of simulated ones, after the reference date and the one before."""

    ahead_days: int
    simulated_days: int
    reason: str


class FileSize(Section):
    """How far a file may swell while it is read: so many times its size, or `always_mib` when that is more; and how long a line may be."""

    times: Annotated[int, Field(ge=1)]
    always_mib: Annotated[int, Field(ge=1)]
    line_kib: Annotated[int, Field(ge=1)]
    reason: str


class SequenceGap(Section):
    """How many sequence numbers a delivery may be ahead of the one before it."""

    deliveries: int
    reason: str


class Drift(Section):
    """From when on a change against the last `deliveries` is shown: a share by more than `share`, a number of rows by more than `times`."""

    deliveries: Annotated[int, Field(ge=1)]
    share: Share
    times: Annotated[float, Field(ge=1)]
    rows: int
    reason: str


class Cells(Section):
    """A number of cells."""

    cells: int
    reason: str


class RowCount(Section):
    """How a number of rows is compared with those of so many earlier files at least, and from how many on an unusual one may block.

    Usual is what lies within so many deviations of their median, or within a share of it.
    """

    deliveries: int = 6
    sure: int = 12
    deviations: float = 4.0
    share: Share = 0.1
    reason: str = "the limit of rule I06"


class Months(Section):
    """Below which share of their neighbours months are empty, when these have so many rows."""

    rows: int = 40
    share: Share = 0.25
    reason: str = "the limit of rule I14"


class Heaping(Section):
    """How many times as often as by chance a day may occur, from so many rows."""

    times: float = 3.0
    rows: int = 20
    reason: str = "the limit of rule K09"


class Deliveries(Section):
    """The limits of deliveries."""

    quarantine_share: WarnAndBlock
    unreadable_keys_share: Block
    undecodable_share: Block
    empty_column: Earlier
    repeated_changes: Earlier
    withdrawn: Rows
    delivery_day: DeliveryDay
    sequence_gap: SequenceGap
    drift: Drift
    file_size: FileSize
    row_count: RowCount = RowCount()
    empty_months: Months = Months()
    heaping: Heaping = Heaping()
    correction: WarnAndBlock = WarnAndBlock(warn=0.05, block=0.25, min_rows=20, reason="the limit of rule I15")
    stock: WarnAndBlock = WarnAndBlock(warn=0.005, block=0.02, min_rows=20, reason="the limit of rule F03")


class Terminology(Section):
    """The limits of terminology."""

    unmapped_share: WarnAndBlock
    changed_share: Block  # of a column's rows, to another concept by a changed mapping set


class SubgroupFloor(Section):
    """The precision and the recall that no group of records may fall below, shares of pairs."""

    precision: Share
    recall: Share
    reason: str


class Linkage(Section):
    """The limits of linkage."""

    records_a_person: Rows
    entities_a_key: Rows
    common_name: Rows
    link_rate: Rows
    rate_change: WarnAndBlock = WarnAndBlock(warn=0.03, block=0.08, min_rows=6, reason="the limit of rule L02; versions, not rows")
    group_gap: Warn = Warn(warn=0.05, reason="the limit of rule L03")
    threshold_effect: Warn = Warn(warn=0.01, reason="the limit of rule L13")
    moved_ids: Warn = Warn(warn=0.001, reason="the limit of rule L09")
    kept_links: Warn = Warn(warn=0.0001, reason="the limit of rule L10")
    subgroup_floor: SubgroupFloor = SubgroupFloor(precision=0.98, recall=0.9, reason="the limit of rule L11")


class Chain(Section):
    """The limits of the chain."""

    forbidden_share: Block
    order_share: Warn
    swapped_share: WarnFrom = WarnFrom(warn=0.005, min_rows=20, reason="the limit of rule K10")
    overlap_share: Warn


class Base(Section):
    """The multiples that published counts come in."""

    default: Annotated[int, Field(ge=1)]
    sensitive: Annotated[int, Field(ge=1)]
    reason: str

    @model_validator(mode="after")
    def _protects_sensitive_cubes_more(self) -> Base:
        if self.sensitive < self.default:
            raise Mistakes(
                [(("sensitive",), f"{self.sensitive} is less than the default {self.default}: sensitive cubes would be protected less.")]
            )
        return self


class HalfFull(Section):
    """Below which `share` of what the year after makes one expect a series starts half full, beyond so many `deviations` of chance."""

    share: Share
    deviations: Annotated[float, Field(gt=0)]
    reason: str


class Statistics(Section):
    """The limits of statistics."""

    not_received: WarnAndBlock = WarnAndBlock(warn=0.05, block=0.2, min_rows=20, reason="the limit of rule F04")
    half_full: HalfFull = HalfFull(share=0.75, deviations=3, reason="the limit of rule F15")


class Suppression(Section):
    """Of tables by suppression: counts from 1 to below `minimum` are not shown, and what is not shown may be `width` or more apart."""

    minimum: Annotated[int, Field(ge=2)]
    width: Annotated[int, Field(ge=2)]
    reason: str


class CellKey(Section):
    """Of tables by cell key: counts change by up to `distance`, with a `variance`, to nothing from 1 to `not_published`.

    With `stay` so large a share keeps its count.
    """

    distance: Annotated[int, Field(ge=1)]
    variance: Annotated[float, Field(gt=0)]
    not_published: Annotated[int, Field(ge=0)] = 0
    stay: Share | None = None
    reason: str


class Figures(Section):
    """What a median, percentage or rate must be about: `cases` at least, whole percentages from `whole_from`, others in steps of 5.

    Below `edges_from` a percentage is never under 5 or over 95.
    """

    cases: Annotated[int, Field(ge=1)]
    whole_from: int
    edges_from: int
    reason: str


class LeafSet(Section):
    """Leaves of a cube: those with these concepts, one a dimension, the other dimensions free."""

    cube: str
    leaf: dict[str, str]
    reason: str


class Closing(Section):
    """A year closes this many months after its end, with all its months: from the release after that its values are frozen.

    Months do not close before their year: cubes by month and by year count the same things, and must agree.
    """

    months: int
    reason: str


class Exchange(Section):
    """Within cells of up to how many leaves these may exchange a base, which brings totals nearer; 0: nowhere."""

    leaves: Annotated[int, Field(ge=0)] = 16
    reason: str = "benchmarks/attacks.py shows what it adds to what a reader learns"


class Insider(Section):
    """How often somebody who knows one record of a leaf shown as 0, of a sensitive cube up to four, may know that there is no other."""

    share: Share = 0.6
    reason: str = "More often, and a 0 tells him that he is alone."


class Deduction(Section):
    """What may follow about small counts from all published cells together: none exactly, and a range under `width` for a share of `block`.

    Of every cube a `sample` is tried. An estimate by least squares may be right for a share of `above` more of them than one guess for all.
    """

    sample: Annotated[int, Field(ge=1)] = 20
    width: Annotated[int, Field(ge=1)] = 4
    block: Share = 0.01
    above: Share = 0.10
    min_rows: int = 5
    reason: str = "the limit of rule D22"


class Groups(Section):
    """When a published group of `least` to `most` counts is almost wholly one category of `categories`: of dimensions of published tables.

    The category has a `share` of the group, and that is so much `above` its share in the larger groups around it.
    """

    categories: list[str]
    share: Share = 0.95
    above: Share = 0.10
    least: int = 10
    most: int = 500
    reason: str


class Kinds(Section):
    """Kinds of period."""

    kinds: list[Literal["quarter", "year"]]
    reason: str


class Leaves(Section):
    """A number of leaves."""

    leaves: Annotated[int, Field(ge=0)]
    reason: str


class Disclosure(Section):
    """The limits of disclosure control. Without `closing` no period ever closes.

    `structural_zeros` cannot occur and are flagged as not applicable. `presence_sensitive` must not exist as leaves: a number above zero
    proves that somebody is there, and a larger base is no remedy. `moved_share` limits how many untouched leaves may change their value,
    `attack` of how many small counts more a reader may be sure for having seen their leaves, `deduction` what he may compute of them, and
    `one_record` how many leaves one more record may move.
    Of the kinds in `when_ended`, a period is in a cube when it has ended, and a family of cubes waits with fewer corrected leaves than
    `corrections`. `suppression` and `cell_key` are for tables that choose this `method` instead of rounding. Quality sheets give no figure
    over fewer than `quality_cells`, and no percentage of fewer than `percentages` rows.
    """

    base: Base
    sensitive_cubes: list[str]
    structural_zeros: list[LeafSet]
    presence_sensitive: list[LeafSet]
    closing: Closing | None = None
    moved_share: Block
    quality_cells: Cells
    percentages: Rows
    exchange: Exchange = Exchange()
    when_ended: Kinds = Kinds(kinds=[], reason="every period is counted from its first day on")
    corrections: Leaves = Leaves(leaves=0, reason="no correction waits")
    insider: Insider = Insider()
    groups: Groups = Groups(categories=[], reason="no dimension says something about persons that others do not know")
    attack: Block = Block(block=0.05, min_rows=20, reason="the limit of rule D21")
    deduction: Deduction = Deduction()
    one_record: Block = Block(block=0.10, min_rows=5, reason="the limit of rule D23")
    suppression: Suppression | None = None
    cell_key: CellKey | None = None
    figures: Figures = Figures(cases=50, whole_from=100, edges_from=500, reason="the limit of rule D04")

    @property
    def bases(self) -> tuple[int, int]:
        """Every base that a published count may be a multiple of."""
        return self.base.default, self.base.sensitive

    def base_of(self, cube: str) -> int:
        return self.base.sensitive if cube in self.sensitive_cubes else self.base.default

    def is_closed(self, year: int, as_of: date) -> bool:
        """Whether the periods of `year` are closed as of `as_of`."""
        if self.closing is None:
            return False
        day_after = date(year + 1 + self.closing.months // 12, self.closing.months % 12 + 1, 1)
        return as_of >= day_after - timedelta(days=1)


class Change(Section):
    """How far something may be from the release before, as a share of it."""

    share: Annotated[float, Field(ge=0)]
    reason: str


class Revision(Change):
    """The same, for sums of at least `count`: the share of a small one says little."""

    count: int


class NewPeriod(Section):
    """Between which multiples of the least and the most of the last `periods` a new one may lie, when the least is at least `count`."""

    low: Share
    high: Annotated[float, Field(ge=1)]
    periods: Annotated[int, Field(ge=1)]
    count: int
    reason: str


class Publication(Section):
    """What a release may differ from the one before."""

    more_rows: Change
    revised: Revision
    new_period: NewPeriod


class Approval(Section):
    """Who approves a release: two persons, or, of simulated figures, the policy itself."""

    by: Literal["policy", "two_persons"]
    reason: str


class Person(Section):
    """Somebody who signs for releases, with the public key that `das keys new-person` printed."""

    public_key: str = Field(pattern="^[0-9a-f]{64}$")
    roles: list[Literal["review", "approve"]] = Field(min_length=1)


Name = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_-]*$")]  # of a person: it is part of file names


class Window(Section):
    """How many days lie between two releases at least."""

    days: Annotated[int, Field(ge=1)]
    reason: str


class Release(Section):
    """When candidates go live, who approves, and how many months a period stays provisional (none: until its year has ended)."""

    approval: Approval
    persons: dict[Name, Person] = {}
    cadence: Literal["month_end"]
    window: Window
    provisional_months: int | None = None

    @model_validator(mode="after")
    def _two_persons_can_sign(self) -> Release:
        keys = [person.public_key for person in self.persons.values()]
        if len(set(keys)) < len(keys):
            raise ValueError("two of the persons have the same public key: a key is one person's own (das keys new-person)")
        reviewers, approvers = ({n for n, p in self.persons.items() if role in p.roles} for role in ("review", "approve"))
        if self.approval.by == "two_persons" and not (reviewers and approvers and len(reviewers | approvers) > 1):
            raise ValueError("approval by two_persons needs a person who may review and another who may approve: add them to persons")
        return self

    def require_window_for(self, *, is_simulated: bool, shortest_period: int) -> None:
        """Nothing, or ConfigurationError when real figures would go live before the shortest published period, in days, has passed.

        Releases that follow each other faster show figures of a shorter period, as their differences.
        """
        if self.window.days < shortest_period and not is_simulated:
            raise ConfigurationError(
                f"{FILE}, release.window: {self.window.days} days, but the shortest period that is published has {shortest_period}; only "
                "simulated figures may be released faster. Set days to that or more."
            )

    def require_for(self, *, is_simulated: bool) -> None:
        """Nothing, or ConfigurationError when real figures would go live by fewer than two signatures."""
        if self.approval.by == "policy" and not is_simulated:
            raise ConfigurationError(
                f"{FILE}, release.approval: the policy approves by itself, which only simulated figures may; these are real, and go live "
                "by the signatures of two persons. Set `by: two_persons` and name them in release.persons (das keys new-person NAME)."
            )


class Term(Section):
    """How many days something is kept; 0: until the next cleaning."""

    days: int = Field(ge=0)
    reason: str


class Retention(Section):
    """How long what is no longer live is kept, in days since the date that it is about.

    `versions` were live, `rejected` are candidates that failed a blocking rule, `refused` is what came of refused deliveries, `originals`
    are the landed files of accepted ones.
    """

    versions: Term
    rejected: Term
    refused: Term
    originals: Term


class Policy(Section):
    """The whole file."""

    deliveries: Deliveries
    terminology: Terminology
    linkage: Linkage
    chain: Chain
    statistics: Statistics = Statistics()
    disclosure: Disclosure
    publication: Publication
    release: Release
    retention: Retention

    @model_validator(mode="after")
    def _protects_real_figures(self) -> Policy:
        if self.disclosure.base.default == 1 and self.release.approval.by == "two_persons":
            sentence = "of a base of 1 every count is published as it is, and two persons release real figures: give at least 2."
            raise Mistakes([(("disclosure", "base", "default"), sentence)])
        return self


def load_policy(jurisdiction: Jurisdiction) -> Policy:
    """The jurisdiction's policy; ConfigurationError names the file and the place of a mistake."""
    return jurisdiction.load(FILE, Policy)
