"""True tables: cubes, published tables, and the balance of spells by month, counted from the true events without protection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import product

import numpy as np
import pyarrow as pa

from das_pipeline.jurisdiction import Jurisdiction
from simulation.deliveries.registers import scheme_rows
from simulation.draws import Coded, Days, Ints
from simulation.truth.declared import Cube, Dimension, Period, Table
from simulation.truth.events import AGE, Events, Spells
from simulation.truth.shown import NONE, UNKNOWN

ALL = "all"
MONTHS: dict[Period, int] = {"month": 1, "quarter": 3, "year": 12}


class Levels:
    """The schemes of a jurisdiction: the node that a concept or an age belongs to at each level."""

    def __init__(self, jurisdiction: Jurisdiction) -> None:
        self.jurisdiction = jurisdiction
        self.schemes: dict[str, dict[str, dict[str, str]]] = {}

    def counted(self, events: Events, dimension: Dimension) -> Coded:
        """The node that each event counts under in a dimension."""
        scheme, level = dimension.scheme, dimension.level
        if dimension.of == AGE:
            bands = [row for row in self._rows(scheme).values() if row["level"] == level and row["from_age"]]
            codes = np.full(len(events), len(bands))
            for number, band in enumerate(bands):
                codes[(events.age >= int(band["from_age"])) & (events.age <= int(band["to_age"]))] = number
            return Coded((*(band["concept"] for band in bands), UNKNOWN), codes)
        column = events.outcome if dimension.of == "outcome" else events.attributes[dimension.of]
        unknown = self.above(scheme, UNKNOWN, level) or UNKNOWN
        nodes = [*(self.above(scheme, word, level) or unknown for word in column.words), unknown]
        words = tuple(dict.fromkeys(nodes))
        return Coded(words, np.array([words.index(node) for node in nodes])[column.codes])

    def above(self, scheme: str, word: str, level: str) -> str | None:
        """The concept at `level` that `word` is or belongs to; None if there is none."""
        rows = self._rows(scheme)
        while word in rows and rows[word]["level"] != level:
            word = rows[word]["parent"]
        return word if word in rows else None

    def _rows(self, scheme: str) -> dict[str, dict[str, str]]:
        if scheme not in self.schemes:
            self.schemes[scheme] = {row["concept"]: row for row in scheme_rows(self.jurisdiction, scheme)}
        return self.schemes[scheme]


def month_number(days: Days) -> Ints:
    """Months since 1970."""
    return days.astype("datetime64[M]").astype(np.int64)


def _month_of(day: date) -> int:
    return (day.year - 1970) * 12 + day.month - 1


def label(month: int, period: Period) -> str:
    """The name of the period that contains a month: 2024-03, 2024-Q1 or 2024."""
    year, number = 1970 + month // 12, month % 12
    return {"month": f"{year}-{number + 1:02}", "quarter": f"{year}-Q{number // 3 + 1}", "year": str(year)}[period]


def cube_table(cube: Cube, every: Sequence[Events], levels: Levels, opening: date, until: date) -> pa.Table:
    """The number of events of the cube's kind from the opening month to the month of `until`: one row per cell that is not 0."""
    first, last = _month_of(opening), _month_of(until)
    counts: dict[tuple[str, ...], int] = {}
    for events in (e.of([cube.counts]) for e in every if cube.counts in e.kind.words):
        month = month_number(events.on)
        chosen = events.at(np.flatnonzero((month >= first) & (month <= last) & ~events.outcome.is_in(cube.without)))
        by = [levels.counted(chosen, dimension) for dimension in cube.by.values()]
        size = MONTHS[cube.period]
        period = month_number(chosen.on) // size
        sizes = [len(column.words) for column in by]
        cell = np.zeros(len(chosen), dtype=np.int64)
        for column, width in zip(by, sizes, strict=True):
            cell = cell * width + column.codes
        cells, n = np.unique(cell * (last + 1) + period, return_counts=True)
        for number, of in zip(cells.tolist(), n.tolist(), strict=True):
            number, of_period = divmod(number, last + 1)
            key = []
            for column, width in reversed(list(zip(by, sizes, strict=True))):
                number, code = divmod(number, width)
                key.append(column.words[code])
            cell_key = (*reversed(key), label(of_period * size, cube.period))
            counts[cell_key] = counts.get(cell_key, 0) + of
    return _table([*cube.by, "period"], counts, cube.period)


