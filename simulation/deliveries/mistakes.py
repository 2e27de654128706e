"""What registers get wrong about persons in a world that is hard to link; every office has its own share of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from simulation.draws import Bools, Coded, Column, Days, Floats, Ints, compute
from simulation.parameters import Mistakes, PersonsProfile
from simulation.world.persons import People
from simulation.world.tables import Table

OFFICES = ("region", "district", "appeal_court")  # what tells the offices of a register apart, where its table has one of them


def with_mistakes(
    draw: np.random.Generator, profile: PersonsProfile, partner: str, columns: dict[str, Column], people: People, table: Table
) -> dict[str, Column]:
    """Return the identity columns of a register with the mistakes of its offices in them."""
    if not columns:
        return columns
    mistakes, person = profile.partners.get(partner, profile.mistakes), table.person
    factor = _office_factors(draw, profile.offices, table) * ~people.is_entity[person]

    def happens(share: float) -> Bools:
        return draw.random(len(person)) < share * factor

    shown = dict(columns)
    shown["given_names"] = _given_names(shown["given_names"], happens(mistakes.call_name), happens(mistakes.initials))
    for role in ("surname", "given_names"):
        shown[role] = _respelled(shown[role], profile.respellings, happens(mistakes.respelled))
        words = pa.array(profile.unknown_names).take(pa.array(draw.integers(0, len(profile.unknown_names), len(person))))
        shown[role] = compute.if_else(pa.array(happens(mistakes.unknown_name)), words, shown[role])
    swapped = pa.array(happens(mistakes.swapped_names))
    surname, given = shown["surname"], shown["given_names"]
    shown["surname"], shown["given_names"] = compute.if_else(swapped, given, surname), compute.if_else(swapped, surname, given)
    shown["chain_number"] = _chain_numbers(draw, shown["chain_number"], people, person, mistakes, happens)
    born = shown["birth_date"]
    assert isinstance(born, np.ndarray)
    shown["birth_date"] = _births(draw, born, happens(mistakes.mistyped_birth))
    sex = shown["sex"]
    assert isinstance(sex, Coded)
    shown["sex"] = Coded(sex.words, np.where(happens(mistakes.wrong_sex) & (sex.codes >= 0), 1 - sex.codes, sex.codes))
    return shown


def _office_factors(draw: np.random.Generator, sigma: float, table: Table) -> Floats:
    name = next((n for n in OFFICES if n in table.columns), None)
    if name is None:
        return np.ones(len(table))
    offices = table.coded(name)
    factors = np.exp(draw.normal(-(sigma**2) / 2, sigma, len(offices.words) + 1))
    return factors[offices.codes]


def _given_names(names: pa.Array, call_name: Bools, initials: Bools) -> pa.Array:
    second = compute.if_else(compute.match_substring(names, " "), compute.replace_substring_regex(names, "^[^ ]+ ", ""), names)
    names = compute.if_else(pa.array(call_name), second, names)
    letters = compute.replace_substring_regex(names, r"(\pL)\pL* ?", r"\1.")
    return compute.if_else(pa.array(initials), letters, names)


def _respelled(names: pa.Array, respellings: dict[str, str], where: Bools) -> pa.Array:
    other = names
    for letters, written in respellings.items():
        other = compute.replace_substring(other, letters, written)
    return compute.if_else(pa.array(where), other, names)


def _chain_numbers(
    draw: np.random.Generator, numbers: pa.Array, people: People, person: Ints, mistakes: Mistakes, happens: Callable[[float], Bools]
) -> pa.Array:
    place, digit = draw.integers(1, 9, len(person)), draw.integers(0, 10, len(person))
    texts = compute.fill_null(numbers, "0" * 10)
    written = np.array(texts.to_pylist(), dtype="U10").view("U1").reshape(-1, 10)
    rows = np.arange(len(person))
    typed = written.copy()
    typed[rows, place] = digit.astype("U1")
    turned = draw.random(len(person)) < 0.4
    typed[rows[turned], place[turned]], typed[rows[turned], place[turned] + 1] = (
        written[rows[turned], place[turned] + 1],
        written[rows[turned], place[turned]],
    )
    mistyped = pa.array(np.ascontiguousarray(typed).view("U10").reshape(-1).tolist(), pa.string())
    lives_with = np.where(people.household[person] != person, people.household[person], person)
    somebody = draw.integers(0, len(people.household), len(person))
    for where, value in (
        (happens(mistakes.mistyped_number), mistyped),
        (happens(mistakes.housemates_number), people.chain_number.take(pa.array(lives_with))),
        (happens(mistakes.another_number), people.chain_number.take(pa.array(somebody))),
    ):
        numbers = compute.if_else(compute.and_(pa.array(where), compute.is_valid(numbers)), value, numbers)
    return numbers


def _births(draw: np.random.Generator, born: Days, where: Bools) -> Days:
    """Return the birth dates, some with another day, another month, another year, or with day and month swapped; the rest of it stays."""
    year, month = born.astype("datetime64[Y]"), born.astype("datetime64[M]")
    day = (born - month.astype("datetime64[D]")).astype(np.int64)  # from 0, and 27 the last one that every month has
    of_year = (month - year.astype("datetime64[M]")).astype(np.int64)
    another_day = month.astype("datetime64[D]") + draw.integers(1, 28, len(born))
    another_month = (year.astype("datetime64[M]") + draw.integers(0, 12, len(born))).astype("datetime64[D]") + day
    another_year = (month + 12 * draw.choice([-10, -1, 1], len(born))).astype("datetime64[D]") + day
    swapped = (year.astype("datetime64[M]") + day % 12).astype("datetime64[D]") + of_year
    kinds = [another_day, np.where(day < 28, another_month, another_day), np.where(day < 28, another_year, another_day)]
    changed = np.choose(draw.integers(0, 4, len(born)), [*kinds, np.where(day < 12, swapped, another_day)])
    return np.where(where & ~np.isnat(born), changed, born)
