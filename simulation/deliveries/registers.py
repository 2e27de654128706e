"""The partners' registers: what each shows of the world on a day, late, incomplete, and sometimes wrong until it is corrected.

A register holds the rows of one table of the world, under the contract's column names and in the partner's own codes. Every change has
a day, so that both the state on a day and the changes between two days are a filter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from das_pipeline.deliveries import Column as ContractColumn
from das_pipeline.deliveries import Contract
from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from simulation.deliveries.mistakes import with_mistakes
from simulation.draws import (
    NEVER,
    Bools,
    Coded,
    Column,
    Days,
    Ints,
    Spans,
    blank,
    compute,
    happens,
    joined,
    mix,
    stream,
    take,
)
from simulation.parameters import Habits, Parameters, Size
from simulation.world.persons import People
from simulation.world.tables import Table
from simulation.world.world import World

MAPPING = ("code", "concept", "valid_from", "valid_until", "note", "reviewed_by")
ALPHABET = "aeioulnrst"
END = np.datetime64("9999-12-31")


@dataclass(frozen=True)
class Keeping:
    """The days on which the units of a table enter their register, and on which they are withdrawn."""

    late: Ints  # days
    known_on: Days
    withdrawn_on: Days
    is_delivered: Bools


@dataclass
class Register:
    """One file's rows on all days. `columns` are in the contract's order; `known_on` has the days from which a column is filled."""

    contract: Contract
    table_name: str
    table: Table
    fields: dict[str, str]  # column: the field of the table that it holds
    keeping: Keeping
    columns: dict[str, Column]
    known_on: dict[str, Days]
    before: dict[str, str | None]
    corrected_on: dict[str, Days]
    wrong_row: Ints  # the row whose value a wrong field holds until the correction

    def rows_on(self, day: np.datetime64) -> Ints:
        """The rows in the register at the end of `day`."""
        k = self.keeping
        return np.flatnonzero(k.is_delivered & (k.known_on <= day) & ~(k.withdrawn_on <= day))

    def changes(self, after: np.datetime64, until: np.datetime64) -> dict[str, Ints]:
        """The rows that became new, changed or withdrawn after the day `after`, up to the day `until`."""
        k = self.keeping

        def between(days: Days) -> Bools:
            return (days > after) & (days <= until)

        there = k.is_delivered & (k.known_on <= until)
        gone = there & between(k.withdrawn_on) & (k.known_on <= after)
        new = there & between(k.known_on) & ~(k.withdrawn_on <= until)
        touched = np.zeros(len(self.table), dtype=bool)
        for days in (*self.known_on.values(), *self.corrected_on.values()):
            touched |= between(days)
        changed = there & touched & (k.known_on <= after) & ~(k.withdrawn_on <= until)
        return {"new": np.flatnonzero(new), "change": np.flatnonzero(changed), "withdraw": np.flatnonzero(gone)}

    def state(self, rows: Ints, day: np.datetime64, names: Iterable[str] = ()) -> dict[str, Column]:
        """The values of these rows at the end of `day`, in the partner's codes: of all columns, or of those in `names`."""
        shown: dict[str, Column] = {}
        for name in names or self.columns:
            column, where = self.columns[name], rows
            if name in self.corrected_on:
                where = np.where(self.corrected_on[name][rows] > day, self.wrong_row[rows], rows)
            value = take(column, where)
            if name in self.known_on:
                since = self.known_on[name][rows]
                unknown = np.isnat(since) | (since > day)
                value = _before(value, unknown, self.before.get(name))
            shown[name] = value
        return shown


def _before(column: Column, unknown: Bools, word: str | None) -> Column:
    if isinstance(column, np.ndarray) and column.dtype == bool:
        return column & ~unknown
    if word is None or not isinstance(column, Coded):
        return blank(column, unknown)
    words = column.words if word in column.words else (*column.words, word)
    return Coded(words, np.where(unknown, words.index(word), column.codes))


