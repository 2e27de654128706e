"""The shapes of `statistics/cubes.yaml` and `statistics/<table>.yaml`, as a person writes them; `model` checks them against the chain."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, model_validator

from das_pipeline.errors import nearest
from das_pipeline.jurisdiction import Text
from das_pipeline.periods import Kind
from das_pipeline.shape_faults import Mistakes

Word = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")]  # an identifier, because it becomes part of SQL text and file names
Type = Literal["flow", "persons", "balance", "duration", "cohort"]
Method = Literal["rounding", "suppression", "cell_key"]
KEYS: dict[Type, tuple[set[str], set[str]]] = {  # type of cube -> the keys that it needs, and those that it may have
    "flow": ({"kind"}, {"leave_out", "which", "adds_up_to", "bands"}),
    "persons": ({"kind"}, {"leave_out", "adds_up_to"}),
    "balance": ({"spell"}, {"same_as", "older_than"}),
    "duration": ({"spell", "weeks"}, set()),
    "cohort": ({"start", "states", "follow_up"}, {"adds_up_to", "leave_out", "linked_by", "sent_to"}),
}
OfDuration = Literal["first_quartile", "median", "third_quartile", "plain_median", "still_open"]
OfAmounts = Literal["quarter_up_to", "half_up_to", "three_quarters_up_to"]
Ascending = Annotated[list[Annotated[int, Field(gt=0)]], Field(min_length=1)]


class DeclaredCube(BaseModel, extra="forbid"):
    """A base cube, by `leaf` (dimension: [column, level of its scheme]) and period.

    flow: the events of `kind`, and by the classes of their amount (`bands`: dimension -> lower bounds). persons: the distinct persons with
    such events, each in the leaf of the first of them in the period. balance: the spells that began, ended and were open at the end of the
    month, and for how many months (`older_than`); `same_as` names the flow cube that counts its inflow or outflow too. duration: the spells
    that began in a period by the weeks that they took, or have taken so far; `weeks` are the bounds of the published bands, of which the
    last ends the count. cohort: the units of which `start` is in a period by the furthest of the `states` (state: kinds of event that reach
    it) after so many months (`follow_up`). A state that only records of other units reach counts for units with the event `linked_by`, if
    that is declared: an unsolved crime has no case.
    `sent_to`: the partner to which the first event sends the unit; those that stay in the first state did not arrive.
    """

    cube: Word
    type: Type
    unit_of_count: Word
    kind: Annotated[list[Word], Field(min_length=1)] = []
    leave_out: dict[Word, list[str]] = {}
    which: Literal["each", "first", "last"] = "each"
    period: Kind
    leaf: dict[Word, Annotated[list[Word], Field(min_length=1, max_length=2)]]
    adds_up_to: Word | None = None
    bands: Annotated[dict[Word, Ascending], Field(max_length=1)] = {}
    spell: Word | None = None
    same_as: dict[Literal["inflow", "outflow"], Word] = {}
    older_than: Ascending = []
    weeks: Ascending = []
    start: Word | None = None
    states: Annotated[dict[Word, list[Word]], Field(min_length=2)] = {}
    follow_up: Ascending = []
    linked_by: Word | None = None
    sent_to: Word | None = None

    @model_validator(mode="after")
    def _has_the_keys_of_its_type(self) -> DeclaredCube:
        needed, allowed = KEYS[self.type]
        own = self.model_fields_set - {"cube", "type", "unit_of_count", "period", "leaf"}
        if missing := sorted(needed - own):
            raise ValueError(f"a cube of type {self.type} needs {', '.join(missing)}")
        if strange := sorted(own - needed - allowed):
            raise ValueError(f"a cube of type {self.type} has no {', '.join(strange)}")
        for name, numbers in {"older_than": self.older_than, "weeks": self.weeks, "follow_up": self.follow_up, **self.bands}.items():
            if numbers != sorted(set(numbers)):
                raise ValueError(f"`{name}` must ascend")
        if twice := self.bands.keys() & self.leaf.keys():
            raise ValueError(f"{min(twice)} is a dimension of the leaf: give the bands another name")
        if self.states and [state for state, kinds in self.states.items() if not kinds] != list(self.states)[:1]:
            raise ValueError("the first of the `states` is that of units to which nothing happened: it has no kinds, the others have")
        if self.linked_by and self.linked_by not in {kind for kinds in self.states.values() for kind in kinds}:
            raise ValueError("`linked_by` must be a kind of event that one of the `states` has")
        if self.type == "balance" and self.period != "month":
            raise ValueError("a balance is by month: a stock is that of the end of a period, never a sum")
        return self


class CubesFile(BaseModel, extra="forbid"):
    """cubes.yaml. A cube that `extends` one above it takes over what it does not declare itself, and adds to its leaf."""

    cubes: list[DeclaredCube]

    @model_validator(mode="before")
    @classmethod
    def _extended(cls, written: Any) -> Any:
        if not isinstance(written, dict) or not isinstance(written.get("cubes"), list):
            return written
        above: dict[Any, dict[str, Any]] = {}
        cubes = []
        for number, cube in enumerate(written["cubes"]):
            own = cube
            if isinstance(cube, dict) and "extends" in cube:
                base = above.get(cube["extends"])
                if base is None:
                    sentence = (
                        f"cube {cube.get('cube')} extends {cube['extends']}, which is not above it. {nearest(str(cube['extends']), above)}"
                    )
                    raise Mistakes([(("cubes", number, "extends"), sentence)])
                leaf = {**base.get("leaf", {}), **cube.get("leaf", {})}
                own = base | {key: value for key, value in cube.items() if key != "extends"} | {"leaf": leaf}
            if isinstance(own, dict):
                above[own.get("cube")] = own
            cubes.append(own)
        return written | {"cubes": cubes}


class Stack(BaseModel, extra="forbid"):
    """A table of the totals of several cubes, each as one category of `dimension`."""

    dimension: Word
    rows: Annotated[dict[Word, Word], Field(min_length=1)]


class Share(BaseModel, extra="forbid"):
    """A percentage of a table's count: the part of it with these values of a dimension, or the count of another cube."""

    where: Annotated[dict[Word, Annotated[list[str], Field(min_length=1)]], Field(max_length=1)] = {}
    cube: Word | None = None

    @model_validator(mode="after")
    def _has_one_part(self) -> Share:
        if bool(self.where) == bool(self.cube):
            raise ValueError("a share is either of those `where` a dimension has some values, or of another `cube`")
        return self


