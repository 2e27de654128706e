"""Alerts through real HTTP and SMTP servers on this machine: opened once, repeated, closed; nothing is lost by a failure of either side."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email import message_from_string
from pathlib import Path
from typing import Any

import pytest

from das_pipeline.errors import ConfigurationError
from das_pipeline.settings import PROJECT
from orchestration import channels, reporting
from orchestration.channels import Alert, Cause, Configuration, load_configuration
from orchestration.reporting import report
from tests.orchestration.servers import certificate, relay, speaker, webhook

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
LATE = Cause("late watch", "team:watch", "Its newest delivery is 2024-01-31.1. The chain runs without it: ask for what is due.")
SHUT = Cause("gate chain/flows", "team:das", "As known on 2024-02-29, chain/flows broke a blocking rule; what is live stays.")


def configuration(**listed: dict[str, Any]) -> Configuration:
    return Configuration.model_validate({"remind_hours": 24, "channels": listed})


def chat(port: int) -> dict[str, Any]:
    return {"kind": "webhook", "url": f"http://127.0.0.1:{port}/"}


def duty(port: int, **more: Any) -> dict[str, Any]:
    plain = {"kind": "mail", "host": "127.0.0.1", "port": port, "sender": "das@example.org", "recipients": ["duty@example.org"]}
    return plain | {"security": "none"} | more


def test_an_alert_opens_once_is_repeated_and_closes_by_itself(tmp_path: Path) -> None:
    taken: list[dict[str, Any]] = []
    with webhook(taken) as port:
        to_chat = configuration(chat=chat(port))
        for hours, causes in ((0, [LATE]), (1, [LATE, SHUT]), (2, [LATE, SHUT]), (24, [LATE, SHUT]), (26, [SHUT]), (27, []), (28, [])):
            assert report(tmp_path, to_chat, causes, NOON + timedelta(hours=hours)) == []
    events = [(alert["event"], alert["cause"]["key"], alert["cause"]["owner"]) for alert in taken]
    assert events == [
        ("opened", "late watch", "team:watch"),
        ("opened", "gate chain/flows", "team:das"),
        ("reminder", "late watch", "team:watch"),  # after 24 hours
        ("reminder", "gate chain/flows", "team:das"),  # opened an hour later
        ("closed", "late watch", "team:watch"),
        ("closed", "gate chain/flows", "team:das"),
    ]
    assert len({alert["id"] for alert in taken}) == 6
    assert [alert["headers"]["Idempotency-Key"] for alert in taken] == [alert["id"] for alert in taken]


def test_an_e_mail_says_what_since_when_and_whose_it_is(tmp_path: Path) -> None:
    taken: list[str] = []
    with relay(taken) as port:
        assert report(tmp_path, configuration(duty=duty(port)), [LATE], NOON) == []
        assert report(tmp_path, configuration(duty=duty(port)), [], NOON) == []
    opened, closed = map(message_from_string, taken)
    assert (opened["Subject"], opened["To"]) == ("[das] opened: late watch", "duty@example.org")
    assert closed["Subject"] == "[das] closed: late watch"
    assert opened["Message-ID"] == f"<{Alert(LATE, NOON, NOON, 'opened').id}@example.org>"
    text = opened.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert text.decode().splitlines() == [LATE.text, "", "Owner: team:watch", "Open since 2024-03-01 12:00 UTC"]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_an_e_mail_goes_over_tls_with_a_login_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: str) -> None:
    """The relay knows one user and takes mail from nobody else, and its certificate is one that this machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate(tmp_path)))
    monkeypatch.setenv("RELAY_PASSWORD", "salt & pepper")
    taken: list[str] = []
    with relay(taken, security=security, certificate=tmp_path / "certificate.pem", login=("das", "salt & pepper")) as port:
        secure = duty(port, security=security, user="das", password="${RELAY_PASSWORD}")
        assert report(tmp_path, configuration(duty=secure), [LATE], NOON) == []
        assert [message_from_string(mail)["Subject"] for mail in taken] == ["[das] opened: late watch"]
        monkeypatch.setenv("RELAY_PASSWORD", "pepper & salt")
        assert report(tmp_path, configuration(duty=secure), [], NOON) == [
            "The channel duty did not take an alert (SMTPAuthenticationError 535): it is sent again at the next tick."
        ]
        monkeypatch.delenv("SSL_CERT_FILE")
        (failed,) = report(tmp_path, configuration(duty=secure), [], NOON)
        assert "SSLCertVerificationError" in failed
    assert len(taken) == 1
    assert "pepper" not in (tmp_path / "alerts.json").read_text(encoding="utf-8") + str(configuration(duty=secure))