class Registers:
    """The registers of every contract of a jurisdiction for one world."""

    def __init__(self, jurisdiction: Jurisdiction, parameters: Parameters, world: World) -> None:
        self.jurisdiction = jurisdiction
        self.parameters = parameters
        self.world = world
        self.seed = world.steps.seed
        self.keepings: dict[tuple[str, str], Keeping] = {}

    def open(self, contract: Contract) -> Register:
        """The register of one contract; ConfigurationError when simulation/parameters.yaml does not define a column."""
        name = f"{contract.partner}/{contract.file}"
        if name not in self.parameters.registers.files:
            raise ConfigurationError(
                f"{self.jurisdiction.folder}/simulation/parameters.yaml: registers.files does not define {name}: add what it records."
            )
        recorded = self.parameters.registers.files[name]
        habits = self.parameters.registers.habits[contract.partner]
        table = self.world.tables[recorded.table]
        keeping = self._keeping(recorded.table, contract.partner, habits)
        for field, words in recorded.where.items():
            keeping = replace(keeping, is_delivered=keeping.is_delivered & table.coded(field).is_in(words))
        draw = stream(self.seed, "register", name)
        register = Register(contract, recorded.table, table, recorded.columns, keeping, {}, {}, {}, {}, draw.permutation(len(table)))
        people = _identities(draw, habits, self.world.people, table.person, keeping.known_on)
        if profile := self.parameters.profile:
            mistaken = stream(self.seed, "mistakes", name)
            people = with_mistakes(mistaken, profile, contract.partner, people, self.world.people, table)
        people |= _placeholders(draw, habits, self.parameters.registers.placeholders, people, self.world.people.is_entity[table.person])
        for column in contract.columns:
            if contract.delivery.mutation and column.name == contract.delivery.mutation.column:
                continue
            if column.identity is not None and column.name not in recorded.columns:
                value = people[column.identity]
            else:
                value = self._field(contract, table, recorded.columns, column, register, keeping)
            if column.concept is not None:
                value = self._coded(draw, column, value, register, recorded.columns)
            if forms := recorded.spellings.get(column.name):
                value = _spelled(draw, value, forms)
            if share := recorded.missing.get(column.name):
                value = blank(value, happens(draw, share, len(table)))
            if share := recorded.corrected.get(column.name):
                days = _delays(draw, self.parameters.registers.corrected_after_days, len(table))
                register.corrected_on[column.name] = np.where(happens(draw, share, len(table)), keeping.known_on + days, NEVER)
            register.columns[column.name] = value
        return register

    def _keeping(self, name: str, partner: str, habits: Habits) -> Keeping:
        """The days of a table in a partner's register. A unit is late or withdrawn as a whole, with all rows that belong to it."""
        if (name, partner) in self.keepings:
            return self.keepings[name, partner]
        table, registers, draw = self.world.tables[name], self.parameters.registers, stream(self.seed, "keeping", name)
        n, start = len(table), self.world.steps.start
        if table.belongs_to is not None:
            above, rows = self._keeping(table.belongs_to, partner, habits), table.links[table.belongs_to]
            late = above.late[rows]
            known_on = np.maximum(table.entry + late, above.known_on[rows])
            keeping = Keeping(late, known_on, above.withdrawn_on[rows], above.is_delivered[rows])
        else:
            late = np.where(happens(draw, habits.late, n), _delays(draw, registers.late_days, n), np.timedelta64(0, "D"))
            known_on = table.entry + late
            withdrawn = np.where(happens(draw, habits.withdrawn, n), known_on + _delays(draw, registers.withdrawn_after_days, n), NEVER)
            keeping = Keeping(late, known_on, withdrawn, self._last(name) >= start)
        self.keepings[name, partner] = keeping
        return keeping

    def _last(self, name: str) -> Days:
        """The last day on which anything happened to each unit of a table, or to a row that belongs to it.

        A register that begins to deliver on a day has all that was open then: without it, every step would start half full.
        """
        table = self.world.tables[name]
        days = [*([] if table.last is None else [table.last]), *(table.days(field) for field, _ in table.known_with.values())]
        last = np.fmax.reduce([table.entry, *days])
        for other, part in self.world.tables.items():
            if part.belongs_to == name:
                np.maximum.at(last, part.links[name], self._last(other))
        return last

    def _field(
        self, contract: Contract, table: Table, columns: dict[str, str], column: ContractColumn, register: Register, keeping: Keeping
    ) -> Column:
        if column.name not in columns or columns[column.name] not in table.columns:
            place = f"{self.jurisdiction.folder}/simulation/parameters.yaml: registers.files.{contract.partner}/{contract.file}"
            raise ConfigurationError(f"{place}: column {column.name} needs a field: one of {', '.join(table.columns)}.")
        field = columns[column.name]
        value = table.columns[field]
        with_day, before = table.known_with.get(field, (field if column.type == "date" else None, None))
        if with_day is not None:
            register.known_on[column.name] = np.maximum(table.days(with_day) + keeping.late, keeping.known_on)
            register.before[column.name] = before
        return value

    def _coded(self, draw: np.random.Generator, column: ContractColumn, value: Column, register: Register, fields: dict[str, str]) -> Coded:
        """Concepts as the partner's codes that are valid on the day in the column that the contract names."""
        assert column.concept is not None
        assert isinstance(value, Coded), column.name
        at, table, start = column.concept.at, register.table, self.world.steps.start
        day = table.days(fields[at]) if at is not None else np.full(len(table), start)
        codes = CodeBook(self.jurisdiction, column.concept.list, column.concept.scheme)
        before = register.before.get(column.name)
        if isinstance(before, str):  # the value until the real one is known is a concept too
            coded = codes.codes_for(draw, Coded((before,), np.zeros(1, dtype=np.int64)), np.array([start]))
            register.before[column.name] = coded.words[coded.codes[0]]
        return codes.codes_for(draw, value, day)


