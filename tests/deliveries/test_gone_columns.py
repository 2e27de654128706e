"""A column that was filled and has nothing in a whole file stops the delivery at once, in every form, unless the contract allows it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import TOY, toy_settings
from tests.deliveries.conftest import DAY, NEXT, Desk, report
from tests.deliveries.test_kinds import FORMS, WIDTH, files

ROWS = [{"case_no": f"C{n}", "received_on": "2024-01-02", "note": f"n{n}"} for n in range(5)]
CANNOT_BE_ABSENT = {"fixed"}


def renamed(rows: list[dict[str, Any]], name: str = "noted") -> list[dict[str, Any]]:
    return [{**{k: v for k, v in row.items() if k != "note"}, name: row["note"]} for row in rows]


def emptied(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {"note": ""} for row in rows]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Desk]:
    """A desk where bench/cases has three columns and this form, `note` with these keys, after ROWS. Tests go on from a copy."""

    @cache
    def make(form: str, **keys: Any) -> Desk:
        root = tmp_path_factory.mktemp("begun")
        folder = Path(shutil.copytree(TOY, root / "toy"))
        path = folder / "contracts" / "bench" / "cases.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        columns = [c for c in content["columns"] if c["name"] in ("case_no", "received_on")]
        columns.append({"name": "note", "type": "text", "description": columns[0]["description"], **keys})
        for n, column in enumerate(columns if form == "fixed" else []):
            column["at"] = [1 + WIDTH * n, WIDTH]
        path.write_text(yaml.safe_dump({**content, "columns": columns, "format": FORMS[form]}), encoding="utf-8")
        desk = Desk(replace(toy_settings(root), jurisdiction=folder))
        send(desk, form, ROWS)
        desk.take_in()
        return desk

    return make


@pytest.fixture
def desk_of(desk: Desk, begun: Callable[..., Desk]) -> Callable[..., Desk]:
    """A desk at which ROWS are in force."""

    def make(form: str, **keys: Any) -> Desk:
        desk.go_on_from(begun(form, **keys))
        return desk

    return make


def send(desk: Desk, form: str, rows: list[dict[str, Any]], **said: Any) -> None:
    """A delivery of these cases whose manifest counts lines as the form has them."""
    folder = desk.send_bench(files(form, rows), b"", **said)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"][0]["lines"] = len(rows) + (form in ("csv", "tsv", "xlsx"))
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.breaks("I13")
@pytest.mark.parametrize("form", FORMS)
def test_a_column_that_is_emptied_in_a_whole_register_blocks_at_once(form: str, desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(form)
    send(desk, form, emptied(ROWS), on=NEXT, sequence=2)
    assert desk.refused()["I13"].sentence.startswith("Columns that were filled until now are empty: cases: note. Ask")


@pytest.mark.slow
@pytest.mark.parametrize("form", [f for f in FORMS if f not in CANNOT_BE_ABSENT])
def test_a_renamed_column_blocks_at_once_and_its_probable_name_is_given(form: str, desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(form)
    send(desk, form, renamed(ROWS[:1]), on=NEXT, sequence=2, complete_for={"cases": "nothing"})
    refused = desk.refused()
    rule = "I13" if form in ("jsonl", "xml") else "I04"
    assert "cases has noted: did you mean that for note?" in refused[rule].sentence


@pytest.mark.slow
@pytest.mark.parametrize("form", ["jsonl", "xml"])
def test_a_column_that_is_left_out_blocks_and_so_does_one_of_another_name(form: str, desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(form)
    without = [{k: v for k, v in row.items() if k != "note"} for row in ROWS]
    send(desk, form, without, on=NEXT, sequence=2)
    assert "cases: note. Ask" in desk.refused()["I13"].sentence
    send(desk, form, renamed(ROWS, "remark"), on=NEXT, sequence=2, number=2)
    assert "cases has remark: did you mean that for note?" in desk.refused()["I13"].sentence


def test_a_value_of_a_person_in_place_of_a_name_is_not_repeated(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of("jsonl")
    send(desk, "jsonl", renamed(ROWS, "Ada Abernathy"), on=NEXT, sequence=2)
    assert "Abernathy" not in desk.refused()["I13"].sentence


@pytest.mark.slow
def test_the_contract_can_say_that_a_column_becomes_empty(desk_of: Callable[..., Desk], failed) -> None:
    desk = desk_of("jsonl", empty_from=NEXT)
    send(desk, "jsonl", emptied(ROWS), on=NEXT, sequence=2)
    assert failed(desk.take_in()) == {}


@pytest.mark.slow
def test_a_required_column_that_is_renamed_is_named_too(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of("xml", required=True)
    send(desk, "xml", renamed(ROWS), on=NEXT, sequence=2)
    assert "cases has noted: did you mean that for note?" in desk.refused()["I13"].sentence


@pytest.mark.slow
def test_changes_that_empty_what_is_in_force_block_and_a_few_empty_ones_do_not(desk: Desk, failed) -> None:
    desk.send([report(f"R{n:04}", damage="1.00") for n in range(25)])
    desk.take_in()
    desk.send([report(f"R{n:04}", mutation="C") for n in range(3)], NEXT, sequence=2)
    assert failed(desk.take_in()) == {}
    desk.send([report(f"R{n:04}", mutation="C") for n in range(3, 25)], NEXT.replace(day=2), sequence=3)
    assert desk.refused()["I13"].sentence.startswith("Columns that were filled until now are empty: reports: damage")


def test_wrong_values_are_in_quarantine_and_not_gone(desk: Desk) -> None:
    desk.send([report(f"R{n:04}", damage="1.00") for n in range(25)], DAY)
    desk.take_in()
    desk.send([report(f"R{n:04}", mutation="C", damage="1,00") for n in range(25)], NEXT, sequence=2)
    assert "I13" not in desk.refused()
