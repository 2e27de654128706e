"""Channels of alerts: one alert for each cause, opened once, repeated while the cause lasts, and closed by itself when it is gone.

The causes are worked out anew each time. Only what each channel has reported is stored (`<home>/alerts.json`), so an alert is never lost:
what a channel could not send, it sends the next time.
"""

from __future__ import annotations

import json
import smtplib
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError

from das_pipeline.errors import ConfigurationError
from das_pipeline.lake import canonical, replace_file

SECONDS_TO_ANSWER = 10  # a channel that does not answer must not hold up the others
Event = Literal["opened", "reminder", "closed"]


@dataclass(frozen=True)
class Cause:
    """Something that a person must act on. `key` is the same for as long as the cause lasts; `text` says what to do."""

    key: str
    owner: str
    text: str


@dataclass(frozen=True)
class Alert:
    """A cause that a channel has reported, since when, and when it was last sent."""

    cause: Cause
    opened_at: datetime
    reported_at: datetime


class Webhook(BaseModel, extra="forbid"):
    """An address that takes a JSON object by POST."""

    kind: Literal["webhook"]
    url: str

    def send(self, event: Event, alert: Alert) -> None:
        """Send one alert; raises OSError when it was not taken."""
        content = {"event": event, "text": _subject(event, alert) + "\n" + alert.cause.text, "opened_at": alert.opened_at.isoformat()}
        body = canonical({**content, "cause": asdict(alert.cause)})
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=SECONDS_TO_ANSWER):
            pass


class Mail(BaseModel, extra="forbid"):
    """Persons who get an e-mail, through the institution's mail relay."""

    kind: Literal["mail"]
    host: str
    port: int = 25
    sender: str
    recipients: list[str] = Field(min_length=1)

    def send(self, event: Event, alert: Alert) -> None:
        """Send one alert; raises OSError when the relay did not take it."""
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = _subject(event, alert), self.sender, ", ".join(self.recipients)
        message.set_content(f"{alert.cause.text}\n\nOwner: {alert.cause.owner}\nOpen since {alert.opened_at:%Y-%m-%d %H:%M} UTC\n")
        with smtplib.SMTP(self.host, self.port, timeout=SECONDS_TO_ANSWER) as relay:
            relay.send_message(message)


class Configuration(BaseModel, extra="forbid"):
    """The file: channels by name, and after how many hours a cause that lasts is reported again."""

    remind_hours: int = Field(ge=1)
    channels: dict[str, Annotated[Webhook | Mail, Field(discriminator="kind")]] = {}


def load_configuration(path: Path) -> Configuration:
    """The configuration in the file at `path`; ConfigurationError names the mistake."""
    try:
        return Configuration.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        places = (
            [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()] if isinstance(error, ValidationError) else [str(error)]
        )
        raise ConfigurationError(f"{path} cannot be read: {'; '.join(places)}") from None


def report(home: Path, configuration: Configuration, causes: Sequence[Cause], now: datetime) -> list[str]:
    """Report to every channel what has opened, lasted or closed; return a sentence for each channel that failed."""
    path = home / "alerts.json"
    failed = []
    for name, channel in configuration.channels.items():
        state = _load(path)
        reported = state.setdefault(name, {})
        try:
            for event, alert in changes(reported, causes, now, timedelta(hours=configuration.remind_hours)):
                channel.send(event, alert)
                if event == "closed":
                    del reported[alert.cause.key]
                else:
                    reported[alert.cause.key] = alert
                replace_file(path, canonical({n: {k: asdict(a) for k, a in alerts.items()} for n, alerts in state.items()}, indent=1))
        except OSError as error:
            failed.append(f"The channel {name} did not take an alert ({type(error).__name__}): check it; the alert is sent again.")
    return failed


def changes(reported: dict[str, Alert], causes: Sequence[Cause], now: datetime, remind_after: timedelta) -> Iterator[tuple[Event, Alert]]:
    """Yield what a channel that has `reported` these alerts is to report now, each event with the alert as it is afterwards."""
    current = {cause.key: cause for cause in causes}
    for key, alert in list(reported.items()):
        if key not in current:
            yield "closed", alert
        elif now - alert.reported_at >= remind_after:
            yield "reminder", replace(alert, cause=current[key], reported_at=now)
    for key, cause in current.items():
        if key not in reported:
            yield "opened", Alert(cause, now, now)


def _load(path: Path) -> dict[str, dict[str, Alert]]:
    if not path.exists():
        return {}
    return {
        name: {
            key: Alert(Cause(**a["cause"]), datetime.fromisoformat(a["opened_at"]), datetime.fromisoformat(a["reported_at"]))
            for key, a in alerts.items()
        }
        for name, alerts in json.loads(path.read_text(encoding="utf-8")).items()
    }


def _subject(event: Event, alert: Alert) -> str:
    return f"[das] {event}: {alert.cause.key}"
