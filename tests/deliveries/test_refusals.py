"""A fault of one delivery is a recorded refusal of that delivery, whatever raised it, and never stops the intake of others."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from das_pipeline.deliveries import file, landing, pending, problems, refusals, take_in
from das_pipeline.gate import GateFailed
from das_pipeline.run import Run
from tests.conftest import TOY, toy_settings
from tests.deliveries.conftest import NEXT, THIRD, Desk, report
from tests.toy_deliveries import bench_cases

NOBODY = 65534


def change_manifest(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def sentence_of(desk: Desk, delivery: str = "2024-01-31.1", partner: str = "watch") -> str:
    """The recorded reason for which a delivery was refused."""
    record = landing.refusal(desk.run, partner, delivery)
    assert record is not None
    assert record["receipt"]["is_accepted"] is False
    return " ".join(finding["sentence"] for finding in record["receipt"]["findings"] if finding["refuses"])


def take_in_everything(desk: Desk) -> list[str]:
    """Take in what is ready, as the operator does: a refused delivery does not stop the next. Return the accepted ones."""
    accepted = []
    for delivery in [d for d in pending(desk.run) if d.state == "ready"]:
        try:
            take_in(desk.run, delivery)
            accepted.append(delivery.partner)
        except GateFailed:
            pass
    return accepted


# -- folders that cannot be read


@contextmanager
def without_privileges() -> Iterator[None]:
    """The rights of an ordinary account, for which permissions count: tests may run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.fixture(scope="module")
