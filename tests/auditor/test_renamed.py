"""A release in which a category has another name goes live, says so on its page, and the auditor finds nothing in it."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from das_pipeline import release
from das_pipeline.publication import release_folders
from das_pipeline.run import Run
from tests.auditor.test_plants import FEBRUARY, MARCH, publish
from tests.conftest import TOY, toy_settings
from tests.publication import conftest as toy

pytestmark = [pytest.mark.slow]
OLD, NEW = "property", "goods"


def rename(folder: Path) -> None:
    """Call the concept `property` of a copy of the toy `goods`, wherever it is named, and say that it takes its place."""
    for path in (p for p in folder.rglob("*") if p.suffix in {".csv", ".yaml"}):
        text = path.read_text(encoding="utf-8")
        if OLD in text:
            path.write_text(text.replace(OLD, NEW), encoding="utf-8")
    path = folder / "terminology" / "schemes" / "offence.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "replaces"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | {"replaces": f"{OLD} belongings" if row["concept"] == NEW else ""} for row in rows)


def test_a_release_with_a_renamed_category_goes_live_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "as_expected", lambda folder, page: [])
    settings = toy_settings(tmp_path)
    publish(Run.start(settings, FEBRUARY))
    copy = Path(shutil.copytree(TOY, tmp_path / "renamed" / "toy"))
    rename(copy)
    monkeypatch.setattr(toy, "OFFENCES", (NEW, *toy.OFFENCES[1:]))
    run = Run.start(replace(settings, jurisdiction=copy), MARCH)
    publish(run)
    folder = release_folders(run)[-1]
    changes = json.loads((folder / "changes.json").read_bytes())
    assert (folder.name, changes["version"]) == ("2024-03-31.1", "2.0.0")  # cells under the old name are removed
    assert changes["tables"]["reports"]["renamed"] == {"offence": {OLD: NEW}}
    assert "property → Property" in (folder / "site" / "en" / "changes.html").read_text(encoding="utf-8")