def published_table(table: Table, cubes: Mapping[str, tuple[Cube, pa.Table]], levels: Levels) -> pa.Table:
    """The cells of a published table that are not 0: sums of its cube at the table's levels, with totals, for each kind of period."""
    if table.stack:
        ((dimension, stacked),) = table.stack.items()
        parts = [(word, *cubes[cube]) for word, cube in stacked.items()]
        cells = [((word,), row) for word, _, counted in parts for row in counted.to_pylist()]
        by: Sequence[str] = [dimension]
        nodes = {dimension: {word: {word} for word in stacked}}
    else:
        cube, counted = cubes[table.cube or ""]
        by, nodes = list(table.by), {}
        for name, level in table.by.items():
            scheme = cube.by[name].scheme
            nodes[name] = {word: {levels.above(scheme, word, level) or word, ALL} for word in set(counted[name].to_pylist())}
        cells = [(tuple(row[name] for name in by), row) for row in counted.to_pylist()]
    counts: dict[tuple[str, ...], int] = {}
    for words, row in cells:
        places = list(product(*(nodes[name][word] for name, word in zip(by, words, strict=True))))
        for kind in table.periods:
            period = _enclosing(row["period"], kind)
            for place in places:
                counts[*place, kind, period] = counts.get((*place, kind, period), 0) + row["n"]
    return _table([*by, "period_kind", "period"], counts, None)


def _enclosing(period: str, kind: Period) -> str:
    """The period of kind `kind` that contains `period`, which is of that kind or shorter."""
    if kind == "year":
        return period[:4]
    return f"{period[:4]}-Q{(int(period[5:]) + 2) // 3}" if kind == "quarter" and "Q" not in period else period


def _table(names: Sequence[str], counts: Mapping[tuple[str, ...], int], period: Period | None) -> pa.Table:
    cells = sorted(counts)
    columns = {name: pa.array([cell[n] for cell in cells], pa.string()) for n, name in enumerate(names)}
    if period is not None:
        kinds = pa.array([period] * len(cells), pa.string())
        columns = {**{n: c for n, c in columns.items() if n != "period"}, "period_kind": kinds, "period": columns["period"]}
    return pa.table({**columns, "n": pa.array([counts[cell] for cell in cells], pa.int64())})


def flow_table(every: Sequence[Spells], opening: date, until: date) -> pa.Table:
    """By kind of spell, state and month: how many were open before, began, ended, moved between states, and were open afterwards.

    What happened before the opening month counts in it.
    """
    first = _month_of(opening)
    n = _month_of(until) - first + 1
    rows: dict[tuple[str, str, str], Ints] = {}
    for spells in every:
        began = spells.began
        start = np.clip(month_number(began.on) - first, 0, n - 1)
        ended = ~np.isnat(spells.end_on)
        end = np.clip(np.where(ended, month_number(spells.end_on) - first, 0), 0, n - 1)
        words = (*began.outcome.words, NONE)
        state = np.where(began.outcome.codes < 0, len(words) - 1, began.outcome.codes)
        for code in np.unique(state):
            here = state == code

            def by_month(month: Ints, which: Ints, here: Ints = here) -> Ints:
                return np.bincount(month[here & which], minlength=n)

            inflow = by_month(start, spells.is_entry)
            outflow = by_month(end, ended & spells.is_closed)
            moved = by_month(start, ~spells.is_entry) - by_month(end, ended & ~spells.is_closed)
            closing = np.cumsum(inflow - outflow + moved)
            key = (began.partner, spells.name, words[code])
            rows[key] = rows.get(key, 0) + np.stack([closing - inflow + outflow - moved, inflow, outflow, moved, closing])
    months = [label(first + m, "month") for m in range(n)]
    columns = {
        name: pa.array([key[k] for key in rows for _ in months], pa.string()) for k, name in enumerate(("partner", "spell", "state"))
    }
    numbers = np.concatenate(list(rows.values()), axis=1) if rows else np.zeros((5, 0), dtype=np.int64)
    counted = dict(zip(("opening", "inflow", "outflow", "corrections", "closing"), numbers, strict=True))
    return pa.table({**columns, "month": pa.array(months * len(rows), pa.string()), **counted})
