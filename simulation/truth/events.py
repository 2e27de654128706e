"""True events and spells: what happened, as the registers know it on a day, read directly from the tables of the world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from simulation.draws import NEVER, Coded, Days, Floats, Ints, position_within
from simulation.truth.declared import Happening, Spell, Unit
from simulation.truth.shown import Shown, whole_years

AGE = "age"
ENTRY, MOVE, EXIT = range(3)


@dataclass(frozen=True)
class Events:
    """The events of one unit that one partner knows, each with its unit's row and that row's attributes. `age` is in whole years."""

    unit: str
    partner: str
    row: Ints  # of the unit among the rows of its register
    record: Ints  # its true number
    person: Ints  # of the world; -1 for none
    case: Ints
    kind: Coded
    on: Days
    outcome: Coded
    to: Coded
    attributes: Mapping[str, Coded]
    age: Ints  # -1 when not known
    amount: Floats  # NaN when there is none

    def of(self, kinds: Sequence[str]) -> Events:
        """The events of these kinds."""
        return self.at(np.flatnonzero(self.kind.is_in(kinds)))

    def at(self, which: Ints) -> Events:
        """The events at these positions, in this order."""
        return Events(
            unit=self.unit,
            partner=self.partner,
            row=self.row[which],
            record=self.record[which],
            person=self.person[which],
            case=self.case[which],
            kind=self.kind.at(which),
            on=self.on[which],
            outcome=self.outcome.at(which),
            to=self.to.at(which),
            attributes={name: column.at(which) for name, column in self.attributes.items()},
            age=self.age[which],
            amount=self.amount[which],
        )

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True)
class Spells:
    """The spells of one kind, with a row for each state that they were in."""

    name: str
    began: Events  # the event that each state began with
    number: Ints  # of the spell within its unit
    segment: Ints  # of the state within its spell
    is_entry: Ints
    end_on: Days
    closed_by: Coded
    is_closed: Ints  # whether the spell ended with this state; if not, another state follows or it is open

    def __len__(self) -> int:
        return len(self.number)


def unit_events(name: str, unit: Unit, main: Shown, others: Mapping[str, Shown], born: Days | None, record: Ints) -> Events:
    """The events of a register's units. `others`: the same partner's registers, by table; `record`: the number of each row."""
    parts = [_happened(event, unit.table, main, others) for event in unit.events]
    row = np.concatenate([part[0] for part in parts])
    kinds = tuple(event.kind for event in unit.events)
    attributes, age = _attributes(unit, main, others, born)
    return Events(
        unit=name,
        partner=main.register.contract.partner,
        row=row,
        record=record[row],
        person=main.table.person[main.rows][row],
        case=main.table.case[main.rows][row],
        kind=Coded(kinds, np.repeat(np.arange(len(kinds)), [len(part[0]) for part in parts])),
        on=np.concatenate([part[1] for part in parts]),
        outcome=_stacked([part[2] for part in parts]),
        to=_stacked([part[3] for part in parts]),
        attributes={word: column.at(row) for word, column in attributes.items()},
        age=age[row],
        amount=np.concatenate([part[4] for part in parts]),
    )


def _happened(event: Happening, table: str, main: Shown, others: Mapping[str, Shown]) -> tuple[Ints, Days, Coded, Coded, Floats]:
    """Row of the unit, day, outcome, receiving partner and amount of every event of one kind."""
    source = main if event.table is None else others[event.table]
    row = np.arange(len(main)) if event.table is None else main.place[source.table.links[table][source.rows]]
    days = source.days(event.day)
    reported = ~np.isnat(days) & (row >= 0)
    for field, words in event.where.items():
        reported &= source.words(field).is_in(words)
    there = np.flatnonzero(reported)
    nothing = Coded((), np.full(len(there), -1))
    outcome = source.words(event.outcome).at(there) if event.outcome else nothing
    to = Coded((event.to,), np.zeros(len(there), dtype=np.int64)) if isinstance(event.to, str) else outcome.translated(event.to)
    amount = np.full(len(there), np.nan)
    for word, field in event.amount.items():
        amount = np.where(outcome.is_in([word]), source.numbers(field)[there], amount)
    return row[there], days[there], outcome, to, amount


def _attributes(unit: Unit, main: Shown, others: Mapping[str, Shown], born: Days | None) -> tuple[dict[str, Coded], Ints]:
    """The attributes of every unit, and the person's age."""
    attributes = {name: main.words(field) for name, field in unit.attributes.items()}
    on = main.days(unit.age_on) if unit.age_on else np.full(len(main), NEVER)
    if (rule := unit.principal) is not None:
        source = others[rule.table]
        row = main.place[source.table.links[unit.table][source.rows]]
        weight, number = source.numbers(rule.highest), source.numbers(rule.first)
        order = np.lexsort((number, np.where(np.isnan(weight), np.inf, -weight), row))
        has, first = np.unique(row[order], return_index=True)
        picked = np.full(len(main), -1)
        picked[has[has >= 0]] = order[first][has >= 0]
        attributes |= {name: _at(source.words(field), picked) for name, field in rule.attributes.items()}
        if rule.age_on:
            on = np.append(source.days(rule.age_on), NEVER)[picked]
    age = np.full(len(main), -1) if born is None else whole_years(born, on)
    return attributes, age


