"""The report of attacks: figures by hand, and a page that names the limits and what lies over them."""

from __future__ import annotations

import numpy as np

from das_pipeline import engine
from das_pipeline.disclosure.attacks import Gain, gain_of_changed
from das_pipeline.disclosure.cell_key import Perturbation
from das_pipeline.disclosure.deduction import Deduced
from das_pipeline.disclosure.methods import Computed, Estimated, Shown
from das_pipeline.disclosure.report import ATTACKS, Outcomes, alone, attack_report, read_report, report_page
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.policy import CellKey, Suppression, load_policy
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


def test_tables_by_another_method_are_in_the_report() -> None:
    """By suppression 40 and 3 small cells not shown; by cell key counts of 1 and 4 that are shown as 0 and 5, or the other way round."""
    exact = np.array([40, 3, 2, 0])
    hidden = Shown(
        "suppression", "closings", [], {"by_ward": []}, np.array([40, -1, -1, 0]), exact, exact >= 0, computed=Computed(20, 0, 1, 5, 9)
    )
    true = np.array([1] * 30 + [4] * 10 + [0] * 5)
    value = np.array([0] * 25 + [5] * 15 + [0] * 5)
    changed = Shown("cell_key", "received", [], {"by_age": []}, value, true, true >= 0, Estimated(40, 35, 30))
    limits = {"suppression": Suppression(minimum=5, width=4, reason="a"), "cell_key": CellKey(distance=5, variance=3.0, reason="b")}
    report = attack_report({}, Outcomes({}, {}, {}, {}, {}, {}), [], POLICY.model_copy(update=limits), [hidden, changed])
    by_ward, by_age = report["others"]["closings"], report["others"]["received"]
    assert (by_ward["not_shown"], by_ward["small_shown"], by_ward["exact"], by_ward["narrow_pct"]) == (2, 0, 0, 5)
    assert (by_ward["small_pct"], by_ward["exact_told_pct"], by_ward["shows_presence"]) == (25, 45, 3)
    assert (by_age["guessed_pct"], by_age["estimated_pct"], by_age["estimated_over_points"]) == (75, 88, 13)
    assert (by_age["named_without_pct"], by_age["insider_of_1_pct"]) == (75, 100)
    page = report_page(report)
    assert '<td class="over">13</td>' in page
    assert "Counts from 1 to 4 are not shown" in page


def test_what_the_value_of_a_changed_count_tells() -> None:
    """Counts of 1 and 4, as many of each: by at most 2 both ways, 0 can only be 1 and 5 can only be 4; the guess rises from half to all."""
    true = np.array([1, 4] * 20)
    value = np.array([0, 5] * 20)
    gain = gain_of_changed(true, value, Perturbation(2, 1.0), 5)
    assert gain.named == (50.0, 100.0)
    assert gain.sure == gain.sure_told == (0.0, 100.0)
    as_counted = gain_of_changed(true, np.full(40, 3), Perturbation(2, 1.0), 5)  # 3 can be both
    assert as_counted.small == 40
    assert as_counted.sure == (0.0, 0.0)


def test_every_candidate_has_its_report_encrypted(run: Run) -> None:
    leaves = protect(run)
    assert engine.is_encrypted(leaves.path(ATTACKS))
    assert not list(leaves.folder.glob("attacks.[!p]*"))
    report = read_report(run)
    assert set(report["cubes"]) == {"reports_month", "reports_year", "rulings_month"}
    assert "reports_month" in report_page(report)
    assert all(cube["sure_added_points"] is None for cube in report["cubes"].values()), "the toy has too few small counts"
