"""Trials in first instance, and the sanctions that judges impose."""

from __future__ import annotations

import numpy as np

from simulation.draws import Coded, Days, Ints, days_of, happens, mix_by, odds, position_within
from simulation.world.tables import ONE, Steps, Table, amounts, calendar_year, whole_days


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
    offence = charges.coded("offence").at(principal)
    pace = offence.numbers({w: p.pace.get(w, 1.0) for w in offence.words})
    heard = received + ONE + days_of(draw, judge.numbers(p.intake_to_hearing_days) * pace, p.hearing_sigma, n)
    decided = heard + whole_days(judge.numbers(p.hearing_to_verdict_days))
    factors = {word: steps.aligned(word, decided) for word in p.aligned}
    return Table(
        columns={
            "trial_no": steps.number("trial", received),
            **cases.at(case, "case_no", "district", "minor"),
            **charges.at(principal, "offence", "offence_on"),
            "received_on": received,
            "judge": judge,
            "heard_on": heard,
            "decided_on": decided,
            "verdict": mix_by(draw, judge, dict.fromkeys(kinds, p.verdicts), factors, within=calendar_year(decided) * 3 + judge.codes),
        },
        entry=received,
        person=cases.person[case],
        case=cases.case[case],
        links={"cases": case},
        known_with={"verdict": ("decided_on", None)},
        last=decided,
    )


def sanctions(steps: Steps) -> Table:
    """A principal sanction for each conviction, often with an additional one; for some, an order of detention for years."""
    p, draw, trials = steps.parameters.court, steps.stream("sanctions"), steps.tables["trials"]
    words = tuple(dict.fromkeys([*p.principal["adult"], *p.extra, p.minor_custody, *p.orders]))
    trial, codes = _imposed(steps, draw, words)
    order = np.lexsort((codes, trials.days("decided_on")[trial], trial))
    trial, codes = trial[order], codes[order]
    in_youth_law = trials.numbers("minor")[trial].astype(bool) & (codes == words.index(p.custody))
    kind, n = Coded(words, np.where(in_youth_law, words.index(p.minor_custody), codes)), len(trial)
    fine, service, damages = (kind.is_in([w]) for w in (p.fined, p.served, p.repaid))
    money = np.where(fine, amounts(p.fine.draw(draw, n), 10), amounts(p.damages.draw(draw, n), 1))
    hours = np.maximum(amounts(p.service_hours.draw(draw, n), 2), 4)
    long = np.maximum(np.round(p.custody_days.draw(draw, n) * steps.aligned("custody_days", trials.days("decided_on")[trial])), 1)
    days = np.where(kind.is_in([p.minor_custody]), p.minor_custody_days.draw(draw, n), np.minimum(long, p.custody_days.most))
    return Table(
        columns={
            **trials.at(trial, "trial_no", "case_no", "decided_on", "offence", "offence_on"),
            "sanction_no": position_within(trial),
            "sanction": kind,
            "modality": _modality(steps, draw, kind, trials.days("decided_on")[trial]),
            "days": np.where(kind.is_in([p.custody, p.minor_custody]), days, np.nan),
            "hours": np.where(service, hours, np.nan),
            "amount": np.where(fine | damages, money, np.nan),
        },
        entry=trials.days("decided_on")[trial],
        person=trials.person[trial],
        case=trials.case[trial],
        links={"trials": trial, "cases": trials.links["cases"][trial]},
        belongs_to="trials",
    )


def _imposed(steps: Steps, draw: np.random.Generator, words: tuple[str, ...]) -> tuple[Ints, Ints]:
    """The trial and the word of each sanction."""
    p, trials = steps.parameters.court, steps.tables["trials"]
    convicted = np.flatnonzero(trials.coded("verdict").is_in([p.convicted]))
    decided, minor = trials.days("decided_on")[convicted], trials.numbers("minor")[convicted].astype(bool)
    offence, year = trials.coded("offence").at(convicted), calendar_year(decided)
    factors = {w: steps.aligned(w, decided) * np.where(minor, steps.aligned(f"{w}.minor", decided), 1.0) for w in p.aligned}
    earlier = steps.tables["cases"].numbers("earlier")[trials.links["cases"][convicted]]
    factors[p.custody] = factors.get(p.custody, 1.0) * p.custody_again ** np.minimum(earlier, 5)
    who = Coded(("adult", "minor", "entity"), np.where(steps.people.is_entity[trials.person[convicted]], 2, minor.astype(np.int64)))
    principal = mix_by(draw, who, p.principal, factors, within=year * 3 + who.codes).among(words).codes
    parts, instead = [], np.zeros(len(convicted), dtype=bool)
    for word, order in p.orders.items():
        may = offence.translated(steps.groups).is_in(order.groups) & (minor == order.minor) & ~instead
        may &= trials.coded("judge").at(convicted).is_in(order.judges) & ~steps.people.is_entity[trials.person[convicted]]
        factor = steps.aligned(word, decided) * np.where(decided < steps.start, order.warm_up, 1.0)
        ordered = may & happens(draw, odds(order.share, factor), len(convicted), within=year * 2 + may)
        instead |= ordered & order.instead
        parts.append((convicted[ordered], np.full(ordered.sum(), words.index(word))))
    for word, chance in p.extra.items():
        beside = happens(draw, chance, len(convicted), within=year) & (principal != words.index(word)) & ~instead
        if word in p.traffic_only:
            beside &= offence.translated(steps.groups).is_in([p.traffic_group])
        if word not in p.principal["entity"] and word in p.principal["adult"]:
            beside &= who.codes < 2
        parts.append((convicted[beside], np.full(beside.sum(), words.index(word))))
    trial, codes = zip((convicted[~instead], principal[~instead]), *parts, strict=True)
    return np.concatenate(trial), np.concatenate(codes)


def _modality(steps: Steps, draw: np.random.Generator, kind: Coded, decided: Days) -> Coded:
    """Whether a sanction is conditional; measures other than orders have no such form."""
    p = steps.parameters.court
    with_form = tuple(p.modality)
    place = np.array([with_form.index(w) if w in with_form else -1 for w in kind.words])[kind.codes]
    drawn = mix_by(draw, Coded(with_form, place), p.modality, within=calendar_year(decided) * len(kind.words) + kind.codes)
    return Coded(drawn.words, np.where(place < 0, -1, drawn.codes))
