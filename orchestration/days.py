"""The days of the chain: a run is the chain as known on one day, and its partition is that day, so every step reads the same date."""

from __future__ import annotations

from datetime import date, timedelta

import dagster as dg

from das_pipeline import deliveries, release
from das_pipeline.run import Run

DAYS = dg.DynamicPartitionsDefinition(name="days")
UNTIL = "das/until"  # the tag of a run of the chain: the last day to catch up with, as decided once by the schedule


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
