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
from functools import lru_cache
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
            return one not in other.initials and two not in self.initials
        return min(len(one), len(two)) < 3 or not kin(one, two)

    def has_names_of(self, other: Profile) -> bool:
        """Return whether this is a person of two given names, of which the other has one, or its initial, and is of no other sex."""
        if self.given_2 is None or other.given_name is None or (self.sex and other.sex and self.sex != other.sex):
            return False
        return other.given_name in (self.given_name, self.given_2, *self.initials)

    @property
    def initials(self) -> tuple[str, ...]:
        """The first letters of both given names."""
        return tuple(name[0] for name in (self.given_name, self.given_2) if name)


def kin(one: str, two: str) -> bool:
    """Return whether two given names of three letters or more are as like as `compare.given_apart` has it."""
    shorter, longer = sorted((one, two), key=len)
    if (len(shorter) >= 3 and longer.startswith(shorter)) or (len(shorter) >= 4 and longer.endswith(shorter)):
        return True
    allowed = 2 if len(shorter) >= 5 else 1
    return len(longer) - len(shorter) <= allowed and edits(one, two) <= allowed


@lru_cache(maxsize=100_000)
def edits(one: str, two: str) -> int:
    """Return the Damerau-Levenshtein distance of two names, as the engine has it."""
    most = len(one) + len(two)
    rows = [[most] * (len(two) + 2), [most, *range(len(two) + 1)]]
    seen: dict[str, int] = {}  # a letter's last row
    for i, a in enumerate(one, 1):
        rows.append([most, i])
        last = 0
        for j, b in enumerate(two, 1):
            row, column = seen.get(b, 0), last
            turned = rows[row][column] + (i - row - 1) + 1 + (j - column - 1)
            rows[-1].append(min(rows[i][j] + (a != b), rows[-1][j] + 1, rows[i][j + 1] + 1, turned))
            last = j if a == b else last
        seen[a] = i
    return rows[-1][-1]


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
        """Return whether two profiles are apart, and none in either cluster has the given names of both: Jan Kees is Jan, and is Kees."""
        return any(
            a.apart(b) and not any(p.has_names_of(a) and p.has_names_of(b) for p in (*self.profiles, *other.profiles))
            for a in self.profiles
            for b in other.profiles
        )

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
