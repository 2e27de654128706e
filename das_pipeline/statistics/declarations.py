"""The shapes of `statistics/cubes.yaml` and `statistics/<table>.yaml`, as a person writes them; `model` checks them against the chain."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, model_validator

from das_pipeline.errors import nearest
from das_pipeline.jurisdiction import Text
from das_pipeline.periods import Kind
from das_pipeline.shape_faults import Mistakes

Word = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")]  # an identifier, because it becomes part of SQL text and file names
PLANNED = ("balance", "duration", "cohort", "persons")


class DeclaredCube(BaseModel, extra="forbid"):
    """A base cube of type flow: the events of `kind`, by `leaf` (dimension: [column of the events, level of its scheme]) and period."""

    cube: Word
    type: Literal["flow"]
    unit_of_count: Word
    kind: Annotated[list[Word], Field(min_length=1)]
    leave_out: dict[Word, list[str]] = {}
    which: Literal["each", "first", "last"] = "each"
    period: Kind
    leaf: dict[Word, Annotated[list[Word], Field(min_length=1, max_length=2)]]
    adds_up_to: Word | None = None

    @model_validator(mode="before")
    @classmethod
    def _is_built(cls, written: Any) -> Any:
        if isinstance(written, dict) and written.get("type") in PLANNED:
            raise ValueError(f"cubes of type {written['type']} are not built yet; use type flow")
        return written


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


class DeclaredTable(BaseModel, extra="forbid"):
    """A published table: a roll-up of one cube, or a stack of totals, `by` dimension: level and period: kinds of period."""

    table: Word
    title: Text
    description: Text
    notes: Text
    theme: Word
    cube: Word | None = None
    stack: Stack | None = None
    by: dict[Word, Word | list[Word]]

    @model_validator(mode="after")
    def _has_one_source(self) -> DeclaredTable:
        if (self.cube is None) == (self.stack is None):
            raise ValueError("a table has either `cube` or `stack`")
        if "period" not in self.by:
            raise ValueError("`by` needs a period: month, quarter, year, or a list of them")
        if lists := [name for name, level in self.by.items() if name != "period" and not isinstance(level, str)]:
            raise ValueError(f"`by` has one level for each dimension; look at {', '.join(lists)}")
        return self
