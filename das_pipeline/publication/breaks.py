"""breaks.csv: from which day on a series counts something else, by table or by one of its categories, with the reason in each language."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from das_pipeline.periods import first_day
from das_pipeline.publication.formats import csv
from das_pipeline.publication.texts import Break

FILE = "breaks.csv"


def schema(languages: Iterable[str]) -> pa.Schema:
    """Return its columns."""
    names = ("table", "dimension", "category", *(f"text_{code}" for code in languages))
    return pa.schema([("date", pa.date32()), *((name, pa.string()) for name in names)])


def write(folder: Path, breaks: Iterable[Break], languages: Iterable[str]) -> int:
    """Write a row for each break and table, by date; return their number. A break in all of a table has no dimension and category."""
    languages = list(languages)
    rows = [
        {"date": first_day(broken.since), "table": table, "dimension": dimension, "category": category}
        | {f"text_{code}": broken.text[code] for code in languages}
        for broken in breaks
        for table in broken.tables
        for dimension, category in broken.category.items() or [("", "")]
    ]
    rows.sort(key=lambda row: (row["date"], row["table"], row["dimension"], row["category"]))
    csv.write(pa.Table.from_pylist(rows, schema=schema(languages)), folder / FILE)
    return len(rows)