def test_a_channel_that_is_down_holds_up_no_other_and_gets_the_alert_later(tmp_path: Path) -> None:
    taken: list[dict[str, Any]] = []
    mails: list[str] = []
    with relay(mails) as port:
        down = port  # nobody listens there once the relay is gone
    with webhook(taken) as port:
        failed = report(tmp_path, configuration(duty=duty(down), chat=chat(port)), [LATE], NOON)
        assert failed == ["The channel duty did not take an alert (ConnectionRefusedError): it is sent again at the next tick."]
        with relay(mails) as up:
            assert report(tmp_path, configuration(duty=duty(up), chat=chat(port)), [LATE], NOON) == []
    assert [alert["event"] for alert in taken] == ["opened"]
    assert len(mails) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"220 this is another protocol\r\n", "BadStatusLine"),
        (b"", "RemoteDisconnected"),
        (b"HTTP/1.1 500 Sorry\r\n\r\n", "HTTPError 500"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", "HTTPError 302"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200, "HTTPException"),
    ],
    ids=["no HTTP", "nothing", "an error", "a redirect", "too many headers"],
)
def test_whatever_a_webhook_answers_ends_no_tick(tmp_path: Path, answer: bytes, kind: str) -> None:
    with speaker(answer) as port:
        (failed,) = report(tmp_path, configuration(chat=chat(port)), [LATE], NOON)
    assert failed == f"The channel chat did not take an alert ({kind}): it is sent again at the next tick."


def test_a_slow_webhook_holds_up_neither_the_tick_nor_another_channel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It sends a byte now and then, so that no single wait is too long, and takes the alert in the end."""
    monkeypatch.setattr(reporting, "SECONDS_FOR_ALL", 0.3)
    taken: list[dict[str, Any]] = []
    with webhook(taken) as port, speaker(b"HTTP/1.1 204 No Content\r\n\r\n", seconds_a_byte=0.05) as slow:
        both = configuration(slow=chat(slow), chat=chat(port))
        assert report(tmp_path, both, [LATE], NOON) == ["The channel slow has not answered yet: nothing else is sent to it until it has."]
        assert [alert["event"] for alert in taken] == ["opened"]
        monkeypatch.setattr(reporting, "SECONDS_FOR_ALL", 10.0)
        assert report(tmp_path, both, [LATE], NOON) == []
    stored = json.loads((tmp_path / "alerts.json").read_text(encoding="utf-8"))
    assert stored["slow"] == stored["chat"], "the slow one has it too"


KILLED = """
import os, sys
from pathlib import Path
from orchestration import channels
from tests.orchestration.test_alerts import *
send = channels.Webhook.send
def send_and_die(channel, alert):
    send(channel, alert)
    os._exit(9)
