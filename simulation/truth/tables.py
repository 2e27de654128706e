"""True tables: cubes, published tables, and the balance of spells by month, counted from the true events without protection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa

from das_pipeline.jurisdiction import Jurisdiction
from simulation.deliveries.registers import scheme_rows
from simulation.draws import Coded, Days, Floats, Ints
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
        column = events.outcome if dimension.of in {"outcome", "state"} else events.attributes[dimension.of]
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
    counts: Counter[tuple[str, ...]] = Counter()
    for events in (e.of([cube.counts]) for e in every if cube.counts in e.kind.words):
        month = month_number(events.on)
        chosen = events.at(np.flatnonzero((month >= first) & (month <= last) & ~events.outcome.is_in(cube.without)))
        columns = [levels.counted(chosen, dimension) for dimension in cube.by.values()]
        columns += [_banded(chosen.amount, name, bounds) for name, bounds in cube.bands.items()]
        _count(counts, columns, month_number(chosen.on), cube.period)
    return _table([*cube.by, *cube.bands, "period"], counts, cube.period)


def _banded(amounts: Floats, name: str, bounds: Sequence[int]) -> Coded:
    """The class of each amount, named after its lower bound."""
    words = (*(f"{name}_{bound}" for bound in (0, *bounds)), UNKNOWN)
    return Coded(words, np.where(np.isnan(amounts), len(bounds) + 1, np.searchsorted(bounds, np.nan_to_num(amounts), side="right")))


def spell_cube_table(cube: Cube, every: Sequence[Spells], levels: Levels, opening: date, until: date) -> pa.Table:
    """The number of spells that began, ended, or were open at the end of each month; a stock is also that before the opening month."""
    first, last = _month_of(opening), _month_of(until)
    counts: Counter[tuple[str, ...]] = Counter()
    for spells in (s for s in every if s.name == cube.spell):
        if cube.duration:
            _count_durations(counts, cube, spells, levels, opening, until)
            continue
        by = [levels.counted(spells.began, dimension) for dimension in cube.by.values()]
        start = month_number(spells.began.on)
        is_ended = ~np.isnat(spells.end_on)
        end = np.where(is_ended, month_number(np.where(is_ended, spells.end_on, spells.began.on)), last + 1)
        if cube.closing is None:
            month = start if cube.inflow else end
            turns = np.flatnonzero((spells.is_entry if cube.inflow else is_ended & spells.is_closed) & (month >= first) & (month <= last))
            _count(counts, [column.at(turns) for column in by], month[turns], "month")
            continue
        entry = start[np.maximum.accumulate(np.where(spells.is_entry, np.arange(len(start)), 0))] if len(start) else start
        for month in range(first - 1, last + 1):
            is_open = np.flatnonzero((start <= month) & (end > month))
            columns = [column.at(is_open) for column in by]
            if cube.older_than:
                classes = tuple(f"from_month_{n}" for n in (0, *cube.older_than))
                columns.append(Coded(classes, np.searchsorted(cube.older_than, month - entry[is_open], side="right")))
            _count(counts, columns, np.full(len(is_open), month), "month")
    extra = ["waiting"] if cube.older_than else ["weeks", "ended"] if cube.duration else []
    return _table([*cube.by, *extra, "period"], counts, cube.period)


def _count_durations(counts: Counter[tuple[str, ...]], cube: Cube, spells: Spells, levels: Levels, opening: date, until: date) -> None:
    """Add every spell that began since the opening month: in the cell in which it began, by its whole weeks.

    What is open has lasted until the day on which the state of `until` is delivered, the day after.
    """
    day = np.datetime64(until) + 1
    first = np.flatnonzero(spells.is_entry & (spells.began.on >= np.datetime64(opening)) & (spells.began.on <= day))
    following = np.append(np.flatnonzero(spells.is_entry), len(spells))[1:]  # each spell's last state comes before the next spell
    last = following[np.searchsorted(np.flatnonzero(spells.is_entry), first)] - 1
    end = spells.end_on[last]
    ended = spells.is_closed[last] & ~np.isnat(end) & (end <= day)
    weeks = (np.where(ended, end, day) - spells.began.on[first]).astype("timedelta64[D]").astype(np.int64) // 7
    words = tuple(str(week) for week in range(cube.weeks[-1] + 1))
    began = spells.began.at(first)
    columns = [levels.counted(began, dimension) for dimension in cube.by.values()]
    columns += [Coded(words, np.minimum(weeks, cube.weeks[-1])), Coded(("open", "closed"), ended.astype(np.int64))]
    _count(counts, columns, month_number(began.on), cube.period)


def person_cube_table(cube: Cube, every: Sequence[Events], levels: Levels, opening: date, until: date) -> pa.Table:
    """The distinct persons with events of the kind in each period, in the cell of the first; of one day, by the order of the values."""
    first, last = _month_of(opening), _month_of(until)
    found: dict[tuple[int, int], tuple[Any, ...]] = {}
    for events in (e.of([cube.persons or ""]) for e in every if cube.persons in e.kind.words):
        month = month_number(events.on)
        keep = (month >= first) & (month <= last) & (events.person >= 0)
        chosen = events.at(np.flatnonzero(keep & ~_left_out(events, cube.without)))
        raw = [_sortable(chosen, dimension) for dimension in cube.by.values()]
        words = [levels.counted(chosen, dimension) for dimension in cube.by.values()]
        period = month_number(chosen.on) // MONTHS[cube.period]
        for n, key in enumerate(zip(chosen.person.tolist(), period.tolist(), strict=True)):
            own = (chosen.on[n], *(column[n] for column in raw), tuple(column.words[column.codes[n]] for column in words))
            found[key] = min(found.get(key, own), own)
    counts = Counter((*own[-1], label(period * MONTHS[cube.period], cube.period)) for (_, period), own in found.items())
    return _table([*cube.by, "period"], counts, cube.period)


def _left_out(events: Events, words: Sequence[str]) -> Ints:
    """Whether the kind of suspect is one of `words`."""
    column = events.attributes.get("suspect")
    return column.is_in(words) if column is not None else np.zeros(len(events), dtype=bool)


def _sortable(events: Events, dimension: Dimension) -> list[tuple[bool, object]]:
    """The value of each event before it is put in a class; what is not known comes last."""
    if dimension.of == AGE:
        return [(age < 0, age) for age in events.age.tolist()]
    column = events.outcome if dimension.of == "outcome" else events.attributes[dimension.of]
    return [(code < 0, column.words[code] if code >= 0 else "") for code in column.codes.tolist()]


def cohort_cube_table(cube: Cube, every: Sequence[Events], levels: Levels, opening: date, until: date) -> pa.Table:
    """The units with events of the kind, by the furthest state within the months: through their own events, or those of case and person."""
    first, last = _month_of(opening), _month_of(until)
    names = tuple(cube.states)
    place_of = {kind: place for place, kinds in enumerate(cube.states.values()) for kind in kinds}
    reached = [e.of(list(place_of)) for e in every if set(place_of) & set(e.kind.words)]
    by_row: dict[tuple[str, str, int], list[tuple[np.datetime64, int]]] = {}
    by_case: dict[int, list[tuple[str, int, np.datetime64, int]]] = {}
    for events in reached:
        for row, person, case, on, kind in zip(
            events.row.tolist(), events.person.tolist(), events.case.tolist(), events.on, events.kind.codes.tolist(), strict=True
        ):
            place = place_of[events.kind.words[kind]]
            by_row.setdefault((events.unit, events.partner, row), []).append((on, place))
            by_case.setdefault(case, []).append((events.unit, person, on, place))
    counts: Counter[tuple[str, ...]] = Counter()
    followed = _followed_until(cube, until)
    for events in (e.of([cube.cohort or ""]) for e in every if cube.cohort in e.kind.words):
        month = month_number(events.on)
        last_of_period = (month // MONTHS[cube.period] + 1) * MONTHS[cube.period] - 1
        is_followed = (month >= first) & (month <= last) & (last_of_period <= followed)
        starts = events.at(np.flatnonzero(is_followed & ~events.outcome.is_in(cube.without)))
        month, end = month_number(starts.on), _months_later(starts.on, cube.months)
        state = np.zeros(len(starts), dtype=np.int64)
        for n in range(len(starts)):
            person, case, start = int(starts.person[n]), int(starts.case[n]), starts.on[n]
            own = by_row.get((starts.unit, starts.partner, int(starts.row[n])), [])
            others = [
                (on, place)
                for unit, who, on, place in (by_case.get(case, []) if case >= 0 else [])
                if unit != starts.unit and (who == person or who < 0 or person < 0)
            ]
            if cube.linked_by and not any(place == place_of[cube.linked_by] and start <= on < end[n] for on, place in own):
                others = []
            state[n] = max((place for on, place in [*own, *others] if start <= on < end[n]), default=0)
        columns = [levels.counted(starts, dimension) for dimension in cube.by.values()]
        _count(counts, [*columns, Coded(names, state)], month, cube.period)
    return _table([*cube.by, "state", "period"], counts, cube.period)


def _followed_until(cube: Cube, until: date) -> int:
    """The last month whose units have all had the months of the cube by the end of `until`."""
    return int(month_number(np.array([np.datetime64(until) + 1]))[0]) - 1 - cube.months


def _last_month_of(period: str) -> int:
    """The number of the last month of a period."""
    return (int(period[:4]) - 1970) * 12 + (11 if len(period) == 4 else int(period[5:]) - 1)


def _months_later(days: Days, months: int) -> Days:
    """The same day so many months later, or the last day of a month that is too short."""
    month = days.astype("datetime64[M]")
    into = (days - month.astype("datetime64[D]")).astype(np.int64)
    target = month + months
    length = ((target + 1).astype("datetime64[D]") - target.astype("datetime64[D]")).astype(np.int64)
    return target.astype("datetime64[D]") + np.minimum(into, length - 1)


def _count(counts: Counter[tuple[str, ...]], by: Sequence[Coded], month: Ints, period: Period) -> None:
    """Add to `counts` the rows with these words, by the period that contains their month."""
    of_period = month // MONTHS[period]
    rows = np.stack([*(column.codes for column in by), of_period])
    cells, n = np.unique(rows, axis=1, return_counts=True)
    for *codes, number, times in np.vstack([cells, n]).T.tolist():
        words = (column.words[code] for column, code in zip(by, codes, strict=True))
        counts[*words, label(number * MONTHS[period], period)] += times


def published_table(table: Table, cubes: Mapping[str, tuple[Cube, pa.Table]], levels: Levels, opening: date, until: date) -> pa.Table:
    """The cells of a published table that are not 0: sums of its cube at the table's levels, with totals, for each kind of period."""
    if table.balance:
        return _balance_table(table, cubes, levels, opening, until)
    if table.cohort:
        parts = {
            code: published_table(table.model_copy(update={"cohort": {}, "cube": cube}), cubes, levels, opening, until).to_pylist()
            for code, cube in table.cohort.items()
        }
        followed = {code: _followed_until(cubes[cube][0], until) for code, cube in table.cohort.items()}
        cells = {
            (code, *list(row.values())[:-1]): row["n"]
            for code, rows in parts.items()
            for row in rows
            if _last_month_of(row["period"]) <= followed[code]
        }
        return _table(["months", *table.by, "period_kind", "period"], cells, None)
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
            words = set(counted[name].to_pylist())
            scheme = cube.by[name].scheme if name in cube.by else None
            if name == "weeks":
                nodes[name] = {week: {f"from_week_{max(n for n in (0, *cube.weeks) if n <= int(week))}", ALL} for week in words}
                continue
            nodes[name] = {word: {(scheme and levels.above(scheme, word, level)) or word, ALL} for word in words}
        cells = [(tuple(row[name] for name in by), row) for row in counted.to_pylist()]
    counts: dict[tuple[str, ...], int] = {}
    for words, row in cells:
        places = list(product(*(nodes[name][word] for name, word in zip(by, words, strict=True))))
        for kind in table.periods:
            period = _enclosing(row["period"], kind)
            for place in places:
                counts[*place, kind, period] = counts.get((*place, kind, period), 0) + row["n"]
    return _table([*by, "period_kind", "period"], counts, None)


