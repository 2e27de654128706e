"""Invented persons with records in several registers, some mistyped, and the truth about them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from tests.linkage.world import Key, row

UNITS = ("report", "case", "ruling")


def name(draw: random.Random, syllables: int) -> str:
    return "".join(draw.choice("bdghjklmnprstvz") + draw.choice("aeiou") for _ in range(syllables))


def mistyped(draw: random.Random, text: str) -> str:
    place = draw.randrange(1, len(text))
    return text[:place] + draw.choice("aeioubdkl") + text[place + 1 :]


def draw_records(persons: int, seed: int) -> tuple[list[Mapping[str, Any]], dict[Key, int]]:
    """Rows about `persons` persons, and which row is whose. A fifth of the rows has no number, a few per cent a mistake in each part."""
    draw = random.Random(seed)
    surnames, given = [name(draw, 3) for _ in range(120)], [name(draw, 2) for _ in range(60)]
    rows: list[Mapping[str, Any]] = []
    truth: dict[Key, int] = {}
    for person in range(persons):
        usual = {
            "surname": draw.choice(surnames),
            "given_names": draw.choice(given),
            "birth_date": date(1950, 1, 2) + timedelta(days=draw.randrange(20000)),
            "chain_number": str(10_000_000 + person),
        }
        for _ in range(draw.randint(2, 5)):
            key = (draw.choice(UNITS), len(rows) + 1)
            rows.append(row(key, **as_registered(draw, usual, surnames)))
            truth[key] = person
    return rows, truth


def as_registered(draw: random.Random, usual: Mapping[str, Any], surnames: list[str]) -> dict[str, Any]:
    """The person as one register has it."""
    shown, born = dict(usual), usual["birth_date"]
    mistakes = {
        "surname": [mistyped(draw, shown["surname"]), f"{draw.choice(surnames)}-{shown['surname']}", draw.choice(surnames)],
        "given_names": [mistyped(draw, shown["given_names"]), shown["given_names"][0], draw.choice(surnames)],
        "birth_date": [born.replace(month=1, day=1), born + timedelta(days=1)],
    }
    for part, choices in mistakes.items():
        if draw.random() < 0.04:
            shown[part] = draw.choice(choices)
    if draw.random() < 0.2:
        shown["chain_number"] = None
    return shown
