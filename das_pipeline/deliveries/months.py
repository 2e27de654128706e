"""The small files of a finished month made one, so that years of daily deliveries do not leave thousands of files to open.

The first delivery of a month merges those of the months before it, in the version that it makes anyway: it costs what the month brought. A
file with a whole row group or more stays as it is. The rows are the same, in a total order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import duckdb

from das_pipeline import engine
from das_pipeline.deliveries.state import ORDER
from das_pipeline.lake import Draft

MERGED = ORDER | {"content": "delivery, line_no", "direct": "delivery, line_no"}


def file_of_month(table: str, name: str, delivery: Mapping[str, Any]) -> str:
    """The file that the rows of a delivery, as the facts of a version list it, are in once its month is merged.

    Rows with other columns, under another version of the contract, are in another file.
    """
    shape = f".{delivery['shapes'][name]}" if table in {"content", "direct"} else ""
    return f"{table}/{name}/{delivery['known_on'][:7]}{shape}.parquet"


def merge_months(connection: duckdb.DuckDBPyConnection, draft: Draft, deliveries: Sequence[Mapping[str, Any]], known_on: date) -> None:
    """Write the small files that the draft took over of months before that of `known_on` as one, in their place."""
    finished = {d["delivery"]: d for d in deliveries if d["known_on"][:7] < known_on.isoformat()[:7]}
    merging: dict[str, list[str]] = {}
    for path, entry in sorted(draft.adopted.items()):
        table, _, rest = path.partition("/")
        name, _, file = rest.rpartition("/")
        delivery = finished.get(file.removesuffix(".parquet"))
        if table in MERGED and delivery is not None and entry.rows is not None and entry.rows < engine.ROW_GROUP:
            merging.setdefault(file_of_month(table, name, delivery), []).append(path)
    for path, parts in merging.items():
        if path in draft.adopted:  # merged before; a replay brought more of that month
            parts.append(path)
        if len(parts) > 1:
            source = engine.parquet(draft.root / draft.adopted[part].path for part in parts)
            order = MERGED[path.partition("/")[0]]
            rows = engine.write_parquet(connection, f"SELECT * FROM {source}", draft.path(path), order_by=order, encrypted=True)
            draft.rows[path] = rows
            for part in parts:
                del draft.adopted[part]
