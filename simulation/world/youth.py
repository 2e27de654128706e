"""Minors: referrals to Halt, and investigations of the child protection board."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from simulation.draws import Coded, Days, Ints, happens, mix, mix_by, take
from simulation.world.tables import ONE, Steps, Table, calendar_year, whole_days

MINOR_FROM, MINOR_UNTIL = 4_384, 6_574  # days: the twelfth birthday, the day before the eighteenth


def referrals(steps: Steps) -> Table:
    """Minors referred to Halt: by the police for a crime, or for a minor offence or truancy, which has no crime."""
    p, draw = steps.parameters.execution, steps.stream("referrals")
    suspicions, episodes = steps.tables["suspicions"], steps.tables["episodes"]
    episode = np.flatnonzero(episodes.coded("follow_up").is_in([steps.parameters.suspects.to_halt]))
    referred = episodes.days("handed_on")[episode] + whole_days(draw.integers(0, 8, len(episode)))
    truant, seen = _for_minor_offences(steps, draw, referred)
    case = np.concatenate([episode, len(episodes) + np.arange(len(seen))])
    lead = np.concatenate([episodes.links["suspicions"][episode], np.full(len(seen), -1)])
    person, referred = np.concatenate([episodes.person[episode], truant]), np.concatenate([referred, seen])
    reports = [
        take(suspicions.columns["report_no"], lead[: len(episode)]),
        steps.number("minor_offence_report", seen),
    ]
    order = np.argsort(referred, kind="stable")
    case, lead, person, referred = case[order], lead[order], person[order], referred[order]
    closed = referred + ONE + whole_days(p.halt_days.draw(draw, len(order)))
    offences = {c: v.offences for c, v in steps.parameters.crime.classes.items()}
    of_crime = mix_by(draw, suspicions.coded("police_class").at(np.maximum(lead, 0)), offences)
    words = (*of_crime.words, p.minor_offence)
    return Table(
        columns={
            "referral_no": steps.number("referral", referred),
            "report_no": pa.concat_arrays(reports).take(pa.array(order)),
            "offence": Coded(words, np.where(lead < 0, len(words) - 1, of_crime.codes)),
            "referred_on": referred,
            "closed_on": closed,
            "result": mix(draw, p.halt_results, len(order)),
        },
        entry=referred,
        person=person,
        case=case,
        links={"suspicions": lead},
        known_with={"result": ("closed_on", None)},
        last=closed,
    )


def _for_minor_offences(steps: Steps, draw: np.random.Generator, referred: Days) -> tuple[Ints, Days]:
    """Persons of 12 to 17 who occur elsewhere in the chain, and the days on which they are referred: those of other referrals."""
    p = steps.parameters.execution
    times = p.minor_offences * steps.aligned("halt_minor_offences", referred)
    whole = np.floor(times)
    more = happens(draw, times - whole, len(referred), within=calendar_year(referred))
    day = np.repeat(referred, whole.astype(np.int64) + more)
    born_on = steps.people.born_on
    by_birth = np.argsort(born_on, kind="stable")[: int((~np.isnat(born_on)).sum())]  # legal entities come last
    low, high = (np.searchsorted(born_on[by_birth], day - np.timedelta64(years, "D")) for years in (MINOR_UNTIL, MINOR_FROM))
    person = low + np.floor(draw.random(len(day)) * (high - low)).astype(np.int64)
    found = high > low
    return by_birth[person[found]], day[found]


def investigations(steps: Steps) -> Table:
    """The investigations of the child protection board in cases of minors."""
    p, draw, cases = steps.parameters.execution.youth, steps.stream("investigations"), steps.tables["cases"]
    case = np.flatnonzero(cases.numbers("minor").astype(bool) & happens(draw, p.share, len(cases)))
    started = cases.days("received_on")[case] + whole_days(draw.integers(0, 15, len(case)))
    order = np.argsort(started, kind="stable")
    case, started = case[order], started[order]
    ended = started + ONE + p.draw(draw, len(case))
    everybody, factors = Coded(("",), np.zeros(len(case), dtype=np.int64)), {p.service: steps.aligned("youth_service", started)}
    kind = mix_by(draw, everybody, {"": p.kinds}, factors, within=calendar_year(started))
    return Table(
        columns={
            "investigation_no": steps.number("investigation", started),
            **cases.at(case, "case_no"),
            "kind": kind,
            "started_on": started,
            "ended_on": ended,
            "result": mix_by(draw, kind, p.results),
        },
        entry=started,
        person=cases.person[case],
        case=cases.case[case],
        links={"cases": case},
        known_with={"result": ("ended_on", None)},
        last=ended,
    )
