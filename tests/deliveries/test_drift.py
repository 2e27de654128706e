"""The drift report: what of a delivery is not as in the earlier ones, and whether anything of ours changed with it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from das_pipeline.lake import Version
from tests.conftest import TOY, toy_settings
from tests.deliveries.conftest import DAY, Desk
from tests.toy_deliveries import CANARIES, WATCH_HEADER

REPORTS, OFFENCES = "contracts/watch/reports.yaml", "terminology/codes/watch_offence.csv"
Row = Callable[[int], str]


def row(n: int, *, offence: str = "10", ward: str | None = None, damage: str = "1.00") -> str:
    ward = "ns"[n % 2] if ward is None else ward
    return f"N,R{n:04},101,Abernathy,Ada,1990-05-01,F,{offence},{ward},2024-01-02,2024-01-03,,{damage}"


def usual(n: int) -> str:
    """One report in four is a burglary (11), the others are thefts (10)."""
    return row(n, offence="11" if n % 4 == 0 else "10")


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Three deliveries are in force: the whole register, and 80 usual reports twice. Tests go on from a copy."""
    desk = Desk(toy_settings(tmp_path_factory.mktemp("begun")))
    for sequence in (1, 2, 3):
        send(desk, sequence, usual)
    desk.take_in()
    return desk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TOY, tmp_path / "toy"))


@pytest.fixture
def desk(desk: Desk, begun: Desk, folder: Path) -> Desk:
    desk.go_on_from(begun)
    desk.settings = replace(desk.settings, jurisdiction=folder)
    return desk


def send(desk: Desk, sequence: int, make: Row, rows: int = 80) -> None:
    first = sequence * 100
    desk.send([make(n) for n in range(first, first + rows)], DAY + timedelta(days=sequence), sequence=sequence)


def drift(version: Version) -> dict[str, Any]:
    newest = max(name for name in version.files if name.startswith("receipts/") and name.endswith(".json"))
    return json.loads(version.path(newest).read_text(encoding="utf-8"))["drift"]


@pytest.mark.slow
def test_nothing_is_shown_of_a_delivery_like_the_earlier_ones(desk: Desk) -> None:
    send(desk, 4, usual)
    live = desk.take_in()
    assert drift(live) == {"compared_with": ["2024-02-02.1", "2024-02-03.1"], "changes": []}  # not the first, the whole register
    assert live.facts["drift"] == {"compared_with": 2, "ours": 0, "theirs": 0}


CHANGED: list[tuple[Row, int, tuple[str, str | None, str, float, float]]] = [
    (lambda n: row(n, offence="10" if n % 4 == 0 else "11"), 80, ("offence", "10", "share of code", 0.75, 0.25)),
    (lambda n: row(n, offence="11" if n % 4 == 0 else "10", ward="" if n % 2 else "n"), 80, ("ward", None, "filled", 1, 0.5)),
    (lambda n: row(n, offence="11" if n % 4 == 0 else "20" if n % 4 == 1 else "10"), 80, ("offence", "20", "new code", 0, 0.25)),
    (lambda n: row(n, offence="11" if n % 4 == 0 else "Brockhurst" if n % 4 == 1 else "10"), 80, ("offence", "", "new code", 0, 0.25)),
    (usual, 20, ("", None, "rows", 80, 20)),
]


@pytest.mark.slow
@pytest.mark.parametrize(("make", "rows", "change"), CHANGED, ids=["share", "filled", "new code", "not a code", "rows"])
def test_a_change_of_theirs_is_shown_with_both_figures(desk: Desk, make: Row, rows: int, change: tuple[Any, ...]) -> None:
    send(desk, 4, make, rows)
    live = desk.take_in()
    changes = drift(live)["changes"]
    assert change in [(c["column"], c["code"], c["what"], c["before"], c["now"]) for c in changes]
    assert {c["ours"] for c in changes} == {""}
    assert live.facts["drift"] == {"compared_with": 2, "ours": 0, "theirs": len(changes)}
    page = live.path("receipts/2024-02-04.1.html").read_text(encoding="utf-8")
    assert all(c["sentence"] in page for c in changes)
    assert not [name for name in CANARIES if name in page or name in json.dumps(changes)]


def test_a_column_that_the_contract_does_not_know_is_counted(desk: Desk) -> None:
    lines = [f"mood,{WATCH_HEADER}", *(f"Hollingworth,{usual(n)}" for n in range(400, 480))]
    desk.send("".join(f"{line}\n" for line in lines).encode(), DAY + timedelta(days=4), sequence=4)
    (change,) = drift(desk.take_in())["changes"]
    assert (change["what"], change["before"], change["now"]) == ("unknown columns", 0, 1)
    assert change["sentence"].startswith("Columns of reports that its contract does not know: 1, and 0 until now. Nothing of ours changed")


def test_a_change_that_came_with_one_of_ours_says_so(desk: Desk, folder: Path) -> None:
    """From now on the code n stands for a missing ward, and the code list of offences has another label."""
    path = folder / REPORTS
    path.write_text(path.read_text(encoding="utf-8").replace("name: ward, ", 'name: ward, null_tokens: ["", n], '), encoding="utf-8")
    path = folder / OFFENCES
    path.write_text(path.read_text(encoding="utf-8").replace("\n10,", "\n10,the "), encoding="utf-8")
    send(desk, 4, lambda n: row(n, offence="10" if n % 4 == 0 else "11", damage="" if n % 2 else "1.00"))
    live = desk.take_in()
    shown = {(c["column"], c["what"], c["ours"]) for c in drift(live)["changes"]}
    of_ward = {("ward", "filled", "contract"), ("ward", "share of code", "contract")}
    assert shown == of_ward | {("offence", "share of code", "code list"), ("damage", "filled", "")}
    assert live.facts["drift"] == {"compared_with": 2, "ours": 5, "theirs": 1}
    sentences = [c["sentence"] for c in drift(live)["changes"]]
    (sentence,) = [sentence for sentence in sentences if "ward is filled" in sentence]
    assert sentence.startswith("reports.ward is filled in 50.0% of the rows, and in 100.0% until now. It came with a change of ours")


@pytest.mark.breaks("F12")
def test_a_code_with_another_share_warns(desk: Desk, failed) -> None:
    send(desk, 4, lambda n: row(n, offence="11"))
    verdict = failed(desk.take_in())["F12"]
    assert (verdict["severity"], verdict["facts"]) == ("warn", {"theirs": 2, "ours": 0})
    assert "Nothing of ours changed: ask the sender." in verdict["sentence"]


@pytest.mark.slow
def test_a_new_level_is_shown_once(desk: Desk) -> None:
    """What lies within the range of the earlier deliveries is no change."""
    for sequence in (4, 5):
        send(desk, sequence, lambda n: row(n, offence="11" if n % 2 else "10"))
    assert drift(desk.take_in())["changes"] == []


def test_few_rows_say_nothing(desk: Desk) -> None:
    send(desk, 4, lambda n: row(n, offence="20"), rows=3)
    assert [c["what"] for c in drift(desk.take_in())["changes"]] == ["rows"]
