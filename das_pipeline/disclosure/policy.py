"""What the data owner sets for disclosure control: the part `disclosure` of policy.yaml."""

from __future__ import annotations

from datetime import date, timedelta

from pydantic import BaseModel

from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction


class Base(BaseModel, extra="forbid"):
    """The multiples that published counts come in."""

    default: int
    sensitive: int
    reason: str = ""


class LeafSet(BaseModel, extra="forbid"):
    """Leaves of a cube: those with these concepts, one a dimension, the other dimensions free."""

    cube: str
    leaf: dict[str, str]
    reason: str = ""


class Closing(BaseModel, extra="forbid"):
    """A year closes this many months after its end, with all its months: from the release after that its values are frozen.

    Months do not close before their year: cubes by month and by year count the same things, and must agree.
    """

    months: int
    reason: str


class DisclosurePolicy(BaseModel, extra="forbid"):
    """Limits of disclosure control. Without `closing` no period ever closes.

    `structural_zeros` cannot occur and are flagged as not applicable. `presence_sensitive` must not exist as leaves: a number above zero
    proves that somebody is there, and a larger base is no remedy.
    """

    base: Base
    sensitive_cubes: list[str] = []
    structural_zeros: list[LeafSet] = []
    presence_sensitive: list[LeafSet] = []
    closing: Closing | None = None

    def base_of(self, cube: str) -> int:
        return self.base.sensitive if cube in self.sensitive_cubes else self.base.default

    def is_closed(self, year: int, as_of: date) -> bool:
        """Whether the periods of `year` are closed as of `as_of`."""
        if self.closing is None:
            return False
        day_after = date(year + 1 + self.closing.months // 12, self.closing.months % 12 + 1, 1)
        return as_of >= day_after - timedelta(days=1)


class _PolicyFile(BaseModel):
    disclosure: DisclosurePolicy


def load_policy(jurisdiction: Jurisdiction, leaves: dict[str, set[str]]) -> DisclosurePolicy:
    """The jurisdiction's policy; ConfigurationError when it names a cube or dimension that `leaves` (cube → dimensions) does not have."""
    policy = jurisdiction.load("policy.yaml", _PolicyFile).disclosure
    place = jurisdiction.folder / "policy.yaml"
    for cube in (*policy.sensitive_cubes, *(s.cube for s in (*policy.structural_zeros, *policy.presence_sensitive))):
        if cube not in leaves:
            raise ConfigurationError(f"{place}: disclosure names the cube {cube}, which statistics/cubes.yaml does not have.")
    for leaf_set in (*policy.structural_zeros, *policy.presence_sensitive):
        if absent := set(leaf_set.leaf) - leaves[leaf_set.cube]:
            raise ConfigurationError(f"{place}: the cube {leaf_set.cube} has no dimension {', '.join(sorted(absent))}.")
    return policy
