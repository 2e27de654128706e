"""Every cause of an alert, from the fault in an installation to what a webhook and a relay take: opened, and closed by itself."""

from __future__ import annotations

import json
from datetime import date
from email import message_from_string
from pathlib import Path
from typing import Any

import pytest
import yaml

from das_pipeline.release import new_person_key
from tests.installation import Installation, let_sign, real_installation
from tests.orchestration.servers import relay, webhook
from tests.orchestration.ticking import ticking
from tests.toy_deliveries import DAYS, WATCH, watch_csv, write_delivery

pytestmark = [pytest.mark.slow]


def watch(made: Installation, on: date, sequence: int, *, number: int = 1, whole: bool = True, **said: Any) -> None:
    """A real delivery of the reports of January or February; one that is not whole lost its last bytes on the way."""
    content = {"reports": ("reports.csv", watch_csv(WATCH[DAYS[sequence - 1]]))}
    folder = write_delivery(made.inbox, "watch", on, sequence, content, number=number, is_simulated=False, **said)
    if not whole:
        path = folder / "reports.csv"
        path.write_bytes(path.read_bytes()[:-25])


def test_each_cause_opens_and_closes_its_alert(tmp_path: Path) -> None:
    made = real_installation(tmp_path)
    people = {name: new_person_key(made.settings(), made.root / f"{name}.key") for name in ("anna", "bert")}
    let_sign(made, {name: {"public_key": key, "roles": ["review", "approve"]} for name, key in people.items()})
    policy = Path(made.jurisdiction) / "policy.yaml"
    lenient = policy.read_text(encoding="utf-8")
    taken: list[dict[str, Any]] = []
    mails: list[str] = []
    with webhook(taken) as hook, relay(mails) as mail:
        duty = {"kind": "mail", "host": "127.0.0.1", "port": mail, "security": "none", "sender": "das@example.org"}
        channels = {"chat": {"kind": "webhook", "url": "${HOOK}"}, "duty": duty | {"recipients": ["duty@example.org"]}}
        (made.root / "alerts.yaml").write_text(json.dumps({"remind_hours": 24, "channels": channels}), encoding="utf-8")
        with ticking(made, DAS_ALERTS=str(made.root / "alerts.yaml"), HOOK=f"http://127.0.0.1:{hook}/") as tick:

            def reported() -> dict[str, str]:
                """What a tick of the sensor reports: cause and event."""
                before = len(taken)
                tick("alerts")
                return {alert["cause"]["key"]: alert["event"] for alert in taken[before:]}

            minutes = iter(range(60))

            def chain() -> bool:
                """Whether the chain comes to its end when the schedule asks for it."""
                tick("daily", at=f"2024-02-01T05:{next(minutes):02}")
                return tick("day_follows")["succeeded"] == [True]

            assert reported() == {"missing watch": "opened", "missing bench": "opened"}
            watch(made, DAYS[0], 1, whole=False)
            assert tick("delivery_arrived")["succeeded"] == [False]
            assert reported() == {"refused watch 2024-01-31.1": "opened"}
            watch(made, DAYS[0], 1, number=2)
            assert tick("delivery_arrived")["succeeded"] == [True]
            assert reported() == {"refused watch 2024-01-31.1": "closed", "missing watch": "closed", "late watch": "opened"}

            # One of twelve offences has no mapping, and now that is too many. The second run meets a fault of another kind.
            strict = yaml.safe_load(lenient)
            strict["terminology"]["unmapped_share"] |= {"warn": 0, "block": 0, "min_rows": 1}
            policy.write_text(yaml.safe_dump(strict), encoding="utf-8")
            assert not chain()
            assert reported() == {"gate terminology/records": "opened"}
            policy.write_text(lenient, encoding="utf-8")
            (made.home / "chain").write_text("a file where a folder must come", encoding="utf-8")
            assert not chain()
            assert reported() == {"failed chain": "opened"}, "the gate is still shut"
            (made.home / "chain").unlink()
            assert chain()
            candidate = f"signature {made.live('website/site').id}"
            assert reported() == {"gate terminology/records": "closed", "failed chain": "closed", candidate: "opened"}
            made.das("release", "return", "anna", "--key", str(made.root / "anna.key"), "--reason", "a ward is missing")
            assert reported() == {candidate: "closed"}

            watch(made, date.today(), 2)
            assert tick("delivery_arrived")["succeeded"] == [True]
            assert reported() == {"late watch": "closed"}
            (made.root / "keys" / "signing").rename(made.root / "signing")
            assert reported() == {"installation": "opened"}
            (made.root / "signing").rename(made.root / "keys" / "signing")
            assert reported() == {"installation": "closed"}
    assert [message_from_string(text)["Subject"] for text in mails] == [f"[das] {a['event']}: {a['cause']['key']}" for a in taken]
    text = {(alert["event"], alert["cause"]["key"]): alert["cause"]["text"] for alert in taken}
    assert "terminology/records broke T02_" in text["opened", "gate terminology/records"]
    assert "unexpected NotADirectoryError" in text["opened", "failed chain"]
    assert "The signing key is missing" in text["opened", "installation"]
