"""The policy of disclosure control, checked against the cubes it names."""

from __future__ import annotations

from das_pipeline import policy
from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction


def checked_policy(jurisdiction: Jurisdiction, leaves: dict[str, set[str]]) -> policy.Disclosure:
    """The jurisdiction's policy; ConfigurationError if it names a cube or dimension that is not in `leaves` (cube → dimensions)."""
    limits = policy.load_policy(jurisdiction).disclosure
    place = jurisdiction.folder / policy.FILE
    for cube in (*limits.sensitive_cubes, *(s.cube for s in (*limits.structural_zeros, *limits.presence_sensitive))):
        if cube not in leaves:
            raise ConfigurationError(f"{place}: disclosure names the cube {cube}, which statistics/cubes.yaml does not have.")
    for leaf_set in (*limits.structural_zeros, *limits.presence_sensitive):
        if absent := set(leaf_set.leaf) - leaves[leaf_set.cube]:
            raise ConfigurationError(f"{place}: the cube {leaf_set.cube} has no dimension {', '.join(sorted(absent))}.")
    return limits
