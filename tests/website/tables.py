"""A published table of a few cells, written and read as a release's."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from das_pipeline.jurisdiction import Text
from das_pipeline.publication import metadata
from das_pipeline.publication.definitions import Dimension, Source, Table
from das_pipeline.publication.texts import Licence
from das_pipeline.website.cells import PublishedTable

Row = dict[str, Any]


def text(word: str) -> Text:
    return Text(nl=f"{word}", en=f"{word}")


def published(
    name: str,
    counts: dict[str, int],
    before: dict[str, int] | None = None,
    months: list[dict[str, int]] | None = None,
    status: str = "final",
    change: Callable[[list[Row]], list[Row]] = list,
) -> PublishedTable:
    """The table `name` by `outcome`: `counts` in 2024, `before` in 2023, and `months` of 2024 from January; `change` alters its rows."""
    periods = [("year", "2024", counts), ("year", "2023", before)]
    periods += [("month", f"2024-{i:02d}", by) for i, by in enumerate(months or [], 1)]
    rows = [
        {"outcome": code, "period_kind": kind, "period": period, "n": n, "status": status if kind == "month" else "final"}
        for kind, period, by in periods
        if by is not None
        for code, n in {**by, "all": sum(by.values())}.items()
    ]
    table = Table(
        name=name,
        title=text("Cases"),
        description=text("Cases by outcome."),
        notes=text("A note."),
        theme="court",
        kind="protected",
        unit="case",
        base=5,
        dimensions=(Dimension("outcome", "outcome", "outcome"),),
        periods=("month", "year"),
        source=Source(text("The court"), Licence(name="CC0-1.0", title="CC0", url="https://creativecommons.org/publicdomain/zero/1.0/")),
        is_simulated=True,
        cubes={"": "cases"},
    )
    words = (
        "outcome",
        "period_kind",
        "period",
        "n",
        "status",
        "is_simulated",
        "month",
        "year",
        "final",
        "provisional",
        "not_applicable",
        "true",
        "false",
    )
    labels = {"outcome": {code: text(f"label {code}") for code in ["all", *counts]}}
    schema = metadata.arrow_schema(table, metadata.fields(table, {w: text(w) for w in words}, labels), "2024-12-31", "0123456789ab")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.parquet"
        cells = pa.Table.from_pylist([row | {metadata.MARK: True} for row in change(rows)]).select(schema.names)
        pq.write_table(cells.cast(schema.remove_metadata()).cast(schema), path)
        return PublishedTable(path)
