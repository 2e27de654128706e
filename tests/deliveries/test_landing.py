"""What arrives is landed whole or left alone, reported clearly, and never lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from das_pipeline.deliveries import arrived, landing, pending, problems, take_in
from das_pipeline.errors import DeliveryRefused, LakeError
from das_pipeline.gate import GateFailed
from das_pipeline.lake import Lake
from das_pipeline.privacy import decrypted
from das_pipeline.run import Run
from tests.deliveries.conftest import DAY, NEXT, THIRD, Desk, report
from tests.toy_deliveries import CANARIES, watch_csv


def files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_originals_are_kept_encrypted_and_leave_the_inbox(desk: Desk) -> None:
    lines = [report("R0001"), "N,broken"]
    desk.send(lines)
    desk.take_in()
    assert files(desk.settings.inbox) == set()
    (original,) = (desk.settings.home / "landing" / "objects").iterdir()
    assert b"".join(decrypted(original, desk.run.keys.encryption)) == watch_csv(lines)


def test_nothing_of_a_person_lies_plain_in_the_home(desk: Desk) -> None:
    desk.send([report(f"R{n:04}", surname=name, damage="x" if n > 5 else "") for n, name in enumerate(CANARIES)])
    desk.take_in()
    plain = [p for p in desk.settings.home.rglob("*") if p.is_file() and any(c.encode() in p.read_bytes() for c in CANARIES)]
    assert plain == []


def test_a_folder_without_manifest_is_left_alone_and_reported(desk: Desk) -> None:
    folder = desk.send([report("R0001")])
    (folder / "manifest.json").unlink()
    assert pending(desk.run) == []
    assert "manifest.json is missing" in problems(desk.run)[0]
    assert files(folder) == {"reports.csv"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m.update(sequence=0), "sequence: Input should be greater than or equal to 1"),
        (lambda m: m.update(delivery="2024-01-31"), "delivery must be the reference date and a number"),
        (lambda m: m.update(delivered_on="2024-01-30"), "delivered_on lies before reference_on"),
        (lambda m: m["files"][0].update(name="../reports.csv"), "a file name may have"),
        (lambda m: m["files"].append(m["files"][0]), "a file is listed twice"),
        (lambda m: m["files"].append(m["files"][0] | {"file": "other", "lines": 7}), "one name is listed with several contents"),
        (lambda m: m.update(partner="bench"), "is about bench/2024-01-31.1"),
        (lambda m: m.pop("is_simulated"), "is_simulated: Field required"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_left_alone_and_reported(desk: Desk, change, said: str) -> None:
    folder = desk.send([report("R0001")])
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert pending(desk.run) == []
    assert said in problems(desk.run)[0]
    assert files(folder) == {"reports.csv", "manifest.json"}


def test_a_torn_manifest_is_reported(desk: Desk) -> None:
    (desk.send([report("R0001")]) / "manifest.json").write_text('{"partner": "wat')
    assert "manifest.json cannot be read" in problems(desk.run)[0]


def test_an_unknown_partner_is_left_alone_and_reported(desk: Desk) -> None:
    (desk.settings.inbox / "stranger" / "2024-01-31.1").mkdir(parents=True)
    (desk.settings.inbox / "loose.csv").touch()
    found = problems(desk.run)
    assert "a file in the inbox itself" in found[0]
    assert "stranger is not a partner of toy" in found[1]
    assert pending(desk.run) == []


def test_real_data_is_not_landed_with_demo_keys(desk: Desk, ready_for_real: Callable[[], None]) -> None:
    folder = desk.send([report("R0001")], is_simulated=False)
    with pytest.raises(DeliveryRefused, match="demo keys"):
        desk.take_in()
    assert files(folder) == {"reports.csv", "manifest.json"}
    assert not (desk.settings.home / "landing").exists()
    ready_for_real()
    assert desk.take_in().rows > 0


def test_what_arrives_later_than_the_date_asked_for_is_not_there_yet(desk: Desk) -> None:
    desk.send([report("R0001")], NEXT)
    assert pending(Run.start(desk.settings, DAY)) == []
    assert len(pending(Run.start(desk.settings, NEXT))) == 1


@pytest.mark.slow
def test_a_delta_waits_for_the_one_before_it(desk: Desk) -> None:
    desk.send([report("R0001")], DAY, sequence=1)
    desk.send([report("R0003")], THIRD, sequence=3)
    assert [(d.delivery, d.state) for d in pending(desk.run)] == [("2024-01-31.1", "ready"), ("2024-02-02.1", "waiting")]
    desk.take_in()
    (waiting,) = pending(desk.run)
    assert waiting.reason == "It waits for sequence 2, which has not been accepted."
    with pytest.raises(DeliveryRefused, match="waits for sequence 2"):
        take_in(desk.run, waiting)
    desk.send([report("R0002")], NEXT, sequence=2)
    assert [d.state for d in pending(desk.run)] == ["ready", "ready"]
    desk.take_in()
    assert [r["delivery"] for r in desk.records()] == ["2024-01-31.1", "2024-02-01.1", "2024-02-02.1"]


def test_a_snapshot_needs_no_predecessor(desk: Desk) -> None:
    desk.send_bench(b"", b"", THIRD, sequence=3)
    assert [d.state for d in pending(desk.run)] == ["ready"]


@pytest.mark.slow
def test_a_refused_delivery_blocks_later_ones_until_it_is_corrected(desk: Desk) -> None:
    desk.send([report("R0001")])
    desk.take_in()
    broken = desk.send([report("R0002")], NEXT, sequence=2)
    (broken / "reports.csv").write_bytes(b"")
    desk.refused()
    desk.send([report("R0003")], THIRD, sequence=3)
    assert [d.state for d in pending(desk.run)] == ["waiting"]
    assert "2024-02-01.1, sequence 2, was refused and is not corrected. The bytes of reports.csv" in problems(desk.run)[0]
    with pytest.raises(DeliveryRefused, match="was refused"):
        take_in(desk.run, arrived(desk.run, "watch", "2024-02-01.1"))
    desk.send([report("R0002")], NEXT, sequence=2, number=2, replaces="2024-02-01.1", delivered_on="2024-02-02")
    assert [(d.delivery, d.state) for d in pending(desk.run)] == [("2024-02-01.2", "ready"), ("2024-02-02.1", "ready")]
    desk.take_in()
    assert len(desk.records()) == 3
    assert problems(desk.run) == []


def test_a_refusal_keeps_its_verdicts_and_its_receipt(desk: Desk) -> None:
    (desk.send([report("R0001")]) / "reports.csv").write_bytes(b"")
    desk.refused()
    found = landing.refusal(desk.run, "watch", "2024-01-31.1")
    assert found is not None
    assert [v["rule"] for v in found["verdicts"] if not v["passed"]] == ["I01"]
    assert found["receipt"]["is_accepted"] is False
    assert Lake(desk.settings.home).current("deliveries/watch") is None


def test_the_same_delivery_again_changes_nothing(desk: Desk) -> None:
    desk.send([report("R0001")])
    first = desk.take_in()
    folder = desk.send([report("R0001")])
    assert pending(desk.run) == []
    assert problems(desk.run) == []
    produced = take_in(desk.run, arrived(desk.run, "watch", "2024-01-31.1"))
    assert (produced.is_new, produced.version.id) == (False, first.id)
    assert not folder.exists()


def test_other_content_under_the_same_name_is_left_alone_and_reported(desk: Desk) -> None:
    desk.send([report("R0001")])
    first = desk.take_in()
    folder = desk.send([report("R0002")])
    assert "came before with other content" in problems(desk.run)[0]
    assert take_in(desk.run, arrived(desk.run, "watch", "2024-01-31.1")).version.id == first.id
    assert files(folder) == {"reports.csv", "manifest.json"}


def test_a_crash_while_the_inbox_is_cleared_is_picked_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = desk.send([report("R0001")])

    def crash(folder: Path) -> None:
        (folder / "reports.csv").unlink()
        raise OSError("no power")

    with monkeypatch.context() as patch:
        patch.setattr(landing, "_remove", crash)
        with pytest.raises(OSError, match="no power"):
            desk.take_in()
    assert files(folder) == {"manifest.json"}
    assert desk.take_in().rows > 0
    assert not folder.exists()


@pytest.mark.slow
def test_a_crash_before_the_pointer_moves_leaves_the_last_version_live(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.send([report("R0001")])
    before = desk.take_in()
    desk.send([report("R0002")], NEXT, sequence=2)

    def crash(self, version) -> None:
        raise OSError("no power")

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "promote", crash)
        with pytest.raises(OSError, match="no power"):
            desk.take_in()
    lake = Lake(desk.settings.home)
    assert lake.open("deliveries/watch").id == before.id
    assert len(desk.records()) == 1
    assert [d.delivery for d in pending(desk.run)] == ["2024-02-01.1"]
    desk.take_in()
    assert len(desk.records()) == 2


def test_an_original_that_was_tampered_with_stops_the_intake(desk: Desk) -> None:
    desk.send([report("R0001")])
    (delivery,) = pending(desk.run)
    landing.land(desk.run, delivery.manifest)
    (original,) = (desk.settings.home / "landing" / "objects").iterdir()
    content = bytearray(original.read_bytes())
    content[-1] ^= 1
    original.write_bytes(content)
    with pytest.raises(LakeError, match="was changed"):
        desk.take_in()
    assert Lake(desk.settings.home).current("deliveries/watch") is None


def test_a_delivery_that_never_came_is_an_error(desk: Desk) -> None:
    with pytest.raises(DeliveryRefused, match="was never landed"):
        arrived(desk.run, "watch", "2024-01-31.1")


def test_one_partner_refused_does_not_stop_the_other(desk: Desk) -> None:
    (desk.send([report("R0001")]) / "reports.csv").write_bytes(b"")
    desk.send_bench(b"", b"")
    for delivery in pending(Run.start(desk.settings, date.max)):
        if delivery.partner == "watch":
            with pytest.raises(GateFailed):
                take_in(desk.run, delivery)
        else:
            assert take_in(desk.run, delivery).is_new


@pytest.mark.slow
def test_what_was_in_time_becomes_known_with_the_late_delivery_before_it(desk: Desk) -> None:
    desk.send([report("R0001")])
    desk.send([report("R0001", offence="11")], NEXT, sequence=2, delivered_on="2024-02-05")
    desk.send([report("R0001", offence="20"), report("R0002")], THIRD, sequence=3)
    as_known = Run.start(desk.settings, THIRD)
    assert [(d.sequence, d.state) for d in pending(as_known)] == [(1, "ready"), (3, "waiting")]
    assert [(d.sequence, str(d.known_on)) for d in pending(desk.run)] == [(1, "2024-01-31"), (2, "2024-02-05"), (3, "2024-02-05")]
    desk.take_in()
    assert not pending(desk.run)
    assert [(r["offence"], str(r["known_from"]), str(r["known_until"])) for r in desk.records()] == [
        ("10", "2024-01-31", "2024-02-05"),
        ("20", "2024-02-05", "9999-12-31"),
        ("10", "2024-02-05", "9999-12-31"),
    ]
