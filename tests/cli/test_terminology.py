"""`das terminology`, as the steward types it: visible numbers in tables and JSON, and a sentence when something is wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.exits import Exit
from das_pipeline.publication import build_candidate
from das_pipeline.run import Run, produce
from das_pipeline.terminology import build_concepts, build_records
from tests.installation import TOY, Installation, installation
from tests.publication.conftest import leaves, months_until, protect
from tests.toy_deliveries import DAYS, take_in_all, write_toy_deliveries

MAPPINGS, SCHEME = "terminology/mappings/watch_offence.csv", "terminology/schemes/offence.csv"
pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The toy deliveries with their concepts and published tables, as known on 31 March 2024, and a copy of the jurisdiction."""
    root = tmp_path_factory.mktemp("steward")
    made = installation(root, shutil.copytree(TOY, root / "jurisdiction"))
    write_toy_deliveries(made.inbox)
    take_in_all(made.settings())
    run = Run.start(made.settings(), DAYS[2])
    produce(run, "terminology/concepts", build_concepts)
    produce(run, "terminology/records", build_records, inputs=["terminology/concepts"])
    protect(run, leaves(20, months_until(DAYS[2])))
    produce(run, "publication/candidate", build_candidate, inputs=["disclosure/leaves", "terminology/concepts"])
    return made


@pytest.fixture
def files(toy: Installation) -> Iterator[Path]:
    """The folder of the jurisdiction, as it was again afterwards."""
    folder = Path(toy.jurisdiction)
    yield folder
    shutil.copytree(TOY, folder, dirs_exist_ok=True)


def plant(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def cells(printed: str) -> list[list[str]]:
    """The rows of the tables in what a verb prints."""
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in printed.splitlines() if line.startswith("│")]


def of_json(made: Installation, *arguments: str) -> Any:
    return json.loads(made.das(*arguments, "--json"))


def test_codes_that_nobody_has_mapped_are_listed_with_their_rows(toy: Installation) -> None:
    assert cells(toy.das("terminology", "unmapped")) == [["watch_offence", "77", "1", "2024-01", ""]]
    assert of_json(toy, "terminology", "unmapped") == [
        {"list": "watch_offence", "code": "77", "rows": 1, "first_month": "2024-01", "concepts": []}
    ]


def test_a_row_is_proposed_for_each_of_them(toy: Installation) -> None:
    row = "77,,2024-01-01,9999-12-31,,"
    assert toy.das("terminology", "propose").splitlines() == [MAPPINGS, row]
    assert of_json(toy, "terminology", "propose") == [{"file": MAPPINGS, "row": row}]


def test_an_unchanged_mapping_set_changes_nothing(toy: Installation) -> None:
    assert "No record, concept or published figure would change." in toy.das("terminology", "diff")
    report = of_json(toy, "terminology", "diff")
    assert report["accepted"] == report["proposed"]
    assert [column["changes"] for column in report["columns"]] == [[]] * len(report["columns"])
    assert (report["concepts"], report["figures"], report["external"]) == ([], [], [])


def test_a_changed_mapping_and_a_changed_parent_are_reported_before_they_are_accepted(toy: Installation, files: Path) -> None:
    plant(files / MAPPINGS, "11,burglary", "11,assault")
    plant(files / SCHEME, "theft,offence,property", "theft,offence,violence")
    printed = toy.das("terminology", "diff")
    report = of_json(toy, "terminology", "diff")
    moved = {"was": "property", "becomes": "violence", "rows": 5 + 7}
    assert cells(printed) == [
        ["watch/reports.offence", "11", "burglary", "assault", "5", "17", "2024-01 to 2024-02"],
        ["offence", "theft", "parent", "property", "violence", "7"],
        ["reports", "offence", "property", "violence", "12", "60"],  # two codes in 27 months and 3 years
        ["reports_persons", "offence", "property", "violence", "12", "96"],
    ]
    assert [change for column in report["columns"] for change in column["changes"]] == [
        {"column": "watch/reports.offence", "code": "11", "was": "burglary", "becomes": "assault", "rows": 5}
        | {"first_month": "2024-01", "last_month": "2024-02"}
    ]
    assert report["concepts"] == [
        {"scheme": "offence", "concept": "theft", "what": "parent", "was": "property", "becomes": "violence", "rows": 7}
    ]
    assert report["figures"] == [
        moved | {"table": "reports", "dimension": "offence", "cells": 60},
        moved | {"table": "reports_persons", "dimension": "offence", "cells": 96},
    ]
    assert f"{report['proposed']},OWNER,REASON,EXPIRES_ON" in printed


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        (MAPPINGS, "11,burglary", "11,burglery", "terminology/mappings/watch_offence.csv row 3: burglery is not a concept of"),
        (MAPPINGS, "11,burglary,1900-01-01", "11,burglary,1900-13-01", "watch_offence.csv:3: valid_from: 1900-13-01 is not a day"),
        (MAPPINGS, "20,assault,1900", "11,assault,1900", "row 3: code 11 is mapped on the same day in row 4"),
    ],
)
def test_files_that_break_a_rule_are_not_compared(toy: Installation, files: Path, file: str, old: str, new: str, sentence: str) -> None:
    plant(files / file, old, new)
    for verb in (["diff"], ["export", str(files / "new")]):
        printed = toy.das("terminology", *verb, code=Exit.FAILED)
        assert sentence in " ".join(printed.split())
        assert "Traceback" not in printed
    assert not (files / "new").exists()


def test_the_terminology_is_exported_as_the_run_wrote_it(toy: Installation, tmp_path: Path) -> None:
    printed = toy.das("terminology", "export", str(tmp_path / "new"))
    for name in ("concepts.ttl", "concepts.jsonld"):
        written = (tmp_path / "new" / name).read_bytes()
        assert f"new/{name}: {len(written):,} bytes" in printed.replace("\n", "")
        for table in ("terminology/concepts", "publication/candidate"):
            assert written == toy.live(table).path(name).read_bytes()


@pytest.mark.parametrize("verb", ["unmapped", "propose", "diff"])
def test_before_the_first_run_each_verb_says_what_to_do(tmp_path: Path, verb: str) -> None:
    printed = installation(tmp_path).das("terminology", verb, code=Exit.FAILED)
    assert printed.strip() == "das: terminology/records has no live version yet: run das run, which makes it."
