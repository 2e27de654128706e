"""Which published figures a changed mapping set would move, for the terminology steward to read before it is accepted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from das_pipeline import engine
from das_pipeline.run import Run
from das_pipeline.statistics import load_statistics
from das_pipeline.terminology import Difference, Scheme, load_schemes


@dataclass(frozen=True)
class Consequence:
    """Rows of the records that a table would count in one code of a dimension instead of another, at most: filters are not applied.

    `cells` are those of the live candidate that show one of the two codes.
    """

    table: str
    dimension: str
    was: str
    becomes: str
    rows: int
    cells: int


def consequences(run: Run, difference: Difference) -> list[Consequence]:
    """Return the figures that may move, by table, the largest first.

    Rows move between the codes of a dimension when they get another concept, and when their concept gets another parent.
    """
    statistics, schemes = load_statistics(run.jurisdiction), load_schemes(run.jurisdiction)
    moved: Counter[tuple[str, str, str, str]] = Counter()
    codes = [code for column in difference.columns for code in column.codes]
    for table in statistics.tables:
        of_dimension = statistics.cube(table.cubes[0]).scheme
        for dimension, level in table.by.items():
            if of_dimension[dimension] not in schemes:
                continue
            scheme = schemes[of_dimension[dimension]]
            for code in codes:
                if code.column.scheme == scheme.name:
                    was = difference.before.get((scheme.name, code.was, level), code.was)
                    becomes = _node(scheme, code.becomes, level)
                    if was != becomes:
                        moved[table.name, dimension, was, becomes] += code.rows
    found = [Consequence(*place, rows, _cells(run, *place)) for place, rows in moved.items()]
    return sorted(found, key=lambda c: (c.table, -c.rows, c.dimension, c.was, c.becomes))


def _node(scheme: Scheme, concept: str, level: str) -> str:
    """Return the concept of `level` that `concept` belongs to; one that the scheme does not have stands for itself."""
    return next((c.concept for c in scheme.broader(concept) if c.level == level), concept)


def _cells(run: Run, table: str, dimension: str, was: str, becomes: str) -> int:
    """Return how many cells of a table of the live candidate show one of two codes; none when there is no such table yet."""
    candidate, file = run.lake.current("publication/candidate"), f"tables/{table}.parquet"
    if candidate is None or file not in candidate.files:
        return 0
    column = engine.identifier(dimension)
    with run.connect() as connection:
        query = f"SELECT COUNT(*) FROM {engine.parquet([candidate.path(file)])} WHERE {column} IN ($was, $becomes)"
        return int(engine.scalar(connection, query, {"was": was, "becomes": becomes}))
