"""The report of attacks: figures by hand, and a page that names the limits and what lies over them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from das_pipeline.disclosure.attacks import Gain
from das_pipeline.disclosure.report import alone, attack_report, report_page
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.policy import load_policy
from das_pipeline.run import Run
from tests.conftest import TOY
from tests.disclosure.test_leaves import protect
from tests.disclosure.worlds import family

POLICY = load_policy(Jurisdiction(TOY)).disclosure
RECORDS = np.random.default_rng(11).poisson(4.0, (5, 2, 18)).astype(np.int64)


def test_how_often_an_insider_is_alone() -> None:
    """Shown as 0 are leaves of 1, 1, 2 and 3 records: two of the seven records are alone; of the four pairs one is."""
    true, value = np.array([1, 1, 2, 3, 4, 0]), np.array([0, 0, 0, 0, 5, 0])
    assert alone(true, value) == pytest.approx(2 / 7)
    assert alone(true, value, known=2) == pytest.approx(1 / 4)
    assert alone(true, value, known=4) is None


def test_small_numbers_are_left_out_and_large_ones_marked() -> None:
    made = family(RECORDS)
    before = {name: cube.value.copy() for name, cube in made.items()}
    before["crimes"][:3] += 5
    few, many = Gain(3, (0, 0), (0, 50), (40, 60)), Gain(400, (0, 1), (20, 31.6), (40, 52))
    report = attack_report(made, before, {"crimes": many, "crimes_year": few}, POLICY)
    assert report["cubes"]["crimes"]["moved"] == 3
    assert report["cubes"]["crimes"]["sure_without_pct"] == 20
    assert report["cubes"]["crimes"]["sure_added_points"] == 12
    assert report["cubes"]["crimes_year"]["sure_added_points"] is None
    page = report_page(report)
    assert '<td class="over">12</td>' in page
    assert "at most\n5.0 points" in page


def test_every_candidate_has_its_report_and_it_holds_no_count(run: Run) -> None:
    leaves = protect(run)
    report = json.loads(leaves.path("attacks.json").read_text())
    assert set(report["cubes"]) == {"reports_month", "reports_year", "rulings_month"}
    assert "reports_month" in leaves.path("attacks.html").read_text()
    assert all(cube["sure_added_points"] is None for cube in report["cubes"].values()), "the toy has too few small counts"
