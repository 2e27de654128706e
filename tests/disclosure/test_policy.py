"""Limits from policy.yaml, and what they do to leaves."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from das_pipeline.disclosure.policy import checked_policy
from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.policy import Closing
from das_pipeline.run import Run
from das_pipeline.statistics import load_statistics
from tests.disclosure.test_leaves import protect


def toy_with(toy: Jurisdiction, tmp_path: Path, old: str, new: str) -> Jurisdiction:
    """The toy with one line of its policy changed."""
    folder = Path(shutil.copytree(toy.folder, tmp_path / "jurisdiction"))
    policy = folder / "policy.yaml"
    assert old in policy.read_text()
    policy.write_text(policy.read_text().replace(old, new))
    return Jurisdiction(folder)


def test_the_toy_policy_is_read(toy: Jurisdiction) -> None:
    policy = checked_policy(toy, load_statistics(toy))
    assert policy.base_of("reports_month") == 5
    assert not policy.is_closed(1999, date(2024, 1, 1))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("sensitive_cubes: []", "sensitive_cubes: [reports_day]", "names the cube reports_day"),
        ("structural_zeros: []", "structural_zeros: [{cube: rulings_month, leaf: {sex: male}, reason: a test}]", "has no dimension sex"),
        ("structural_zeros: []", "structural_zeros: [{leaf: {sex: male}}]", r"structural_zeros\[0\]\.cube: this key is missing"),
    ],
)
def test_a_mistake_in_the_policy_is_named(toy: Jurisdiction, tmp_path: Path, old: str, new: str, said: str) -> None:
    changed = toy_with(toy, tmp_path, old, new)
    with pytest.raises(ConfigurationError, match=said):
        checked_policy(changed, load_statistics(changed))


@pytest.mark.parametrize(
    ("months", "as_of", "closed"),
    [
        (24, date(2025, 12, 30), False),
        (24, date(2025, 12, 31), True),
        (3, date(2024, 3, 30), False),
        (3, date(2024, 3, 31), True),
        (0, date(2023, 12, 31), True),
    ],
)
def test_a_year_closes_some_months_after_its_end(months: int, as_of: date, closed: bool, toy: Jurisdiction) -> None:
    policy = checked_policy(toy, load_statistics(toy)).model_copy(update={"closing": Closing(months=months, reason="a test")})
    assert policy.is_closed(2023, as_of) is closed


def test_leaves_that_cannot_occur_are_zero_and_flagged(toy: Jurisdiction, tmp_path: Path, run: Run) -> None:
    changed = toy_with(
        toy, tmp_path, "structural_zeros: []", "structural_zeros: [{cube: rulings_month, leaf: {ruling: referred_back}, reason: a test}]"
    )
    leaves = pq.read_table(protect(replace(run, jurisdiction=changed)).path("rulings_month.parquet")).to_pylist()
    assert {(r["structural"], r["value"]) for r in leaves if r["ruling"] == "referred_back"} == {(True, 0)}
    assert not any(r["structural"] for r in leaves if r["ruling"] != "referred_back")


def test_a_sensitive_cube_is_rounded_to_the_larger_base(toy: Jurisdiction, tmp_path: Path, run: Run) -> None:
    changed = toy_with(toy, tmp_path, "sensitive_cubes: []", "sensitive_cubes: [rulings_month]")
    leaves = pq.read_table(protect(replace(run, jurisdiction=changed)).path("rulings_month.parquet")).to_pylist()
    assert {r["base"] for r in leaves} == {10}
    assert {r["value"] % 10 for r in leaves} == {0}


def test_a_presence_sensitive_leaf_must_not_exist(toy: Jurisdiction, tmp_path: Path, run: Run) -> None:
    changed = toy_with(
        toy, tmp_path, "presence_sensitive: []", "presence_sensitive: [{cube: reports_year, leaf: {age: minor}, reason: a test}]"
    )
    with pytest.raises(ConfigurationError, match="presence_sensitive"):
        protect(replace(run, jurisdiction=changed))
