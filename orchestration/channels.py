"""Channels of alerts, and the file that lists them: whom a channel reaches, and how one alert is sent through it."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import smtplib
import ssl
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, SecretStr, ValidationError, model_validator

from das_pipeline.errors import ConfigurationError
from das_pipeline.lake import canonical

SECONDS_TO_ANSWER = 10  # for one step of a conversation; orchestration/reporting.py limits the whole of it
PORTS = {"starttls": 587, "tls": 465, "none": 25}
UNREACHABLE = (OSError, http.client.HTTPException)
Event = Literal["opened", "reminder", "closed"]


@dataclass(frozen=True)
class Cause:
    """Something that a person must act on. `key` is the same for as long as the cause lasts; `text` says what to do."""

    key: str
    owner: str
    text: str


@dataclass(frozen=True)
class Alert:
    """A cause that a channel reports: since when, when it was last sent, and what is being sent now (None: nothing)."""

    cause: Cause
    opened_at: datetime
    reported_at: datetime
    sending: Event | None = None

    @property
    def id(self) -> str:
        """The same for the same event however often it is sent, so that a receiver can leave the second one out."""
        return hashlib.sha256(canonical([self.cause.key, self.opened_at, self.reported_at, self.sending])).hexdigest()[:32]

    @property
    def subject(self) -> str:
        return f"[das] {self.sending}: {self.cause.key}"


# -- the values of the file


def _from_environment(text: object) -> object:
    """Return the value of the variable that `${NAME}` names; any other text as it is."""
    name = _variable(text)
    if name and name not in os.environ:
        raise ValueError(f"the environment has no variable {name}")
    return os.environ[name] if name else text


def _only_from_environment(text: object) -> object:
    if not _variable(text):
        raise ValueError("a password never lies in a file: write ${NAME} and put it in that variable of the environment")
    return text


def _variable(text: object) -> str:
    found = re.fullmatch(r"\$\{(\w+)\}", text) if isinstance(text, str) else None
    return found[1] if found else ""


def _require_http(url: SecretStr) -> SecretStr:
    if not re.match(r"https?://[^/\s]+\S*$", url.get_secret_value()):
        raise ValueError("give an address that starts with https:// or http://")
    return url


Address = Annotated[SecretStr, BeforeValidator(_from_environment), AfterValidator(_require_http)]  # who knows it can often write to it
Password = Annotated[SecretStr, BeforeValidator(_from_environment), BeforeValidator(_only_from_environment)]


# -- the channels


class Webhook(BaseModel, extra="forbid"):
    """An address that takes a JSON object by POST, with the id of the event as `Idempotency-Key`."""

    kind: Literal["webhook"]
    url: Address

    def send(self, alert: Alert) -> None:
        """Send one alert; raises one of UNREACHABLE when it was not taken."""
        content = {"id": alert.id, "event": alert.sending, "text": f"{alert.subject}\n{alert.cause.text}"}
        body = canonical({**content, "opened_at": alert.opened_at.isoformat(), "cause": asdict(alert.cause)})
        self._request("POST", body, {"Content-Type": "application/json", "Idempotency-Key": alert.id})

    def require_reachable(self) -> None:
        """Raise one of UNREACHABLE when nothing there speaks HTTP. Sends no alert."""
        with suppress(urllib.error.HTTPError):  # an answer, if only that it takes no such request
            self._request("HEAD")

    def _request(self, method: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> None:
        request = urllib.request.Request(self.url.get_secret_value(), body, headers or {}, method=method)
        try:
            urllib.request.build_opener(_NoRedirect).open(request, timeout=SECONDS_TO_ANSWER).close()
        except urllib.error.HTTPError as error:
            error.close()
            raise


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Takes a redirect as a refusal: followed, a POST becomes a GET without the alert."""

    def redirect_request(self, *_args: Any, **_named: Any) -> None:
        return None


class Mail(BaseModel, extra="forbid"):
    """Persons who get an e-mail, through a relay: by STARTTLS, by TLS from the first byte, or in plain text without a login."""

    kind: Literal["mail"]
    host: str
    security: Literal["starttls", "tls", "none"] = "starttls"
    port: int = 0  # 0: the usual one
    user: str = ""
    password: Password = SecretStr("")
    sender: str
    recipients: list[str] = Field(min_length=1)

    @model_validator(mode="after")
    def _require_tls_for_login(self) -> Mail:
        if self.user and self.security == "none":
            raise ValueError("a login goes over TLS only: set security to starttls or tls")
        if bool(self.user) != bool(self.password.get_secret_value()):
            raise ValueError("user and password go together")
        return self

    def send(self, alert: Alert) -> None:
        """Send one alert; raises OSError when the relay did not take it."""
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = alert.subject, self.sender, ", ".join(self.recipients)
        message["Message-ID"] = f"<{alert.id}@{self.sender.rpartition('@')[2].rstrip('>')}>"
        message["Date"] = alert.reported_at
        message.set_content(f"{alert.cause.text}\n\nOwner: {alert.cause.owner}\nOpen since {alert.opened_at:%Y-%m-%d %H:%M} UTC\n")
        with self._relay() as relay:
            relay.send_message(message)

    def require_reachable(self) -> None:
        """Raise OSError when the relay does not answer, or refuses the login. Sends no alert."""
        with self._relay() as relay:
            relay.noop()

    def _relay(self) -> smtplib.SMTP:
        """Return a connection to the relay, secured and logged in."""
        port = self.port or PORTS[self.security]
        if self.security == "tls":
            relay: smtplib.SMTP = smtplib.SMTP_SSL(self.host, port, timeout=SECONDS_TO_ANSWER, context=ssl.create_default_context())
        else:
            relay = smtplib.SMTP(self.host, port, timeout=SECONDS_TO_ANSWER)
        try:
            if self.security == "starttls":
                relay.starttls(context=ssl.create_default_context())
            if self.user:
                relay.login(self.user, self.password.get_secret_value())
        except BaseException:
            relay.close()
            raise
        return relay


class Configuration(BaseModel, extra="forbid"):
    """The file: channels by name, and after how many hours a cause that lasts is reported again."""

    remind_hours: int = Field(ge=1)
    channels: dict[str, Annotated[Webhook | Mail, Field(discriminator="kind")]] = {}


def load_configuration(path: Path) -> Configuration:
    """The configuration in the file at `path`; ConfigurationError names the mistake, and never a value."""
    try:
        return Configuration.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        mistakes = [f"{'.'.join(map(str, e['loc']))}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()]
        reason = "; ".join(mistakes)
    except yaml.YAMLError:
        reason = "it is not YAML"
    except OSError as error:
        reason = str(error)
    raise ConfigurationError(f"{path} cannot be read: {reason}. docs/engineers.md, Alerts, has examples.")


def kind_of(error: BaseException) -> str:
    """What went wrong, without the text of the error: that may quote an address or a password."""
    code = (
        error.code
        if isinstance(error, urllib.error.HTTPError)
        else error.smtp_code
        if isinstance(error, smtplib.SMTPResponseException)
        else ""
    )
    reason = error.reason if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception) else error
    return f"{type(reason).__name__} {code}".strip()
