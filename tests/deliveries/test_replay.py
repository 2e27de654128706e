"""After a contract is corrected, a replay makes the home what it would be had the contract been right from the start."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from das_pipeline.deliveries import account_rows, pending, quarantine_summary, refusals, register_records, replay, take_in, vintages
from das_pipeline.errors import DasError, DeliveryRefused
from das_pipeline.gate import GateFailed
from das_pipeline.privacy import write_demo_keys
from das_pipeline.retention import clean
from das_pipeline.run import Run
from das_pipeline.settings import Settings
from tests.conftest import TOY, go_on_from, toy_settings
from tests.toy_deliveries import DAYS, WATCH, watch_csv, write_delivery, write_toy_deliveries


def narrow(contract: dict[str, Any]) -> None:
    """Three reports of January have more damage than this, and R0002 is corrected in March."""
    column(contract, "damage")["range"] = [0, 99]


def misnamed(contract: dict[str, Any]) -> None:
    """No delivery has this column: each is refused."""
    column(contract, "ward")["path"] = "district"


def from_february(contract: dict[str, Any]) -> None:
    """No delivery from February on has this column."""
    contract["columns"].append(
        {"name": "colour", "type": "text", "since": date(2024, 2, 1), "description": {"nl": "Kleur", "en": "Colour"}}
    )


def column(contract: dict[str, Any], name: str) -> dict[str, Any]:
    return next(c for c in contract["columns"] if c["name"] == name)


def jurisdiction_with(folder: Path, mistake: Callable[[dict[str, Any]], None]) -> Path:
    shutil.copytree(TOY, folder)
    path = folder / "contracts" / "watch" / "reports.yaml"
    contract = yaml.safe_load(path.read_text(encoding="utf-8"))
    mistake(contract)
    path.write_text(yaml.safe_dump(contract, allow_unicode=True), encoding="utf-8")
    return folder


def take_in_all(settings: Settings) -> Run:
    """Take in everything, refused deliveries left behind."""
    run = Run.start(settings, date.max)
    while ready := [d for d in pending(run) if d.state == "ready"]:
        with contextlib.suppress(GateFailed):
            take_in(run, ready[0])
    return run


Mistake = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def home_with(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Settings, Mistake | None], None]:
    """Fill an installation with what comes of all deliveries under a contract with a mistake, or none: made once, and copied."""

    @cache
    def made(mistake: Mistake | None) -> Settings:
        settings = toy_settings(tmp_path_factory.mktemp("made"))
        write_toy_deliveries(settings.inbox)
        contracts = TOY if mistake is None else jurisdiction_with(settings.home.parent / "spoiled", mistake)
        take_in_all(replace(settings, jurisdiction=contracts))
        return settings

    def fill(settings: Settings, mistake: Mistake | None) -> None:
        go_on_from(made(mistake), settings)

    return fill


@pytest.fixture
def fresh(settings: Settings, tmp_path: Path, home_with) -> Run:
    """A home in which the contract was right from the start."""
    other = replace(settings, home=tmp_path / "fresh" / "home", inbox=tmp_path / "fresh" / "inbox")
    home_with(other, None)
    return Run.start(other, date.max)


@pytest.fixture
def spoiled(settings: Settings, home_with) -> Callable[[Mistake], Run]:
    """A home in which the contract had a mistake while the deliveries came, and has none now."""

    def make(mistake: Mistake) -> Run:
        home_with(settings, mistake)
        return Run.start(settings, date.max)

    return make


def rows(run: Run, on: date = date.max) -> list[dict[str, Any]]:
    """Every version of every report as known on a date, with what names it instead of its number."""
    at = run.known_on(on)
    with at.connect(identifying=True) as connection:
        content, direct = (register_records(at, connection, "watch", "reports", half) for half in ("content", "direct"))
        table = connection.execute(
            f"""SELECT d.* EXCLUDE (record_no), c.* EXCLUDE (record_no, sub, known_from, known_until, is_only, delivery, line_no, sex)
            FROM {content} AS c JOIN {direct} AS d USING (record_no, sub, known_from, delivery, line_no)
            ORDER BY report_no, known_from"""
        ).to_arrow_table()
    return table.to_pylist()


def numbers(run: Run) -> dict[str, int]:
    with run.connect(identifying=True) as connection:
        view = register_records(run, connection, "watch", "reports", "direct")
        return dict(connection.execute(f"SELECT DISTINCT report_no, record_no FROM {view}").fetchall())


def everything(run: Run) -> dict[str, Any]:
    """What the deliveries of a home come to, but for the numbers of records and the ids of versions."""
    version = run.lake.open("deliveries/watch")
    return {
        "rows": rows(run),
        "rows as known in February": rows(run, DAYS[1]),
        "accounts": account_rows(run),
        "quarantine": quarantine_summary(run),
        "days": vintages(run),
        "refused": [(r.partner, r.delivery) for r in refusals(run)],
        "receipts": {name: json.loads(version.path(name).read_text()) for name in sorted(version.files) if name.endswith("1.json")},
        "deliveries": version.facts["deliveries"],
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mistake", "landed"),
    [(narrow, DAYS), (from_february, DAYS[:2]), (misnamed, DAYS[:1])],  # what came after a refused delivery waited in the inbox
)
def test_a_replay_makes_what_a_home_with_the_right_contract_has(spoiled, fresh: Run, mistake, landed: tuple[date, ...]) -> None:
    run = spoiled(mistake)
    before = {} if mistake is misnamed else numbers(run)
    assert mistake is misnamed or rows(run) != rows(fresh)
    replayed = replay(run, "watch")
    assert replayed.version.id == run.lake.open("deliveries/watch").id
    assert (replayed.taken_in, replayed.refused) == (tuple(f"{day}.1" for day in landed), ())
    take_in_all(run.settings)  # what waited
    assert everything(run) == everything(fresh)
    assert before.items() <= numbers(run).items()  # linkage knows records by their numbers
    assert pending(run) == []
    assert not list(run.settings.home.glob(".replay-*"))


@pytest.mark.slow
def test_a_quarantined_row_is_in_force_from_the_day_on_which_it_came(spoiled) -> None:
    run = spoiled(narrow)
    assert "R0002" not in {row["report_no"] for row in rows(run)}
    replay(run, "watch")
    (row,) = [row for row in rows(run) if row["report_no"] == "R0002"]
    assert (row["known_from"], row["delivery"], row["line_no"]) == (DAYS[0], "2024-01-31.1", 3)
    assert WATCH[DAYS[0]][1].startswith("N,R0002")


@pytest.mark.slow
def test_a_replay_from_a_delivery_keeps_what_was_before_it(spoiled, fresh: Run) -> None:
    run = spoiled(from_february)
    january = run.lake.open("deliveries/watch")
    replayed = replay(run, "watch", "2024-02-29.1")
    assert replayed.taken_in == ("2024-02-29.1",)
    take_in_all(run.settings)
    assert everything(run)["rows"] == everything(fresh)["rows"]
    name = "content/reports/2024-01-31.1.parquet"
    assert replayed.version.files[name] == january.files[name]


@pytest.mark.slow
def test_a_replay_without_a_correction_changes_no_row(fresh: Run) -> None:
    before = everything(fresh)
    replay(fresh, "watch")
    replay(fresh, "watch", "2024-03-31.1")
    assert everything(fresh) == before


@pytest.mark.slow
def test_deliveries_go_on_after_a_replay(spoiled) -> None:
    run = spoiled(narrow)
    replay(run, "watch")
    again = WATCH[DAYS[0]][1].replace("N,R0002", "C,R0002").replace("2500.50", "1.00")
    write_delivery(run.settings.inbox, "watch", date(2024, 4, 1), 4, {"reports": ("reports.csv", watch_csv([again]))})
    take_in(run, pending(run)[0])
    assert [str(row["damage"]) for row in rows(run) if row["report_no"] == "R0002"] == ["2500.50", "1.00"]


@pytest.mark.slow
@pytest.mark.parametrize("first", [None, "2024-02-29.1"])
def test_a_replay_by_which_something_in_force_would_be_lost_changes_nothing(fresh: Run, tmp_path: Path, first: str | None) -> None:
    before, live = everything(fresh), fresh.lake.open("deliveries/watch").id
    wrong = replace(fresh.settings, jurisdiction=jurisdiction_with(tmp_path / "wrong", misnamed))
    with pytest.raises(DasError, match=r"of watch would be refused, and nothing has changed: .* Columns are missing: reports: district"):
        replay(Run.start(wrong, date.max), "watch", first)
    assert (everything(fresh), fresh.lake.open("deliveries/watch").id) == (before, live)
    assert not list(fresh.settings.home.glob(".replay-*"))


@pytest.mark.slow
def test_what_cannot_be_replayed_is_an_error(fresh: Run, tmp_path: Path) -> None:
    with pytest.raises(DasError, match=r"There is no partner witch\. Did you mean watch\?"):
        replay(fresh, "witch")
    with pytest.raises(DeliveryRefused, match=r"2024-05-31.1 was never landed. Landed are 2024-01-31.1, "):
        replay(fresh, "watch", "2024-05-31.1")
    empty = replace(fresh.settings, home=tmp_path / "empty")
    write_demo_keys(empty.keys, seed=7)
    with pytest.raises(DeliveryRefused, match="nothing to replay"):
        replay(Run.start(empty, date.max), "watch")


@pytest.mark.slow
def test_originals_that_were_removed_after_their_term_are_not_replayed(fresh: Run) -> None:
    clean(fresh.known_on(date(2024, 4, 1)))  # after thirty days: those of January and February
    with pytest.raises(DasError, match=r"watch 2024-02-29.1 was removed on 2024-04-01, .* Replay with --from a later delivery"):
        replay(fresh, "watch")
    before = everything(fresh)
    assert replay(fresh, "watch", "2024-03-31.1").taken_in == ("2024-03-31.1",)
    assert everything(fresh) == before
