"""D25: a table by quarter or year has no period that still goes on, since every release would show how much it grew."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from das_pipeline.auditor import Limits
from das_pipeline.auditor.history import what_grows_is_absent
from das_pipeline.auditor.release import Published, Table
from das_pipeline.gate import Verdict

FACTS = {"kind": "protected", "base": 5, "measures": ["n"], "dims": {}}


def judged(folder: Path, as_of: str, periods: list[str], kinds: tuple[str, ...] = ("quarter", "year")) -> Verdict:
    """The verdict on one table with these periods."""
    (folder / "changes.json").write_text(json.dumps({"as_of": as_of}), encoding="utf-8")
    kind = {4: "year", 7: "month"}
    rows = [{"period_kind": "quarter" if "Q" in p else kind[len(p)], "period": p, "n": 10} for p in periods]
    table = Table("verdicts", folder, pa.Table.from_pylist(rows), FACTS)
    return what_grows_is_absent(Published(folder, {"verdicts": table}, []), Limits((5,), 50, 50, when_ended=kinds))


@pytest.mark.breaks("D25")
@pytest.mark.parametrize(("as_of", "periods"), [("2024-12-30", ["2023", "2024"]), ("2024-06-29", ["2024-Q1", "2024-Q2"])])
def test_a_period_that_goes_on(tmp_path: Path, as_of: str, periods: list[str]) -> None:
    assert not judged(tmp_path, as_of, periods).passed
    assert judged(tmp_path, as_of, periods, kinds=()).passed, "the policy names no kind"


@pytest.mark.parametrize(("as_of", "periods"), [("2024-12-31", ["2023", "2024"]), ("2024-06-30", ["2024-Q1", "2024-Q2"])])
def test_a_period_that_has_ended(tmp_path: Path, as_of: str, periods: list[str]) -> None:
    assert judged(tmp_path, as_of, periods).passed


def test_the_running_year_of_a_table_by_month_is_known_from_its_months(tmp_path: Path) -> None:
    assert judged(tmp_path, "2024-02-29", ["2024-01", "2024-02", "2024"]).passed


@pytest.mark.breaks("D25")
def test_a_cohort_of_which_a_part_was_not_followed_so_long(tmp_path: Path) -> None:
    """On 29 June 2024 six months are not over for the last cases of 2023."""
    assert not followed(tmp_path, "2024-06-29", [("after_month_3", "2023"), ("after_month_6", "2023")]).passed
    assert followed(tmp_path, "2024-06-30", [("after_month_3", "2023"), ("after_month_6", "2023")]).passed
    assert not followed(tmp_path, "2024-06-30", [("after_month_3", "2024-04")]).passed
    assert followed(tmp_path, "2024-07-31", [("after_month_3", "2024-04")]).passed


def test_months_of_another_publisher_are_no_follow_up(tmp_path: Path) -> None:
    assert followed(tmp_path, "2024-06-30", [("january", "2024"), ("february", "2024")]).passed


def followed(folder: Path, as_of: str, periods: list[tuple[str, str]]) -> Verdict:
    """The verdict on a cohort table with these follow-ups, whatever the policy says of kinds of period."""
    (folder / "changes.json").write_text(json.dumps({"as_of": as_of}), encoding="utf-8")
    rows = [{"months": code, "period_kind": "year" if len(p) == 4 else "month", "period": p, "n": 10} for code, p in periods]
    dims = {"months": {"scheme": None, "level": "row"}}
    table = Table("cohort", folder, pa.Table.from_pylist(rows), FACTS | {"dims": dims})
    return what_grows_is_absent(Published(folder, {"cohort": table}, []), Limits((5,), 50, 50))
