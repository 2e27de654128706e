"""Layer 4, the constrained merge: which entities are one person, given the edges between them.

Edges are taken strongest first, and one is refused if the cluster it would create could not be one person. Whether an edge may be taken
depends on the edges taken before it, so this is the only loop of linkage that is not SQL. It runs over edges between entities, not over
records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

DECIDED = "D"  # the class of an edge that a person decided on


class Edge(NamedTuple):
    """Evidence that two entities are one person. Sorts strongest first, what a person decided before all else; a total order."""

    link_class: str
    weight: Decimal
    left: int
    right: int

    def strength(self) -> tuple[bool, str, Decimal, int, int]:
        return (self.link_class != DECIDED, self.link_class, -self.weight, self.left, self.right)


@dataclass(frozen=True)
class Birth:
    """A birth date as it is compared; of a partial one only the year counts."""

    on: date
    is_year_only: bool

    def apart(self, other: Birth) -> bool:
        """Return whether both cannot be one person's; the tolerance for one mistyped part is that of `compare.born_apart`."""
        if self.is_year_only or other.is_year_only:
            return self.on.year != other.on.year
        a, b = self.on, other.on
        agreeing = (a.year == b.year) + (a.month == b.month) + (a.day == b.day)
        is_swapped = a.year == b.year and (a.month, a.day) == (b.day, b.month)
        return agreeing < 2 and not is_swapped


class Profile(NamedTuple):
    """What of an entity tells twins apart, and father and son."""

    sex: str | None
    given_name: str | None
    given_2: str | None = None
    surname: str | None = None  # the first part

    def apart(self, other: Profile) -> bool:
        """Return whether both cannot be one person's, as `compare.given_apart` and `compare.sexes_apart` have it of one birth date."""
        one, two = self.given_name, other.given_name
        if self.sex and other.sex and self.sex != other.sex:
            return one is None or one != two
        if one is None or two is None or one in (two, other.given_2, other.surname) or two in (self.given_2, self.surname):
            return False  # one has the other as call name, or they are swapped with the surname
        if min(len(one), len(two)) == 1:
            return one[0] != two[0]
        return min(len(one), len(two)) < 3 or not one_edit_apart(one, two)


def one_edit_apart(one: str, two: str) -> bool:
    """Return whether two different names differ in one letter, or in the order of two neighbours."""
    shorter, longer = sorted((one, two), key=len)
    start = next((n for n, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
    a, b = shorter[start:], longer[start:]
    if len(a) < len(b):
        return a == b[1:]
    return a[1:] == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])


@dataclass
class Cluster:
    """What a merge must respect: the constraints of one entity, or of several that were merged."""

    records: int  # without a verified number
    is_anchored: bool = False
    births: set[Birth] = field(default_factory=set)
    numbers: set[tuple[str, int]] = field(default_factory=set)  # later strong keys, values numbered; two values of a key are two persons,
    # and so are the two sides of a decision, which counts as a key here
    alone: set[str] = field(default_factory=set)  # partners that have one record a person, and have it in this cluster
    profiles: set[Profile] = field(default_factory=set)

    def can_join(self, other: Cluster, most_records: int, *, by_key: bool = False) -> bool:
        """Return whether both can be one person; names and sex say nothing against a key or a decision (`by_key`)."""
        return not (
            (not by_key and self._named_apart(other))
            or (self.is_anchored and other.is_anchored)
            or self.records + other.records > most_records
            or self.alone & other.alone
            or self._contradicts(other)
            or any(a.apart(b) for a in self.births for b in other.births)
        )

    def _named_apart(self, other: Cluster) -> bool:
        return any(a.apart(b) for a in self.profiles for b in other.profiles)

    def _contradicts(self, other: Cluster) -> bool:
        both = {key for key, _ in self.numbers} & {key for key, _ in other.numbers}
        return any({n for k, n in self.numbers if k == key}.isdisjoint({n for k, n in other.numbers if k == key}) for key in both)

    def joined(self, other: Cluster) -> Cluster:
        """Return the cluster that both are, as one."""
        profiles = self.profiles | other.profiles
        if self._named_apart(other):  # a key joins them, and the names of the surer one count
            profiles = max(self, other, key=lambda cluster: (cluster.is_anchored, cluster.records, cluster is self)).profiles
        return Cluster(
            self.records + other.records,
            self.is_anchored or other.is_anchored,
            self.births | other.births,
            self.numbers | other.numbers,
            self.alone | other.alone,
            profiles,
        )


def constrained_merge(entities: Mapping[int, Cluster], edges: Iterable[Edge], most_records: int) -> tuple[dict[int, int], list[Edge]]:
    """Return the cluster of every entity (named by its lowest entity), and the edges that were taken, strongest first.

    No person gets more than `most_records` records without a verified number. The order of `edges` and `entities` does not matter.
    """
    root = {entity: entity for entity in entities}
    clusters = dict(entities)

    def find(entity: int) -> int:
        while root[entity] != entity:
            root[entity] = root[root[entity]]
            entity = root[entity]
        return entity

    taken: list[Edge] = []
    for edge in sorted(edges, key=Edge.strength):
        left, right = sorted((find(edge.left), find(edge.right)))
        if left != right and clusters[left].can_join(clusters[right], most_records, by_key=edge.link_class in {"B", DECIDED}):
            root[right] = left
            clusters[left] = clusters[left].joined(clusters.pop(right))
            taken.append(edge)
    return {entity: find(entity) for entity in entities}, taken
