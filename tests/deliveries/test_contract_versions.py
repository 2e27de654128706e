"""A contract that changed on a day: each delivery is read by the version that is valid on its reference date."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from cli.main import app
from das_pipeline.contracts.exports import export
from das_pipeline.deliveries import account_rows, contracts_on, load_contracts, load_versions, replay
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.references import find_faults
from tests.conftest import TOY
from tests.deliveries.conftest import DAY, Desk, report

CHANGED_ON = date(2024, 2, 15)
AFTER = date(2024, 2, 29)
NEW, OLD = "contracts/watch/reports.yaml", "contracts/watch/reports.v1.yaml"


def column(contract: dict[str, Any], name: str) -> dict[str, Any]:
    return next(c for c in contract["columns"] if c["name"] == name)


def edit(folder: Path, path: str, /, **keys: Any) -> dict[str, Any]:
    """Set keys of a contract; return it."""
    content = yaml.safe_load((folder / path).read_text(encoding="utf-8")) | keys
    (folder / path).write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return content


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """The toy jurisdiction. From 15 February on, reports has semicolons, calls damage `loss`, and has the part of the day."""
    folder = Path(shutil.copytree(TOY, tmp_path / "changed"))
    shutil.copy(folder / NEW, folder / OLD)
    edit(folder, OLD, until=CHANGED_ON)
    content = edit(folder, NEW, since=CHANGED_ON, version="2.0.0")
    content["format"]["delimiter"] = ";"
    column(content, "damage")["path"] = "loss"
    texts = {"nl": "Dagdeel", "en": "Part of the day"}
    content["columns"].append({"name": "daypart", "type": "text", "required": True, "history": False, "description": texts})
    edit(folder, NEW, **content)
    return folder


def in_new_form(*lines: str) -> bytes:
    header = "mutation,report_no,chain_no,surname,given_names,born_on,sex,offence,ward,committed_on,reported_on,closed_on,loss,daypart"
    return "".join(f"{line}\n".replace(",", ";") for line in (header, *(f"{line},night" for line in lines))).encode()


def send_both(desk: Desk) -> None:
    """Two reports in the old form; then, in the new form, the first as it was, the second corrected, and a third."""
    desk.send([report("R0001", damage="0.00"), report("R0002")], DAY, sequence=1)
    later = in_new_form(report("R0001", mutation="C", damage="0.00"), report("R0002", mutation="C", offence="11"), report("R0003"))
    desk.send(later, AFTER, sequence=2)


@pytest.mark.slow
def test_a_delivery_of_before_the_change_and_one_after_it_are_both_right(desk: Desk, changed: Path) -> None:
    desk.settings = replace(desk.settings, jurisdiction=changed)
    send_both(desk)
    live = desk.take_in()
    shown = [(r["record_no"], r["known_from"], r["offence"], str(r["damage"]), r["daypart"]) for r in desk.records()]
    assert shown == [
        (1, DAY, "10", "0.00", None),  # nothing of it changed: no new version
        (2, DAY, "10", "None", None),
        (2, AFTER, "11", "None", "night"),
        (3, AFTER, "10", "None", "night"),
    ]
    receipts = [json.loads(path.read_text(encoding="utf-8")) for path in live.paths("receipts/") if path.suffix == ".json"]
    assert [receipt["contracts"] for receipt in receipts] == [{"reports": "1.0.0"}, {"reports": "2.0.0"}]
    assert "version 2.0.0 of the contract of reports" in live.path(f"receipts/{AFTER}.1.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_replay_reads_each_delivery_by_the_version_of_its_day(desk: Desk, changed: Path) -> None:
    desk.settings = replace(desk.settings, jurisdiction=changed)
    send_both(desk)
    desk.take_in()
    records, accounts = desk.records(), account_rows(desk.run)
    replayed = replay(desk.run, "watch")
    assert (replayed.taken_in, replayed.refused) == ((f"{DAY}.1", f"{AFTER}.1"), ())
    assert (desk.records(), account_rows(desk.run)) == (records, accounts)
    replay(desk.run, "watch", f"{AFTER}.1")
    assert (desk.records(), account_rows(desk.run)) == (records, accounts)


def test_a_file_in_the_form_of_the_other_version_is_refused(desk: Desk, changed: Path) -> None:
    desk.settings = replace(desk.settings, jurisdiction=changed)
    desk.send([report("R0001")], AFTER)
    assert "reports has commas between its columns, and the contract says ';'" in desk.refused()["I05"].sentence


def test_a_file_without_a_contract_on_its_day_is_refused(desk: Desk, changed: Path) -> None:
    edit(changed, OLD, since=date(2024, 2, 1))
    desk.settings = replace(desk.settings, jurisdiction=changed)
    desk.send([report("R0001")], DAY)
    assert "No contract of watch is valid on 2024-01-31" in desk.refused()["I02"].sentence


def test_the_newest_version_is_what_later_stages_read(changed: Path) -> None:
    jurisdiction = Jurisdiction(changed)
    assert find_faults(jurisdiction) == []
    assert [c.version for c in load_versions(jurisdiction)["watch", "reports"]] == ["1.0.0", "2.0.0"]
    assert load_contracts(jurisdiction)["watch", "reports"].version == "2.0.0"
    last, first = date(2024, 2, 14), CHANGED_ON
    assert [contracts_on(jurisdiction, "watch", day)[0].version for day in (date.min, last, first, date.max)] == ["1.0.0"] * 2 + [
        "2.0.0"
    ] * 2


def test_each_version_is_exported(changed: Path, tmp_path: Path) -> None:
    written = {path.name: path for path in export(Jurisdiction(changed), tmp_path / "out")}
    old, new = (yaml.safe_load(written[name].read_text(encoding="utf-8")) for name in ("reports.v1.odcs.yaml", "reports.odcs.yaml"))
    assert [(c["version"], c["status"]) for c in (old, new)] == [("1.0.0", "deprecated"), ("2.0.0", "active")]
    assert {"property": "since", "value": "2024-02-15"} in new["customProperties"]


FAULTS = [
    (OLD, {"until": date(2024, 2, 10)}, NEW, "since", "no version is valid from 2024-02-10 until 2024-02-15"),
    (OLD, {"until": date(2024, 2, 20)}, NEW, "since", "two versions are valid from 2024-02-15 until 2024-02-20"),
    (OLD, {"until": None}, OLD, "", "this is an earlier version: give it `until`"),
    (NEW, {"since": None}, NEW, "", "give this one `since`"),
    (NEW, {"version": "1.1.0"}, NEW, "version", "1.1.0 is no later version than 1.0.0"),
    (OLD, {"version": "3.0.0"}, OLD, "version", "it declares version 3.0.0, in a file called reports.v1.yaml"),
    (OLD, {"since": date(2024, 3, 1)}, OLD, "until", "the contract is never valid"),
    (NEW, {"temporality": "stock"}, NEW, "temporality", "temporality is another one in contracts/watch/reports.v1.yaml"),
]


@pytest.mark.parametrize(("file", "keys", "at", "key", "sentence"), FAULTS, ids=[f[-1][:30] for f in FAULTS])
def test_versions_that_do_not_fit_are_named(changed: Path, file: str, keys: dict[str, Any], at: str, key: str, sentence: str) -> None:
    edit(changed, file, **keys)
    (fault,) = find_faults(Jurisdiction(changed))
    assert (fault.file, fault.key) == (at, key)
    assert sentence in fault.sentence


def test_a_column_keeps_its_meaning_from_version_to_version(changed: Path) -> None:
    content = edit(changed, NEW)
    column(content, "damage").update(type="text", range=None)
    edit(changed, NEW, **content)
    (fault,) = find_faults(Jurisdiction(changed))
    assert (fault.key, "damage has another type in contracts/watch/reports.v1.yaml" in fault.sentence) == ("columns[12].type", True)


def test_a_parent_is_delivered_on_every_day_on_which_its_children_are(changed: Path) -> None:
    edit(changed, "contracts/bench/cases.yaml", since=CHANGED_ON)
    (fault,) = find_faults(Jurisdiction(changed))
    assert (fault.file, fault.key) == ("contracts/bench/rulings.yaml", "relations[0].to")
    assert "cases is delivered from 2024-02-15 on only" in fault.sentence


def test_a_breaking_change_says_where_the_old_version_goes(changed: Path, tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["contracts", "diff", str(TOY / NEW), str(changed / NEW)])
    assert "keep it as contracts/watch/reports.v1.yaml with `until: <day>`" in told.stdout
    told = CliRunner().invoke(app, ["contracts", "diff", str(changed / OLD), str(changed / NEW)])
    assert (told.exit_code, "keep it as" in told.stdout) == (0, False)
