"""Reading what is counted and published: `statistics/*.yaml`, checked against the chain and the schemes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from das_pipeline.chain import ChainModel, load_chain
from das_pipeline.errors import Fault, Faults, nearest
from das_pipeline.jurisdiction import Jurisdiction, Place
from das_pipeline.periods import KINDS
from das_pipeline.statistics.declarations import CubesFile, DeclaredCube, DeclaredTable
from das_pipeline.statistics.model import Cube, Statistics, Table
from das_pipeline.terminology import Scheme, load_schemes

CUBES = "statistics/cubes.yaml"
UNKNOWN = "unknown"


def load_statistics(jurisdiction: Jurisdiction) -> Statistics:
    """Return the statistics of `jurisdiction` with every name in them resolved; ConfigurationError has every mistake in them."""
    return _statistics(jurisdiction, jurisdiction.hash)


@cache
def _statistics(jurisdiction: Jurisdiction, content: str) -> Statistics:  # noqa: ARG001  (content: other files, other statistics)
    chain, schemes = load_chain(jurisdiction), load_schemes(jurisdiction)
    faults = Faults()
    cubes: dict[str, Cube] = {}
    for number, declared in enumerate(jurisdiction.load(CUBES, CubesFile).cubes):
        place = jurisdiction.place(CUBES, "cubes", number)
        with faults.gathered():
            if declared.cube in cubes:
                (place / "cube").refuse(f"there are two cubes {declared.cube}: rename one.")
            cubes[declared.cube] = _CubeReader(place, chain, schemes).read(declared, cubes)
    faults.raise_any()
    tables: dict[str, Table] = {}
    for file in jurisdiction.files("statistics/*.yaml"):
        if file != CUBES:
            with faults.gathered():
                table = jurisdiction.load(file, DeclaredTable)
                if table.table in tables:
                    jurisdiction.place(file, "table").refuse(f"another file has a table {table.table}: rename one.")
                faults.add(*_faults_of_table(jurisdiction.place(file), table, cubes))
                tables[table.table] = _table(table)
    faults.raise_any()
    return Statistics(tuple(cubes.values()), tuple(tables[name] for name in sorted(tables)))


@dataclass(frozen=True)
class _CubeReader:
    """Reads one declared cube against the chain and the schemes."""

    place: Place
    chain: ChainModel
    schemes: Mapping[str, Scheme]

    def read(self, declared: DeclaredCube, above: Mapping[str, Cube]) -> Cube:
        name = f"cube {declared.cube}:"
        if unknown := [kind for kind in declared.kind if kind not in self.chain.order]:
            sentence = f"{name} no unit has events of kind {', '.join(unknown)}. {nearest(unknown[0], self.chain.order)}"
            (self.place / "kind").refuse(sentence)
        units = {self.chain.unit_of(kind) for kind in declared.kind}
        if len(units) > 1:
            (self.place / "kind").refuse(f"{name} its kinds are events of several units: {', '.join(sorted(units))}.")
        unit = next(iter(units))
        self._check_left_out(declared, unit)
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

    def _check_left_out(self, declared: DeclaredCube, unit: str) -> None:
        for column, values in declared.leave_out.items():
            place = self.place / "leave_out" / column
            if column != "outcome" and column not in self.chain.attributes:
                place.refuse(f"leave_out: events have no column {column}. {nearest(column, ['outcome', *self.chain.attributes])}")
            scheme = self._scheme(column, None, declared.kind, unit)
            concepts = self.schemes[scheme].concepts if scheme and scheme in self.schemes else None
            for number, value in enumerate(values):
                if concepts is not None and value not in concepts:
                    (place / number).refuse(f"leave_out: {value} is no concept of scheme {scheme}. {nearest(value, concepts)}")

    def _dimension(self, dimension: str, named: Sequence[str], kinds: Sequence[str], unit: str) -> tuple[str, str, str]:
        """Return (column, scheme, level) of a dimension; the level is the lowest of the scheme if none is declared."""
        place = self.place / "leaf" / dimension
        column, level = named[0], named[1] if len(named) > 1 else None
        scheme = self._scheme(column, level, kinds, unit)
        if scheme is None:
            columns = nearest(column, ["outcome", *self.chain.attributes])
            place.refuse(f"leaf {dimension}: {column} of these events has no concepts, or not of one scheme. {columns}")
        if scheme not in self.schemes:
            place.refuse(f"leaf {dimension}: there is no scheme {scheme}. {nearest(scheme, self.schemes)}")
        levels = self.schemes[scheme].levels
        if level is not None and level not in levels:
            place.refuse(f"leaf {dimension}: scheme {scheme} has no level {level}; it has {', '.join(levels)}.")
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
        name, place = f"cube {cube.name}:", self.place / "adds_up_to"
        anchor = above.get(cube.adds_up_to)
        if anchor is None:
            place.refuse(f"{name} adds_up_to {cube.adds_up_to}, which is not a cube above it. {nearest(cube.adds_up_to, above)}")
        if (set(cube.kinds), cube.leave_out, cube.which) != (set(anchor.kinds), anchor.leave_out, anchor.which):
            place.refuse(f"{name} adds_up_to {anchor.name}, which counts other events.")
        if odd := [d for d in cube.leaf if cube.scheme[d] != anchor.scheme.get(d, cube.scheme[d])]:
            (self.place / "leaf" / odd[0]).refuse(f"{name} dimension {odd[0]} has a different scheme in {anchor.name}.")


def _faults_of_table(place: Place, declared: DeclaredTable, cubes: Mapping[str, Cube]) -> Iterator[Fault]:
    """Yield where a table does not fit its cubes."""
    table = _table(declared)
    sources = [(place / "cube", declared.cube)] if declared.cube else []
    sources += [(place / "stack" / "rows" / row, cube) for row, cube in declared.stack.rows.items()] if declared.stack else []
    for at, name in sources:
        if name not in cubes:
            yield at.fault(f"there is no cube {name} in {CUBES}. {nearest(name, cubes)}")
            return
        allowed = KINDS[KINDS.index(cubes[name].period) :]
        if odd := [p for p in table.periods if p not in allowed]:
            sentence = f"period {odd[0]} is finer than the {cubes[name].period} of cube {name}, or is not a period."
            yield (place / "by" / "period").fault(f"{sentence} {nearest(odd[0], allowed)}")
    if declared.stack is not None and table.by:
        yield (place / "by").fault("a stack is of totals: its `by` has a period only.")
        return
    for dimension, level in table.by.items():
        cube = cubes[declared.cube or ""]
        if dimension not in cube.leaf:
            yield (place / "by" / dimension).fault(f"cube {cube.name} has no dimension {dimension}. {nearest(dimension, cube.leaf)}")
        elif level not in cube.levels[dimension]:
            sentence = f"dimension {dimension}: level {level} is not at or above the leaf's level {cube.leaf[dimension][1]}."
            yield (place / "by" / dimension).fault(f"{sentence} {nearest(level, cube.levels[dimension])}")


def _table(declared: DeclaredTable) -> Table:
    period = declared.by["period"]
    return Table(
        declared.table,
        declared.title,
        declared.description,
        declared.notes,
        declared.theme,
        declared.cube,
        declared.stack,
        {name: level for name, level in declared.by.items() if name != "period" and isinstance(level, str)},
        [period] if isinstance(period, str) else period,
    )
