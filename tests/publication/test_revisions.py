"""revisions.csv and breaks.csv: how totals grew from release to release, and where a series begins to count something else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from das_pipeline import publication
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.lake import Version
from das_pipeline.periods import months_since
from das_pipeline.run import Run
from tests.conftest import TOY
from tests.release.conftest import _without_expectations, finished, first_releases, protected, published

__all__ = ["_without_expectations", "first_releases", "protected", "published"]

FEBRUARY, MARCH, APRIL = date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 30)


def series(folder: Path, table: str, period: str, row: str = "") -> list[tuple[str, str, int, int]]:
    """The total of a period in each release that moved it: day, release, lag and count."""
    revisions = pd.read_csv(folder / "revisions.csv", keep_default_na=False)
    rows = revisions[(revisions.table == table) & (revisions.period == period) & (revisions.row == row)]
    return list(rows[["as_of", "release", "lag_months", "n"]].itertuples(index=False, name=None))


@pytest.mark.slow
def test_a_total_is_followed_from_the_release_that_first_published_it(published: Callable[..., Run]) -> None:
    published(FEBRUARY)
    published(MARCH)  # the same figures: no revision
    run = published(APRIL, scale=40)
    folder = run.lake.live("publication/candidate").folder
    assert series(folder, "reports", "2024-02") == [("2024-02-29", "2024-02-29.1", 0, 900), ("2024-04-30", "", 2, 1800)]
    assert series(folder, "reports", "2024-03") == [("2024-03-31", "2024-03-31.1", 0, 500), ("2024-04-30", "", 1, 1000)]
    assert series(folder, "reports", "2024-04") == [("2024-04-30", "", 0, 1400)]
    assert series(folder, "flow", "2024-02", "reported") == series(
        folder, "reports", "2024-02"
    )  # each line of a stack has figures of its own


@pytest.mark.slow
def test_a_figure_that_became_final_is_a_revision_of_its_status(published: Callable[..., Run]) -> None:
    published(date(2023, 12, 31))
    run = published(FEBRUARY)
    rows = pd.read_csv(run.lake.live("publication/candidate").folder / "revisions.csv", keep_default_na=False)
    of_may = rows[(rows.table == "reports") & (rows.period == "2023-05")]
    assert list(of_may.status) == ["provisional", "final"]
    assert of_may.n.nunique() == 1


@pytest.mark.slow
def test_a_table_that_counts_something_else_starts_again(
    published: Callable[..., Run], protected: Callable[..., Run], tmp_path: Path
) -> None:
    published(FEBRUARY)
    changed = Path(shutil.copytree(TOY, tmp_path / "changed"))
    cubes = changed / "statistics" / "cubes.yaml"
    cubes.write_text(
        cubes.read_text(encoding="utf-8").replace("unit_of_count: report, kind", "unit_of_count: ruling, kind"), encoding="utf-8"
    )
    run = replace(protected(MARCH), jurisdiction=Jurisdiction(changed))
    finished(run)
    folder = run.lake.live("publication/candidate").folder
    assert series(folder, "reports", "2024-01") == [("2024-03-31", "", 2, 700)]


@pytest.mark.slow
def test_of_a_withdrawn_release_nothing_is_left(published: Callable[..., Run]) -> None:
    first = publication.current_release(published(FEBRUARY))
    assert first is not None
    withdrawn = first.folder.parent.parent / "withdrawn"
    withdrawn.mkdir()
    first.folder.rename(withdrawn / first.id)
    (withdrawn.parent / "releases" / "current").unlink()
    run = published(MARCH)
    assert series(run.lake.live("publication/candidate").folder, "reports", "2024-01") == [("2024-03-31", "", 2, 700)]


def test_a_break_has_its_day_table_category_and_reason(candidate: Version) -> None:
    rows = pd.read_csv(candidate.path("breaks.csv"), keep_default_na=False)
    assert list(rows.itertuples(index=False, name=None)) == [
        ("2023-01-01", "reports", "", "", "sindsdien telt de wacht elk feit.", "since then the watch counts every offence."),
        ("2023-07-01", "reports", "offence", "violence", "sindsdien is dreigen geweld.", "since then threats are violence."),
        ("2023-07-01", "reports_persons", "offence", "violence", "sindsdien is dreigen geweld.", "since then threats are violence."),
    ]


@pytest.mark.parametrize(("period", "months"), [("2024-01", 2), ("2024-03", 0), ("2024", 0), ("2023", 3), ("2023-Q3", 6)])
def test_the_lag_counts_from_the_end_of_the_period(period: str, months: int) -> None:
    assert months_since(period, MARCH) == months
