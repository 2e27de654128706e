"""Twins, brothers and sisters, fathers and sons of the Dutch settings and their stored model: none become one person (rule set L12)."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pytest

from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.linkage.definition import load_definition
from das_pipeline.linkage.probabilistic import load_model
from das_pipeline.settings import PROJECT
from tests.linkage.world import DEFINITION, World, row

SURNAMES = ("Zwier", "Hoek", "Terp", "Wold", "Brink")
ENDINGS = ("sma", "stra", "enga", "inga", "ema", "huis")
pytestmark = pytest.mark.slow  # Splink, some seconds

# Two persons: what tells them apart. Every pair is of one surname.
PAIRS = {
    "brothers born together": ({"given_names": "Thijmen", "sex": "male"}, {"given_names": "Olivier", "sex": "male"}),
    "sisters born together": ({"given_names": "Roos Maria", "sex": "female"}, {"given_names": "Noor Maria", "sex": "female"}),
    "a boy and a girl whose names differ in one letter": ({"given_names": "Daan", "sex": "male"}, {"given_names": "Daam", "sex": "female"}),
    "born together, with one initial": ({"given_names": "Jan", "sex": "male"}, {"given_names": "Joris", "sex": "male"}),
    "brothers": ({"given_names": "Jan", "sex": "male"}, {"given_names": "Kees", "sex": "male", "birth_date": date(1988, 2, 8)}),
    "father and son with one name": (
        {"given_names": "Jan", "sex": "male"},
        {"given_names": "Jan", "sex": "male", "birth_date": date(1962, 11, 30)},
    ),
}
# Which of the first person's records have a number, a report with one record of each, and what number the second has.
KNOWN = {
    "a number each": (1, 0, 2),
    "a number of one": (1, 0, 0),
    "the same number, mistaken": (1, 0, 1),
    "no number": (0, 0, 0),
    "one report": (1, 1, 0),
}


def test_no_two_of_a_family_become_one_person():
    jurisdiction = Jurisdiction(PROJECT / "jurisdictions" / "nl")
    of_nl = load_definition(jurisdiction)
    assert of_nl.model
    shared = {"strong_keys", "profile", "surname_prefixes", "missing_names", "spellings"}
    definition = DEFINITION.model_copy(update={name: getattr(of_nl, name) for name in shared})
    rows, families = [], list(product(PAIRS, KNOWN))
    for n, (pair, known) in enumerate(families):
        family = {
            "surname": SURNAMES[n % len(SURNAMES)] + ENDINGS[n // len(SURNAMES)],
            "birth_date": date(1991, 1, 2) + timedelta(days=37 * n),
        }
        first, second = (family | person for person in PAIRS[pair])
        number, report, other = KNOWN[known]
        first |= {"chain_number": f"00{n:02}317{number}26" if number else None, "report": f"R{n}" if report else None}
        second |= {"chain_number": f"00{n:02}317{other}26" if other else None, "report": f"R{n}" if report else None}
        rows += [row(("case", 2 * n), **first), row(("case", 2 * n + 1), **first), row(("report", 2 * n), **first)]
        rows.append(row(("report", 2 * n + 1), **second))
    linked = World(definition, model=load_model(jurisdiction, of_nl.model)).link(rows)
    pairs = {family: (linked[("report", 2 * n)].person, linked[("report", 2 * n + 1)].person) for n, family in enumerate(families)}
    assert [family for family, (first, second) in pairs.items() if first == second] == []
    for n in range(len(families)):
        assert linked[("case", 2 * n)].person == linked[("report", 2 * n)].person
