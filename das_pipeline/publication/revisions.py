"""revisions.csv: how the totals of every table grew since they were first published, from the tables of earlier releases alone.

Nothing goes in that a reader of these releases does not have, so it costs no privacy. What is true today of an earlier day stays inside.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from das_pipeline.periods import months_since
from das_pipeline.publication.changes import DEFINING
from das_pipeline.publication.formats import csv
from das_pipeline.publication.releases import Release
from das_pipeline.terminology import ALL

FILE = "revisions.csv"
THIS = ""  # the release that has the file: it gets its name later


@dataclass(frozen=True)
class Revision:
    """A total as a release published it, `lag_months` after its period. `row` is its line in a table of several lines."""

    table: str
    row: str
    period_kind: str
    period: str
    as_of: date
    release: str
    lag_months: int
    n: int | None  # None where it is not shown
    status: str


SCHEMA = pa.schema(
    [
        (name, {"date": pa.date32(), "int": pa.int64(), "int | None": pa.int64()}.get(str(kind), pa.string()))
        for name, kind in Revision.__annotations__.items()
    ]
)


def write(folder: Path, as_of: date, earlier: Iterable[Release]) -> int:
    """Write the totals of the candidate in `folder`, and of `earlier` releases, oldest first; return the number of rows.

    There is a row for the release that first published a total, and for each that published another count or status. Releases in which a
    table counted something else are not compared with it. Of several releases of a day the last one counts.
    """
    of_day = {release.as_of: release for release in earlier}
    editions = [*((release.folder, day, release.id) for day, release in sorted(of_day.items())), (folder, as_of, THIS)]
    rows = [row for path in sorted((folder / "tables").glob("*.parquet")) for row in _of_table(path, editions)]
    csv.write(pa.Table.from_pylist([asdict(row) for row in rows], schema=SCHEMA), folder / FILE)
    return len(rows)


def editions(folder: Path) -> set[str]:
    """Return the earlier releases of which a release has figures in its file; none where it has no such file."""
    if not (folder / FILE).exists():
        return set()
    return set(csv.read(folder / FILE, SCHEMA)["release"].unique().to_pylist()) - {THIS}


def _of_table(path: Path, editions: Sequence[tuple[Path, date, str]]) -> Iterator[Revision]:
    """Yield the revisions of a table, in order of its totals, the oldest first."""
    defined = _definition(path)
    published: list[Revision] = []
    for folder, as_of, release in editions:
        edition = folder / "tables" / path.name
        if edition.exists() and _definition(edition) == defined:
            published += _totals(edition, as_of, release)
    published.sort(key=lambda total: (*_cell(total), total.as_of))
    for _, of_total in groupby(published, key=_cell):
        before: tuple[int | None, str] | None = None
        for total in of_total:
            if (total.n, total.status) != before:
                yield total
            before = total.n, total.status


def _cell(total: Revision) -> tuple[str, str, str]:
    return total.row, total.period_kind, total.period


def _facts(path: Path) -> dict[str, Any]:
    return json.loads(pq.read_schema(path).metadata[b"das"])


def _definition(path: Path) -> list[Any]:
    """Return what says that totals of two releases are about the same: the dimensions below them may differ."""
    facts = _facts(path)
    return [_lines(facts), *(facts.get(key) for key in DEFINING if key != "dims")]


def _lines(facts: dict[str, Any]) -> list[str]:
    """Return the dimension whose codes are lines with figures of their own: it has no scheme, and so no total."""
    return [name for name, dimension in facts["dims"].items() if dimension["scheme"] is None]


def _totals(path: Path, as_of: date, release: str) -> Iterator[Revision]:
    facts = _facts(path)
    lines = _lines(facts)
    of_all = [(name, "=", ALL) for name in facts["dims"] if name not in lines]
    for cell in pq.read_table(path, filters=of_all or None).to_pylist():
        yield Revision(
            facts["table"],
            cell[lines[0]] if lines else "",
            cell["period_kind"],
            cell["period"],
            as_of,
            release,
            months_since(cell["period"], as_of),
            cell["n"],
            cell["status"],
        )
