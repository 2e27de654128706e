"""`das contracts diff`: which changes break earlier files, and the version that they ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from cli.main import app
from das_pipeline.contracts.differences import compare, load_contract
from tests.conftest import TOY

REPORTS = TOY / "contracts/watch/reports.yaml"
NEW_COLUMN = {"name": "daypart", "type": "text", "description": {"nl": "Dagdeel", "en": "Part of the day"}}


def changed(tmp_path: Path, how: Any, version: str = "1.0.0") -> Path:
    content = yaml.safe_load(REPORTS.read_text(encoding="utf-8"))
    how(content)
    path = tmp_path / "reports.yaml"
    path.write_text(yaml.safe_dump(content | {"version": version}), encoding="utf-8")
    return path


def column(content: dict, name: str) -> dict:
    return next(c for c in content["columns"] if c["name"] == name)


@pytest.mark.parametrize(
    ("how", "is_breaking", "needed", "what"),
    [
        (lambda c: None, False, "1.0.0", None),
        (lambda c: c.update(purpose="more"), False, "1.0.1", "purpose is another text"),
        (lambda c: column(c, "ward").update(description={"nl": "Buurt", "en": "Area"}), False, "1.0.1", "the description of ward"),
        (lambda c: c["columns"].append(NEW_COLUMN), True, "2.0.0", "it is new: give `since`"),
        (lambda c: c["columns"].append(NEW_COLUMN | {"since": "2025-01-01"}), False, "1.1.0", "it is new, from 2025-01-01 on"),
        (lambda c: c["columns"].remove(column(c, "ward")), True, "2.0.0", "it is gone: keep it with `until`"),
        (lambda c: column(c, "ward").update(until="2025-01-01"), False, "1.1.0", "until: none became 2025-01-01"),
        (lambda c: column(c, "ward").update(required=True), True, "2.0.0", "required: False became True"),
        (lambda c: column(c, "offence").update(required=False), False, "1.1.0", "required: True became False"),
        (lambda c: column(c, "damage").update(range=[0, 10]), True, "2.0.0", "range"),
        (lambda c: column(c, "damage").update(range=[0, 999999]), False, "1.1.0", "range"),
        (lambda c: column(c, "mutation").update(one_of=["N", "C", "W", "X"]), False, "1.1.0", "one_of: [N, C, W] became [N, C, W, X]"),
        (lambda c: column(c, "ward").update(one_of=["n"]), True, "2.0.0", "one_of: [] became [n]"),
        (lambda c: column(c, "closed_on").update(formats=["yyyy-mm-dd"]), True, "2.0.0", "formats"),
        (lambda c: column(c, "closed_on").update(horizon_days=9), False, "1.1.0", "horizon_days: 0 became 9"),
        (lambda c: column(c, "damage").update(type="integer"), True, "2.0.0", "type: decimal became integer"),
        (lambda c: column(c, "report_no").update(mask="R99999"), True, "2.0.0", "mask: R9999 became R99999"),
        (lambda c: c["format"].update(delimiter=";"), True, "2.0.0", "delimiter: , became ;"),
        (lambda c: c["delivery"].update(withdrawn_limit=0.1), True, "2.0.0", "withdrawn_limit"),
        (lambda c: c["delivery"].update(withdrawn_limit=0.9), False, "1.1.0", "withdrawn_limit"),
        (lambda c: c.update(unit="incident"), True, "2.0.0", "unit: report became incident"),
    ],
)
def test_a_change_asks_for_its_version(tmp_path: Path, how: Any, is_breaking: bool, needed: str, what: str | None) -> None:
    comparison = compare(load_contract(REPORTS), load_contract(changed(tmp_path, how)))
    assert any(c.is_breaking for c in comparison.changes) == is_breaking
    assert comparison.needed == needed
    assert comparison.is_enough == (needed == "1.0.0")
    assert ([what in c.what for c in comparison.changes] == [True]) if what else (comparison.changes == [])


def test_the_command_line_asks_for_a_new_major_version(tmp_path: Path) -> None:
    def drop(content: dict) -> None:
        content["columns"].remove(column(content, "ward"))

    told = CliRunner().invoke(app, ["contracts", "diff", str(REPORTS), str(changed(tmp_path, drop, "1.1.0"))])
    assert told.exit_code == 1
    assert "column ward" in told.stdout
    assert "needs version 2.0.0 or higher, and has 1.1.0" in " ".join(told.stdout.split())
    told = CliRunner().invoke(app, ["contracts", "diff", str(REPORTS), str(changed(tmp_path, drop, "2.0.0"))])
    assert told.exit_code == 0
