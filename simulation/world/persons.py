"""Persons and companies with names, numbers and birth dates, some of them hard to tell apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from simulation.draws import (
    NEVER,
    Bools,
    Coded,
    Days,
    Floats,
    Ints,
    Spans,
    compute,
    happens,
    joined,
    mix_by,
    padded,
    roots,
    stream,
)
from simulation.parameters import Parameters, Persons, Stock

ELEVEN = np.array([9, 8, 7, 6, 5, 4, 3, 2])  # weights of the citizen number's digits; the ninth counts -1


@dataclass(frozen=True)
class People:
    """One row per person or company, by person number."""

    surname: pa.Array
    prefix: pa.Array
    second_surname: pa.Array  # the spouse's, appended with a hyphen where a register shows it
    given_names: pa.Array
    born_on: Days
    sex: Coded
    is_entity: Bools
    citizen_number: pa.Array
    chain_number: pa.Array
    second_chain_number: pa.Array  # of the same person, assigned by mistake
    merged_on: Days  # the day from which the second number counts as the first; NaT for never
    household: Ints  # the first person of the household
    alias: Ints  # the person whose name and birth date this one gives as a false identity


def draw_people(
    parameters: Parameters, seed: int, first_offence: Days, is_entity: Bools, minors: Floats, block: int, blocks: int
) -> People:
    """A person for each first offence, at least 12 years old on that day; `minors` multiplies the odds of being in the youngest age band.

    No other block uses their numbers.
    """
    p, draw, n = parameters.persons, stream(seed, "persons"), len(first_offence)
    sex = Coded(("male", "female"), np.where(is_entity, -1, (draw.random(n) >= parameters.suspects.male).astype(np.int64)))
    born = first_offence - _age_in_days(draw, parameters.suspects.ages, minors)
    stock = draw.choice(len(p.stocks), size=n, p=np.array([s.share for s in p.stocks]) / sum(s.share for s in p.stocks))
    surname_no, given_no, second_no = (np.zeros(n, dtype=np.int64) for _ in range(3))
    surnames, given = _name_lists(p.stocks)
    for s in range(len(p.stocks)):
        rows = np.flatnonzero(stock == s)
        surname_no[rows] = surnames.draw(draw, s, len(rows))
        second_no[rows] = surnames.draw(draw, 0, len(rows))
        female = sex.codes[rows] == 1
        given_no[rows] = np.where(female, given.draw(draw, 2 * s + 1, len(rows)), given.draw(draw, 2 * s, len(rows)))
    household = _households(draw, p, born, np.where(is_entity, -1, sex.codes), given_no)
    surname_no = surname_no[household]
    second_given = given.draw_any(draw, 2 * stock + np.maximum(sex.codes, 0))
    several = happens(draw, p.several_given_names, n)
    names = given.words.take(pa.array(given_no))
    names = compute.if_else(pa.array(several), joined([names, " ", given.words.take(pa.array(second_given))]), names)
    whole = surnames.words.take(pa.array(surname_no))
    company = joined(
        [pa.array(p.company.words).take(pa.array(draw.integers(0, len(p.company.words), n))), " ", _bare(whole), f" {p.company.form}"]
    )
    entity, nobody = pa.array(is_entity), pa.scalar(None, pa.string())
    double = happens(draw, p.double_surname, n) & ~is_entity & (second_no != surname_no)
    twice = happens(draw, p.second_chain_number, n)
    found_out = twice & happens(draw, p.merged, n)
    chain = padded(_numbers(draw, 2 * n, 8, block, blocks), 10)
    return People(
        surname=compute.if_else(entity, company, _bare(whole)),
        prefix=compute.if_else(entity, nobody, _prefix(whole)),
        second_surname=compute.if_else(pa.array(double), surnames.words.take(pa.array(second_no)), nobody),
        given_names=compute.if_else(entity, nobody, names),
        born_on=np.where(is_entity, NEVER, born),
        sex=sex,
        is_entity=is_entity,
        citizen_number=compute.if_else(
            pa.array(happens(draw, p.has_citizen_number, n) & ~is_entity), citizen_numbers(draw, n, block, blocks), nobody
        ),
        chain_number=chain[:n],
        second_chain_number=compute.if_else(pa.array(twice), chain[n:], nobody),
        merged_on=np.where(found_out, first_offence + p.merged_after_days.draw(draw, n).astype("timedelta64[D]"), NEVER),
        household=household,
        alias=_aliases(draw, sex),
    )


def citizen_numbers(draw: np.random.Generator, n: int, block: int = 0, blocks: int = 1) -> pa.Array:
    """`n` distinct numbers of nine digits that pass the eleven-test (9a + 8b + … + 2h − i is divisible by 11)."""
    base = _numbers(draw, n + n // 5 + 50, 8, block, blocks)
    digits = base[:, None] // 10 ** np.arange(7, -1, -1) % 10
    last = (digits * ELEVEN).sum(axis=1) % 11
    good = last < 10
    return padded((base * 10 + last)[good][:n], 9)


def _numbers(draw: np.random.Generator, n: int, digits: int, block: int, blocks: int) -> Ints:
    """`n` distinct whole numbers of `digits` digits, the first never zero; a block draws from every `blocks`-th number."""
    low, high = -(-(10 ** (digits - 1)) // blocks), 10**digits // blocks
    drawn, first = np.unique(draw.integers(low, high, n + n // 3 + 100), return_index=True)
    return drawn[np.argsort(first)][:n] * blocks + block


def _age_in_days(draw: np.random.Generator, ages: dict[str, float], youngest: Floats) -> Spans:
    n = len(youngest)
    bands = mix_by(draw, Coded(("",), np.zeros(n, dtype=np.int64)), {"": ages}, {next(iter(ages)): youngest})
    low, high = (np.array([int(w.split("-")[i]) for w in bands.words])[bands.codes] for i in (0, 1))
    years = low + draw.random(n) * (high + 1 - low)
    return np.ceil(years * 365.25 + 1).astype("timedelta64[D]")


def _households(draw: np.random.Generator, p: Persons, born: Days, sex: Ints, given_no: Ints) -> Ints:
    """Put some neighbours in the list in one household; return the first person of each person's household.

    They become twins (one birth date), father and son (one given name), or other relatives. Legal entities (sex -1) live with nobody.
    """
    first, young = np.arange(len(born)), np.arange(1, len(born))
    apart = np.abs((born[1:] - born[:-1]).astype(np.int64)) / 365.25
    natural, men = (sex[1:] >= 0) & (sex[:-1] >= 0), (sex[1:] == 0) & (sex[:-1] == 0)
    twins = _some(draw, p.twins, natural & (apart < 2), young)
    born[twins] = born[twins - 1] = np.minimum(born[twins], born[twins - 1])
    sons = _some(draw, p.namesakes, men & (apart >= 18) & (apart <= 45) & ~np.isin(young, twins), young)
    given_no[sons] = given_no[sons - 1]
    relatives = young[natural & happens(draw, p.relatives, len(young))]
    together = np.concatenate([twins, sons, relatives])
    first[together] = together - 1
    return roots(first)


def _some(draw: np.random.Generator, share: float, may: Bools, rows: Ints) -> Ints:
    """A share of all rows, chosen from the rows that are allowed in `may`; never two in a row."""
    chosen = may & happens(draw, min(share * len(rows) / max(np.count_nonzero(may), 1), 1.0), len(rows))
    chosen[1:] &= ~chosen[:-1]
    return rows[chosen]


def _aliases(draw: np.random.Generator, sex: Coded) -> Ints:
    """Another person of the same sex for each person; a company keeps its own number."""
    alias = np.arange(len(sex.codes))
    for code in range(len(sex.words)):
        shuffled = draw.permutation(np.flatnonzero(sex.codes == code))
        alias[shuffled] = np.roll(shuffled, 1)
    return alias


@dataclass(frozen=True)
class _Names:
    """Several lists of names in one array; the first names of a list are the most frequent."""

    words: pa.Array
    starts: Ints

    def draw(self, draw: np.random.Generator, which: int, n: int) -> Ints:
        return self.draw_any(draw, np.full(n, which))

    def draw_any(self, draw: np.random.Generator, which: Ints) -> Ints:
        low, high = self.starts[which], self.starts[which + 1]
        return low + np.floor(draw.random(len(which)) ** 1.6 * (high - low)).astype(np.int64)


def _name_lists(stocks: list[Stock]) -> tuple[_Names, _Names]:
    def names(lists: list[list[str]]) -> _Names:
        return _Names(pa.array([w for words in lists for w in words]), np.cumsum([0, *map(len, lists)]))

    return names([s.surnames for s in stocks]), names([w for s in stocks for w in (s.male, s.female)])


def _prefix(surname: pa.Array) -> pa.Array:
    """The prefix of a surname: its leading words that start in lower case or with an apostrophe."""
    found = compute.struct_field(compute.extract_regex(surname, r"^(?P<prefix>(?:[a-z'][^ ]* )+)"), "prefix")
    return compute.utf8_rtrim_whitespace(found)


def _bare(surname: pa.Array) -> pa.Array:
    return compute.replace_substring_regex(surname, r"^(?:[a-z'][^ ]* )+", "")
