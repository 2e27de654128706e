"""What a verb does to an installation and reads of it: simulate, run, status and doctor, on sound homes and others."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.exits import Exit
from tests.installation import Installation, copy_of, installation
from tests.orchestration.servers import speaker, webhook
from tests.toy_deliveries import CASES, DAYS, RULINGS, bench_cases, bench_rulings, write_delivery

pytestmark = [pytest.mark.slow]


def words(printed: str) -> str:
    """What was printed, without the lines of a table and of the width of the terminal."""
    return " ".join(printed.replace("│", " ").split())


def test_simulate_writes_elsewhere_on_a_machine_without_a_home(tmp_path: Path) -> None:
    made = Installation(tmp_path / "nothing", "nl")
    out = tmp_path / "elsewhere" / "inbox"
    made.das("simulate", "--out", str(out), "--size", "tiny", "--processes", "1")
    assert (tmp_path / "elsewhere" / "truth" / "simulation.json").exists()
    assert len(list(out.glob("*/*/manifest.json"))) == 48
    assert not made.root.exists()


def test_another_world_is_not_delivered_over_the_first(tmp_path: Path) -> None:
    made = Installation(tmp_path, "nl")
    assert "The size 0 is not known: use tiny" in words(made.das("simulate", "--size", "0", code=Exit.FAILED))
    made.das("simulate", "--size", "tiny", "--seed", "1", "--processes", "1")
    truth = (tmp_path / "truth" / "records.parquet").read_bytes()
    for other in (("--size", "tiny", "--seed", "2"), ("--size", "2000"), ("--size", "tiny", "--faults", "none")):
        said = words(made.das("simulate", *other, code=Exit.FAILED))
        assert "has the deliveries of another world (1,000 rows, seed 1, faults default" in said
        assert (tmp_path / "truth" / "records.parquet").read_bytes() == truth
    made.das("simulate", "--size", "tiny", "--seed", "1", "--processes", "1")
    made.das("simulate", "--size", "tiny", "--seed", "2", "--force", "--processes", "1")
    assert (tmp_path / "truth" / "records.parquet").read_bytes() != truth


def test_nothing_simulated_is_delivered_to_an_installation_with_keys_of_its_own(tmp_path: Path) -> None:
    made = installation(tmp_path, "nl")
    (tmp_path / "keys" / "demo").unlink()
    assert "keys or deliveries that das simulate did not make" in words(made.das("simulate", "--size", "tiny", code=Exit.FAILED))
    assert list(made.inbox.iterdir()) == []


@pytest.mark.slow
def test_a_refused_delivery_beside_a_chain_that_ran_has_an_exit_code_of_its_own(toy_home: Installation, tmp_path: Path) -> None:
    made = copy_of(toy_home, tmp_path)
    files = {"cases": ("cases.jsonl", bench_cases(CASES[DAYS[2]])), "rulings": ("rulings.txt", bench_rulings(RULINGS[DAYS[2]]))}
    folder = write_delivery(made.inbox, "bench", DAYS[2], 3, files, number=2, replaces=f"{DAYS[2]}.1")
    (folder / "cases.jsonl").write_bytes(b"torn")
    assert "I01" in made.das("run", code=Exit.REFUSED)
    state = json.loads(made.das("status", "--json"))
    assert {row["release"] for row in state["releases"]} == {"2024-01-31.1", "2024-02-29.1", "2024-03-31.1"}
    assert state["as_of"] == "2024-03-31"
    # What the replacement was to replace is in force, and stays so; somebody must act all the same.
    assert [(alert["cause"], alert["owner"]) for alert in state["alerts"]] == [("refused bench 2024-03-31.2", "team:bench")]
    assert [sentence.split(",")[0] for sentence in state["problems"]] == ["bench 2024-03-31.2"]
    assert state["waits_for_signature"] is None
    assert state["next_expiry"] > "2024-03-31"
    shown = words(made.das("status"))
    assert "refused bench 2024-03-31.2 team:bench" in shown
    assert f"The next term ends on {state['next_expiry']}." in shown


@pytest.mark.slow
def test_programs_read_json(toy_home: Installation) -> None:
    releases = json.loads(toy_home.das("release", "list", "--json"))
    assert [row["release"] for row in releases] == ["2024-01-31.1", "2024-02-29.1", "2024-03-31.1"]
    rows = json.loads(toy_home.das("quarantine", "watch", "--json"))
    assert {(row["rule"], row["rows"]) for row in rows} == {("K02", 1), ("K06", 1), ("K08", 1)}
    facts = json.loads(toy_home.das("explain", "reports", "period=2024", "--json"))
    assert facts["release"].startswith("2024-03-31.1")
    assert "made from website/site" in facts


@pytest.mark.slow
def test_the_privacy_officer_sees_what_attacks_gave(toy_home: Installation, tmp_path: Path) -> None:
    assert "small counts computed exactly 0" in words(toy_home.das("attacks"))
    report = json.loads(toy_home.das("attacks", "--json"))
    assert report["cubes"]["reports_month"]["told_apart"] == 0
    page = tmp_path / "report" / "attacks.html"
    toy_home.das("attacks", "--page", str(page))
    assert "What attacks on this candidate gave" in page.read_text(encoding="utf-8")
    assert page.stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_words_that_are_nearly_right(toy_home: Installation) -> None:
    assert "Did you mean reports?" in words(toy_home.das("explain", "reprots", code=Exit.FAILED))
    assert "Did you mean offence?" in words(toy_home.das("explain", "reports", "ofence=10", code=Exit.FAILED))
    assert "Did you mean 2024-01?" in words(toy_home.das("explain", "reports", "period=2024-1", code=Exit.FAILED))
    assert "Did you mean 2024-02-29.1?" in words(toy_home.das("audit", "2024-02-28.1", code=Exit.FAILED))


@pytest.mark.slow
def test_the_doctor_finds_what_is_wrong(toy_home: Installation, tmp_path: Path) -> None:
    assert "All is well." in toy_home.das("doctor")
    made = copy_of(toy_home, tmp_path)
    damaged = made.live("chain/flows").paths()[0]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    page = made.current() / "site" / "index.html"
    page.write_text(page.read_text(encoding="utf-8") + " ", encoding="utf-8")
    link = made.home / "releases" / "current"
    link.unlink()
    link.symlink_to("2024-01-31.1")
    (made.root / "keys" / "rounding").chmod(0o644)
    (made.home / "chain").chmod(0o755)
    (made.home / "chain" / "events" / ".draft-dead").mkdir()
    said = words(made.das("doctor", code=Exit.FAILED))
    assert "6 of " in said
    for finding in ("live version of chain/flows", "release 2024-03-31.1", "live release", "modes of the keys"):
        assert f"{finding} wrong" in said
    assert "modes of the home wrong others may use" in said
    assert "leftovers wrong 1 of killed" in said
    assert "site/index.html: other bytes." in said
    assert "the link leads to 2024-01-31.1" in said


@dataclass(frozen=True)
class Alerting(Installation):
    """An installation with a file of its own that says who hears of alerts."""

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"DAS_ALERTS": str(self.root / "alerts.yaml")}


def test_the_doctor_compares_keys_and_tries_contracts_and_channels(toy_home: Installation, tmp_path: Path) -> None:
    copied = copy_of(toy_home, tmp_path / "made")
    made = Alerting(copied.root, str(shutil.copytree(copied.jurisdiction, tmp_path / "toy")))
    with webhook([]) as port, speaker(b"nonsense") as other:
        channels = {name: {"kind": "webhook", "url": f"http://127.0.0.1:{p}/secret"} for name, p in (("chat", port), ("room", other))}
        (made.root / "alerts.yaml").write_text(json.dumps({"remind_hours": 24, "channels": channels}), encoding="utf-8")
        said = words(made.das("doctor", code=Exit.FAILED))
        assert "1 of " in said
        assert "alerts by chat ok the webhook answers" in said
        assert "alerts by room wrong not reachable (BadStatusLine)" in said
        partner = Path(made.jurisdiction) / "contracts" / "watch" / "partner.yaml"
        partner.write_text(partner.read_text(encoding="utf-8").replace("cadence: daily", "cadence: dialy"), encoding="utf-8")
        (made.root / "keys" / "rounding").write_text("0" * 64, encoding="ascii")
        said = words(made.das("doctor", code=Exit.FAILED))
        assert "secret" not in said
    assert "jurisdiction wrong toy: 2 partners" in said
    assert "dialy" in said, "the first mistake is shown"
    assert "rounding key of the home wrong" in said
