"""A table of each method from deliveries to an audited release: rounding, suppression and cell key, with pages, quality and attacks."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from das_pipeline import release
from das_pipeline.disclosure import build_leaves, read_report, report_page
from das_pipeline.publication import build_candidate, release_folders
from das_pipeline.run import produce
from das_pipeline.website import build_site
from tests.chain.making import make_cubes
from tests.conftest import toy_settings
from tests.content import rows
from tests.methods import toy_with_methods

pytestmark = [pytest.mark.slow]
METHODS = {"reports": "rounding", "closed_by_ward": "suppression", "received_by_age": "cell_key"}


def test_a_table_of_each_method_comes_of_deliveries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "as_expected", lambda folder, page: [])
    few = {"block": 0.05, "min_rows": 1, "reason": "the toy has few"}
    toy = toy_with_methods(tmp_path, attack=few, deduction={"min_rows": 1, "above": 1, "reason": "the toy has few"})
    run = make_cubes(toy_settings(tmp_path, toy))
    received = {(row["age"], row["period"]): row for row in rows(run, run.lake.live("statistics/cubes"), "received.parquet")}
    assert sum(row["n"] for row in received.values()) == 8  # cases in March
    assert len({row["key"] for row in received.values()}) == len(received), "each cell has the key of its own records"

    produce(run, "disclosure/leaves", build_leaves, inputs=["statistics/cubes", "terminology/concepts"])
    produce(run, "publication/candidate", build_candidate, inputs=["disclosure/leaves", "terminology/concepts"])
    produce(run, "website/site", build_site, inputs=["publication/candidate", "terminology/concepts"])
    decided = release.go_live(run)
    assert decided.version.facts["live"], decided.version.facts
    assert [v["rule"] for v in decided.version.verdicts if not v["passed"]] == []

    (folder,) = release_folders(run)
    tables = json.loads((folder / "quality.json").read_bytes())["tables"]
    for table, method in METHODS.items():
        cells = pq.read_table(folder / "tables" / f"{table}.parquet")
        counts = {n for n in cells["n"].to_pylist() if n is not None}
        if method == "rounding":
            assert all(n % 5 == 0 for n in counts)
        elif method == "suppression":
            assert cells["n"].null_count > 0
            assert not counts & {1, 2, 3, 4}
        else:
            assert not counts & {1, 2}
        assert table in tables
        assert any(f'id="{table}"' in page.read_text(encoding="utf-8") for page in (folder / "site" / "en").glob("*.html"))

    report = read_report(run)
    by_key, by_suppression = report["others"]["received"], report["others"]["closings"]
    assert set(report["cubes"]) == {"reports_month", "reports_year", "rulings_month"}
    assert by_key["tables"] == ["received_by_age"]
    assert by_key["sure_added_points"] is not None
    assert by_suppression["tables"] == ["closed_by_sex", "closed_by_ward"]
    assert (by_suppression["small_shown"], by_suppression["exact"], by_suppression["narrow_pct"]) == (0, 0, 0)
    assert 0 < by_suppression["tried"] <= by_suppression["not_shown"]
    page = report_page(report)
    assert "<h2>Tables by suppression</h2>" in page
    assert "<h2>Tables by cell key</h2>" in page
