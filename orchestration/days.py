"""The days of the chain: a run is the chain as known on one day, and its partition is that day, so every step reads the same date."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import dagster as dg

from das_pipeline import deliveries, release
from das_pipeline.run import Run
from orchestration.attempts import is_given_up, runs_of

DAYS = dg.DynamicPartitionsDefinition(name="days")
UNTIL = "das/until"  # what the schedule asked for last: kept in Dagster's storage, and a tag of the runs that follow


def days_due(run: Run, until: date | None = None) -> list[date]:
    """The days on which a delivery became known and whose chain has not come to its end, by `until`, in order.

    Days before the chain can run at all are left out: partners that deliver seldom may come before one that the chain cannot do without.
    """
    return [day for day in _unfinished(run, until) if not partners_missing(run, day)]


def days_to_run(run: Run, ended: date) -> list[date]:
    """The days that the schedule asks for when `ended` is the last day that is over.

    With real deliveries that day is one of them, whether or not anything was delivered on it: silence is judged by the calendar (rule
    I10). Simulated deliveries have days of their own, and no calendar.
    """
    if not deliveries.has_calendar(run):
        return days_due(run)
    has_begun = bool(deliveries.vintages(run.known_on(ended))) and not partners_missing(run, ended)
    return sorted({*days_due(run, ended), *([ended] if has_begun and ended > last_done(run) else [])})


def ready_and_waiting(run: Run, ended: date | None, store: dg.DagsterInstance) -> tuple[list[str], list[str]]:
    """The days to run when `ended` is the last day that is over, in order: those that can be run, and those that must wait.

    A day waits until what was delivered by then is taken in. Were the chain run before, the delivery would change what was known on a day
    that is done. A delivery that waits for a correction holds no day back, and neither does one whose intake failed so often that it was
    given up. Without `ended`, the days are those on which something was delivered.
    """
    coming = {d.known_on for d in deliveries.pending(run) if d.state == "ready" and not _is_given_up(store, d)}
    end = ended if ended is not None and deliveries.has_calendar(run) else date.max
    known = days_due(run) if ended is None else days_to_run(run, ended)
    days = sorted({*known, *(day for day in coming if last_done(run) < day <= end)})
    first = min(coming, default=date.max)
    return [day.isoformat() for day in days if day < first], [day.isoformat() for day in days if day >= first]


def _is_given_up(store: dg.DagsterInstance, delivery: deliveries.PendingDelivery) -> bool:
    return is_given_up(runs_of(store, f"intake_{delivery.partner}", delivery.delivery))


def ask_until(store: dg.DagsterInstance, day: str, at: datetime) -> None:
    """Ask `day_follows` at this moment for every day up to `day`: a day that was refused at an earlier one is tried again."""
    store.daemon_cursor_storage.set_cursor_values({UNTIL: f"{day}|{at.isoformat()}"})


def asked_until(store: dg.DagsterInstance) -> str | None:
    """The last day to catch up with and the moment at which the schedule asked for it; None when it has not asked yet."""
    return store.daemon_cursor_storage.get_cursor_values({UNTIL}).get(UNTIL)


def partners_missing(run: Run, day: date) -> list[str]:
    """The partners that the chain cannot do without and that had never delivered by `day`."""
    return [s.partner for s in deliveries.completeness(run.known_on(day)) if s.state == "missing" and not s.allowed]


def last_done(run: Run) -> date:
    """The last day whose chain came to its end: decided, and released when so decided. Earlier days can no longer be run in this home."""
    decided = run.lake.current(release.DECISION)
    if decided is None:
        return date.min
    done = date.fromisoformat(decided.as_of)
    return done if release.is_done(run) else done - timedelta(days=1)


def _unfinished(run: Run, until: date | None) -> list[date]:
    done = last_done(run)
    return [day for day in deliveries.vintages(run) if day > done and (until is None or day <= until)]
