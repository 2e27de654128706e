"""A second world of persons who are hard to link, for the benchmark of linkage: other names and other mistakes than the simulation has.

Nothing of linkage was chosen on it. It has no files: it fills the tables that linkage standardises (`identity`, `named`) and the truth.
Surnames have a long tail, as real ones do, and come in several kinds: with prefixes, of two parts (Spanish, or after marriage), and written
in more than one way in our letters. Every share of a mistake is an assumption, the same for all kinds of names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import yaml

from das_pipeline.engine import create_table

LAST_DAY = date(2025, 12, 27)
NAMES: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("other_names.yaml").read_text(encoding="utf-8"))
KINDS: dict[str, dict[str, Any]] = NAMES["kinds"]
# Records by unit: the chance that an incident gets there after the one before it, and the share that has each number.
CHAIN_NUMBER = {"suspect": 0.75, "prosecution_case": 0.94, "court_case": 0.9, "imposed_sanction": 0.9, "stay": 0.96, "assignment": 0.75}
CITIZEN_NUMBER = {"suspect": 0.8, "prosecution_case": 0.8, "stay": 0.9}
PARTNERS = {
    "suspect": "politie", "prosecution_case": "om", "court_case": "rechtspraak", "imposed_sanction": "rechtspraak", "stay": "dji",
    "assignment": "reclassering",
}  # fmt: skip
UNITS = sorted(PARTNERS)


@dataclass
class Person:
    """Who somebody is, and as whom he is registered where nobody makes a mistake."""

    kind: str
    sex: str
    born: date
    surname: str
    given: list[str]
    chain_number: str
    citizen_number: str | None
    second_number: str | None = None  # another chain number, given by mistake
    married: tuple[date, str] | None = None  # from when, and to whom
    family: int = 0  # the first person of it


class World:
    """Draws persons and their records, each a row of `identity`, until there are `rows` of them."""

    def __init__(self, rows: int, seed: int) -> None:
        self.draw = np.random.default_rng(np.random.SeedSequence([seed, 7_318_009]))
        self.rows = rows
        self.persons: list[Person] = []
        self.identity: list[tuple[Any, ...]] = []
        self.named: list[tuple[str, int, str, str]] = []
        self.truth: list[tuple[int, int]] = []
        self.counts = dict.fromkeys(UNITS, 0)
        self.dockets = 0
        self.taken: set[str] = set()
        self.surnames = self._surnames()
        self._fill()

    def happens(self, share: float) -> bool:
        return bool(self.draw.random() < share)

    def choose(self, values: list[Any], tail: float = 1.0) -> Any:
        """One of the values, the first ones more often: a Zipf-like curve for names; `tail` 1 is even."""
        return values[int(len(values) * self.draw.random() ** tail)]

    def _surnames(self) -> dict[str, list[str]]:
        pools = {}
        for kind, parts in KINDS.items():
            whole = {f"{a}{b}{c}" for a in parts["beginnings"] for b in parts["middles"] for c in parts["ends"]}
            pools[kind] = sorted(whole)
            self.draw.shuffle(pools[kind])
        return pools

    def _number(self, digits: int) -> str:
        while (number := str(self.draw.integers(10 ** (digits - 1), 10**digits))) in self.taken:
            pass
        self.taken.add(number)
        return number

    def _person(self, kind: str, surname: str, born: date, given: str | None = None, sex: str | None = None) -> Person:
        sex = sex or ("male" if self.happens(0.8) else "female")
        names = KINDS[kind][sex]
        first = given or self.choose(names, 1.6)
        several = [first] + [n for n in (self.choose(names, 1.3) for _ in range(self.choose([0, 0, 1, 1, 2]))) if n != first]
        person = Person(
            kind,
            sex,
            born,
            surname,
            several,
            self._number(10),
            self._number(9) if self.happens(0.87) else None,
            self._number(10) if self.happens(0.005) else None,
            family=len(self.persons),
        )
        if sex == "female" and self.happens(0.35):
            other = self.choose(self.surnames["western"], 3)
            person.married = (LAST_DAY - timedelta(int(self.draw.integers(0, 4000))), other)
        self.persons.append(person)
        return person

    def _family(self) -> list[int]:
        """One person, or more of one surname: twins, father and son, or others who live together."""
        kind = str(self.draw.choice(list(KINDS), p=[k["share"] for k in KINDS.values()]))
        surname = self.choose(self.surnames[kind], 3)
        if kind == "southern":
            surname = f"{surname} {self.choose(self.surnames[kind], 2)}"
        elif kind == "western" and self.happens(0.3):
            surname = f"{self.choose(NAMES['prefixes'])} {surname}"
        elif kind == "arab" and self.happens(0.3):
            surname = f"el {surname}"
        born = date(1950, 1, 1) + timedelta(int(self.draw.beta(3.5, 1.8) * 22_600))
        if kind in {"eastern", "arab"} and self.happens(0.05):
            born = born.replace(month=1, day=1)
        start = len(self.persons)
        first = self._person(kind, surname, born)
        if self.happens(0.012):
            self._twin(first)
        if first.sex == "male" and self.happens(0.012):
            self._person(kind, surname, born + timedelta(int(self.draw.integers(18, 40) * 365.25)), first.given[0], "male")
        while self.happens(0.07):
            self._person(kind, surname, born + timedelta(int(self.draw.integers(-9000, 9000))))
        for person in self.persons[start:]:
            person.family = start
            if person.born > date(2013, 6, 1):  # nobody is a suspect before twelve: as many days before as it was after
                person.born = date(2013, 6, 1) - (person.born - date(2013, 6, 1))
        return list(range(start, len(self.persons)))

    def _twin(self, first: Person) -> None:
        """Of either sex; of one in four the given names sound alike."""
        twin = self._person(first.kind, first.surname, first.born, sex=first.sex if self.happens(0.6) else None)
        if twin.sex == first.sex and self.happens(0.25):
            twin.given = [self._typed(first.given[0]), *twin.given[1:]]
        if twin.given[0] == first.given[0]:
            twin.given = [twin.given[0][::-1].capitalize(), *twin.given[1:]]

    def _typed(self, text: str) -> str:
        """The text with one letter wrong, left out, too many, or changed places with its neighbour."""
        if len(text) < 2:
            return text
        at, letter = int(self.draw.integers(1, len(text))), chr(97 + int(self.draw.integers(26)))
        turned = text[: at - 1] + text[at] + text[at - 1] + text[at + 1 :]
        return str(self.choose([text[:at] + letter + text[at + 1 :], text[:at] + text[at + 1 :], text[:at] + letter + text[at:], turned]))

    def _written(self, text: str) -> str:
        """The text as another clerk writes the same sounds."""
        lower = text.lower()
        found = [letters for letters in NAMES["written"] if letters in lower[1:]]
        if not found:
            return text
        letters = self.choose(found)
        at = lower.index(letters, 1)
        return text[:at] + self.choose(NAMES["written"][letters]) + text[at + len(letters) :]

    def _scanned(self, text: str) -> str:
        found = [(seen, read) for seen, read in NAMES["scanned"].items() if seen in text[1:]]
        if not found:
            return text
        seen, read = self.choose(found)
        return text[0] + text[1:].replace(seen, read, 1)

    def _names(self, person: Person, on: date, times: float) -> tuple[str | None, str | None]:
        """Surname and given names as an office writes them on a day."""
        surname, given = person.surname, " ".join(person.given)
        if person.married and on >= person.married[0]:
            own, other = surname, person.married[1]
            surname = self.choose([f"{other}-{own}", f"{other}-{own}", f"{other} {own}", other, own, own])
        elif person.kind == "southern" and self.happens(0.15):
            surname = surname.split()[0] if self.happens(0.7) else surname.replace(" ", "-")
        elif " " in surname and self.happens(0.1):
            surname = surname.rsplit(" ", 1)[1]  # without its prefix
        if self.happens(0.03 * times):
            given = NAMES["pet_names"].get(person.given[0], given)
        if self.happens(0.04 * times) and len(person.given) > 1:
            given = person.given[1]
        if self.happens(0.25):
            given = given.split()[0]
        if person.kind in {"eastern", "arab"} and self.happens(0.25):
            surname, given = self._written(surname), self._written(given)
        for share, change in ((0.012, self._typed), (0.004, self._scanned)):
            surname = change(surname) if self.happens(share * times) else surname
            given = change(given) if self.happens(share * times) else given
        if self.happens(0.025 * times):
            given = "".join(f"{name[0]}." for name in given.split() if name)
        if self.happens((0.03 if person.kind == "short" else 0.004) * times):
            surname, given = given, surname
        return (None if self.happens(0.002 * times) else surname), ("NN" if self.happens(0.005 * times) else given)

    def _birth(self, born: date, times: float) -> date | None:
        if self.happens(0.010 * times):
            return None
        if self.happens(0.005 * times):
            return born.replace(month=1, day=1)
        if self.happens(0.004 * times) and born.day <= 12:
            return born.replace(month=born.day, day=born.month)
        if self.happens(0.005 * times):
            year, month, day = born.year, born.month, min(born.day, 28)
            part = self.choose([0, 1, 2])
            year = year + self.choose([-10, -1, 1, 10]) if part == 0 else year
            return date(year, int(self.draw.integers(1, 13)) if part == 1 else month, int(self.draw.integers(1, 29)) if part == 2 else day)
        return born

    def _record(self, unit: str, who: int, on: date, times: float, shown: Person | None = None) -> int:
        person = self.persons[who]
        number: str | None = person.chain_number
        if person.second_number and on.toordinal() % 2:
            number = person.second_number
        if shown is not None or not self.happens(CHAIN_NUMBER[unit]):
            number = None
        elif self.happens(0.004 * times):
            number = self._typed_number(number)
        elif self.happens(0.003 * times) and person.family != who:
            number = self.persons[person.family].chain_number
        elif self.happens(0.002 * times):
            number = self.persons[int(self.draw.integers(len(self.persons)))].chain_number
        citizen = person.citizen_number if shown is None and self.happens(CITIZEN_NUMBER.get(unit, 0.0)) else None
        shown = shown or person
        surname, given = self._names(shown, on, times) if unit != "imposed_sanction" else (None, None)
        sex: str | None = shown.sex
        if unit in {"imposed_sanction", "execution_case"} or self.happens(0.008 * times):
            sex = None
        elif self.happens(0.003 * times):
            sex = "female" if sex == "male" else "male"
        self.counts[unit] += 1
        record_no = self.counts[unit]
        node = UNITS.index(unit) * 2**40 + record_no
        born = self._birth(shown.born, times)
        self.identity.append((node, unit, record_no, PARTNERS[unit], True, surname, given, born, sex, number, citizen))
        self.truth.append((node, who))
        return record_no

    def _typed_number(self, number: str) -> str:
        at = int(self.draw.integers(1, 9))
        if self.happens(0.4):
            return number[:at] + number[at + 1] + number[at] + number[at + 2 :]
        return number[:at] + str(self.draw.integers(10)) + number[at + 1 :]

    def _incident(self, suspects: list[int], offices: Callable[[], float]) -> None:
        on = LAST_DAY - timedelta(int(self.draw.integers(1, 4000)))
        self.dockets += 1
        report = f"PL{self.dockets:012d}"
        for who in suspects:
            alias = self.persons[int(self.draw.integers(len(self.persons)))] if self.happens(0.004) else None
            record = self._record("suspect", who, on, offices(), alias)
            self.named.append(("suspect", record, "pv", report))
            if self.happens(0.45):
                continue
            self.dockets += 1
            docket = f"{self.dockets:010d}"
            steps = ["prosecution_case"]
            steps += ["court_case"] if self.happens(0.65) else []
            steps += ["imposed_sanction"] if len(steps) == 2 and self.happens(0.85) else []
            steps += ["stay"] if len(steps) == 3 and self.happens(0.35) else []
            steps += ["assignment"] if self.happens(0.15) else []
            for unit in steps:
                on += timedelta(int(self.draw.integers(10, 200)))
                record = self._record(unit, who, on, offices())
                if unit == "prosecution_case" and self.happens(0.9):
                    self.named.append((unit, record, "pv", report))
                if unit not in {"stay", "assignment"} or self.happens(0.75):
                    self.named.append((unit, record, "parket", docket))
                if unit in {"court_case", "imposed_sanction"}:
                    self.named.append((unit, record, "rechtszaak", f"R{docket}"))

    def _fill(self) -> None:
        spread = np.exp(self.draw.normal(-0.25, 0.7, 40))

        def offices() -> float:
            return float(spread[int(self.draw.integers(40))])

        while len(self.identity) < self.rows:
            family = self._family()
            for who in family:
                for _ in range(1 + int(self.draw.geometric(0.5)) // 2 + int(self.draw.negative_binomial(0.4, 0.25))):
                    others = [p for p in family if p != who and self.happens(0.3)]
                    if not others and self.happens(0.15):
                        others = [int(self.draw.integers(len(self.persons)))]
                    self._incident(list(dict.fromkeys([who, *others])), offices)


def make_records(connection: duckdb.DuckDBPyConnection, rows: int, seed: int) -> None:
    """Create `identity`, `named`, `units`, `merged_numbers`, `decisions`, and `true_persons` (node, person) of a world."""
    world = World(rows, seed)
    roles = ["surname", "given_names", "birth_date", "sex", "chain_number", "citizen_number"]
    texts = pa.string()
    identity = pa.schema(
        [("node", pa.int64()), ("unit", texts), ("record_no", pa.int64()), ("partner", texts), ("is_person", pa.bool_())]
        + [(role, pa.date32() if role == "birth_date" else texts) for role in roles]
    )
    named = pa.schema([("unit", texts), ("record_no", pa.int64()), ("reference", texts), ("value", texts)])
    for name, schema, filled in (
        ("identity", identity, world.identity),
        ("named", named, world.named),
        ("true_persons", pa.schema([("node", pa.int64()), ("person", pa.int64())]), world.truth),
    ):
        columns = [pa.array(column, schema.field(n).type) for n, column in enumerate(zip(*filled, strict=True))]
        connection.register("filled", pa.Table.from_arrays(columns, schema=schema))
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM filled")
        connection.unregister("filled")
    merged = [("chain_number", p.second_number, p.chain_number) for p in world.persons if p.second_number and world.happens(0.8)]
    create_table(connection, "merged_numbers", "role VARCHAR, number VARCHAR, leading_number VARCHAR", merged)
    decided = "kind VARCHAR, unit VARCHAR, record_no BIGINT, other_unit VARCHAR, other_record_no BIGINT, outcome VARCHAR"
    create_table(connection, "decisions", decided, [])
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE units AS"
        " SELECT unit, MIN(node - record_no) AS first_node, true AS is_person FROM identity GROUP BY unit"
    )
