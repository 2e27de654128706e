"""differences.csv: compared figures stand beside each other, each with the reason why they differ."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from das_pipeline.jurisdiction import Text
from das_pipeline.lake import Version
from das_pipeline.publication.differences import write
from das_pipeline.publication.texts import Difference
from das_pipeline.settings import PROJECT

TEXT, SIMULATED = Text(nl="Anders geteld.", en="Counted in another way."), Text(nl="Gesimuleerd.", en="Simulated.")
EXTERNAL = PROJECT / "jurisdictions" / "nl" / "external"


def table(folder: Path, name: str, kind: str, rows: list[tuple[str, str, str, int]], *, is_simulated: bool = False) -> None:
    """A published table of two dimensions, by period."""
    facts = {"kind": kind, "is_simulated": is_simulated, "dims": {"group": {}, "fine": {}}}
    cells = [{"group": g, "fine": f, "period_kind": "year", "period": p, "n": n} for g, f, p, n in rows]
    place = folder / "tables" / f"{name}.parquet"
    place.parent.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(cells).replace_schema_metadata({"das": json.dumps(facts)}), place)


def compared(folder: Path, **changed: str) -> list[tuple[str, str, int, int, int, str]]:
    fields = {"table": "ours", "other": "theirs", "dimension": "fine", "other_dimension": "fine", "reason": "definition"} | changed
    write(folder, [Difference.model_validate(fields | {"text": TEXT})], SIMULATED, ["nl", "en"])
    rows = pd.read_csv(folder / "differences.csv", keep_default_na=False, dtype={"period": str})
    return list(rows[["category", "period", "n", "other_n", "difference", "reason"]].itertuples(index=False, name=None))


def test_each_category_and_year_that_both_have_is_compared_with_its_reason(tmp_path: Path) -> None:
    table(
        tmp_path,
        "ours",
        "protected",
        [
            ("all", "all", "2022", 110),
            ("all", "a", "2022", 65),
            ("all", "b", "2022", 45),
            ("x", "a", "2022", 60),
            ("all", "all", "2023", 5),
        ],
    )
    table(
        tmp_path,
        "theirs",
        "external",
        [("all", "all", "2022", 130), ("x", "all", "2022", 62), ("x", "a", "2022", 62), ("y", "b", "2022", 45)],
    )
    assert compared(tmp_path) == [
        ("a", "2022", 65, 62, 3, "rounding"),
        ("all", "2022", 110, 130, -20, "definition"),
        ("b", "2022", 45, 45, 0, "equal"),
    ]


def test_exact_figures_never_differ_by_rounding(tmp_path: Path) -> None:
    for name, n in (("ours", 100), ("theirs", 101)):
        table(tmp_path, name, "external", [("all", "all", "2022", n)])
    assert compared(tmp_path, reason="vintage") == [("all", "2022", 100, 101, -1, "vintage")]


def test_simulated_figures_differ_from_real_ones_for_that_reason_alone(tmp_path: Path) -> None:
    table(tmp_path, "ours", "protected", [("all", "all", "2022", 100)], is_simulated=True)
    table(tmp_path, "theirs", "external", [("all", "all", "2022", 100)])
    assert compared(tmp_path) == [("all", "2022", 100, 100, 0, "simulated")]
    assert "Simulated." in (tmp_path / "differences.csv").read_text(encoding="utf-8")


def test_a_candidate_has_them(candidate: Version) -> None:
    rows = pd.read_csv(candidate.path("differences.csv"))
    assert set(rows.reason) == {"equal"}  # reports by person count the same reports
    assert set(rows.category) == {"all", "property", "violence", "unknown_group"}


def test_one_dimension_alone_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="give `dimension` and `other_dimension`, or neither"):
        Difference.model_validate({"table": "a", "other": "b", "dimension": "fine", "reason": "vintage", "text": TEXT})


def totals(source: str) -> dict[int, int]:
    return yaml.safe_load((EXTERNAL / source / "source.yaml").read_text(encoding="utf-8"))["totals"]


def test_the_series_since_2005_has_the_totals_of_its_two_publishers() -> None:
    assert totals("recorded_crime_series") == totals("cbs_2005_2011") | totals("politie_47018")
    assert sorted(totals("recorded_crime_series")) == list(range(2005, 2024))


def test_the_two_states_of_the_police_figures_differ_by_a_revision() -> None:
    older, newer = totals("politie_47013"), totals("politie_47018")
    assert {year: newer[year] - n for year, n in older.items()} == {2013: 224, 2014: 1468, 2015: 1246, 2016: 1267, 2017: 1078, 2018: 2328}
