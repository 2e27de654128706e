"""When a partner's deliveries are expected: the days that they are about, and the day on which each is due."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal

from das_pipeline.deliveries import landing
from das_pipeline.deliveries.contract_files import Partner, load_partners
from das_pipeline.errors import Fault, Faults
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.run import Run

DAY = timedelta(days=1)
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
COLUMNS = ("day", "name")  # of a file of holidays
_A_WEEKDAY = date(2024, 1, 1)  # any day does: only differences from it are used


@dataclass(frozen=True)
class Schedule:
    """The days of a partner. Without a calendar every day counts, and what is weekly or monthly comes so long after the one before."""

    partner: Partner
    holidays: frozenset[date] = frozenset()

    def next_after(self, reference_on: date) -> date:
        """The next day that a delivery is expected to be about."""
        if self.partner.calendar is None:
            return reference_on + DAY * self.partner.period_days
        day = reference_on + DAY
        while not self._is_expected(day):
            day += DAY
        return day

    def due_on(self, reference_on: date) -> date:
        """The day on which a delivery about `reference_on` is due: so many days of work after it."""
        day, left = reference_on, self.partner.due_days
        while left:
            day += DAY
            left -= self._is_worked(day)
        return day

    @property
    def longest_wait(self) -> timedelta:
        """The longest that two deliveries in time can lie apart."""
        last = max(self.holidays, default=_A_WEEKDAY) + DAY * 62
        days = [min(self.holidays, default=_A_WEEKDAY) - DAY * 31]
        while days[-1] < last:
            days.append(self.next_after(days[-1]))
        return max(self.due_on(after) - before for before, after in pairwise(days))

    def _is_worked(self, day: date) -> bool:
        calendar = self.partner.calendar
        return calendar is None or (WEEK[day.weekday()] in calendar.weekdays and day not in self.holidays)

    def _is_expected(self, day: date) -> bool:
        calendar = self.partner.calendar
        if calendar is not None and self.partner.cadence == "weekly":
            return WEEK[day.weekday()] == calendar.week_day
        if calendar is not None and self.partner.cadence == "monthly":
            return day.day == min(calendar.month_day or 31, monthrange(day.year, day.month)[1])
        return self._is_worked(day)


def load_schedule(jurisdiction: Jurisdiction, partner: str) -> Schedule:
    """Return the schedule of a partner; ConfigurationError names the line of a wrong day in its file of holidays."""
    declared = load_partners(jurisdiction)[partner]
    file = declared.calendar.holidays if declared.calendar else None
    return Schedule(declared, _holidays(jurisdiction, f"contracts/{file}") if file else frozenset())


def _holidays(jurisdiction: Jurisdiction, file: str) -> frozenset[date]:
    holidays: set[date] = set()
    faults = Faults()
    for number, line in enumerate(jurisdiction.csv(file, COLUMNS), start=2):
        try:
            day = date.fromisoformat(line["day"])
        except ValueError:
            faults.add(Fault(file, number, "day", f"{line['day']} is not a day of the calendar: write it as yyyy-mm-dd."))
            continue
        if day in holidays:
            faults.add(Fault(file, number, "day", f"{day} is in an earlier row too: remove one."))
        holidays.add(day)
    faults.raise_any()
    return frozenset(holidays)


@dataclass(frozen=True)
class Expected:
    """A delivery that is expected or came: what it is about, when it is due, and what became of it."""

    partner: str
    reference_on: date
    due_on: date
    delivery: str | None
    delivered_on: date | None
    state: Literal["in time", "came late", "none came", "late", "expected"]  # none came: a later one is in force


def expected_deliveries(run: Run, partner: str, first: date, last: date) -> Sequence[Expected]:
    """Return the deliveries of a partner about the days from `first` to `last`, accepted or expected, as seen on `run.as_of`.

    Nothing is expected before the first one. Without a calendar, of what is weekly or monthly only the next one is.
    """
    schedule = load_schedule(run.jurisdiction, partner)
    accepted = [a for a in landing.accepted(run, partner) if a.known_on <= run.as_of]
    if not accepted:
        return []
    came = {a.reference_on: a for a in accepted}  # of a corrected one, the last
    known = {a.reference_on: a.known_on for a in reversed(accepted)}  # … and the day on which the first came
    days, day = set(came), accepted[0].reference_on
    is_fixed = schedule.partner.calendar is not None or schedule.partner.cadence == "daily"
    day = day if is_fixed else max(came)
    while (day := schedule.next_after(day)) <= last:
        days.add(day)
        if not is_fixed:
            break
    listed = []
    for on in sorted(day for day in days if first <= day <= last):
        due_on = schedule.due_on(on)
        if on in came:
            state = "in time" if known[on] <= due_on else "came late"
            listed.append(Expected(partner, on, due_on, came[on].delivery, known[on], state))
        else:
            state = "none came" if on < max(came) else "late" if run.as_of >= due_on else "expected"
            listed.append(Expected(partner, on, due_on, None, None, state))
    return listed
