"""Small deliveries of the toy partners, and ways to look at what became of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from das_pipeline.deliveries import pending, register_records, take_in
from das_pipeline.gate import GateFailed, Verdict
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.lake import Version
from das_pipeline.policy import load_policy
from das_pipeline.privacy import DEMO_MARK
from das_pipeline.run import Run
from das_pipeline.settings import Settings
from tests.conftest import TOY, go_on_from
from tests.toy_deliveries import watch_csv, write_delivery

DAY = date(2024, 1, 31)
NEXT = date(2024, 2, 1)
THIRD = date(2024, 2, 2)
LIMIT = load_policy(Jurisdiction(TOY)).deliveries.file_size


def report(
    no: str, *, mutation: str = "N", surname: str = "Abernathy", offence: str = "10", reported: str = "2024-01-03", damage: str = ""
) -> str:
    """A whole line of the file watch/reports."""
    return f"{mutation},{no},101,{surname},Ada,1990-05-01,F,{offence},n,2024-01-02,{reported},,{damage}"


class Desk:
    """The intake of the toy partners: deliveries are sent, and taken in when it is their turn."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @property
    def run(self) -> Run:
        return Run.start(self.settings, date.max)

    def send(self, lines: Sequence[str] | bytes, on: date = DAY, *, sequence: int = 1, **said: Any) -> Path:
        content = lines if isinstance(lines, bytes) else watch_csv(list(lines))
        return write_delivery(self.settings.inbox, "watch", on, sequence, {"reports": ("reports.csv", content)}, **said)

    def send_bench(self, cases: bytes, rulings: bytes, on: date = DAY, *, sequence: int = 1, **said: Any) -> Path:
        files = {"cases": ("cases.jsonl", cases), "rulings": ("rulings.txt", rulings)}
        return write_delivery(self.settings.inbox, "bench", on, sequence, files, **said)

    def go_on_from(self, other: Desk) -> None:
        """Begin with what was delivered to another desk and taken in, under its jurisdiction."""
        go_on_from(other.settings, self.settings)
        self.settings = replace(self.settings, jurisdiction=other.settings.jurisdiction)

    def take_in(self) -> Version:
        """The version after everything that is ready; the last one."""
        found = [take_in(self.run, delivery).version for delivery in pending(self.run) if delivery.state == "ready"]
        return found[-1]

    def refused(self) -> dict[str, Verdict]:
        """The failed verdicts of the one delivery that is ready, which must be refused."""
        (delivery,) = pending(self.run)
        with pytest.raises(GateFailed) as failure:
            take_in(self.run, delivery)
        return {v.rule: v for v in failure.value.verdicts if not v.passed}

    def records(
        self, on: date = date.max, file: str = "reports", half: Any = "content", partner: str = "watch", only: str | None = None
    ) -> list[dict[str, Any]]:
        run = Run.start(self.settings, on)
        with run.connect(identifying=True) as connection:
            view = register_records(run, connection, partner, file, half, only)
            return connection.execute(f"SELECT * FROM {view} ORDER BY record_no, sub, known_from").to_arrow_table().to_pylist()


@pytest.fixture
def desk(settings: Settings) -> Desk:
    return Desk(settings)


@pytest.fixture
def ready_for_real(desk: Desk, tmp_path: Path) -> Callable[[], None]:
    """Give the desk keys that are no demo keys, and a policy by which two persons approve: then it takes real deliveries in."""

    def make_ready() -> None:
        (desk.settings.keys / DEMO_MARK).unlink()
        folder = Path(shutil.copytree(TOY, tmp_path / "real"))
        policy = yaml.safe_load((folder / "policy.yaml").read_text(encoding="utf-8"))
        persons = {name: {"public_key": name[0] * 64, "roles": ["review", "approve"]} for name in ("anna", "bert")}
        policy["release"] |= {"approval": {"by": "two_persons", "reason": "real"}, "persons": persons}
        (folder / "policy.yaml").write_text(yaml.safe_dump(policy), encoding="utf-8")
        desk.settings = replace(desk.settings, jurisdiction=folder)

    return make_ready


@pytest.fixture
def failed() -> Callable[[Version], dict[str, dict[str, Any]]]:
    """The verdicts of a version that did not pass, by rule."""
    return lambda version: {v["rule"]: v for v in version.verdicts if not v["passed"]}
