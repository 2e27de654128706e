"""What a register shows on a day, in the words of the world: late, incomplete, and wrong until it is corrected."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from das_pipeline.jurisdiction import Jurisdiction
from simulation.deliveries.registers import CodeBook, Register
from simulation.draws import NEVER, Bools, Coded, Column, Days, Floats, Ints, take

UNKNOWN, NONE = "unknown", "not_applicable"  # the meaning of a code without information, and of an empty field


class Shown:
    """The rows of one register on one day. Columns are named by the field of the world that they hold, or by identity role."""

    def __init__(self, jurisdiction: Jurisdiction, register: Register, day: np.datetime64) -> None:
        self.jurisdiction, self.register, self.day = jurisdiction, register, day
        self.table = register.table
        self.rows = register.rows_on(day)
        self.place = np.full(len(self.table) + 1, -1)  # by row of the table: its position here; -1 when it is not here
        self.place[self.rows] = np.arange(len(self.rows))

    def __len__(self) -> int:
        return len(self.rows)

    def has(self, field: str) -> bool:
        """Whether the register has a column for `field`."""
        return self._column(field) is not None

    def days(self, field: str) -> Days:
        """A day for each row; NaT where the register has none, or does not have it yet."""
        value = self._value(field)
        assert isinstance(value, np.ndarray)
        return np.where(self._is_known(field), value.astype("datetime64[D]"), NEVER)

    def numbers(self, field: str) -> Floats:
        """A number for each row; NaN where the register has none."""
        value = self._value(field)
        assert isinstance(value, np.ndarray)
        return np.where(self._is_known(field), value.astype(np.float64), np.nan)

    def words(self, field: str) -> Coded:
        """The word for each row: the world's, or the nearest that the register's codes can express; `not_applicable` for none."""
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
        code = np.where(value.codes < 0, -1, value.codes // max(len(value.words) // len(book.words), 1))  # in any spelling
        meant = meaning[stretch, code]
        own = world.among(words).codes
        meant = np.where((own >= 0) & sayable[stretch, own], own, meant)
        meant = np.where(code < 0, words.index(NONE), meant)
        is_known, before = self._is_known(field), register.before.get(name)
        if not is_known.all():
            early = meaning[stretch, book.words.index(before)] if isinstance(before, str) else words.index(NONE)
            meant = np.where(is_known, meant, early)
        return Coded(words, meant)

    def _code_days(self, at: str | None) -> Days:
        """The day on which each row's code is interpreted."""
        if at is None:
            return np.full(len(self), self.day)
        days = self.days(self.register.fields[at])
        return np.where(np.isnat(days), self.day, days)

    def _named(self, field: str) -> str:
        name = self._column(field)
        assert name is not None, field
        return name

    def _column(self, field: str) -> str | None:
        by_field = next((column for column, of in self.register.fields.items() if of == field), None)
        return by_field or next((c.name for c in self.register.contract.columns if c.identity == field), None)

    def _where(self, name: str) -> Ints:
        """The row of the table whose value each row holds: another row's until it is corrected."""
        corrected = self.register.corrected_on.get(name)
        return self.rows if corrected is None else np.where(corrected[self.rows] > self.day, self.register.wrong_row[self.rows], self.rows)

    def _value(self, field: str) -> Column:
        name = self._named(field)
        return take(self.register.columns[name], self._where(name))

    def _is_known(self, field: str) -> Bools:
        known = self.register.known_on.get(self._named(field))
        return np.ones(len(self), dtype=bool) if known is None else known[self.rows] <= self.day


def _meanings(book: CodeBook, words: Sequence[str], changes: Days) -> tuple[Ints, Bools]:
    """For each interval between changes of the list: the meaning of each code, and which of `words` have a code."""
    meaning = np.full((len(changes), len(book.words)), list(words).index(UNKNOWN))
    sayable = np.zeros((len(changes), len(words)), dtype=bool)
    concept = np.array([list(words).index(c) for c in book.concepts])
    for number, day in enumerate(changes):
        holds = (book.first <= day) & (book.last >= day)
        meaning[number, book.code[holds]] = concept[holds]
        sayable[number, concept[holds]] = True
    return meaning, sayable


def births(registers: Sequence[Shown]) -> dict[int, Days]:
    """The birth date of each row, by position in `registers`: as recorded, or else the most frequent one in the person's other records.

    The first of January is recorded where only the year is known.
    """
    recorded = [(n, s.table.person[s.rows], s.days("birth_date")) for n, s in enumerate(registers) if s.has("birth_date")]
    person, born = (np.concatenate([part[k] for part in recorded]) for k in (1, 2))
    vague = np.isnat(born) | _is_year(born)
    asked = np.isin(person, person[vague]) & ~np.isnat(born)
    pairs, times = np.unique(np.stack([person[asked], born[asked].astype(np.int64)]), axis=1, return_counts=True)
    order = np.lexsort((pairs[1], -times, _is_year(pairs[1].astype("datetime64[D]")), pairs[0]))
    who, first = np.unique(pairs[0][order], return_index=True)
    usual = pairs[1][order][first].astype("datetime64[D]")
    by_register = {}
    for number, of, written in recorded:
        at = np.minimum(np.searchsorted(who, of), max(len(who) - 1, 0))
        is_vague = np.isnat(written) | _is_year(written)
        by_register[number] = np.where(is_vague & (who[at] == of), usual[at], written) if len(who) else written
    return by_register


def _is_year(born: Days) -> Bools:
    return born == born.astype("datetime64[Y]").astype("datetime64[D]")


def whole_years(born: Days, on: Days) -> Ints:
    """Ages by the calendar; -1 where one of the days is not known, or the two cannot both be right."""
    is_known = ~np.isnat(born) & ~np.isnat(on)
    months = [days.astype("datetime64[M]") for days in (born, on)]
    day_of_month = [(days - month.astype("datetime64[D]")).astype(np.int64) for days, month in zip((born, on), months, strict=True)]
    whole = (months[1] - months[0]).astype(np.int64) - (day_of_month[1] < day_of_month[0])
    years = np.where(is_known, whole, -1) // 12
    return np.where(is_known & (years >= 0) & (years <= 120), years, -1)