def _at(column: Coded, rows: Ints) -> Coded:
    """The words in these rows; no word for row -1."""
    return Coded(column.words, np.append(column.codes, -1)[rows])


def _stacked(columns: Sequence[Coded]) -> Coded:
    words = tuple(dict.fromkeys(word for column in columns for word in column.words))
    return Coded(words, np.concatenate([column.among(words).codes for column in columns]))


def spells_of(name: str, spell: Spell, events: Events) -> Spells:
    """Every period in which a unit was in a state of `spell`: from the event that begins the state to the next event, if any."""
    again = spell.again
    places = [spell.start, *([spell.change] if spell.change else []), *([again.by] if again else []), spell.end]
    turns = events.of(places)
    place = np.array([places.index(k) if k in places else -1 for k in turns.kind.words] + [-1])[turns.kind.codes]
    turns = turns.at(order := np.lexsort((np.arange(len(turns)), place, turns.on, turns.row)))
    place = place[order]
    role = np.full(len(turns), MOVE)
    role[place == places.index(spell.start)] = ENTRY
    role[place == places.index(spell.end)] = EXIT
    if again is not None:
        asks = place == places.index(again.by)
        turns, role = _reopened(turns, role, asks, again.after)
    entries = np.cumsum(role == ENTRY)
    before = np.append(0, entries)[np.searchsorted(turns.row, turns.row)]  # of earlier units
    follows = np.append(turns.row[1:] == turns.row[:-1], False) if len(turns) else np.zeros(0, dtype=bool)
    end_on = np.where(follows, np.append(turns.on[1:], NEVER), NEVER)
    closed_by = Coded(turns.kind.words, np.where(follows, np.append(turns.kind.codes[1:], -1), -1))
    is_closed = follows & (np.append(role[1:], MOVE) == EXIT)
    states = np.flatnonzero(role != EXIT)
    number = (entries - before)[states]
    began = turns.at(states)
    return Spells(
        name=name,
        began=began,
        number=number,
        segment=position_within(began.row * (number.max(initial=0) + 1) + number),
        is_entry=role[states] == ENTRY,
        end_on=end_on[states],
        closed_by=closed_by.at(states),
        is_closed=is_closed[states],
    )


def _reopened(turns: Events, role: Ints, asks: Ints, after: Sequence[str]) -> tuple[Events, Ints]:
    """The turns, without those that do not really open a spell again: only the first one after such an end does."""
    place = np.arange(len(turns))
    last = np.maximum.accumulate(np.where(asks, -1, place)) if len(turns) else place
    ended = (last >= 0) & (turns.row[last] == turns.row) & (role[last] == EXIT) & turns.outcome.is_in(after)[last]
    opens = np.zeros(len(turns), dtype=bool)
    asking = np.flatnonzero(asks & ended)
    opens[asking[np.unique(last[asking], return_index=True)[1]]] = True
    kept = np.flatnonzero(~asks | opens)
    return turns.at(kept), np.where(opens, ENTRY, role)[kept]


def _texts(column: Coded) -> pa.Array:
    """The column as an Arrow dictionary array."""
    codes = pa.array(column.codes.astype(np.int32), mask=column.codes < 0)
    return pa.DictionaryArray.from_arrays(codes, pa.array(column.words, pa.string()))


def _same(word: str, n: int) -> pa.Array:
    return _texts(Coded((word,), np.zeros(n, dtype=np.int64)))


def event_table(events: Events, names: Sequence[str]) -> pa.Table:
    """The rows of events.parquet. `names`: the attributes of all units."""
    return pa.table(
        {
            "unit": _same(events.unit, len(events)),
            "record": events.record,
            "kind": _texts(events.kind),
            "occurred_on": events.on,
            "outcome": _texts(events.outcome),
            "to_partner": _texts(events.to),
            **_attribute_columns(events, names),
        }
    )


def spell_table(spells: Spells, names: Sequence[str]) -> pa.Table:
    """The rows of spells.parquet."""
    began = spells.began
    return pa.table(
        {
            "unit": _same(began.unit, len(spells)),
            "spell": _same(spells.name, len(spells)),
            "record": began.record,
            "spell_no": spells.number,
            "segment_no": spells.segment,
            "start_on": began.on,
            "end_on": spells.end_on,
            "opened_by": _texts(began.kind),
            "closed_by": _texts(spells.closed_by),
            "state": _texts(began.outcome),
            **_attribute_columns(began, names),
        }
    )


def _attribute_columns(events: Events, names: Sequence[str]) -> dict[str, pa.Array]:
    nothing = Coded((), np.full(len(events), -1))
    columns = {name: _texts(events.attributes.get(name, nothing)) for name in names}
    return {AGE: pa.array(events.age.astype(np.int16), mask=events.age < 0), **columns}
