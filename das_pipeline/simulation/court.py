"""Trials in first instance, and the sanctions that judges impose."""

from __future__ import annotations

import numpy as np

from das_pipeline.simulation.draws import Coded, days_of, happens, mix, position_within
from das_pipeline.simulation.tables import ONE, Steps, Table, amounts, whole_days


def trials(steps: Steps) -> Table:
    """Cases brought before a judge, with hearing and verdict."""
    p, draw, cases, charges = steps.parameters.court, steps.stream("trials"), steps.tables["cases"], steps.tables["charges"]
    decisions = steps.tables["decisions"]
    summons = np.flatnonzero(~np.isnat(decisions.days("summoned_on")))
    case = decisions.links["cases"][summons]
    received = decisions.days("summoned_on")[summons] + p.summons_to_intake.draw(draw, len(case))
    order = np.argsort(received, kind="stable")
    case, received = case[order], received[order]
    n, principal = len(case), cases.links["charges"][case]
    heavy = (charges.numbers("max_months")[principal] >= p.heavy_from_months) & happens(draw, p.heavy_share, n)
    kinds = (p.judges.other, p.judges.heavy, p.judges.minor)
    judge = Coded(kinds, np.where(cases.numbers("minor")[case], 2, heavy.astype(np.int64)))
    heard = received + ONE + days_of(draw, judge.numbers(p.intake_to_hearing_days), p.hearing_sigma, n)
    decided = heard + whole_days(judge.numbers(p.hearing_to_verdict_days))
    return Table(
        columns={
            "trial_no": steps.number("trial", received),
            **cases.at(case, "case_no", "district", "minor"),
            **charges.at(principal, "offence", "offence_on"),
            "received_on": received,
            "judge": judge,
            "heard_on": heard,
            "decided_on": decided,
            "verdict": mix(draw, p.verdicts, n),
        },
        entry=received,
        person=cases.person[case],
        case=cases.case[case],
        links={"cases": case},
        known_with={"verdict": ("decided_on", None)},
        last=decided,
    )


def sanctions(steps: Steps) -> Table:
    """A principal sanction for each conviction, and often another beside it."""
    p, draw, trials = steps.parameters.court, steps.stream("sanctions"), steps.tables["trials"]
    convicted = np.flatnonzero(trials.coded("verdict").is_in([p.convicted]))
    words = tuple(dict.fromkeys([*p.principal, *p.extra, p.minor_custody]))
    principal = mix(draw, p.principal, len(convicted)).among(words).codes
    is_traffic = trials.coded("offence").translated(steps.groups).is_in([p.traffic_group])[convicted]
    parts = [(convicted, principal)]
    for word, chance in p.extra.items():
        beside = happens(draw, chance, len(convicted)) & (principal != words.index(word))
        if word in p.traffic_only:
            beside &= is_traffic
        parts.append((convicted[beside], np.full(beside.sum(), words.index(word))))
    trial, codes = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((codes, trials.days("decided_on")[trial], trial))
    trial, codes = trial[order], codes[order]
    in_youth_law = trials.numbers("minor")[trial] & (codes == words.index(p.custody))
    kind, n = Coded(words, np.where(in_youth_law, words.index(p.minor_custody), codes)), len(trial)
    modality = mix(draw, p.modality, n)
    fine, service, damages = (kind.is_in([w]) for w in (p.fined, p.served, p.repaid))
    money = np.where(fine, amounts(p.fine.draw(draw, n), 10), amounts(p.damages.draw(draw, n), 1))
    hours = np.maximum(amounts(p.service_hours.draw(draw, n), 2), 4)
    return Table(
        columns={
            **trials.at(trial, "trial_no", "case_no", "decided_on"),
            "sanction_no": position_within(trial),
            "sanction": kind,
            "modality": Coded(modality.words, np.where(kind.is_in(p.measures), -1, modality.codes)),
            "days": np.where(kind.is_in([p.custody, p.minor_custody]), p.custody_days.draw(draw, n), np.nan),
            "hours": np.where(service, hours, np.nan),
            "amount": np.where(fine | damages, money, np.nan),
        },
        entry=trials.days("decided_on")[trial],
        person=trials.person[trial],
        case=trials.case[trial],
        links={"trials": trial, "cases": trials.links["cases"][trial]},
        belongs_to="trials",
    )
