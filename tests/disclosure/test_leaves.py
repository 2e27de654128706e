"""The stage on the toy jurisdiction: from counts by hand to protected leaves, two releases long."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from das_pipeline.disclosure import build_leaves
from das_pipeline.disclosure.quality import quality
from das_pipeline.errors import LakeError
from das_pipeline.lake import Draft, Version
from das_pipeline.release import append_ledger
from das_pipeline.run import Run, produce
from das_pipeline.terminology import build_concepts
from tests.content import contents, rows
from tests.disclosure.worlds import month_grid, prepared

MONTHS = ("2024-01", "2024-02", "2024-03")
#          offence     sex       age      n in January, February, March
COUNTED = (
    ("property", "female", "adult", (3, 0, 11)),
    ("property", "male", "adult", (14, 9, 12)),
    ("property", "male", "minor", (1, 2, 0)),
    ("violence", "male", "adult", (6, 7, 0)),
    ("violence", "unknown", "unknown", (0, 1, 2)),
)  # fmt: skip
RULED = (("guilty", (12, 8, 3)), ("acquitted", (2, 0, 4)))


def count(run: Run, draft: Draft, more: int = 0) -> list:
    """The cubes of the toy, with `more` adult women reported for property offences in March."""
    months: dict[tuple[str, str], int] = {}
    years: dict[tuple[str, str, str], int] = {}
    for offence, sex, age, counts in COUNTED:
        extra = more if (offence, sex) == ("property", "female") else 0
        for month, n in zip(MONTHS, (counts[0], counts[1], counts[2] + extra), strict=True):
            months[offence, month] = months.get((offence, month), 0) + n
            years[offence, sex, age] = years.get((offence, sex, age), 0) + n
    write(draft, "reports_month", [{"offence": o, "period_kind": "month", "period": m, "n": n} for (o, m), n in months.items() if n])
    rows = [{"offence": o, "sex": s, "age": a, "period_kind": "year", "period": "2024", "n": n} for (o, s, a), n in years.items()]
    write(draft, "reports_year", rows)
    ruled = [
        {"ruling": r, "period_kind": "month", "period": m, "n": n} for r, counts in RULED for m, n in zip(MONTHS, counts, strict=True) if n
    ]
    write(draft, "rulings_month", ruled)
    return []


def write(draft: Draft, cube: str, rows: list[dict[str, object]]) -> None:
    pq.write_table(pa.Table.from_pylist(rows), draft.path(f"{cube}.parquet", len(rows)))


def inputs(run: Run) -> list[str]:
    """The tables that leaves are made from: the ledger too, once something was released."""
    return ["statistics/cubes", "terminology/concepts", *(["disclosure/ledger"] if run.lake.current("disclosure/ledger") else [])]


def protect(run: Run, more: int = 0) -> Version:
    """disclosure/leaves of the toy as a run makes it."""
    if run.lake.current("terminology/concepts") is None:
        produce(run, "terminology/concepts", build_concepts)
    produce(run, "statistics/cubes", partial(count, more=more), salt=str(more))
    return produce(run, "disclosure/leaves", build_leaves, inputs=inputs(run)).version


def release(run: Run, name: str) -> Version:
    return produce(run, "disclosure/ledger", partial(append_ledger, release=name), inputs=["disclosure/leaves"], chained=True).version


def test_leaves_are_the_full_grid_without_true_counts(run: Run) -> None:
    leaves = protect(run)
    months = pq.read_table(leaves.path("reports_month.parquet"))
    assert months.column_names == ["offence", "period_kind", "period", "measure", "value", "base", "structural"]
    assert months.num_rows == 3 * 3  # property, violence, unknown_group; January to March
    assert pq.read_metadata(leaves.path("reports_year.parquet")).num_rows == 3 * 3 * 3
    assert {r["value"] % 5 for r in months.to_pylist()} == {0}
    assert [v["passed"] for v in leaves.verdicts] == [True] * 12


def test_the_year_agrees_with_the_months(run: Run) -> None:
    leaves = protect(run)
    by_month, by_year = (dict.fromkeys(("property", "violence", "unknown_group"), 0) for _ in range(2))
    for cube, totals in (("reports_month", by_month), ("reports_year", by_year)):
        for row in rows(run, leaves, f"{cube}.parquet"):
            totals[row["offence"]] += row["value"]
    assert by_month == by_year


@pytest.mark.slow
def test_every_leaf_is_an_entry_before_the_first_release_and_only_touched_ones_after(start: Callable[[date], Run]) -> None:
    first = start(date(2024, 3, 30))
    leaves = protect(first)
    assert leaves.facts["decided"] == leaves.facts["leaves"] == 9 + 27 + 12
    ledger = release(first, "2024-03-30.1")
    assert ledger.facts["releases"] == ["2024-03-30.1"]
    later = start(date(2024, 3, 31))
    again = protect(later, more=4)
    decided = rows(later, again, "ledger_entries.parquet")
    assert {(r["cube"], r["leaf"]) for r in decided} == {
        ("reports_month", "offence=property"),
        ("reports_year", "age=adult|offence=property|sex=female"),
    }
    assert len(decided) == 2
    release(later, "2024-03-31.1")
    assert protect(later, more=4).facts["decided"] == 0


@pytest.mark.slow
def test_the_ledger_only_grows_and_takes_a_release_once(start: Callable[[date], Run]) -> None:
    run = start(date(2024, 3, 30))
    protect(run)
    first = release(run, "2024-03-30.1")
    leaves = protect(run)
    assert release(run, "2024-03-30.1").files.keys() == first.files.keys()
    assert leaves.facts["decided"] == 0
    later = start(date(2024, 3, 31))
    protect(later, more=4)
    second = release(later, "2024-03-31.1")
    assert second.previous is not None
    assert set(second.files) > set(first.files)
    assert second.files["releases/2024-03-30.1.parquet"].sha256 == first.files["releases/2024-03-30.1.parquet"].sha256
    assert {r["release"] for r in rows(later, second, "releases/2024-03-31.1.parquet")} == {"2024-03-31.1"}


def test_a_candidate_made_before_the_last_release_cannot_go_live(start: Callable[[date], Run]) -> None:
    first = start(date(2024, 3, 30))
    protect(first)
    release(first, "2024-03-30.1")
    with pytest.raises(LakeError, match="ledger has moved"):
        release(start(date(2024, 3, 31)), "2024-03-31.1")


def test_making_a_released_day_again_gives_the_same_files(run: Run) -> None:
    first = protect(run)
    release(run, "2024-03-31.1")
    again = protect(run)
    public = [name for name in first.files if name not in ("ledger_entries.parquet", "attacks.parquet")]
    assert [again.files[name].sha256 for name in public] == [first.files[name].sha256 for name in public]


@pytest.mark.slow
def test_a_day_made_again_later_reads_the_ledger_as_it_was(start: Callable[[date], Run]) -> None:
    first = start(date(2024, 3, 30))
    leaves = protect(first)
    release(first, "2024-03-30.1")
    later = start(date(2024, 3, 31))
    protect(later, more=4)
    release(later, "2024-03-31.1")
    again = protect(start(date(2024, 3, 30)))
    assert again.files["reports_year.parquet"].sha256 == leaves.files["reports_year.parquet"].sha256
    assert again.facts["decided"] == 0


def test_the_quality_sheet_leaves_out_small_levels(run: Run) -> None:
    sheet = json.loads(protect(run).path("quality.json").read_text())
    assert set(sheet["cubes"]) == {"reports_month", "reports_year", "rulings_month"}
    assert all(level["cells"] >= 50 for cube in sheet["cubes"].values() for level in cube["levels"])


def test_quality_is_of_the_cells_that_are_not_zero_and_has_no_maximum() -> None:
    grid = month_grid()
    true = np.where(np.arange(grid.size) % 3 == 0, 12, 0)
    crimes = prepared(grid, true, "crimes", None)
    value = np.where(true > 0, 15, 0)
    value[0] = 25  # the one cell that is 13 off
    sheet = quality(grid, crimes.leaves, value, crimes.value, 18)
    assert [(level["by"], level["mad"], level["p95"]) for level in sheet["levels"][:1]] == [
        ({"offence": "group", "period": "month"}, 3.5, 4.5)
    ]
    assert not any("max" in level for level in sheet["levels"])
    assert quality(grid, crimes.leaves, value, crimes.value, 19)["levels"] == sheet["levels"][1:]


def test_the_order_of_rows_and_the_number_of_threads_change_no_byte(run: Run) -> None:
    leaves = protect(run)
    before = contents(run, {name: leaves.path(name) for name in leaves.files})

    def shuffled(run: Run, draft: Draft) -> list:
        count(run, draft)
        for path in draft.folder.glob("*.parquet"):
            table = pq.read_table(path)
            pq.write_table(table.take(list(range(table.num_rows))[::-1]), path)
        return []

    produce(run, "statistics/cubes", shuffled, salt="shuffled")
    two = replace(run, settings=replace(run.settings, threads=2))
    again = produce(two, "disclosure/leaves", build_leaves, inputs=inputs(run)).version
    assert contents(run, {name: again.path(name) for name in again.files}) == before
