"""The policy of disclosure control, checked against the cubes it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

from das_pipeline import policy
from das_pipeline.errors import ConfigurationError, Fault, nearest
from das_pipeline.jurisdiction import Jurisdiction


def checked_policy(jurisdiction: Jurisdiction, leaves: Mapping[str, Set[str]]) -> policy.Disclosure:
    """The jurisdiction's policy; ConfigurationError if it names a cube or dimension that is not in `leaves` (cube → dimensions)."""
    limits = policy.load_policy(jurisdiction).disclosure
    if faults := list(_faults(jurisdiction, limits, leaves)):
        raise ConfigurationError(faults=faults)
    return limits


def _faults(jurisdiction: Jurisdiction, limits: policy.Disclosure, leaves: Mapping[str, Set[str]]) -> Iterator[Fault]:
    place = jurisdiction.place(policy.FILE, "disclosure")
    named = [(place / "sensitive_cubes" / i, cube) for i, cube in enumerate(limits.sensitive_cubes)]
    for key in ("structural_zeros", "presence_sensitive"):
        for i, leaf_set in enumerate(getattr(limits, key)):
            named.append((place / key / i / "cube", leaf_set.cube))
            for dimension in leaf_set.leaf.keys() - leaves.get(leaf_set.cube, leaf_set.leaf.keys()):
                sentence = f"the cube {leaf_set.cube} has no dimension {dimension}. {nearest(dimension, leaves[leaf_set.cube])}"
                yield (place / key / i / "leaf" / dimension).fault(sentence)
    for at, cube in named:
        if cube not in leaves:
            yield at.fault(f"disclosure names the cube {cube}, which statistics/cubes.yaml does not have. {nearest(cube, leaves)}")
