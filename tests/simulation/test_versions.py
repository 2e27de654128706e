"""The simulation is no part of what is published: whatever changes in it, no production table gets a new version."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.lake import Draft
from das_pipeline.privacy import write_demo_keys
from das_pipeline.run import Run, produce
from das_pipeline.settings import Settings
from das_pipeline.stages import STAGES
from das_pipeline.terminology import build_concepts


@pytest.fixture
def run(dutch: Jurisdiction, tmp_path: Path) -> Run:
    """A run on a copy of the Dutch jurisdiction that a test may change."""
    copy = Path(shutil.copytree(dutch.folder, tmp_path / "nl"))
    settings = Settings(home=tmp_path / "home", inbox=tmp_path / "inbox", keys=tmp_path / "keys", jurisdiction=copy)
    write_demo_keys(settings.keys, seed=1)
    return Run.start(settings, date(2025, 12, 28))


def after_a_comment_in(run: Run, file: str) -> Run:
    """The next run, after a comment was added to a file of the jurisdiction."""
    path = run.jurisdiction.path(file)
    path.write_text(f"# Reviewed.\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    return Run.start(run.settings, run.as_of)


def new_stages(run: Run) -> set[str]:
    """Produce a small table of every stage; return the stages whose table got a new version."""

    def write_row(_: Run, draft: Draft) -> list:
        draft.path("row.txt", rows=1).write_text("1", encoding="utf-8")
        return []

    return {stage.name for stage in STAGES if produce(run, f"{stage.name}/small", write_row).is_new}


@pytest.mark.slow
def test_a_comment_in_the_simulation_makes_no_new_table(run: Run) -> None:
    first = produce(run, "terminology/concepts", build_concepts)
    again = produce(after_a_comment_in(run, "simulation/parameters.yaml"), "terminology/concepts", build_concepts)
    assert (first.is_new, again.is_new) == (True, False)
    assert again.version.id == first.version.id


@pytest.mark.parametrize(
    ("file", "new"),
    [
        ("simulation/parameters.yaml", set()),
        ("simulation/truth.yaml", set()),
        ("simulation/faults/default.yaml", set()),
        ("README.md", set()),
        ("texts/site.yaml", {"publication", "website", "release"}),  # the auditor knows every text that may be shown
        ("statistics/cubes.yaml", {"statistics", "disclosure", "publication", "website", "release"}),
        ("linkage.yaml", {"linkage"}),
    ],
)
def test_a_changed_file_makes_new_only_what_reads_it(run: Run, file: str, new: set[str]) -> None:
    assert new_stages(run) == {stage.name for stage in STAGES}
    assert new_stages(after_a_comment_in(run, file)) == new