channels.Webhook.send = send_and_die
report(Path(sys.argv[1]), configuration(chat=chat(int(sys.argv[2]))), [LATE] if sys.argv[3] == "open" else [], NOON)
"""


@pytest.mark.slow
def test_an_event_that_a_killed_process_had_sent_is_sent_again_under_the_same_id(tmp_path: Path) -> None:
    taken: list[dict[str, Any]] = []

    def killed(causes: str) -> None:
        command = [sys.executable, "-c", KILLED, str(tmp_path), str(port), causes]
        assert subprocess.run(command, cwd=PROJECT, check=False).returncode == 9

    with webhook(taken) as port:
        killed("open")
        assert report(tmp_path, configuration(chat=chat(port)), [LATE], NOON + timedelta(minutes=1)) == []
        killed("close")
        assert report(tmp_path, configuration(chat=chat(port)), [LATE], NOON + timedelta(minutes=3)) == []
    assert [alert["event"] for alert in taken] == ["opened", "opened", "closed", "closed", "opened"]
    first, again, closed, closed_again, anew = (alert["id"] for alert in taken)
    assert first == again
    assert closed == closed_again
    assert anew not in (first, closed), "the cause is back: it is a new alert"


def test_a_channel_that_was_renamed_or_removed_is_forgotten(tmp_path: Path) -> None:
    taken: list[dict[str, Any]] = []
    with webhook(taken) as port:
        for name in ("chat", "room", "chat"):
            assert report(tmp_path, configuration(**{name: chat(port)}), [LATE], NOON) == []
            assert list(json.loads((tmp_path / "alerts.json").read_text(encoding="utf-8"))) == [name]
    assert [alert["event"] for alert in taken] == ["opened"] * 3


def test_nothing_closes_while_the_causes_cannot_be_seen(tmp_path: Path) -> None:
    taken: list[dict[str, Any]] = []
    broken = Cause("installation", "team:das", "Nothing can run: the pseudonym key is missing.")
    with webhook(taken) as port:
        report(tmp_path, configuration(chat=chat(port)), [LATE], NOON)
        report(tmp_path, configuration(chat=chat(port)), [broken], NOON, is_whole=False)
        report(tmp_path, configuration(chat=chat(port)), [LATE], NOON)
    assert [(alert["event"], alert["cause"]["key"]) for alert in taken] == [
        ("opened", "late watch"),
        ("opened", "installation"),
        ("closed", "installation"),
    ]


def test_a_channel_is_reachable_without_an_alert(tmp_path: Path) -> None:
    taken: list[dict[str, Any]] = []
    mails: list[str] = []
    with webhook(taken) as port, relay(mails) as mail, speaker(b"nonsense") as other:
        listed = configuration(chat=chat(port), duty=duty(mail), other=chat(other)).channels
        listed["chat"].require_reachable()
        listed["duty"].require_reachable()
        with pytest.raises(channels.UNREACHABLE):
            listed["other"].require_reachable()
    with pytest.raises(channels.UNREACHABLE):
        listed["chat"].require_reachable()
    assert (taken, mails) == ([], [])


@pytest.mark.parametrize(
    ("content", "mistake"),
    [
        ("remind_hours: 0", "remind_hours: Input should be greater than or equal to 1"),
        ("remind_hours: 24\nchannels: {duty: {kind: pigeon}}", "channels.duty: Input tag 'pigeon'"),
        ("remind_hours: [", "it is not YAML"),
        ("", "Input should be a valid dictionary"),
        ("remind_hours: 24\nchannels: {chat: {kind: webhook, url: 'file:///etc/passwd'}}", "channels.chat.webhook.url: give an address"),
        ("remind_hours: 24\nchannels: {chat: {kind: webhook, url: '${NOT_SET}'}}", "the environment has no variable NOT_SET"),
        ("remind_hours: 24\nchannels: {duty: {kind: mail, password: pepper}}", "a password never lies in a file"),
        (
            "remind_hours: 24\nchannels: {duty: {kind: mail, host: h, sender: s, recipients: [r], user: das, security: none}}",
            "a login goes over TLS only",
        ),
        (
            "remind_hours: 24\nchannels: {duty: {kind: mail, host: h, sender: s, recipients: [r], user: das}}",
            "user and password go together",
        ),
    ],
)
def test_a_mistake_in_the_configuration_is_named(tmp_path: Path, content: str, mistake: str) -> None:
    (tmp_path / "alerts.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"alerts.yaml cannot be read") as error:
        load_configuration(tmp_path / "alerts.yaml")
    assert mistake in str(error.value)
    assert "pepper" not in str(error.value)
    assert base64.b64encode(b"pepper").decode() not in str(error.value)