class Rate(BaseModel, extra="forbid"):
    """A table's count for every `per` of the `measure` in a file of terminology/external, such as inhabitants."""

    source: Word
    measure: Word
    per: Annotated[int, Field(gt=0)]


class DeclaredTable(BaseModel, extra="forbid"):
    """A published table: a roll-up of one cube, or a stack of totals, `by` dimension: level and period: kinds of period.

    With `shares` or `rates` (code -> what is divided) a table has percentages or rates instead of the counts of its cube, computed from
    protected ones. Of a balance or cohort, `cube` names it (all its lines, all its follow-ups) or one of its parts. With `measures` a table
    has no counts of a duration but what follows from them: weeks, or the percentage that is `still_open` after each of the cube's bounds;
    and of a cube with `bands` the amount that a quarter, half or three quarters of its events have at most. `method` is how counts are
    protected: tables of cubes that count the same things have one method.
    """

    table: Word
    title: Text
    description: Text
    notes: Text
    theme: Word
    method: Method = "rounding"
    cube: Word | None = None
    stack: Stack | None = None
    measures: list[OfDuration | OfAmounts] = []
    shares: dict[Word, Share] = {}
    rates: Annotated[dict[Word, Rate], Field(max_length=1)] = {}
    by: dict[Word, Word | list[Word]]

    @model_validator(mode="after")
    def _has_one_source(self) -> DeclaredTable:
        if sum(map(bool, (self.measures, self.shares, self.rates, self.stack))) > 1:
            raise ValueError("a table has one of `measures`, `shares`, `rates` and `stack`: make two tables")
        if (self.cube is None) == (self.stack is None):
            raise ValueError("a table has either `cube` or `stack`")
        if "still_open" in self.measures and len(self.measures) > 1:
            raise ValueError("`still_open` is in percent, other measures in weeks: make two tables")
        if "period" not in self.by:
            raise ValueError("`by` needs a period: month, quarter, year, or a list of them")
        if isinstance(periods := self.by["period"], list) and len(set(periods)) < len(periods):
            raise Mistakes([(("by", "period"), "a kind of period is listed twice: every figure would be there twice.")])
        if lists := [name for name, level in self.by.items() if name != "period" and not isinstance(level, str)]:
            raise ValueError(f"`by` has one level for each dimension; look at {', '.join(lists)}")
        return self
