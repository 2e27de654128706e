"""Stays in detention: on remand, for a sentence, under an order, or instead of an unpaid fine or failed community service."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.draws import NEVER, Bools, Coded, Days, Floats, Ints, happens, mix, mix_by, odds, position_within, take
from simulation.world.appeal import irrevocable
from simulation.world.police import NOWHERE
from simulation.world.tables import ONE, Steps, Table, calendar_year, whole_days

KINDS = ("remand", "sentence", "substitute")  # why somebody is admitted
LONG = "long_sentence"  # a sentence with conditional release
ARRIVALS = ("held", "arrested", "self_reported")  # how somebody is admitted: held before the verdict, or arrested or summoned after it
THREE_DAYS = np.timedelta64(3, "D")  # the police may hold a suspect for three days at most; after that a judge must agree


@dataclass(frozen=True)
class _Stays:
    """Stays under construction: the case, the first and last day, and the day from which a stay on remand serves the sentence."""

    case: Ints
    admitted: Days
    released: Days
    sentenced: Days
    kind: Ints  # of KINDS and the orders after them
    arrival: Ints  # of ARRIVALS

    def at(self, rows: Ints) -> _Stays:
        return _Stays(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def stays(steps: Steps) -> Table:
    """Stays; those of one person do not overlap."""
    p, draw, cases = steps.parameters.execution, steps.stream("stays"), steps.tables["cases"]
    remand, served = _remand(steps, draw)
    sentences = _sentences(steps, draw, served)
    parts = [remand, sentences, _ordered(steps, draw, remand, sentences), _substitutes(steps, draw)]
    joined = _Stays(*(np.concatenate([getattr(part, f) for part in parts]) for f in _Stays.__dataclass_fields__))
    order = np.lexsort((joined.case, joined.released, joined.admitted, cases.person[joined.case]))
    joined = joined.at(order[_apart(cases.person[joined.case[order]], joined.admitted[order], joined.released[order])])
    joined = joined.at(np.argsort(joined.admitted, kind="stable"))
    person, n = cases.person[joined.case], len(joined.case)
    held, first = np.unique(person, return_index=True)
    numbers = steps.number("detainee", joined.admitted[np.sort(first)])
    rank = np.argsort(np.argsort(first))[np.searchsorted(held, person)]
    places = {
        r: s for r, s in steps.parameters.crime.regions.items() if r not in steps.parameters.suspects.not_a_residence and r != NOWHERE
    }
    kinds = (*KINDS, *p.orders)
    titles = (p.custody_title, p.sentence_title, p.substitute_title, *(o.title for o in p.orders.values()))
    title = Coded(tuple(dict.fromkeys(titles)), np.array([list(dict.fromkeys(titles)).index(t) for t in titles])[joined.kind])
    usual = np.where(cases.numbers("minor")[joined.case].astype(bool), p.minors_stay_in, p.adults_stay_in)
    special = np.array(["", "", "", *(o.institution for o in p.orders.values())])[joined.kind]
    institution = np.where(special == "", usual, special)
    institutions = tuple(np.unique(institution).tolist())
    after = np.where(np.isnat(joined.sentenced), joined.kind, KINDS.index("sentence"))
    long = np.zeros(len(cases), dtype=bool)
    long[steps.tables["trials"].links["cases"]] = _custody_days(steps) > p.early_release.from_days
    after = np.where((after == KINDS.index("sentence")) & long[joined.case], len(kinds), after)
    return Table(
        columns={
            "detainee_no": take(numbers, rank),
            "stay_no": position_within(person),
            **cases.at(joined.case, "case_no"),
            "place": mix(draw, places, n),
            **steps.tables["charges"].at(cases.links["charges"][joined.case], "offence"),
            "admitted_on": joined.admitted,
            "title": title,
            "institution": Coded(institutions, np.searchsorted(institutions, institution)),
            "arrival": Coded(ARRIVALS, joined.arrival),
            "released_on": joined.released,
            "release_reason": mix_by(draw, Coded((*kinds, LONG), after), p.release_reasons),
            "sentenced_on": joined.sentenced,
        },
        entry=joined.admitted,
        person=person,
        case=cases.case[joined.case],
        links={"cases": joined.case},
        known_with={"release_reason": ("released_on", None)},
        last=joined.released,
    )


def titles(steps: Steps) -> Table:
    """The titles of a stay after its first one: remand after police custody, a sentence after the verdict."""
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
    """Stays on remand, from the last registration until at most the verdict, or for some until the end of their sentence; and the days
    served, by trial.
    """
    p, cases, charges, trials = steps.parameters.execution.remand, steps.tables["cases"], steps.tables["charges"], steps.tables["trials"]
    of_trial = trials.links["cases"]
    months = charges.numbers("max_months")[cases.links["charges"][of_trial]]
    may = (cases.links["suspicions"][of_trial] >= 0) & ~steps.people.is_entity[trials.person] & (months >= p.from_months)
    last_on = steps.tables["episodes"].days("last_on")
    since = last_on[np.where(may, cases.case[of_trial], 0)]
    again = p.again ** np.minimum(cases.numbers("earlier")[of_trial], 5)
    minor = np.where(trials.numbers("minor").astype(bool), steps.aligned("remand.minor", since), 1.0)
    chance = odds(np.where(may, p.share, 0.0), steps.aligned("remand", since) * minor * again)
    held = np.flatnonzero(happens(draw, chance, len(trials), within=calendar_year(since) * 2 + may))
    case, verdict, admitted = of_trial[held], trials.days("decided_on")[held], since[held]
    released = np.minimum(admitted + ONE + p.draw(draw, len(held)), np.maximum(verdict, admitted + ONE))
    days, before = np.nan_to_num(served_days(steps)[held]), (verdict - admitted).astype(np.float64)
    stays_on = happens(draw, p.stays_on, len(held)) & (days > before)
    until = np.maximum(verdict + whole_days(np.maximum(days - before, 1)), verdict + ONE)
    executable, final = irrevocable(steps)[held], _acquitted_on(steps)[held]
    until = np.where(final < until, np.maximum(final, verdict + ONE), until)  # acquitted on appeal
    released = np.where(stays_on, until, released)
    sentenced = np.where(stays_on & (executable < released), executable, NEVER)
    served = np.zeros(len(trials))
    served[held] = np.where(stays_on, np.inf, (released - admitted).astype(np.float64))
    none = np.zeros(len(held), dtype=np.int64)
    return _Stays(case, admitted, released, sentenced, none, none), served


def _acquitted_on(steps: Steps) -> Days:
    """The day on which each trial's suspect was acquitted on appeal."""
    appeals, day = steps.tables["appeals"], np.full(len(steps.tables["trials"]), NEVER)
    day[appeals.links["trials"]] = np.where(
        appeals.coded("outcome").is_in([steps.parameters.appeal.acquitted]), appeals.days("decided_on"), NEVER
    )
    return day


