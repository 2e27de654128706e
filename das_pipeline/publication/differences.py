"""differences.csv: why a table differs from another one about the same thing, figure by figure, each beside the other publisher's own.

Figures of different publishers are compared and never added. Which tables are about the same thing is declared in texts/tables.yaml.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from das_pipeline.jurisdiction import Text
from das_pipeline.publication.formats import csv
from das_pipeline.publication.texts import Difference
from das_pipeline.terminology import ALL

FILE = "differences.csv"
KEYS = ("table", "other_table", "dimension", "other_dimension", "category", "period")
ROUNDING = 10  # a rounded figure that differs so little from an exact one differs by rounding
EQUAL, BY_ROUNDING, SIMULATED = "equal", "rounding", "simulated"
Cells = Mapping[tuple[str, str], int]  # category and period -> count


def schema(languages: Iterable[str]) -> pa.Schema:
    """Return its columns."""
    names = (*KEYS, "n", "other_n", "difference", "reason", *(f"text_{code}" for code in languages))
    return pa.schema([(name, pa.int64() if name in ("n", "other_n", "difference") else pa.string()) for name in names])


def write(folder: Path, declared: Iterable[Difference], simulated: Text, languages: Iterable[str]) -> int:
    """Write a row for each category and period that two compared tables in `folder` both have; return their number.

    `simulated` is the text where the figures of one table alone are simulated: then nothing else is the reason.
    """
    languages = list(languages)
    rows = [row for pair in declared for row in _rows(folder, pair, simulated, languages)]
    csv.write(pa.Table.from_pylist(rows, schema=schema(languages)), folder / FILE)
    return len(rows)


def _rows(folder: Path, pair: Difference, simulated: Text, languages: list[str]) -> Iterator[dict[str, Any]]:
    (facts, cells), (other_facts, others) = (
        _cells(folder / "tables" / f"{table}.parquet", dimension)
        for table, dimension in ((pair.table, pair.dimension), (pair.other, pair.other_dimension))
    )
    only_one = facts["is_simulated"] != other_facts["is_simulated"]
    is_rounded = "protected" in (facts["kind"], other_facts["kind"])
    for category, period in sorted(cells.keys() & others.keys()):
        n, other = cells[category, period], others[category, period]
        reason = pair.reason
        if only_one:
            reason = SIMULATED
        elif n == other:
            reason = EQUAL
        elif is_rounded and abs(n - other) <= ROUNDING:
            reason = BY_ROUNDING
        text = simulated if only_one else pair.text
        yield {
            "table": pair.table,
            "other_table": pair.other,
            "dimension": pair.dimension,
            "other_dimension": pair.other_dimension,
            "category": category,
            "period": period,
            "n": n,
            "other_n": other,
            "difference": n - other,
            "reason": reason,
        } | {f"text_{code}": text[code] for code in languages}


def _cells(path: Path, dimension: str) -> tuple[dict[str, Any], Cells]:
    """Return the facts of a table and its counts by year, for each code of a dimension and for the total.

    Of the cells of a code that one counts which is at the total of most other dimensions: of a code that lies in another, the only one.
    """
    rows = pq.read_table(path)
    facts = json.loads(rows.schema.metadata[b"das"])
    cells: dict[tuple[str, str], tuple[int, int]] = {}
    for row in rows.to_pylist():
        if row["period_kind"] == "year" and row["n"] is not None:
            key = (row[dimension] if dimension else ALL, row["period"])
            cells[key] = max(cells.get(key, (-1, 0)), (sum(row[name] == ALL for name in facts["dims"]), row["n"]))
    return facts, {key: n for key, (_, n) in cells.items()}
