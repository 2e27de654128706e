"""What a register says on a day, in the words of the world: late, incomplete, and wrong until it is corrected, as its partner knows it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from das_pipeline.jurisdiction import Jurisdiction
from simulation.deliveries.registers import CodeBook, Register
from simulation.draws import NEVER, Bools, Coded, Column, Days, Floats, Ints, take

UNKNOWN, NONE = "unknown", "not_applicable"  # what a code means that says nothing, and an empty field


class Shown:
    """The rows of one register on one day. Columns are asked for by the field of the world that they tell, or by identity role."""

    def __init__(self, jurisdiction: Jurisdiction, register: Register, day: np.datetime64) -> None:
        self.jurisdiction, self.register, self.day = jurisdiction, register, day
        self.table = register.table
        self.rows = register.rows_on(day)
        self.place = np.full(len(self.table) + 1, -1)  # of a row of the table among these rows; -1 for a row that is not there, or no row
        self.place[self.rows] = np.arange(len(self.rows))

    def __len__(self) -> int:
        return len(self.rows)

    def has(self, field: str) -> bool:
        """Whether the register says anything about `field`."""
        return self._column(field) is not None

    def days(self, field: str) -> Days:
        """A day for each row; none where the register does not say it, or not yet."""
        value = self._value(field)
        assert isinstance(value, np.ndarray)
        return np.where(self._is_known(field), value.astype("datetime64[D]"), NEVER)

    def numbers(self, field: str) -> Floats:
        """A number for each row, NaN where the register says none."""
        value = self._value(field)
        assert isinstance(value, np.ndarray)
        return np.where(self._is_known(field), value.astype(np.float64), np.nan)

    def words(self, field: str) -> Coded:
        """The word for each row, `not_applicable` where the register is silent: the world's own, or the nearest that its codes can say."""
        name = self._named(field)
        spec, register = self.register.contract.by_name[name].concept, self.register
        assert spec is not None, name
        book = CodeBook(self.jurisdiction, spec.list, spec.scheme)
        value = self._value(field)
        assert isinstance(value, Coded)
        true = self.table.columns.get(field)
        world = true.at(self._where(name)) if isinstance(true, Coded) else Coded((), np.full(len(self), -1))
        words = tuple(dict.fromkeys([*book.concepts, *world.words, UNKNOWN, NONE]))
        changes = np.unique(np.concatenate([book.first, book.last + np.timedelta64(1, "D")]))
        stretch = np.maximum(np.searchsorted(changes, self._code_days(spec.at), side="right") - 1, 0)
        meaning, sayable = _meanings(book, words, changes)
        code = np.where(value.codes < 0, -1, value.codes // max(len(value.words) // len(book.words), 1))  # however it is spelled
        said = meaning[stretch, code]
        own = world.among(words).codes
        said = np.where((own >= 0) & sayable[stretch, own], own, said)
        said = np.where(code < 0, words.index(NONE), said)
        known, before = self._is_known(field), register.before.get(name)
        if not known.all():
            early = meaning[stretch, book.words.index(before)] if isinstance(before, str) else words.index(NONE)
            said = np.where(known, said, early)
        return Coded(words, said)

    def _code_days(self, at: str | None) -> Days:
        """The day by which each row's codes are read."""
        if at is None:
            return np.full(len(self), self.day)
        days = self.days(self.register.fields[at])
        return np.where(np.isnat(days), self.day, days)

    def _named(self, field: str) -> str:
        name = self._column(field)
        assert name is not None, field
        return name

    def _column(self, field: str) -> str | None:
        told = next((column for column, of in self.register.fields.items() if of == field), None)
        return told or next((c.name for c in self.register.contract.columns if c.identity == field), None)

    def _where(self, name: str) -> Ints:
        """The row of the table whose value stands in each row: another one until it is corrected."""
        corrected = self.register.corrected_on.get(name)
        return self.rows if corrected is None else np.where(corrected[self.rows] > self.day, self.register.wrong_row[self.rows], self.rows)

    def _value(self, field: str) -> Column:
        name = self._named(field)
        return take(self.register.columns[name], self._where(name))

    def _is_known(self, field: str) -> Bools:
        known = self.register.known_on.get(self._named(field))
        return np.ones(len(self), dtype=bool) if known is None else known[self.rows] <= self.day


def _meanings(book: CodeBook, words: Sequence[str], changes: Days) -> tuple[Ints, Bools]:
    """By stretch of days between changes of the list: what each code means, and which of `words` the list has a code for."""
    meaning = np.full((len(changes), len(book.words)), list(words).index(UNKNOWN))
    sayable = np.zeros((len(changes), len(words)), dtype=bool)
    concept = np.array([list(words).index(c) for c in book.concepts])
    for number, day in enumerate(changes):
        holds = (book.first <= day) & (book.last >= day)
        meaning[number, book.code[holds]] = concept[holds]
        sayable[number, concept[holds]] = True
    return meaning, sayable


def births(registers: Sequence[Shown]) -> dict[int, Days]:
    """The birth date behind each row, by position among `registers`: as written, else as it mostly stands in the person's other records.

    The first of January is written where only the year is known.
    """
    said = [(n, s.table.person[s.rows], s.days("birth_date")) for n, s in enumerate(registers) if s.has("birth_date")]
    person, born = (np.concatenate([part[k] for part in said]) for k in (1, 2))
    vague = np.isnat(born) | _is_year(born)
    asked = np.isin(person, person[vague]) & ~np.isnat(born)
    pairs, times = np.unique(np.stack([person[asked], born[asked].astype(np.int64)]), axis=1, return_counts=True)
    order = np.lexsort((pairs[1], -times, _is_year(pairs[1].astype("datetime64[D]")), pairs[0]))
    who, first = np.unique(pairs[0][order], return_index=True)
    usual = pairs[1][order][first].astype("datetime64[D]")
    found = {}
    for number, of, written in said:
        at = np.minimum(np.searchsorted(who, of), max(len(who) - 1, 0))
        is_vague = np.isnat(written) | _is_year(written)
        found[number] = np.where(is_vague & (who[at] == of), usual[at], written) if len(who) else written
    return found


def _is_year(born: Days) -> Bools:
    return born == born.astype("datetime64[Y]").astype("datetime64[D]")


def whole_years(born: Days, on: Days) -> Ints:
    """Ages by the calendar; -1 where one day is not known, or the two cannot both be right."""
    known = ~np.isnat(born) & ~np.isnat(on)
    months = [days.astype("datetime64[M]") for days in (born, on)]
    day_of_month = [(days - month.astype("datetime64[D]")).astype(np.int64) for days, month in zip((born, on), months, strict=True)]
    whole = (months[1] - months[0]).astype(np.int64) - (day_of_month[1] < day_of_month[0])
    years = np.where(known, whole, -1) // 12
    return np.where(known & (years >= 0) & (years <= 120), years, -1)