def served_days(steps: Steps) -> Floats:
    """Days until conditional release, by trial; NaN for none.

    Sr 15, since 2020 Sv 6:2:10: of a sentence of more than a year, two thirds of the part beyond the year is not served, or a third of
    the whole if that is less; since July 2021 at most two years.
    """
    release, days = steps.parameters.execution.early_release, _custody_days(steps)
    free = np.minimum(days / 3, np.maximum(days - release.from_days, 0) * 2 / 3)
    capped = steps.tables["trials"].days("decided_on") >= np.datetime64(release.capped_since)
    return np.ceil(days - np.where(capped, np.minimum(free, release.most_days), free))


def _custody_days(steps: Steps) -> Floats:
    """Days of unconditional custody imposed, by trial; NaN for none."""
    p, court, sanctions = steps.parameters.execution, steps.parameters.court, steps.tables["sanctions"]
    modality = sanctions.coded("modality")
    custody = sanctions.coded("sanction").is_in([court.custody, court.minor_custody]) & ~modality.is_in([p.conditional])
    share = np.where(modality.is_in([p.partly_conditional]), p.partly_served, 1.0)
    days = np.full(len(steps.tables["trials"]), np.nan)
    days[sanctions.links["trials"][custody]] = np.ceil(sanctions.numbers("days") * share)[custody]
    return days


