"""Persons who are hard to link: a profile changes what registers show of them, and nothing else."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from das_pipeline.deliveries import load_contracts
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.settings import PROJECT
from simulation.deliveries.mistakes import _births, _respelled
from simulation.deliveries.registers import Register, Registers, main_groups
from simulation.draws import compute
from simulation.parameters import Parameters
from simulation.world.world import Extent, simulate_world

NL = Jurisdiction(PROJECT / "jurisdictions" / "nl")
EXTENT = Extent(12_000, date(2023, 1, 1))


def opened(persons: str | None) -> Register:
    """The suspects of the police, in a small world."""
    parameters = Parameters.read(NL, persons)
    world = simulate_world(parameters, main_groups(NL), EXTENT, 7)
    return Registers(NL, parameters, world).open(load_contracts(NL)["politie", "verdachten"])


@pytest.fixture(scope="module")
def hard() -> Register:
    return opened("hard")


def column(register: Register, role: str):
    return register.columns[next(c.name for c in register.contract.columns if c.identity == role)]


def test_hard_persons_have_initials_call_names_and_words_for_unknown(hard):
    given = column(hard, "given_names").to_pylist()
    initials = sum(bool(name) and all(len(part) == 1 for part in name.split(".") if part) for name in given)
    assert 0.01 < initials / len(given) < 0.10
    assert 0 < sum(name in {"onbekend", "NN", "N.N.", "None", "nan"} for name in given) / len(given) < 0.03


def test_easy_persons_have_none_of_these():
    given = [name for name in column(opened(None), "given_names").to_pylist() if name]
    assert not any("." in name or name in {"onbekend", "NN", "None", "nan"} for name in given)


def test_numbers_stay_ten_digits(hard):
    numbers = compute.drop_null(column(hard, "chain_number"))
    assert compute.all(compute.match_substring_regex(numbers, "^[0-9]{10}$")).as_py()


def test_names_are_respelled_where_they_have_such_letters():
    names = pa.array(["Müller", "Meijer", "Bos", None])
    assert _respelled(names, {"ü": "ue", "ij": "y"}, np.array([True, True, True, True])).to_pylist() == ["Mueller", "Meyer", "Bos", None]
    assert _respelled(names, {"ü": "ue"}, np.array([False] * 4)).to_pylist() == names.to_pylist()


def test_mistyped_birth_dates_keep_two_of_three_parts_or_have_day_and_month_swapped():
    born = np.array(["1984-02-29", "1990-07-05", "2001-12-31"] * 200, dtype="datetime64[D]")
    shown = _births(np.random.default_rng(1), born, np.full(len(born), True))
    assert (shown != born).mean() > 0.8
    for before, after in zip(born.tolist(), shown.tolist(), strict=True):
        kept = (before.year == after.year) + (before.month == after.month) + (before.day == after.day)
        assert kept >= 2 or (before.year, before.month, before.day) == (after.year, after.day, after.month)
    assert (_births(np.random.default_rng(1), born, np.full(len(born), False)) == born).all()
