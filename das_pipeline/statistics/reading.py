"""Reading one declared cube: every name in it becomes a column, a scheme and a level, and its parts become cubes of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from das_pipeline.chain import ChainModel, Spell
from das_pipeline.errors import nearest
from das_pipeline.jurisdiction import Place
from das_pipeline.statistics.declarations import DeclaredCube
from das_pipeline.statistics.model import CLOSING, ENDED, INFLOW, OUTFLOW, STATE, WAITING, WEEKS, Cube
from das_pipeline.terminology import ALL, TOTAL, Scheme

UNKNOWN = "unknown"


@dataclass(frozen=True)
class CubeReader:
    """Reads one declared cube against the chain and the schemes."""

    place: Place
    chain: ChainModel
    schemes: Mapping[str, Scheme]

    def read(self, declared: DeclaredCube, above: Mapping[str, Cube]) -> Iterator[Cube]:
        """Yield the cubes that `declared` is counted in: one, or one for each of its parts."""
        if declared.type in {"flow", "persons"}:
            cubes = [_with_bands(self._cube(declared, declared.cube, "kind", declared.kind), declared.bands)]
        elif declared.type == "cohort":
            cubes = list(self._follow_ups(declared))
        else:
            spell = self._spell(declared)
            named = replace(self._cube(declared, declared.cube, "spell", self._kinds(spell)), spell=declared.spell or "")
            cubes = list(self._balance(declared, spell, named)) if declared.type == "balance" else [_with_weeks(named, declared.weeks)]
        for cube in cubes:
            self._check_addition(cube, {**above, **{c.name: c for c in cubes[: cubes.index(cube)]}})
            yield cube

    def _cube(self, declared: DeclaredCube, name: str, key: str, kinds: Sequence[str]) -> Cube:
        """Return the cube `name` of events of `kinds`, which the file has under `key`."""
        if unknown := [kind for kind in kinds if kind not in self.chain.order]:
            sentence = f"cube {name}: no unit has events of kind {', '.join(unknown)}. {nearest(unknown[0], self.chain.order)}"
            (self.place / key).refuse(sentence)
        units = {self.chain.unit_of(kind) for kind in kinds}
        if len(units) > 1:
            (self.place / key).refuse(f"cube {name}: its kinds are events of several units: {', '.join(sorted(units))}.")
        unit = next(iter(units))
        self._check_left_out(declared, kinds, unit)
        outcome = STATE if declared.spell else "outcome"
        leaf = {d: self._dimension(d, columns, kinds, unit, outcome) for d, columns in declared.leaf.items()}
        return Cube(
            name=name,
            unit_of_count=declared.unit_of_count,
            unit=unit,
            partners=[by_partner.partner for by_partner in self.chain.units[unit]],
            kinds=kinds,
            leave_out=declared.leave_out,
            which=declared.which,
            period=declared.period,
            leaf={d: (column, level) for d, (column, _, level) in leaf.items()},
            scheme={d: scheme for d, (_, scheme, _) in leaf.items()},
            levels={d: self._levels_from(scheme, level) for d, (_, scheme, level) in leaf.items()},
            unknown={d: self._unknown(scheme, level) for d, (_, scheme, level) in leaf.items()},
            is_age=frozenset(d for d, (column, _, _) in leaf.items() if self.chain.attributes.get(column) == "SMALLINT"),
            adds_up_to=declared.adds_up_to,
            type=declared.type,
            statistic=declared.cube,
        )

    def _spell(self, declared: DeclaredCube) -> Spell:
        if declared.spell is None or declared.spell not in self.chain.spells:
            sentence = f"cube {declared.cube}: there is no spell {declared.spell} in chain.yaml. "
            (self.place / "spell").refuse(sentence + nearest(declared.spell or "", self.chain.spells))
        return self.chain.spells[declared.spell]

    def _kinds(self, spell: Spell) -> list[str]:
        return [*spell.opens, *self.chain.reopeners(spell), *spell.moves]

    def _balance(self, declared: DeclaredCube, spell: Spell, named: Cube) -> Iterator[Cube]:
        """Yield the inflow, outflow and closing stock, and the stock by the months it waits if its bounds are declared."""
        turns = {INFLOW: [*spell.opens, *self.chain.reopeners(spell)], OUTFLOW: spell.closes, CLOSING: self._kinds(spell)}
        for part, kinds in turns.items():
            same = next((cube for flow, cube in declared.same_as.items() if flow == part), None)
            partial = part == INFLOW and bool(self.chain.reopeners(spell))
            yield replace(named, name=f"{named.name}_{part}", part=part, kinds=kinds, adds_up_to=same, is_partial=partial)
        if declared.older_than:
            bands = {code: code for code in (f"from_month_{n}" for n in (0, *declared.older_than))}
            waiting = replace(named, name=f"{named.name}_{WAITING}", part=WAITING, bounds=declared.older_than)
            waiting = replace(waiting, leaf={}, scheme={}, levels={}, unknown={}, is_age=frozenset(), adds_up_to=f"{named.name}_{CLOSING}")
            yield _with_own(waiting, WAITING, {"band": bands})

    def _follow_ups(self, declared: DeclaredCube) -> Iterator[Cube]:
        """Yield a cube for each number of months, all about the same units: the later ones add up to the first."""
        start = declared.start or ""
        for state, kinds in declared.states.items():
            if unknown := [kind for kind in kinds if kind not in self.chain.order]:
                sentence = f"cube {declared.cube}: no unit has events of kind {unknown[0]}. {nearest(unknown[0], self.chain.order)}"
                (self.place / "states" / state).refuse(sentence)
        if declared.linked_by and self.chain.unit_of(declared.linked_by) != self.chain.unit_of(start):
            sentence = f"cube {declared.cube}: {declared.linked_by} is no event of the unit that starts with {start}."
            (self.place / "linked_by").refuse(sentence)
        receivers = {e.to for unit in self.chain.units.get(self._unit_of(start), ()) for e in unit.reported if e.kind == start and e.to}
        if declared.sent_to and declared.sent_to not in receivers:
            sentence = f"cube {declared.cube}: {start} does not send anything to {declared.sent_to}. {nearest(declared.sent_to, receivers)}"
            (self.place / "sent_to").refuse(sentence)
        first = f"{declared.cube}_{declared.follow_up[0]}"
        for months in declared.follow_up:
            cube = self._cube(declared, f"{declared.cube}_{months}", "start", [start])
            cube = replace(
                cube,
                part=f"after_month_{months}",
                follow_up=months,
                states=declared.states,
                linked_by=declared.linked_by,
                sent_to=declared.sent_to,
            )
            if cube.name != first:
                cube = replace(cube, adds_up_to=first)
            level = STATE if cube.name == first else f"{STATE}_{months}"  # not shared: of two follow-ups only the totals are equal
            yield _with_own(cube, STATE, {level: {state: state for state in declared.states}})

    def _unit_of(self, kind: str) -> str:
        return self.chain.unit_of(kind) if kind in self.chain.order else ""

    def _check_left_out(self, declared: DeclaredCube, kinds: Sequence[str], unit: str) -> None:
        for column, values in declared.leave_out.items():
            place = self.place / "leave_out" / column
            if column != "outcome" and column not in self.chain.attributes:
                place.refuse(f"leave_out: events have no column {column}. {nearest(column, ['outcome', *self.chain.attributes])}")
            scheme = self._scheme(column, None, kinds, unit)
            concepts = self.schemes[scheme].concepts if scheme and scheme in self.schemes else None
            for number, value in enumerate(values):
                if concepts is not None and value not in concepts:
                    (place / number).refuse(f"leave_out: {value} is no concept of scheme {scheme}. {nearest(value, concepts)}")

    def _dimension(self, dimension: str, named: Sequence[str], kinds: Sequence[str], unit: str, outcome: str) -> tuple[str, str, str]:
        """Return (column, scheme, level) of a dimension; the level is the lowest of the scheme if none is declared."""
        place = self.place / "leaf" / dimension
        column, level = named[0], named[1] if len(named) > 1 else None
        if column == (STATE if outcome == "outcome" else "outcome"):
            place.refuse(f"leaf {dimension}: there is no column {column} here; a spell has a state, an event an outcome.")
        scheme = self._scheme(column, level, kinds, unit)
        if scheme is None:
            columns = nearest(column, [outcome, *self.chain.attributes])
            place.refuse(f"leaf {dimension}: {column} of these events has no concepts, or not of one scheme. {columns}")
        if scheme not in self.schemes:
            place.refuse(f"leaf {dimension}: there is no scheme {scheme}. {nearest(scheme, self.schemes)}")
        levels = self.schemes[scheme].levels
        if level is not None and level not in levels:
            place.refuse(f"leaf {dimension}: scheme {scheme} has no level {level}; it has {', '.join(levels)}.")
        return column, scheme, level or levels[0]

    def _scheme(self, column: str, level: str | None, kinds: Sequence[str], unit: str) -> str | None:
        if column in {"outcome", STATE}:  # a spell's state is the outcome of the event that opened it
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
        name, place = f"cube {cube.name}:", self.place / ("same_as" if cube.part in {INFLOW, OUTFLOW} else "adds_up_to")
        anchor = above.get(cube.adds_up_to)
        if anchor is None:
            place.refuse(f"{name} adds_up_to {cube.adds_up_to}, which is not a cube above it. {nearest(cube.adds_up_to, above)}")
        counted = [(set(c.kinds), c.leave_out, c.which, c.is_stock, c.type == "persons") for c in (cube, anchor)]
        if counted[0] != counted[1]:
            place.refuse(f"{name} adds_up_to {anchor.name}, which counts other events.")
        if odd := [d for d in cube.leaf if d not in cube.own and cube.scheme[d] != anchor.scheme.get(d, cube.scheme[d])]:
            (self.place / "leaf" / odd[0]).refuse(f"{name} dimension {odd[0]} has a different scheme in {anchor.name}.")


def _with_bands(cube: Cube, bands: Mapping[str, Sequence[int]]) -> Cube:
    """Return the cube with the classes of the amount of its events, each named after its lower bound: `length_0`, `length_31`."""
    for dimension, bounds in bands.items():
        codes = [*(f"{dimension}_{bound}" for bound in (0, *bounds)), UNKNOWN]
        cube = _with_own(replace(cube, bounds=bounds), dimension, {"band": {code: code for code in codes}})
    return cube


def _with_weeks(cube: Cube, bounds: Sequence[int]) -> Cube:
    """Return the cube with the weeks that a spell took, which lie in bands, and whether it has ended. The last week stands for longer."""
    week_of = {str(week): f"from_week_{max(n for n in (0, *bounds) if n <= week)}" for week in range(bounds[-1] + 1)}
    cube = _with_own(replace(cube, bounds=bounds), WEEKS, {"week": {week: week for week in week_of}, "band": week_of})
    return _with_own(cube, ENDED, {"ended": {"closed": "closed", "open": "open"}})


def _with_own(cube: Cube, dimension: str, levels: Mapping[str, Mapping[str, str]]) -> Cube:
    """Return the cube with one more dimension, of codes of its own; the total of all is its last level."""
    levels = {**levels, TOTAL: dict.fromkeys(next(iter(levels.values())), ALL)}
    return replace(
        cube,
        leaf={**cube.leaf, dimension: (dimension, next(iter(levels)))},
        scheme={**cube.scheme, dimension: f"{cube.name}_{dimension}"},
        levels={**cube.levels, dimension: tuple(levels)},
        unknown={**cube.unknown, dimension: UNKNOWN},
        own={**cube.own, dimension: levels},
    )
