"""What a release is expected to be, from its tables' definitions and the release before it: suites in the form of great-expectations.

They are data in the candidate (`expectations.json`), so each release keeps, under its signed manifest, the suites that it was judged by.
A suite is about one table and one rule. `meta.rows` says of which rows it speaks: column -> values; without it, of all.
Nothing here imports great-expectations: that takes seconds, and most candidates are held.
"""

from __future__ import annotations

import functools
import json
import operator
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from das_pipeline.periods import is_complete, months, period_of
from das_pipeline.policy import Publication
from das_pipeline.publication.definitions import Table
from das_pipeline.publication.releases import Release
from das_pipeline.rules import rule
from das_pipeline.statistics import FOLLOW_UP
from das_pipeline.terminology import ALL

FILE = "expectations.json"
KEPT, REVISED, NEW = "P01", "P02", "P03"
QUANTILES = (0.5, 0.9, 0.99)


def suites(
    tables: Iterable[Table], defined: Mapping[str, Mapping[str, list[str]]], before: Release | None, as_of: date, limits: Publication
) -> list[dict[str, Any]]:
    """Return the suites of a candidate as of `as_of`, in the order of its tables.

    `defined` has the codes that definitions allow, by table and dimension: what was taken out of them is no longer expected. A table that
    the release `before` does not have in this cut, and each table of a first release, has nothing to follow: of these is expected only
    what their definitions say, that every kind of period and the total of every dimension is there.
    """
    made: list[dict[str, Any]] = []
    for table in tables:
        path = before.folder / "tables" / f"{table.name}.parquet" if before is not None else None
        if before is None or path is None or not _is_same_cut(table, path):
            made.append(_suite(KEPT, table, {}, _declared(table)))
            continue
        kept = selected(path, dict(defined[table.name]))
        for part in _parts(table, kept):
            old = _of(kept, part)
            made.append(_suite(KEPT, table, part | {"period": _values(old, "period")}, _kept(table, old, limits)))
            made += _figures(table, selected(path, part), part, before.as_of, as_of, limits)
    return made


def _is_same_cut(table: Table, path: Path) -> bool:
    """Whether the earlier file has the dimensions of `table` at the same levels."""
    if not path.exists():
        return False
    facts = json.loads(pq.read_schema(path).metadata[b"das"])
    return facts["dims"] == {d.name: {"scheme": d.scheme, "level": d.level} for d in table.dimensions}


def _parts(table: Table, old: pa.Table) -> list[dict[str, list[str]]]:
    """Return which rows are judged together: all, or those of each follow-up, since a period of a cohort gets ever more of these."""
    return [{FOLLOW_UP: [code]} for code in _values(old, FOLLOW_UP)] if table.follow_up else [{}]


def _figures(
    table: Table, old: pa.Table, part: dict[str, list[str]], before: date, as_of: date, limits: Publication
) -> Iterator[dict[str, Any]]:
    """Yield the suites on counts: of the periods that were over at the release before, and of those that ended since.

    Weeks and percentages are no counts, and add up to nothing.
    """
    if table.kind == "derived":
        return
    over = [period for period in _values(old, "period") if is_complete(period, before)]
    if not over:
        return
    counts = _of(old, {"period": over})["n"].drop_null().to_numpy()
    if counts.sum() >= limits.revised.count:
        near = _near(counts, table.base, limits.revised.share)
        # Cases of a period that is over go on from state to state, and from open to ended: then their sum alone stays where it was.
        yield _suite(REVISED, table, part | {"period": over}, near[:1] if table.codes else near)
    finest = table.periods[0]
    totals = {d.name: [ALL] for d in table.dimensions if d.scheme}
    since = sorted({p for p in (period_of(m, finest) for m in months(before, as_of)) if is_complete(p, as_of)} - set(over))
    if not since or len(totals) < len(table.dimensions):
        return  # the rows of a stack are totals of cubes, which have tables of their own
    series = _of(old, {"period": over, "period_kind": [finest], **totals}).sort_by("period")["n"].drop_null().to_numpy()
    latest = series[-limits.new_period.periods :]
    if len(latest) and latest.min() >= limits.new_period.count:
        low, high = float(latest.min() * limits.new_period.low), float(latest.max() * limits.new_period.high)
        between = _expect("column_values_to_be_between", column="n", min_value=low, max_value=high)
        yield _suite(NEW, table, {"period": since, **totals}, [between])


def _declared(table: Table) -> list[dict[str, Any]]:
    totals = {d.name: [ALL] for d in table.dimensions if d.scheme} | {"period_kind": list(table.periods)}
    has = [_expect("column_distinct_values_to_contain_set", column=name, value_set=values) for name, values in totals.items()]
    return [_expect("table_row_count_to_be_between", min_value=1), *has]


def _kept(table: Table, old: pa.Table, limits: Publication) -> list[dict[str, Any]]:
    most = round(old.num_rows * (1 + limits.more_rows.share))
    has = [_expect("column_distinct_values_to_contain_set", column=name, value_set=_values(old, name)) for name in table.keys]
    return [_expect("table_row_count_to_be_between", min_value=old.num_rows, max_value=most), *has]


def _near(counts: np.ndarray, base: int, share: float) -> list[dict[str, Any]]:
    """The sum over all cells, and the distribution of the cells' counts, one base wider: protected counts come in multiples of it."""
    total = int(counts.sum())
    quantiles = [int(q) for q in np.quantile(counts, QUANTILES, method="nearest")]
    ranges = {"quantiles": list(QUANTILES), "value_ranges": [[q - abs(q) * share - base, q + abs(q) * share + base] for q in quantiles]}
    return [
        _expect("column_sum_to_be_between", column="n", min_value=total * (1 - share), max_value=total * (1 + share)),
        _expect("column_quantile_values_to_be_between", column="n", quantile_ranges=ranges),
    ]


def _expect(kind: str, **arguments: Any) -> dict[str, Any]:
    return {"type": f"expect_{kind}", "kwargs": arguments}


def _suite(rule_id: str, table: Table, rows: dict[str, list[str]], expectations: list[dict[str, Any]]) -> dict[str, Any]:
    severity = "critical" if rule(rule_id).severity == "block" else "warning"
    of = "".join(f" {code}" for code in rows.get(FOLLOW_UP, []))
    return {
        "name": f"{table.name}{of} {rule_id} {rule(rule_id).name}",
        "expectations": [expectation | {"severity": severity} for expectation in expectations],
        "meta": {"rule": rule_id, "table": table.name, "rows": rows},
    }


def _values(table: pa.Table, column: str) -> list[str]:
    return sorted(table[column].unique().to_pylist())


def _of(table: pa.Table, rows: dict[str, list[str]]) -> pa.Table:
    return table.filter(
        functools.reduce(operator.and_, [pc.field(column).isin(values) for column, values in rows.items()], pc.scalar(True))
    )


def selected(path: Path, rows: dict[str, list[str]]) -> pa.Table:
    """Return the rows of a published table that have one of the given values in each of these columns."""
    return pq.read_table(path, filters=[(column, "in", values) for column, values in rows.items()] or None)