def _balance_table(table: Table, cubes: Mapping[str, tuple[Cube, pa.Table]], levels: Levels, opening: date, until: date) -> pa.Table:
    """The lines of a balance: what was there, came, went, is there, and what is left over, which moved between categories."""
    lines: dict[str, dict[tuple[str, ...], int]] = {}
    for line in ("inflow", "outflow", "closing"):
        part = published_table(table.model_copy(update={"balance": None, "cube": f"{table.balance}_{line}"}), cubes, levels, opening, until)
        lines[line] = {tuple(row.values())[:-1]: row["n"] for row in part.to_pylist()}
    stocks = lines.pop("closing")
    before, last = label(_month_of(opening) - 1, "month"), label(_month_of(until), "month")
    lines["opening"] = {(*key[:-1], _next_month(key[-1])): n for key, n in stocks.items() if key[-1] < last}
    lines["closing"] = {key: n for key, n in stocks.items() if key[-1] > before}
    signs = {"opening": -1, "inflow": -1, "outflow": 1, "closing": 1}
    cells = {key for line in lines.values() for key in line}
    lines["corrections"] = {key: sum(signs[line] * lines[line].get(key, 0) for line in signs) for key in cells}
    counts = {(line, *key): n for line, of in lines.items() for key, n in of.items() if n}
    return _table(["movement", *table.by, "period_kind", "period"], counts, None)


def _next_month(period: str) -> str:
    return label((int(period[:4]) - 1970) * 12 + int(period[5:]), "month")


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
