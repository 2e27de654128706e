"""A new format is one module and one line of registration: with JSON lines as the third, everything else learns of it by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from das_pipeline import publication, release, website
from das_pipeline.auditor import audit
from das_pipeline.gate import GateFailed
from das_pipeline.publication import build_candidate, formats
from das_pipeline.publication.formats import Format
from das_pipeline.run import Run, produce

pytestmark = [pytest.mark.slow]

MARCH = date(2024, 3, 31)


def write(cells: pa.Table, path: Path) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in cells.to_pylist()), encoding="utf-8")


def read(path: Path, schema: pa.Schema) -> pa.Table:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return pa.Table.from_pylist(rows, schema.remove_metadata())


def write_wrong(cells: pa.Table, path: Path) -> None:
    """One count more than the table has."""
    rows = cells.to_pylist()
    write(pa.Table.from_pylist([rows[0] | {"n": rows[0]["n"] + 5}, *rows[1:]], cells.schema), path)


def finished(run: Run, monkeypatch: pytest.MonkeyPatch, writer: Callable[[pa.Table, Path], None]) -> Run:
    """The candidate with its site, in three formats."""
    monkeypatch.setattr(release, "audit", audit)  # these have pages, unlike the other candidates of this folder
    monkeypatch.setattr(formats, "FORMATS", (*formats.FORMATS, Format("JSON Lines", "jsonl", "application/x-ndjson", writer, read)))
    produce(run, "publication/candidate", build_candidate, inputs=["disclosure/leaves", "terminology/concepts"])
    produce(run, "website/site", website.build_site, inputs=["publication/candidate", "terminology/concepts"])
    return run


def test_a_third_format_is_written_described_linked_checked_and_released(
    protected: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(protected(MARCH), monkeypatch, write)
    release.go_live(run)
    folder = publication.current_release(run).folder
    assert release.verify_release(folder) == []
    rows = [json.loads(line) for line in (folder / "tables" / "reports.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) == len((folder / "tables" / "reports.csv").read_text(encoding="utf-8").splitlines()) - 1
    resources = {r["path"]: r for r in json.loads((folder / "datapackage.json").read_bytes())["resources"]}
    described = resources["tables/reports.jsonl"]
    assert (described["name"], described["format"], described["mediatype"]) == ("reports-jsonl", "jsonl", "application/x-ndjson")
    assert described["schema"] == resources["tables/reports.csv"]["schema"]
    for page in ("site/meldingen.html", "site/tabellen.html", "site/en/tables.html"):
        assert 'tables/reports.jsonl" download' in (folder / page).read_text(encoding="utf-8")


def test_the_auditor_sees_a_copy_in_a_third_format_that_differs(protected: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    run = finished(protected(MARCH), monkeypatch, write_wrong)
    with pytest.raises(GateFailed, match=r"D03 one_cell_one_value: Broken in tables/flow\.jsonl \(2\)"):
        release.go_live(run)
    assert publication.current_release(run) is None
