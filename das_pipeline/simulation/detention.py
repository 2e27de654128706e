"""Stays in detention: on remand, to serve a sentence, or instead of a fine or of community service that failed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from das_pipeline.simulation.draws import NEVER, Bools, Coded, Days, Floats, Ints, happens, mix, mix_by, position_within, take
from das_pipeline.simulation.police import NOWHERE
from das_pipeline.simulation.tables import ONE, Steps, Table, whole_days

KINDS = ("remand", "sentence", "substitute")  # why somebody is let in
THREE_DAYS = np.timedelta64(3, "D")  # the police hold a suspect for three days at most; then a judge must agree


@dataclass(frozen=True)
class _Stays:
    """Stays as they are made: the case, from when until when, and the verdict after which a stay on remand serves the sentence."""

    case: Ints
    admitted: Days
    released: Days
    sentenced: Days
    kind: Ints  # of KINDS

    def at(self, rows: Ints) -> _Stays:
        return _Stays(self.case[rows], self.admitted[rows], self.released[rows], self.sentenced[rows], self.kind[rows])


def stays(steps: Steps) -> Table:
    """Stays, no two of one person at a time."""
    p, draw, cases = steps.parameters.execution, steps.stream("stays"), steps.tables["cases"]
    remand, served = _remand(steps, draw)
    parts = [remand, _sentences(steps, draw, served), _substitutes(steps, draw)]
    made = _Stays(*(np.concatenate([getattr(part, f) for part in parts]) for f in _Stays.__dataclass_fields__))
    order = np.lexsort((made.case, made.released, made.admitted, cases.person[made.case]))
    made = made.at(order[_apart(cases.person[made.case[order]], made.admitted[order], made.released[order])])
    made = made.at(np.argsort(made.admitted, kind="stable"))
    person, n = cases.person[made.case], len(made.case)
    held, first = np.unique(person, return_index=True)
    numbers = steps.number("detainee", made.admitted[np.sort(first)])
    rank = np.argsort(np.argsort(first))[np.searchsorted(held, person)]
    places = {
        r: s for r, s in steps.parameters.crime.regions.items() if r not in steps.parameters.suspects.not_a_residence and r != NOWHERE
    }
    after = np.where(np.isnat(made.sentenced), made.kind, KINDS.index("sentence"))
    return Table(
        columns={
            "detainee_no": take(numbers, rank),
            "stay_no": position_within(person),
            **cases.at(made.case, "case_no"),
            "place": mix(draw, places, n),
            **steps.tables["charges"].at(cases.links["charges"][made.case], "offence"),
            "admitted_on": made.admitted,
            "title": Coded((p.custody_title, p.sentence_title, p.substitute_title), made.kind),
            "released_on": made.released,
            "release_reason": mix_by(draw, Coded(KINDS, after), p.release_reasons),
            "sentenced_on": made.sentenced,
        },
        entry=made.admitted,
        person=person,
        case=cases.case[made.case],
        links={"cases": made.case},
        known_with={"release_reason": ("released_on", None)},
        last=made.released,
    )


def titles(steps: Steps) -> Table:
    """Titles that follow the first one inside a stay: remand after police custody, a sentence after the verdict."""
    p, stays = steps.parameters.execution, steps.tables["stays"]
    admitted, released, sentenced = (stays.days(d) for d in ("admitted_on", "released_on", "sentenced_on"))
    remand = np.flatnonzero(stays.coded("title").is_in([p.custody_title]) & (released > admitted + THREE_DAYS))
    serving = np.flatnonzero(~np.isnat(sentenced))
    stay = np.concatenate([remand, serving])
    after_remand = np.maximum(sentenced[serving], admitted[serving] + THREE_DAYS + ONE)
    started = np.concatenate([admitted[remand] + THREE_DAYS, after_remand])
    code = np.repeat([0, 1], [len(remand), len(serving)])
    order = np.lexsort((started, stay))
    stay, started, code = stay[order], started[order], code[order]
    return Table(
        columns={
            **stays.at(stay, "detainee_no", "stay_no"),
            "title_no": position_within(stay),
            "title": Coded((p.remand_title, p.sentence_title), code),
            "started_on": started,
        },
        entry=started,
        person=stays.person[stay],
        case=stays.case[stay],
        links={"stays": stay},
        belongs_to="stays",
    )


def _remand(steps: Steps, draw: np.random.Generator) -> tuple[_Stays, Floats]:
    """Held from the last registration on, some until the end of their sentence; and the days served that way, by trial."""
    p, cases, charges, trials = steps.parameters.execution.remand, steps.tables["cases"], steps.tables["charges"], steps.tables["trials"]
    of_trial = trials.links["cases"]
    months = charges.numbers("max_months")[cases.links["charges"][of_trial]]
    may = (cases.links["suspicions"][of_trial] >= 0) & ~steps.people.is_entity[trials.person] & (months >= p.from_months)
    held = np.flatnonzero(may & happens(draw, p.share, len(trials)))
    case, verdict = of_trial[held], trials.days("decided_on")[held]
    admitted = steps.tables["episodes"].days("last_on")[cases.case[case]]
    released = admitted + ONE + p.draw(draw, len(held))
    days, before = _custody_days(steps)[held], (verdict - admitted).astype(np.float64)
    stays_on = happens(draw, p.stays_on, len(held)) & (np.nan_to_num(days) > before)
    until = verdict + whole_days(np.maximum(np.nan_to_num(days) - before, 1))
    released = np.where(stays_on, np.maximum(until, verdict + ONE), released)
    served = np.zeros(len(trials))
    served[held] = np.where(stays_on, np.inf, (released - admitted).astype(np.float64))
    return _Stays(case, admitted, released, np.where(stays_on, verdict, NEVER), np.zeros(len(held), dtype=np.int64)), served


def _custody_days(steps: Steps) -> Floats:
    """Days of custody to be served, by trial; NaN for none."""
    p, court, sanctions = steps.parameters.execution, steps.parameters.court, steps.tables["sanctions"]
    modality = sanctions.coded("modality")
    custody = sanctions.coded("sanction").is_in([court.custody, court.minor_custody]) & ~modality.is_in([p.conditional])
    share = np.where(modality.is_in([p.partly_conditional]), p.partly_served, 1.0)
    days = np.full(len(steps.tables["trials"]), np.nan)
    days[sanctions.links["trials"][custody]] = np.ceil(sanctions.numbers("days") * share)[custody]
    return days


def _sentences(steps: Steps, draw: np.random.Generator, served: Floats) -> _Stays:
    """Sentences that are served from the street; the days on remand count."""
    trials, left = steps.tables["trials"], np.nan_to_num(_custody_days(steps)) - served
    trial = np.flatnonzero(left >= 1)
    wait = whole_days(15 + steps.parameters.execution.sentence_wait_days.draw(draw, len(trial)))
    admitted = trials.days("decided_on")[trial] + wait
    released = admitted + whole_days(left[trial])
    return _Stays(trials.links["cases"][trial], admitted, released, np.full(len(trial), NEVER), np.full(len(trial), 1))


def _substitutes(steps: Steps, draw: np.random.Generator) -> _Stays:
    """Instead of a sum that was not paid, a day per 50 euro, or of community service that failed, a day per two hours."""
    p, executions, assignments = steps.parameters.execution, steps.tables["executions"], steps.tables["assignments"]
    unpaid = np.flatnonzero(executions.coded("result").is_in([p.substituted]) & ~steps.people.is_entity[executions.person])
    failed = assignments.coded("kind").is_in([p.assignments.service]) & assignments.coded("result").is_in([p.assignments.failed])
    failed = np.flatnonzero(failed & happens(draw, p.failed_service_detained, len(assignments)))
    case = np.concatenate([executions.links["cases"][unpaid], assignments.links["cases"][failed]])
    later = whole_days(p.sentence_wait_days.draw(draw, len(failed)))
    admitted = np.concatenate([executions.days("settled_on")[unpaid], assignments.days("ended_on")[failed] + later])
    days = np.concatenate([executions.numbers("amount")[unpaid] // 50, assignments.numbers("hours")[failed] // 2])
    return _Stays(case, admitted, admitted + whole_days(np.clip(days, 1, 120)), np.full(len(case), NEVER), np.full(len(case), 2))


def _apart(person: Ints, start: Days, end: Days) -> Bools:
    """Which stays, in order of person and start, begin after every earlier one of the same person has ended."""
    keep = np.ones(len(person), dtype=bool)
    while True:
        rows = np.flatnonzero(keep)
        overlaps = (person[rows][1:] == person[rows][:-1]) & (start[rows][1:] <= end[rows][:-1])
        if not overlaps.any():
            return keep
        first = overlaps & ~np.r_[False, overlaps[:-1]]
        keep[rows[1:][first]] = False
