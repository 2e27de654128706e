"""Alerts through a real HTTP server and a real SMTP server on this machine: opened once, repeated, closed; nothing is lost by a failure."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_string
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from das_pipeline.errors import ConfigurationError
from orchestration.channels import Cause, Configuration, load_configuration, report

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
LATE = Cause("late watch", "team:watch", "Its newest delivery is 2024-01-31.1. The chain runs without it: ask for what is due.")
SHUT = Cause("gate chain/flows", "team:das", "As known on 2024-02-29, chain/flows broke a blocking rule; what is live stays.")


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]  # type: ignore[index]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def webhook(taken: list[dict[str, Any]]) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with serving(HTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield port


@contextmanager
def relay(taken: list[str]) -> Iterator[int]:
    """A mail relay: as much SMTP as a client needs."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.answer(220)
            while line := self.rfile.readline():
                verb = line[:4].upper()
                self.answer({b"DATA": 354, b"QUIT": 221}.get(verb, 250))
                if verb == b"DATA":
                    text = b""
                    while (row := self.rfile.readline()) != b".\r\n":
                        text += row
                    taken.append(text.decode())
                    self.answer(250)

        def answer(self, code: int) -> None:
            self.wfile.write(b"%d relay\r\n" % code)

    with serving(socketserver.TCPServer(("127.0.0.1", 0), Handler)) as port:
        yield port


def configuration(**channels: dict[str, Any]) -> Configuration:
    return Configuration.model_validate({"remind_hours": 24, "channels": channels})


def test_an_alert_opens_once_is_repeated_and_closes_by_itself(tmp_path: Path) -> None:
    taken: list[dict[str, Any]] = []
    with webhook(taken) as port:
        chat = configuration(chat={"kind": "webhook", "url": f"http://127.0.0.1:{port}/"})
        for hours, causes in ((0, [LATE]), (1, [LATE, SHUT]), (2, [LATE, SHUT]), (24, [LATE, SHUT]), (26, [SHUT]), (27, []), (28, [])):
            assert report(tmp_path, chat, causes, NOON + timedelta(hours=hours)) == []
    events = [(alert["event"], alert["cause"]["key"], alert["cause"]["owner"]) for alert in taken]
    assert events == [
        ("opened", "late watch", "team:watch"),
        ("opened", "gate chain/flows", "team:das"),
        ("reminder", "late watch", "team:watch"),  # after 24 hours
        ("reminder", "gate chain/flows", "team:das"),  # opened an hour later
        ("closed", "late watch", "team:watch"),
        ("closed", "gate chain/flows", "team:das"),
    ]


def test_an_e_mail_says_what_since_when_and_whose_it_is(tmp_path: Path) -> None:
    taken: list[str] = []
    with relay(taken) as port:
        duty = {"kind": "mail", "host": "127.0.0.1", "port": port, "sender": "das@example.org", "recipients": ["duty@example.org"]}
        assert report(tmp_path, configuration(duty=duty), [LATE], NOON) == []
        assert report(tmp_path, configuration(duty=duty), [], NOON) == []
    opened, closed = map(message_from_string, taken)
    assert (opened["Subject"], opened["To"]) == ("[das] opened: late watch", "duty@example.org")
    assert closed["Subject"] == "[das] closed: late watch"
    text = opened.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert text.decode().splitlines() == [LATE.text, "", "Owner: team:watch", "Open since 2024-03-01 12:00 UTC"]


def test_a_channel_that_is_down_holds_up_no_other_and_gets_the_alert_later(tmp_path: Path) -> None:
    taken: list[dict[str, Any]] = []
    mails: list[str] = []
    with relay(mails) as port:
        down = port  # nobody listens there once the relay is gone
    with webhook(taken) as port:
        duty = {"kind": "mail", "host": "127.0.0.1", "port": down, "sender": "das@example.org", "recipients": ["duty@example.org"]}
        both = configuration(duty=duty, chat={"kind": "webhook", "url": f"http://127.0.0.1:{port}/"})
        failed = report(tmp_path, both, [LATE], NOON)
        assert [sentence.split(" did")[0] for sentence in failed] == ["The channel duty"]
        with relay(mails) as port:
            again = configuration(duty=duty | {"port": port}, chat=both.channels["chat"].model_dump())
            assert report(tmp_path, again, [LATE], NOON) == []
    assert [alert["event"] for alert in taken] == ["opened"]
    assert len(mails) == 1


@pytest.mark.parametrize("content", ["remind_hours: 0", "remind_hours: 24\nchannels: {duty: {kind: pigeon}}", "remind_hours: [", ""])
def test_a_mistake_in_the_configuration_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "alerts.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"alerts.yaml cannot be read"):
        load_configuration(tmp_path / "alerts.yaml")