class CodeBook:
    """A partner's codes and the concepts that they mean."""

    def __init__(self, jurisdiction: Jurisdiction, name: str, scheme: str) -> None:
        rows = jurisdiction.csv(f"terminology/mappings/{name}.csv", MAPPING)
        self.words = tuple(dict.fromkeys(r["code"] for r in rows))
        self.concepts = [r["concept"] for r in rows]
        self.code = np.array([self.words.index(r["code"]) for r in rows])
        self.first, self.last = (np.array([r[f] for r in rows], dtype="datetime64[D]") for f in ("valid_from", "valid_until"))
        self.parent = {r["concept"]: r["parent"] for r in scheme_rows(jurisdiction, scheme)}

    def codes_for(self, draw: np.random.Generator, value: Coded, day: Days) -> Coded:
        """For each row a code that means its concept on its day or, in a coarser list, the nearest concept."""
        result = np.full(len(value.codes), -1)
        drawn = draw.random(len(result))
        changes = np.unique(np.concatenate([self.first, self.last[self.last < END] + np.timedelta64(1, "D")]))
        for number, concept in enumerate(value.words):
            rows = np.flatnonzero(value.codes == number)
            for changed_on in changes if len(rows) else ():
                valid = self._candidates(concept, changed_on)
                now = rows[(day[rows] >= changed_on) | np.isnat(day[rows])]
                result[now] = self.code[valid[np.floor(drawn[now] * len(valid)).astype(np.int64)]]
        return Coded(self.words, result)

    def _candidates(self, concept: str, day: np.datetime64) -> Ints:
        """The mappings to a concept that are valid on a day; if none, those to a concept of the same group, or to `unknown`."""
        holds = (self.first <= day) & (self.last >= day)
        family = [c for c in dict.fromkeys(self.concepts) if self._group(c) == self._group(concept)]
        for wanted in (concept, *family, "unknown", self.concepts[-1]):
            mappings = np.flatnonzero(holds & np.array([c == wanted for c in self.concepts]))
            if len(mappings):
                return mappings
        return np.flatnonzero(holds)

    def _group(self, concept: str) -> str | None:
        above = self.parent.get(concept)
        return above if above not in (None, "", "all") else concept


def scheme_rows(jurisdiction: Jurisdiction, name: str) -> list[dict[str, str]]:
    """The rows of a scheme's file, one per concept."""
    path = f"terminology/schemes/{name}.csv"
    columns = (jurisdiction.folder / path).read_text(encoding="utf-8").splitlines()[0].split(",")
    return jurisdiction.csv(path, columns)


def main_groups(jurisdiction: Jurisdiction) -> dict[str, str]:
    """The main group of every offence and police class."""
    groups = {}
    for scheme in ("offence", "police_class"):
        rows = {r["concept"]: r for r in scheme_rows(jurisdiction, scheme)}
        for concept in rows:
            above = concept
            while rows[above]["level"] not in ("scm_group", "total"):
                above = rows[above]["parent"]
            groups[concept] = above
    return groups


