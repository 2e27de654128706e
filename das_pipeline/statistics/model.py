"""What is counted and published: base cubes and tables, every dimension with its scheme and level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

from das_pipeline.chain import ChainModel, load_chain
from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction, Text
from das_pipeline.periods import KINDS, Kind
from das_pipeline.statistics.declarations import CubesFile, DeclaredCube, DeclaredTable, Stack
from das_pipeline.terminology import Scheme, load_schemes

CUBES = "statistics/cubes.yaml"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Cube:
    """A confidential base cube: the number of events of `kinds` in each leaf and period, of each unit `each`, the `first` or the `last`.

    `unit_of_count` says what 1 is. For each dimension: `leaf`, the column of the events and the level; `scheme`; `levels`, from the leaf's
    up to the total; `unknown`, the concept for what is not known. `adds_up_to` is the cube with which shared cells must be equal.
    """

    name: str
    unit_of_count: str
    unit: str
    partners: Sequence[str]  # those that report the unit
    kinds: Sequence[str]
    leave_out: Mapping[str, Sequence[str]]
    which: Literal["each", "first", "last"]
    period: Kind
    leaf: Mapping[str, tuple[str, str]]
    scheme: Mapping[str, str]
    levels: Mapping[str, tuple[str, ...]]
    unknown: Mapping[str, str]
    is_age: frozenset[str]
    adds_up_to: str | None


@dataclass(frozen=True)
class Table:
    """A table to publish: a roll-up of `cube`, or a `stack` of totals of cubes. `by`: dimension -> level."""

    name: str
    title: Text
    description: Text
    notes: Text
    theme: str
    cube: str | None
    stack: Stack | None
    by: Mapping[str, str]
    periods: Sequence[str]

    @property
    def cubes(self) -> list[str]:
        """The cubes that the table is made of."""
        return [self.cube] if self.cube else list(self.stack.rows.values()) if self.stack else []


@dataclass(frozen=True)
class Statistics:
    """The cubes and tables of a jurisdiction; a cube comes after the one that it adds up to."""

    cubes: Sequence[Cube]
    tables: Sequence[Table]

    def cube(self, name: str) -> Cube:
        return next(cube for cube in self.cubes if cube.name == name)


def load_statistics(jurisdiction: Jurisdiction) -> Statistics:
    """Return the statistics of `jurisdiction` with every name in them resolved; ConfigurationError names the file and place."""
    chain, schemes = load_chain(jurisdiction), load_schemes(jurisdiction)
    place = str(jurisdiction.folder / CUBES)
    cubes: dict[str, Cube] = {}
    for declared in jurisdiction.load(CUBES, CubesFile).cubes:
        cubes[declared.cube] = _CubeReader(f"{place}: cube {declared.cube}", chain, schemes).read(declared, cubes)
    tables = {}
    for file in jurisdiction.files("statistics/*.yaml"):
        if file != CUBES:
            table = jurisdiction.load(file, DeclaredTable)
            tables[table.table] = _read_table(f"{jurisdiction.folder / file}", table, cubes)
    return Statistics(tuple(cubes.values()), tuple(tables[name] for name in sorted(tables)))


@dataclass(frozen=True)
class _CubeReader:
    """Reads one declared cube against the chain and the schemes."""

    place: str
    chain: ChainModel
    schemes: Mapping[str, Scheme]

    def read(self, declared: DeclaredCube, above: Mapping[str, Cube]) -> Cube:
        if unknown := sorted(set(declared.kind) - set(self.chain.order)):
            _refuse(self.place, f"no unit has events of kind {', '.join(unknown)}")
        units = {self.chain.unit_of(kind) for kind in declared.kind}
        if len(units) > 1:
            _refuse(self.place, f"its kinds are events of several units: {', '.join(sorted(units))}")
        unit = next(iter(units))
        for column in declared.leave_out:
            if column != "outcome" and column not in self.chain.attributes:
                _refuse(self.place, f"leave_out: events have no column {column}")
        leaf = {d: self._dimension(d, named, declared.kind, unit) for d, named in declared.leaf.items()}
        cube = Cube(
            name=declared.cube,
            unit_of_count=declared.unit_of_count,
            unit=unit,
            partners=[by_partner.partner for by_partner in self.chain.units[unit]],
            kinds=declared.kind,
            leave_out=declared.leave_out,
            which=declared.which,
            period=declared.period,
            leaf={d: (column, level) for d, (column, _, level) in leaf.items()},
            scheme={d: scheme for d, (_, scheme, _) in leaf.items()},
            levels={d: self._levels_from(scheme, level) for d, (_, scheme, level) in leaf.items()},
            unknown={d: self._unknown(scheme, level) for d, (_, scheme, level) in leaf.items()},
            is_age=frozenset(d for d, (column, _, _) in leaf.items() if self.chain.attributes.get(column) == "SMALLINT"),
            adds_up_to=declared.adds_up_to,
        )
        self._check_addition(cube, above)
        return cube

    def _dimension(self, dimension: str, named: Sequence[str], kinds: Sequence[str], unit: str) -> tuple[str, str, str]:
        """Return (column, scheme, level) of a dimension; the level is the lowest of the scheme if none is declared."""
        column, level = named[0], named[1] if len(named) > 1 else None
        scheme = self._scheme(column, level, kinds, unit)
        if scheme is None:
            _refuse(self.place, f"leaf {dimension}: {column} of these events has no concepts, or not of one scheme")
        levels = self.schemes[scheme].levels
        if level is not None and level not in levels:
            _refuse(self.place, f"leaf {dimension}: scheme {scheme} has no level {level}; it has {', '.join(levels)}")
        return column, scheme, level or levels[0]

    def _scheme(self, column: str, level: str | None, kinds: Sequence[str], unit: str) -> str | None:
        if column == "outcome":
            schemes = {self.chain.outcome_scheme(kind) for kind in kinds}
        elif self.chain.attributes.get(column) == "SMALLINT":
            schemes = {
                name
                for name, s in self.schemes.items()
                if any(c.from_age is not None and level in (None, c.level) for c in s.concepts.values())
            }
        else:
            schemes = {self.chain.attribute_scheme(unit, column)}
        return next(iter(schemes)) if len(schemes) == 1 else None

    def _levels_from(self, scheme: str, level: str) -> tuple[str, ...]:
        levels = self.schemes[scheme].levels
        return levels[levels.index(level) :]

    def _unknown(self, scheme: str, level: str) -> str:
        return next((c.concept for c in self.schemes[scheme].broader(UNKNOWN) if c.level == level), UNKNOWN)

    def _check_addition(self, cube: Cube, above: Mapping[str, Cube]) -> None:
        if cube.adds_up_to is None:
            return
        anchor = above.get(cube.adds_up_to)
        if anchor is None:
            _refuse(self.place, f"adds_up_to {cube.adds_up_to}, which is not a cube above it")
        if (set(cube.kinds), cube.leave_out, cube.which) != (set(anchor.kinds), anchor.leave_out, anchor.which):
            _refuse(self.place, f"adds_up_to {anchor.name}, which counts other events")
        if odd := [d for d in cube.leaf if cube.scheme[d] != anchor.scheme.get(d, cube.scheme[d])]:
            _refuse(self.place, f"dimension {odd[0]} has a different scheme in {anchor.name}")


def _read_table(place: str, declared: DeclaredTable, cubes: Mapping[str, Cube]) -> Table:
    period = declared.by["period"]
    periods = [period] if isinstance(period, str) else period
    by = {name: level for name, level in declared.by.items() if name != "period" and isinstance(level, str)}
    table = Table(
        declared.table, declared.title, declared.description, declared.notes, declared.theme, declared.cube, declared.stack, by, periods
    )
    for name in table.cubes:
        if name not in cubes:
            _refuse(place, f"there is no cube {name} in {CUBES}")
        allowed = KINDS[KINDS.index(cubes[name].period) :]
        if odd := [p for p in periods if p not in allowed]:
            _refuse(place, f"period {odd[0]} is finer than the {cubes[name].period} of cube {name}, or is not a period")
    if declared.stack is not None and by:
        _refuse(place, "a stack is of totals: its `by` has a period only")
    for dimension, level in by.items():
        cube = cubes[declared.cube or ""]
        if dimension not in cube.leaf:
            _refuse(place, f"cube {cube.name} has no dimension {dimension}")
        if level not in cube.levels[dimension]:
            _refuse(place, f"dimension {dimension}: level {level} is not at or above the leaf's level {cube.leaf[dimension][1]}")
    return table


def _refuse(place: str, why: str) -> NoReturn:
    raise ConfigurationError(f"{place}: {why}.")