def _sentences(steps: Steps, draw: np.random.Generator, served: Floats) -> _Stays:
    """Stays for sentences of persons at liberty, from the day they are irrevocable, less the days on remand. Some report when summoned."""
    p, trials, left = steps.parameters.execution, steps.tables["trials"], np.nan_to_num(served_days(steps)) - served
    executable = irrevocable(steps)
    trial = np.flatnonzero((left >= 1) & ~np.isnat(executable))
    called, reports = executable[trial] + ONE + whole_days(p.sentence_wait_days.draw(draw, len(trial))), p.self_reporters
    chance = odds(reports.share, steps.aligned("self_reported", called))
    reported = happens(draw, chance, len(trial), within=calendar_year(called))
    uncalled = reported & (called >= np.datetime64(reports.until))
    admitted = np.where(uncalled, called + reports.later_days * ONE, called)
    chance = odds(p.sentence_served, steps.aligned("sentence_served", admitted))
    comes = happens(draw, chance, len(trial), within=calendar_year(admitted) * 2 + reported)
    trial, admitted, reported, uncalled = trial[comes], admitted[comes], reported[comes], uncalled[comes]
    released, n = admitted + whole_days(left[trial]), len(trial)
    arrival = np.where(reported & ~uncalled, ARRIVALS.index("self_reported"), ARRIVALS.index("arrested"))
    return _Stays(trials.links["cases"][trial], admitted, released, np.full(n, NEVER), np.full(n, KINDS.index("sentence")), arrival)


def _ordered(steps: Steps, draw: np.random.Generator, *others: _Stays) -> _Stays:
    """Stays under an unconditional order, after the other stays of the same case."""
    p, sanctions = steps.parameters.execution, steps.tables["sanctions"]
    executable = irrevocable(steps)[sanctions.links["trials"]]
    free_on = np.full(len(steps.tables["cases"]), np.datetime64("1900-01-01"))
    for stays in others:
        np.maximum.at(free_on, stays.case, stays.released)
    parts = []
    for place, (word, order) in enumerate(p.orders.items()):
        row = np.flatnonzero(
            sanctions.coded("sanction").is_in([word]) & ~sanctions.coded("modality").is_in([p.conditional]) & ~np.isnat(executable)
        )
        case, n = sanctions.links["cases"][row], len(row)
        admitted = np.maximum(executable[row] + whole_days(draw.integers(1, 60, n)), free_on[case] + ONE)
        released = admitted + whole_days(order.draw(draw, n))
        kind, arrival = np.full(n, len(KINDS) + place), np.full(n, ARRIVALS.index("arrested"))
        parts.append(_Stays(case, admitted, released, np.full(n, NEVER), kind, arrival))
    return _Stays(*(np.concatenate([getattr(part, f) for part in parts]) for f in _Stays.__dataclass_fields__))


def _substitutes(steps: Steps, draw: np.random.Generator) -> _Stays:
    """Stays of a day per 50 euro instead of an unpaid sum, or of a day per two hours instead of failed community service."""
    p, executions, assignments = steps.parameters.execution, steps.tables["executions"], steps.tables["assignments"]
    unpaid = np.flatnonzero(executions.coded("result").is_in([p.substituted]) & ~steps.people.is_entity[executions.person])
    failed = assignments.coded("kind").is_in([p.assignments.service]) & assignments.coded("result").is_in([p.assignments.failed])
    failed = np.flatnonzero(failed & happens(draw, p.failed_service_detained, len(assignments)))
    case = np.concatenate([executions.links["cases"][unpaid], assignments.links["cases"][failed]])
    later = whole_days(p.sentence_wait_days.draw(draw, len(failed)))
    admitted = np.concatenate([executions.days("settled_on")[unpaid], assignments.days("ended_on")[failed] + later])
    days = np.concatenate([executions.numbers("amount")[unpaid] // 50, assignments.numbers("hours")[failed] // 2])
    n, arrival = len(case), np.full(len(case), ARRIVALS.index("arrested"))
    return _Stays(case, admitted, admitted + whole_days(np.clip(days, 1, 120)), np.full(n, NEVER), np.full(n, 2), arrival)


def _apart(person: Ints, start: Days, end: Days) -> Bools:
    """The stays, in order of person and start, that begin after all earlier ones of the same person have ended."""
    keep = np.ones(len(person), dtype=bool)
    while True:
        rows = np.flatnonzero(keep)
        overlaps = (person[rows][1:] == person[rows][:-1]) & (start[rows][1:] <= end[rows][:-1])
        if not overlaps.any():
            return keep
        first = overlaps & ~np.r_[False, overlaps[:-1]]
        keep[rows[1:][first]] = False
