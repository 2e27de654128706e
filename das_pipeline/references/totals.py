"""Published totals: two tables of the same events have the same ones."""

from __future__ import annotations

from collections.abc import Iterator

from das_pipeline.errors import Fault
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.statistics import Cube, Statistics, load_statistics

CUBES = "statistics/cubes.yaml"


def equal_totals(jurisdiction: Jurisdiction) -> Iterator[Fault]:
    """Yield published cubes that count the same events each with a protection of its own, so that their totals would differ (rule D03)."""
    statistics = load_statistics(jurisdiction)
    published = {name for table in statistics.tables for name in table.cubes}
    first: dict[str, tuple[Cube, str]] = {}
    declared = list(dict.fromkeys(cube.statistic for cube in statistics.cubes))
    for cube in statistics.cubes:
        if cube.name not in published:
            continue
        number = declared.index(cube.statistic)
        other, root = first.setdefault(cube.population, (cube, _root(statistics, cube)))
        if _root(statistics, cube) != root:
            yield jurisdiction.place(CUBES, "cubes", number, "cube").fault(
                f"{cube.name} counts the same events as {other.name}, and would publish other totals (rule D03): make their tables from "
                "one cube that has the dimensions of both, or let the coarser one be what the finer one `adds_up_to`."
            )


def _root(statistics: Statistics, cube: Cube) -> str:
    """The cube that this one adds up to in the end; itself when there is none."""
    while cube.adds_up_to:
        cube = statistics.cube(cube.adds_up_to)
    return cube.name
