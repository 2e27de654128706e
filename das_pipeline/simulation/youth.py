"""Minors: referrals to Halt, and investigations of the child protection board."""

from __future__ import annotations

import numpy as np

from das_pipeline.simulation.draws import Coded, happens, mix, mix_by
from das_pipeline.simulation.tables import ONE, Steps, Table, calendar_year, whole_days


def referrals(steps: Steps) -> Table:
    """Minors whom the police refer to Halt."""
    p, draw = steps.parameters.execution, steps.stream("referrals")
    suspicions, episodes = steps.tables["suspicions"], steps.tables["episodes"]
    episode = np.flatnonzero(episodes.coded("follow_up").is_in([steps.parameters.suspects.to_halt]))
    referred = episodes.days("handed_on")[episode] + whole_days(draw.integers(0, 8, len(episode)))
    order = np.argsort(referred, kind="stable")
    episode, referred = episode[order], referred[order]
    lead, n = episodes.links["suspicions"][episode], len(episode)
    closed = referred + ONE + whole_days(p.halt_days.draw(draw, n))
    offences = {c: v.offences for c, v in steps.parameters.crime.classes.items()}
    return Table(
        columns={
            "referral_no": steps.number("referral", referred),
            **suspicions.at(lead, "report_no"),
            "offence": mix_by(draw, suspicions.coded("police_class").at(lead), offences),
            "referred_on": referred,
            "closed_on": closed,
            "result": mix(draw, p.halt_results, n),
        },
        entry=referred,
        person=episodes.person[episode],
        case=episode,
        known_with={"result": ("closed_on", None)},
        last=closed,
    )


def investigations(steps: Steps) -> Table:
    """What the child protection board does in cases of minors."""
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