def _spelled(draw: np.random.Generator, value: Column, forms: Mapping[str, float]) -> Coded:
    """The codes in the spellings that people use."""
    assert isinstance(value, Coded)
    form = mix(draw, forms, len(value.codes))
    words = tuple(f.format(*w.split()) if len(w.split()) > 1 else w for w in value.words for f in form.words)
    return Coded(words, np.where(value.codes < 0, -1, value.codes * len(form.words) + form.codes))


def _delays(draw: np.random.Generator, size: Size, n: int) -> Spans:
    return size.draw(draw, n).astype("timedelta64[D]")


def _identities(draw: np.random.Generator, habits: Habits, people: People, person: Ints, on: Days) -> dict[str, Column]:
    """What a register records about the person of each row, by identity role: incomplete, and with typing errors."""
    n = len(person)
    if not n or person.min(initial=0) < 0:
        return {}
    alias = happens(draw, habits.alias, n) & ~people.is_entity[person]
    shown = np.where(alias, people.alias[person], person)
    who, true = pa.array(shown), pa.array(person)
    second = people.second_surname.take(who)
    double = pa.array(happens(draw, habits.shows_second_surname, n))
    surname = people.surname.take(who)
    surname = compute.if_else(
        compute.and_(double, compute.is_valid(second)), joined([surname, "-", compute.coalesce(second, surname)]), surname
    )
    given = people.given_names.take(who)
    first_only = compute.replace_substring_regex(given, " .*$", "")
    given = compute.if_else(pa.array(happens(draw, habits.shows_all_given_names, n)), given, first_only)
    born = people.born_on[shown]
    born = np.where(happens(draw, habits.partial_birth_date, n), born.astype("datetime64[Y]").astype("datetime64[D]"), born)
    chain, other = people.chain_number.take(true), people.second_chain_number.take(true)
    either = happens(draw, 0.5, n) & ~(people.merged_on[person] <= on)  # after the merge everybody uses the leading number
    chain = compute.if_else(pa.array(either), compute.coalesce(other, chain), chain)
    unnumbered = pa.array(alias)
    columns: dict[str, Column] = {
        "chain_number": compute.if_else(unnumbered, None, chain),
        "citizen_number": compute.if_else(unnumbered, None, people.citizen_number.take(true)),
        "surname": _with_typos(draw, surname, habits.typo),
        "surname_prefix": people.prefix.take(who),
        "given_names": _with_typos(draw, given, habits.typo),
        "birth_date": born,
        "sex": people.sex.at(person),
    }
    return {role: blank(c, happens(draw, habits.missing.get(role, 0.0), n)) for role, c in columns.items()}


def _placeholders(
    draw: np.random.Generator, habits: Habits, placeholders: Mapping[str, list[str]], columns: Mapping[str, Column], is_entity: Bools
) -> dict[str, Column]:
    """The columns of numbers in which a register uses placeholders for some natural persons whose number it does not know."""
    filled: dict[str, Column] = {}
    for role in (r for r in habits.placeholder if r in columns):
        numbers: Any = columns[role]
        written = pa.array(happens(draw, habits.placeholder[role], len(numbers)) & ~is_entity)
        instead = pa.array(placeholders[role]).take(pa.array(draw.integers(0, len(placeholders[role]), len(numbers))))
        filled[role] = compute.if_else(compute.and_(written, compute.is_null(numbers)), instead, numbers)
    return filled


def _with_typos(draw: np.random.Generator, names: pa.Array, share: float) -> pa.Array:
    """The names, some of them with two letters swapped, a letter missing or a wrong letter."""
    wrong = happens(draw, share, len(names))
    rows = np.flatnonzero(wrong & compute.is_valid(names).to_numpy(zero_copy_only=False))
    mask = np.zeros(len(names), dtype=bool)
    mask[rows] = True
    kinds, places, letters = draw.integers(0, 3, len(rows)), draw.random(len(rows)), draw.integers(0, len(ALPHABET), len(rows))
    changed = []
    for name, kind, place, letter in zip(names.take(pa.array(rows)).to_pylist(), kinds, places, letters, strict=True):
        at = 1 + int(place * max(len(name) - 2, 1))
        swapped = name[:at] + name[at : at + 2][::-1] + name[at + 2 :]
        changed.append((swapped, name[:at] + name[at + 1 :], name[:at] + ALPHABET[letter] + name[at + 1 :])[kind] or name)
    return compute.replace_with_mask(names, pa.array(mask), pa.array(changed, pa.string()))