def _loaded(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every module that an intake needs: an ordinary account may not be allowed to read Python's own files."""
    desk = Desk(toy_settings(tmp_path_factory.mktemp("loaded")))
    desk.send([report("R0001"), report("bad")])
    desk.send([report("R0002")], THIRD, sequence=20)
    take_in_everything(desk)
    assert len(problems(desk.run)) == 1


@pytest.fixture
def open_desk(_loaded: None) -> Iterator[Desk]:
    """An intake that belongs to an ordinary account."""
    root = Path(tempfile.mkdtemp())
    shutil.copytree(TOY, root / "toy")
    settings = replace(toy_settings(root), jurisdiction=root / "toy")
    if os.geteuid() == 0:
        for path in [root, *root.rglob("*")]:
            os.chown(path, NOBODY, NOBODY)
    with without_privileges():
        yield Desk(settings)
    for path in [p for p in root.rglob("*") if p.is_dir()]:
        path.chmod(0o700)
    shutil.rmtree(root)


@pytest.mark.slow
@pytest.mark.parametrize("unreadable", [".", "manifest.json", "reports.csv"])
def test_what_cannot_be_read_is_refused_and_others_come_in(open_desk: Desk, unreadable: str) -> None:
    folder = open_desk.send([report("R0001")])
    open_desk.send_bench(bench_cases((1,)), b"")
    mode = (folder / unreadable).stat().st_mode
    (folder / unreadable).chmod(0)
    assert take_in_everything(open_desk) == ["bench"]
    assert "cannot be read (Permission denied)" in sentence_of(open_desk)
    assert "cannot be read (Permission denied)" in problems(open_desk.run)[0]
    (folder / unreadable).chmod(mode)  # what was never landed is looked at again
    assert take_in_everything(open_desk) == ["watch"]
    assert problems(open_desk.run) == []
    assert landing.refusal(open_desk.run, "watch", "2024-01-31.1") is None


@pytest.mark.slow
def test_a_partner_whose_folder_cannot_be_read_does_not_stop_the_others(open_desk: Desk) -> None:
    folder = open_desk.send([report("R0001")]).parent
    open_desk.send_bench(bench_cases((1,)), b"")
    folder.chmod(0)
    assert take_in_everything(open_desk) == ["bench"]
    assert "watch: cannot be read (Permission denied)" in problems(open_desk.run)[0]


@pytest.mark.slow
def test_a_folder_that_may_not_be_changed_is_accepted_and_stays(open_desk: Desk) -> None:
    folder = open_desk.send([report("R0001")])
    folder.chmod(0o500)
    assert take_in_everything(open_desk) == ["watch"]
    assert len(open_desk.records()) == 1
    assert pending(open_desk.run) == []
    assert "this delivery is landed, but its folder may not be changed" in problems(open_desk.run)[0]
    assert (folder / "reports.csv").exists()


# -- symbolic links


def test_symbolic_links_are_refused_and_not_followed(desk: Desk, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    desk.send([report("R0001")]).rename(target)
    (desk.settings.inbox / "watch" / "2024-01-31.1").symlink_to(target)
    linked = desk.send([report("R0002")], NEXT, sequence=2)
    (linked / "reports.csv").rename(target / "moved.csv")
    (linked / "reports.csv").symlink_to(target / "moved.csv")
    desk.send_bench(bench_cases((1,)), b"")
    assert take_in_everything(desk) == ["bench"]
    assert "is a symbolic link, which is not followed" in sentence_of(desk)
    assert "symbolic links are not followed" in sentence_of(desk, "2024-02-01.1")
    assert sum("symbolic link" in problem for problem in problems(desk.run)) == 2
    assert {p.name for p in target.iterdir()} == {"manifest.json", "reports.csv", "moved.csv"}


def test_a_partner_that_is_a_symbolic_link_is_not_followed(desk: Desk, tmp_path: Path) -> None:
    desk.send([report("R0001")]).parent.rename(tmp_path / "elsewhere")
    (desk.settings.inbox / "watch").symlink_to(tmp_path / "elsewhere")
    assert pending(desk.run) == []
    assert "watch: is a symbolic link" in problems(desk.run)[0]


# -- contents that no reader expects


def deep(levels: int) -> bytes:
    return b'{"case_no": ' + b'{"a": ' * levels + b"1" + b"}" * levels + b"}\n"


CONTENTS: dict[str, tuple[Callable[[Desk], object], str, str]] = {
    "a header field over 131,072 characters": (
        lambda desk: desk.send(b'"' + b"x" * 131_073 + b'"\n'),
        "watch",
        "a name in its header has more than 131,072 characters",
    ),
    "JSON 5,000 deep": (lambda desk: desk.send_bench(deep(5000), b""), "bench", "values inside values"),
    "JSON 5,000 deep after many good lines": (
        lambda desk: desk.send_bench(bench_cases((1,)) * 2000 + deep(5000), b""),
        "bench",
        "values inside values",
    ),
    "a sequence of 10^30": (
        lambda desk: change_manifest(desk.send([report("R0001")]), sequence=10**30),
        "watch",
        "sequence is a number of 31 digits, and the one before it is 0",
    ),
}


@pytest.mark.parametrize(("send", "partner", "reason"), CONTENTS.values(), ids=CONTENTS)
def test_content_that_no_reader_expects_is_refused_with_a_sentence(desk: Desk, send, partner: str, reason: str) -> None:
    send(desk)
    if partner == "watch":
        desk.send_bench(bench_cases((1,)), b"")
    else:
        desk.send([report("R0001")])
    assert take_in_everything(desk) == [{"watch": "bench", "bench": "watch"}[partner]]
    assert reason in sentence_of(desk, partner=partner)
    assert any(reason in problem for problem in problems(desk.run))
    assert pending(desk.run) == []


def test_the_last_day_of_the_calendar_is_refused(desk: Desk) -> None:
    desk.send([report("R0001")], date(9999, 12, 31))
    desk.send_bench(bench_cases((1,)), b"")
    assert take_in_everything(desk) == ["bench"]
    assert "reference_on: Input should be less than or equal to 2999-12-31" in sentence_of(desk, "9999-12-31.1")
    assert any("2999-12-31" in problem for problem in problems(desk.run))


def test_a_fault_that_nobody_foresaw_is_a_refusal_of_its_delivery(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault is put in: one that is known has a sentence of its own."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError("Abernathy")

    monkeypatch.setattr(file, "header_of", fail)
    desk.send([report("R0001")])
    assert take_in_everything(desk) == []
    assert "Its files cannot be read: ZeroDivisionError at test_refusals.py:" in sentence_of(desk)
    assert "Abernathy" not in sentence_of(desk)
    monkeypatch.undo()
    desk.send([report("R0001")], number=2)
    assert take_in_everything(desk) == ["watch"]


# -- wrong dates and numbers


@pytest.mark.slow
@pytest.mark.parametrize("is_simulated", [True, False])
def test_a_wrong_year_is_refused_and_the_right_one_goes_in(desk: Desk, ready_for_real: Callable[[], None], is_simulated: bool) -> None:
    if not is_simulated:
        ready_for_real()
    desk.send([report("R0001")], is_simulated=is_simulated)
    take_in_everything(desk)
    desk.send([report("R0002")], NEXT, sequence=2, delivered_on="2942-02-01", is_simulated=is_simulated)
    (wrong,) = pending(Run.start(desk.settings, date(2100, 1, 1)))
    assert (wrong.state, wrong.known_on < date(2100, 1, 1)) == ("ready", True)  # so that no chain runs as known in 2942
    assert take_in_everything(desk) == []
    assert "delivered_on is 2942-02-01, and a day after 20" in sentence_of(desk, "2024-02-01.1")
    desk.send([report("R0002")], NEXT, sequence=2, number=2, is_simulated=is_simulated)
    desk.send([report("R0003")], THIRD, sequence=3, is_simulated=is_simulated)
    assert take_in_everything(desk) == ["watch", "watch"]
    assert problems(desk.run) == []


def test_the_limit_of_a_date_is_the_day_of_arrival(desk: Desk) -> None:
    """Simulated deliveries have a calendar of their own: half a year after the reference date and the delivery before."""
    desk.send([report("R0001")])
    take_in_everything(desk)
    desk.send([report("R0002")], NEXT, sequence=2, delivered_on="2024-08-01")
    desk.send([report("R0002")], NEXT, sequence=2, number=2, delivered_on="2024-08-03")
    assert [bool(d.impossible) for d in pending(desk.run)] == [False, True]


@pytest.mark.slow
def test_a_wrong_number_is_refused_and_the_right_one_goes_in(desk: Desk) -> None:
    desk.send([report("R0001")])
    desk.send([report("R0002")], NEXT, sequence=2)
    desk.send([report("R0003")], THIRD, sequence=30)
    assert take_in_everything(desk) == ["watch", "watch"]
    assert "sequence is 30, and the one before it is 2" in sentence_of(desk, "2024-02-02.1")
    desk.send([report("R0003")], THIRD, sequence=3, number=2)
    desk.send([report("R0004")], date(2024, 2, 3), sequence=4)
    assert take_in_everything(desk) == ["watch", "watch"]
    assert problems(desk.run) == []


@pytest.mark.slow
def test_a_wrong_number_of_a_whole_register_is_refused_too(desk: Desk) -> None:
    desk.send_bench(bench_cases((1,)), b"")
    desk.send_bench(bench_cases((1, 2)), b"", NEXT, sequence=20)
    assert take_in_everything(desk) == ["bench"]
    desk.send_bench(bench_cases((1, 2)), b"", NEXT, sequence=2, number=2)
    assert take_in_everything(desk) == ["bench"]
    assert problems(desk.run) == []


@pytest.mark.slow
def test_many_deliveries_after_a_lost_one_wait_and_are_not_refused(desk: Desk) -> None:
    desk.send([report("R0001")])
    for sequence in range(3, 15):
        desk.send([report(f"R{sequence:04}")], date(2024, 2, sequence), sequence=sequence)
    assert [(d.sequence, d.state) for d in pending(desk.run)] == [(1, "ready"), *((n, "waiting") for n in range(3, 15))]
    desk.send([report("R0002")], date(2024, 2, 2), sequence=2)
    assert [(d.sequence, d.state) for d in pending(desk.run)] == [(n, "ready") for n in range(1, 15)]
    for delivery in pending(desk.run)[:3]:
        take_in(desk.run, delivery)
    assert [d.sequence for d in pending(desk.run) if d.state == "ready"] == list(range(4, 15))


@pytest.mark.parametrize("replaces", ["2024-01-31.1", None])
@pytest.mark.parametrize("is_recorded", [True, False], ids=["", "recorded by an earlier version"])
def test_a_refused_replacement_is_shown_until_a_later_delivery_is_accepted(desk: Desk, replaces: str | None, is_recorded: bool) -> None:
    """The sequence of the replacement is in force already, by the delivery that it was to replace."""

    def shown() -> list[str]:
        return [refusal.delivery for refusal in refusals(desk.run) if not refusal.is_made_good]

    desk.send([report("R0001")])
    desk.take_in()
    folder = desk.send([report("R0001", offence="11")], number=2, replaces=replaces)
    (folder / "reports.csv").write_bytes(b"torn")
    desk.refused()
    if not is_recorded:
        path = landing.refusal_path(desk.run, "watch", "2024-01-31.2")
        path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != "in_force"}))
    assert shown() == (["2024-01-31.2"] if replaces or is_recorded else [])
    if replaces:
        assert "watch 2024-01-31.2, sequence 1, was refused and is not corrected." in problems(desk.run)[0]
    desk.send([report("R0002")], NEXT, sequence=2)
    desk.take_in()
    assert shown() == []
