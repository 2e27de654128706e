"""The policy of disclosure control, checked against the cubes it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

from das_pipeline import policy
from das_pipeline.disclosure.cell_key import Perturbation
from das_pipeline.errors import ConfigurationError, Fault, nearest
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.statistics import Statistics

EXAMPLES = {
    "suppression": '{minimum: 5, width: 4, reason: "…"}',
    "cell_key": '{distance: 5, variance: 3, not_published: 2, reason: "…"}',
}


def checked_policy(jurisdiction: Jurisdiction, statistics: Statistics) -> policy.Disclosure:
    """The jurisdiction's policy; ConfigurationError if it names a cube or dimension that is not there, or lacks the limits of a method."""
    limits = policy.load_policy(jurisdiction).disclosure
    leaves = {cube.name: set(cube.leaf) for cube in statistics.cubes}
    if faults := [*_faults(jurisdiction, limits, leaves), *_faults_of_methods(jurisdiction, limits, statistics)]:
        raise ConfigurationError(faults=faults)
    return limits


def _faults_of_methods(jurisdiction: Jurisdiction, limits: policy.Disclosure, statistics: Statistics) -> Iterator[Fault]:
    """Yield methods that tables choose without limits, and what is said of the leaves of cubes that have none."""
    place = jurisdiction.place(policy.FILE, "disclosure")
    for table in statistics.tables:
        if table.method != "rounding" and getattr(limits, table.method) is None:
            example = f"{table.method}: {EXAMPLES[table.method]}"
            sentence = f"table {table.name} has the method {table.method}, for which there are no limits"
            yield place.fault(f"{sentence}: add `{example}`, or take `method` out of the table.")
    rounded = {cube.name for cube in statistics.rounded}
    for key in ("sensitive_cubes", "structural_zeros", "presence_sensitive"):
        for number, named in enumerate(getattr(limits, key)):
            cube = named if isinstance(named, str) else named.cube
            if cube in {c.name for c in statistics.cubes} - rounded:
                yield (place / key / number).fault(f"the cube {cube} has no leaves to protect: its tables are not rounded. Take it out.")
    if limits.cell_key is not None:
        of = limits.cell_key
        try:
            Perturbation(of.distance, of.variance, of.not_published, of.stay).rows()
        except ConfigurationError as error:
            yield (place / "cell_key").fault(f"{error} Choose a smaller variance, or a larger distance.")


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
