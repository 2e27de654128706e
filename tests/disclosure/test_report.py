"""The report of attacks: figures by hand, and a page that names the limits and what lies over them."""

from __future__ import annotations

import numpy as np

from das_pipeline import engine
from das_pipeline.disclosure.attacks import Gain
from das_pipeline.disclosure.deduction import Deduced
from das_pipeline.disclosure.report import ATTACKS, Outcomes, alone, attack_report, read_report, report_page
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
    assert [alone(true, value, known) for known in (1, 2, 3, 4)] == [(2, 7), (1, 4), (1, 1), (0, 0)]


def test_small_numbers_are_left_out_and_large_ones_marked() -> None:
    made = family(RECORDS)
    few, many = Gain(3, (0, 0), (0, 50), (40, 60)), Gain(400, (0, 1), (20, 31.6), (40, 52))
    outcomes = Outcomes(
        gains={"crimes": many, "crimes_year": few},
        insider={"crimes": [(70, 100), (3, 50), (1, 20), (0, 0)], "crimes_year": [(1, 2), (0, 0), (0, 0), (0, 0)]},
        deduced={"crimes": Deduced(400, 20, 1, 3, 60, 90), "crimes_year": Deduced(3, 3, 0, 0, 1, 2)},
        one_more={"crimes": (18, 100), "crimes_year": (1, 9)},
        apart={"crimes": 0, "crimes_year": 0},
        moved={"crimes": 3, "crimes_year": 0},
    )
    report = attack_report(made, outcomes, [], POLICY)
    assert report["cubes"]["crimes"]["moved"] == 3
    assert report["cubes"]["crimes"]["sure_without_pct"] == 20
    assert report["cubes"]["crimes"]["sure_added_points"] == 12
    assert report["cubes"]["crimes_year"]["sure_added_points"] is None
    crimes, year = report["cubes"]["crimes"], report["cubes"]["crimes_year"]
    assert (crimes["exact"], crimes["narrow_pct"], crimes["guessed_pct"], crimes["estimated_pct"]) == (1, 15, 22, 15)
    assert (crimes["one_record_pct"], crimes["told_apart"]) == (18, 0)
    assert (year["narrow_pct"], year["estimated_pct"], year["one_record_pct"]) == (None, None, None)
    assert [crimes[f"insider_of_{n}_pct"] for n in (1, 2, 3, 4)] == [70, 6, 5, None]
    page = report_page(report)
    for over in ("12", "70", "1", "15", "18"):
        assert f'<td class="over">{over}</td>' in page
    assert "at most\n5.0 points" in page


def test_every_candidate_has_its_report_encrypted(run: Run) -> None:
    leaves = protect(run)
    assert engine.is_encrypted(leaves.path(ATTACKS))
    assert not list(leaves.folder.glob("attacks.[!p]*"))
    report = read_report(run)
    assert set(report["cubes"]) == {"reports_month", "reports_year", "rulings_month"}
    assert "reports_month" in report_page(report)
    assert all(cube["sure_added_points"] is None for cube in report["cubes"].values()), "the toy has too few small counts"
