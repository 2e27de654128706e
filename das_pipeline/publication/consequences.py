"""Which published figures a changed mapping set would move, for the terminology steward to read before it is accepted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from das_pipeline.run import Run
from das_pipeline.statistics import load_statistics
from das_pipeline.terminology import Difference, Scheme, load_schemes


@dataclass(frozen=True)
class Consequence:
    """Rows of the records that a table would count in one code of a dimension instead of another, at most: filters are not applied."""

    table: str
    dimension: str
    was: str
    becomes: str
    rows: int


def consequences(run: Run, difference: Difference) -> list[Consequence]:
    """Return the figures that may move, by table, the largest first: those of each dimension whose scheme has a concept that changes."""
    statistics, schemes = load_statistics(run.jurisdiction), load_schemes(run.jurisdiction)
    moved: Counter[tuple[str, str, str, str]] = Counter()
    changes = [change for column in difference.columns for change in column.changes]
    for table in statistics.tables:
        of_dimension = statistics.cube(table.cubes[0]).scheme
        for dimension, level in table.by.items():
            scheme = schemes[of_dimension[dimension]]
            for change in changes:
                was, becomes = (_node(scheme, concept, level) for concept in (change.was, change.becomes))
                if change.column.scheme == scheme.name and was != becomes:
                    moved[table.name, dimension, was, becomes] += change.rows
    found = [Consequence(*place, rows) for place, rows in moved.items()]
    return sorted(found, key=lambda c: (c.table, -c.rows, c.dimension, c.was, c.becomes))


def _node(scheme: Scheme, concept: str, level: str) -> str:
    """Return the concept of `level` that `concept` belongs to; one that the scheme does not have stands for itself."""
    return next((c.concept for c in scheme.broader(concept) if c.level == level), concept)
