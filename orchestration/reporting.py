"""One alert for each cause: opened once, repeated while the cause lasts, and closed by itself when it is gone.

The causes are worked out anew each time. Only what each channel reports is stored (`<home>/alerts.json`), so an alert is never lost: what a
channel could not send, it sends the next time. An event is written down before it is sent. A process that is killed in between sends it
again under the same id, which is the only way in which an event can arrive twice.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from das_pipeline.disk import locked, replace_file
from das_pipeline.lake import canonical
from orchestration.channels import Alert, Cause, Configuration, Mail, Webhook, kind_of

FILE = "alerts.json"
SECONDS_FOR_ALL = 30.0  # that a tick waits for its channels: Dagster gives a sensor 60
_busy: dict[tuple[Path, str], Future[None]] = {}  # the channels of a home that a tick did not wait for any longer


def report(home: Path, configuration: Configuration, causes: Sequence[Cause], now: datetime, *, is_whole: bool = True) -> list[str]:
    """Report to every channel what has opened, lasted or closed; return a sentence for each channel that failed.

    Unless `causes` is the whole list of them, nothing closes. A channel that is no longer configured is forgotten.
    """
    path, remind_after = home / FILE, timedelta(hours=configuration.remind_hours)
    _forget_others(path, configuration.channels)
    due = partial(changes, causes=causes, now=now, remind_after=remind_after, is_whole=is_whole)
    for name, channel in configuration.channels.items():
        if (path, name) not in _busy:
            _busy[path, name] = _in_background(partial(_send_due, path, name, channel, due))
    wait([_busy[path, name] for name in configuration.channels], SECONDS_FOR_ALL)
    failed = []
    for name in configuration.channels:
        if not _busy[path, name].done():
            failed.append(f"The channel {name} has not answered yet: nothing else is sent to it until it has.")
        elif error := _busy.pop((path, name)).exception():
            failed.append(f"The channel {name} did not take an alert ({kind_of(error)}): it is sent again at the next tick.")
    return failed


def changes(
    reported: Mapping[str, Alert], *, causes: Sequence[Cause], now: datetime, remind_after: timedelta, is_whole: bool = True
) -> Iterator[Alert]:
    """Yield what a channel that has `reported` these alerts is to send now; an event that may not have arrived comes first, as it was."""
    current = {cause.key: cause for cause in causes}
    yield from [alert for alert in reported.values() if alert.sending]
    for key, alert in list(reported.items()):
        if key in current and now - alert.reported_at >= remind_after:
            yield replace(alert, cause=current[key], reported_at=now, sending="reminder")
        elif key not in current and is_whole:
            yield replace(alert, reported_at=now, sending="closed")
    for key, cause in current.items():
        if key not in reported:
            yield Alert(cause, now, now, "opened")


def _send_due(path: Path, name: str, channel: Webhook | Mail, due: Callable[[dict[str, Alert]], Iterator[Alert]]) -> None:
    """Send what is due to a channel, and write down before and after each event how far it is."""
    reported = _load(path).get(name, {})
    for alert in due(reported):
        reported[alert.cause.key] = alert
        _store(path, name, reported)
        channel.send(alert)
        if alert.sending == "closed":
            del reported[alert.cause.key]
        else:
            reported[alert.cause.key] = replace(alert, sending=None)
        _store(path, name, reported)


def _in_background(work: Callable[[], None]) -> Future[None]:
    """Begin `work` in a thread that nobody has to wait for: what it waits for may never answer."""
    future: Future[None] = Future()

    def act() -> None:
        try:
            future.set_result(work())
        except Exception as error:  # of whatever kind: what a stranger's server answers must not end the tick
            future.set_exception(error)

    threading.Thread(target=act, daemon=True).start()
    return future


# -- what each channel has reported


def _load(path: Path) -> dict[str, dict[str, Alert]]:
    if not path.exists():
        return {}
    return {
        name: {key: _alert(content) for key, content in alerts.items()}
        for name, alerts in json.loads(path.read_text(encoding="utf-8")).items()
    }


def _alert(content: Mapping[str, Any]) -> Alert:
    opened_at, reported_at = (datetime.fromisoformat(content[moment]) for moment in ("opened_at", "reported_at"))
    return Alert(Cause(**content["cause"]), opened_at, reported_at, content.get("sending"))


def _store(path: Path, name: str, reported: Mapping[str, Alert]) -> None:
    """Write down what one channel has reported; the others write theirs at the same time."""
    with locked(path.with_name(f".{FILE}.lock"), FILE):
        _write(path, {**_load(path), name: reported})


def _forget_others(path: Path, names: Collection[str]) -> None:
    """Forget what channels other than `names` have reported: under a name that comes back, all that is open is reported again."""
    with locked(path.with_name(f".{FILE}.lock"), FILE):
        state = _load(path)
        if state.keys() - set(names):
            _write(path, {name: reported for name, reported in state.items() if name in names})


def _write(path: Path, state: Mapping[str, Mapping[str, Alert]]) -> None:
    replace_file(path, canonical({name: {key: asdict(a) for key, a in reported.items()} for name, reported in state.items()}, indent=1))
