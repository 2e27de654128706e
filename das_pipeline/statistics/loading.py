"""Reading what is counted and published: `statistics/*.yaml`, checked against the chain and the schemes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from das_pipeline.chain import load_chain
from das_pipeline.errors import Fault, Faults, nearest
from das_pipeline.jurisdiction import Jurisdiction, Place
from das_pipeline.periods import KINDS
from das_pipeline.statistics.declarations import CubesFile, DeclaredTable, Share
from das_pipeline.statistics.model import (
    AMOUNTS,
    CLOSING,
    ENDED,
    FOLLOW_UP,
    INFLOW,
    MEASURE,
    MOVEMENT,
    OPENING,
    OUTFLOW,
    STILL_OPEN,
    WEEKS,
    Cube,
    Statistics,
    Table,
    counts_of,
)
from das_pipeline.statistics.reading import CubeReader
from das_pipeline.terminology import Scheme, load_schemes

CUBES = "statistics/cubes.yaml"


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
            for cube in CubeReader(place, chain, schemes).read(declared, cubes):
                if cube.name in cubes:
                    (place / "cube").refuse(f"there are two cubes {cube.name}: rename one.")
                cubes[cube.name] = cube
    faults.raise_any()
    tables: dict[str, Table] = {}
    files: dict[str, str] = {}
    for file in jurisdiction.files("statistics/*.yaml"):
        if file != CUBES:
            with faults.gathered():
                table = jurisdiction.load(file, DeclaredTable)
                if table.table in tables:
                    jurisdiction.place(file, "table").refuse(f"another file has a table {table.table}: rename one.")
                if unfit := list(_faults_of_table(jurisdiction.place(file), table, cubes, schemes)):
                    faults.add(*unfit)
                    continue
                tables[table.table] = _table(table, cubes)
                files[file] = table.table
    for file, name in files.items():
        if tables[name].derived and counts_of(tables[name], tables.values()) is None:
            own = cubes[tables[name].cubes[0]].own
            by = {**tables[name].by, **{d: "ended" if d == ENDED else "band" for d in own}}
            faults.add(
                jurisdiction.place(file, "measures").fault(
                    f"nobody can check these figures: publish the counts of cube {tables[name].cubes[0]} too, in a table by {by}."
                )
            )
    statistics = Statistics(tuple(cubes.values()), tuple(tables[name] for name in sorted(tables)))
    for file, name in files.items():
        faults.add(*_faults_of_method(jurisdiction.place(file, "method"), tables[name], statistics))
    faults.raise_any()
    return statistics


def _faults_of_method(place: Place, table: Table, statistics: Statistics) -> Iterator[Fault]:
    """Yield that a table cannot have its method, or that another one of the same counts has another: a cell is published in one way."""
    if table.method == "rounding":
        return
    cubes = [statistics.cube(name) for name in table.cubes]
    if table.derived or table.stacked or any(cube.type != "flow" or cube.bounds for cube in cubes):
        sentence = f"{table.method} is for counts of one cube of type flow without bands"
        yield place.fault(f"{sentence}. Take `method` out: rounding fits any table.")
        return
    own = cubes[0]
    for other in statistics.tables:
        divided = {share.cube for share in other.ratios.values() if isinstance(share, Share) and share.cube}
        same = [
            cube.name
            for cube in map(statistics.cube, sorted({*other.cubes, *divided}))
            if statistics.anchor(cube) == statistics.anchor(own) or set(cube.kinds) & set(own.kinds)
        ]
        if same and other.method != table.method:
            yield place.fault(
                f"table {other.name} has counts of the same things (cube {same[0]}) by {other.method}: together they tell what each hides."
                " Give both one method, or publish one of them."
            )


def _faults_of_table(place: Place, declared: DeclaredTable, cubes: Mapping[str, Cube], schemes: Mapping[str, Scheme]) -> Iterator[Fault]:
    """Yield where a table does not fit its cubes."""
    sources = [(place / "cube", declared.cube)] if declared.cube else []
    sources += [(place / "stack" / "rows" / row, cube) for row, cube in declared.stack.rows.items()] if declared.stack else []
    known = {*cubes, *(cube.statistic for cube in cubes.values() if declared.cube)}
    for at, name in sources:
        if name not in known:
            yield at.fault(f"there is no cube {name} in {CUBES}. {nearest(name, known)}")
            return
    if (declared.shares or declared.rates) and declared.cube not in cubes:
        yield (place / "cube").fault("shares and rates are of one cube: name a part of the statistic.")
        return
    measured = cubes.get(declared.cube or "")
    if declared.measures and (measured is None or not (measured.type == "duration" or measured.own)):
        yield (place / "measures").fault("only a table of a duration, or of a cube with `bands`, has measures.")
        return
    if measured and (odd := [m for m in declared.measures if (m in AMOUNTS) != (measured.type == "flow")]):
        yield (place / "measures").fault(f"{odd[0]} is no measure of a cube of type {measured.type}.")
        return
    table = _table(declared, cubes)
    for cube in (cubes[name] for name in table.cubes):
        allowed = KINDS[KINDS.index(cube.period) :] if cube.adds_over_time else (cube.period,)
        if odd := [p for p in table.periods if p not in allowed]:
            why = (
                f"is finer than the {cube.period} of cube {cube.name}" if cube.adds_over_time else f"is no sum: {cube.name} does not add up"
            )
            yield (place / "by" / "period").fault(f"period {odd[0]} {why}, or is not a period. {nearest(odd[0], allowed)}")
            return
    if declared.stack is not None and table.by:
        yield (place / "by").fault("a stack is of totals: its `by` has a period only.")
        return
    cube = cubes[table.cubes[0]]
    for dimension, level in table.by.items():
        if dimension not in cube.leaf or (table.derived and dimension in cube.own):
            yield (place / "by" / dimension).fault(f"cube {cube.name} has no dimension {dimension}. {nearest(dimension, cube.leaf)}")
        elif level not in cube.levels[dimension]:
            sentence = f"dimension {dimension}: level {level} is not at or above the leaf's level {cube.leaf[dimension][1]}."
            yield (place / "by" / dimension).fault(f"{sentence} {nearest(level, cube.levels[dimension])}")
    for code, share in declared.shares.items():
        yield from _faults_of_share(place / "shares" / code, share, table, cubes, schemes)


def _faults_of_share(place: Place, share: Share, table: Table, cubes: Mapping[str, Cube], schemes: Mapping[str, Scheme]) -> Iterator[Fault]:
    """Yield where what a percentage is about does not fit the count that it is a part of."""
    whole = cubes[table.cubes[0]]
    if share.cube is None:
        for dimension, values in share.where.items():
            at = place / "where" / dimension
            if dimension not in whole.leaf or dimension in table.by:
                others = [d for d in whole.leaf if d not in table.by]
                yield at.fault(f"{dimension} must be a dimension of {whole.name} that is not in `by`. {nearest(dimension, others)}")
                continue
            codes = _leaf_codes(whole, dimension, schemes)
            yield from (at.fault(f"{value} is no value of {dimension}. {nearest(value, codes)}") for value in values if value not in codes)
        return
    part = cubes.get(share.cube)
    if part is None:
        yield (place / "cube").fault(f"there is no cube {share.cube} in {CUBES}. {nearest(share.cube, cubes)}")
        return
    if odd := [d for d, level in table.by.items() if part.scheme.get(d) != whole.scheme[d] or level not in part.levels[d]]:
        yield (place / "cube").fault(f"cube {part.name} has no dimension {odd[0]} as {whole.name} has it.")
    if not part.adds_over_time or any(KINDS.index(kind) < KINDS.index(part.period) for kind in table.periods):
        yield (place / "cube").fault(
            f"cube {part.name} is by {part.period}, or does not add up over time: publish the share by that period."
        )


def _leaf_codes(cube: Cube, dimension: str, schemes: Mapping[str, Scheme]) -> set[str]:
    """Return the values that the leaves of `cube` have in a dimension."""
    level = cube.leaf[dimension][1]
    if dimension in cube.own:
        return set(cube.own[dimension][level])
    return {c.concept for c in schemes[cube.scheme[dimension]].concepts.values() if c.level == level}


def _table(declared: DeclaredTable, cubes: Mapping[str, Cube]) -> Table:
    period = declared.by["period"]
    stacked, of = (declared.stack.dimension, dict(declared.stack.rows)) if declared.stack else _parts(declared, cubes)
    return Table(
        declared.table,
        declared.title,
        declared.description,
        declared.notes,
        declared.theme,
        of,
        stacked,
        {name: level for name, level in declared.by.items() if name != "period" and isinstance(level, str)},
        [period] if isinstance(period, str) else period,
        _derived(declared, cubes),
        declared.shares or declared.rates,
        declared.method,
    )


def _derived(declared: DeclaredTable, cubes: Mapping[str, Cube]) -> str | None:
    """Return what the figures of a table without counts are: amounts are named as the classes that they follow from."""
    if any(measure in AMOUNTS for measure in declared.measures):
        return next(iter(cubes[declared.cube or ""].own), None)
    if declared.shares or declared.measures == ["still_open"]:
        return "percent"
    return "week" if declared.measures else next((f"per_{rate.per}" for rate in declared.rates.values()), None)


def _parts(declared: DeclaredTable, cubes: Mapping[str, Cube]) -> tuple[str | None, dict[str, str]]:
    """Return the dimension and the codes of a table of everything that a statistic counts; of one cube, none."""
    name = declared.cube or ""
    if declared.measures == ["still_open"]:
        return WEEKS, {f"{STILL_OPEN}{bound}": name for bound in cubes[name].bounds}
    if codes := declared.measures or list(declared.shares or declared.rates):
        return MEASURE, dict.fromkeys(codes, name)
    if name in cubes:
        return None, {"": name}
    parts = {cube.part: cube.name for cube in cubes.values() if cube.statistic == name}
    if CLOSING in parts:
        return MOVEMENT, {OPENING: parts[CLOSING]} | {part: parts[part] for part in (INFLOW, OUTFLOW, CLOSING)}
    return FOLLOW_UP, parts
