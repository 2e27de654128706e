"""Cases at the prosecutor: each has one suspect, one or more charges, and a decision."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from simulation.draws import (
    NEVER,
    Coded,
    Days,
    Ints,
    compute,
    days_of,
    happens,
    mix,
    mix_by,
    odds,
    position_within,
    take,
    text_of,
)
from simulation.world.tables import ENTITY, NATURAL, Steps, Table, age, amounts, calendar_year

FIRST, AGAIN = "first", "again"


def cases(steps: Steps) -> Table:
    """Episodes that the police handed over or for which Halt failed, and cases from elsewhere: special services, objections."""
    p, draw, people = steps.parameters.prosecution, steps.stream("cases"), steps.people
    suspicions = steps.tables["suspicions"]
    sent, received = _sent(steps, draw)
    episodes = steps.tables["episodes"]
    grown_up = np.flatnonzero(people.born_on + np.timedelta64(20 * 365, "D") < steps.days[0])
    chance = p.other_origin / (1 - p.other_origin) * steps.aligned("other_origin", received) * (len(grown_up) > 0)
    other = np.flatnonzero(happens(draw, chance, len(sent), within=calendar_year(received)))
    person = np.concatenate([episodes.person[sent], draw.choice(grown_up, len(other)) if len(other) else other])
    numbered = 1 + steps.tables["referrals"].case.max(initial=len(episodes) - 1)
    case = np.concatenate([sent, numbered + np.arange(len(other))])
    lead = np.concatenate([episodes.links["suspicions"][sent], np.full(len(other), -1)])
    received = np.concatenate([received, received[other]])
    order = np.argsort(received, kind="stable")
    person, received, case, lead = person[order], received[order], case[order], lead[order]
    n, region, service = len(order), suspicions.coded("region"), suspicions.coded("service")
    place = Coded(region.words, np.where(lead < 0, draw.integers(0, len(region.words), n), region.codes[lead]))
    district = mix_by(draw, place, {r: dict.fromkeys(ds, 1.0) for r, ds in p.districts.items()})
    report = take(suspicions.columns["report_no"], np.maximum(lead, 0))
    elsewhere = mix(draw, p.origins, n, within=calendar_year(received) * 2 + (lead < 0))
    origins, year = (*service.words, *elsewhere.words), calendar_year(received)
    return Table(
        columns={
            "case_no": steps.number("case", received, district=text_of(district.translated(p.district_codes))),
            "report_no": compute.if_else(pa.array(lead < 0), pa.scalar(None, pa.string()), report),
            "suspect_kind": Coded((NATURAL, ENTITY), people.is_entity[person].astype(np.int64)),
            "received_on": received,
            "inflow": Coded((FIRST, AGAIN), happens(draw, p.again, n).astype(np.int64)),
            "origin": Coded(origins, np.where(lead < 0, len(service.words) + elsewhere.codes, service.codes[lead])),
            "district": district,
            "earlier": _recent(person, received),
            "fast_track": happens(draw, odds(p.fast_track, steps.aligned("fast_track", received)), n, within=year),
        },
        entry=received,
        person=person,
        case=case,
        links={"suspicions": lead},
    )


def _recent(person: Ints, received: Days) -> Ints:
    """How many cases the same person had in the two years before each case; cases are in order of `received`."""
    moment = person * 100_000 + (received - np.datetime64("1970-01-01")).astype(np.int64)
    in_order = np.sort(moment)
    since = np.maximum(moment - 730, person * 100_000)
    return np.searchsorted(in_order, moment, side="left") - np.searchsorted(in_order, since, side="left")


def _sent(steps: Steps, draw: np.random.Generator) -> tuple[Ints, Days]:
    """The episodes that reach the prosecutor through the police, and when: at once, or after Halt failed (Sr 77e)."""
    p, episodes, referrals = steps.parameters.prosecution, steps.tables["episodes"], steps.tables["referrals"]
    sent = np.flatnonzero(episodes.coded("follow_up").is_in([steps.parameters.suspects.to_prosecutor]))
    failed = np.flatnonzero(referrals.coded("result").is_in(p.after_halt) & (referrals.links["suspicions"] >= 0))
    episode = np.concatenate([sent, referrals.case[failed]])
    handed_on = np.concatenate([episodes.days("handed_on")[sent], referrals.days("closed_on")[failed]])
    return episode, handed_on + p.police_to_intake.draw(draw, len(episode))


def charges(steps: Steps) -> Table:
    """One charge for each registration in a case's episode, and one for a case from elsewhere."""
    p, draw, cases, suspicions = steps.parameters.prosecution, steps.stream("charges"), steps.tables["cases"], steps.tables["suspicions"]
    place = np.full(cases.case.max(initial=suspicions.case.max(initial=0)) + 1, -1)
    place[cases.case] = np.arange(len(cases))
    registration = np.flatnonzero(place[suspicions.case] >= 0)
    alone = np.flatnonzero(cases.links["suspicions"] < 0)
    case = np.concatenate([place[suspicions.case[registration]], alone])
    offences = {c: v.offences for c, v in steps.parameters.crime.classes.items()}
    parts = [mix_by(draw, suspicions.coded("police_class").at(registration), offences), mix(draw, p.other_offences, len(alone))]
    words = tuple(dict.fromkeys(w for part in parts for w in part.words))
    codes = np.concatenate([part.among(words).codes for part in parts])
    long_ago = cases.days("received_on")[alone] - np.timedelta64(60, "D") - days_of(draw, 90, 1.0, len(alone))
    offence_on = np.concatenate([suspicions.days("offence_on")[registration], long_ago])
    order = np.lexsort((offence_on, case))
    case, offence, offence_on = case[order], Coded(words, codes[order]), offence_on[order]
    months = offence.numbers({w: float(p.penalties[w]) for w in words}).astype(np.int64)
    by_weight = np.lexsort((np.arange(len(case)), -months, case))
    principal = by_weight[np.unique(case[by_weight], return_index=True)[1]]  # of each case, the first of its heaviest charges
    cases.links["charges"] = principal
    cases.columns["minor"] = age(steps.people.born_on[cases.person], offence_on[principal]) < 18
    return Table(
        columns={
            **cases.at(case, "case_no"),
            "charge_no": position_within(case),
            "offence": offence,
            "offence_on": offence_on,
            "max_months": months,
        },
        entry=cases.entry[case],
        person=cases.person[case],
        case=cases.case[case],
        links={"cases": case},
        belongs_to="cases",
    )


def decisions(steps: Steps) -> Table:
    """The prosecutor's decision in each case, and a second one after an objection, unmet conditions or a court order."""
    p, draw, cases = steps.parameters.prosecution, steps.stream("decisions"), steps.tables["cases"]
    first, received = _first_decisions(steps, draw), cases.days("received_on")
    pace = np.where(cases.numbers("minor").astype(bool), p.minors_pace, 1.0)
    decided = received + days_of(draw, first.numbers(p.decision_days) * pace, p.decision_sigma, len(cases))
    again, why, reopened = _reopened(steps, draw, first, decided)
    words = tuple(dict.fromkeys([*first.words, *(r.decision for r in p.reopened.values())]))
    second = np.array([words.index(r.decision) for r in p.reopened.values()], dtype=np.int64)[why.codes]
    case = np.concatenate([np.arange(len(cases)), again])
    order = np.argsort(case, kind="stable")
    decision = Coded(words, np.concatenate([first.among(words).codes, second])[order])
    case, decided = case[order], np.concatenate([decided, reopened])[order]
    reason = np.concatenate([np.full(len(cases), -1), why.codes])[order]
    n = len(case)
    in_money = happens(draw, decision.numbers({w: p.fined.get(w, 0.0) for w in words}), n)
    cases.last = decided[np.r_[case[1:] != case[:-1], True][:n]]
    return Table(
        columns={
            "case_no": take(cases.columns["case_no"], case),
            "decision_no": position_within(case),
            "decision": decision,
            "decided_on": decided,
            "summoned_on": np.where(decision.is_in(p.to_court), decided, NEVER),
            "amount": np.where(in_money, amounts(p.fine.draw(draw, n), 10), np.nan),
            "ground": _grounds(steps, decision, decided),
            "reopened_by": Coded(why.words, reason),
        },
        entry=decided,
        person=cases.person[case],
        case=cases.case[case],
        links={"cases": case},
        belongs_to="cases",
    )


def _grounds(steps: Steps, decision: Coded, decided: Days) -> Coded:
    """The ground of each dismissal; other decisions have none."""
    p = steps.parameters.prosecution
    dismissals = tuple(p.grounds)
    place = np.array([dismissals.index(w) if w in dismissals else -1 for w in decision.words])[decision.codes]
    drawn = mix_by(steps.stream("grounds"), Coded(dismissals, place), p.grounds, within=calendar_year(decided) * 100 + decision.codes)
    return Coded(drawn.words, np.where(place < 0, -1, drawn.codes))


def _first_decisions(steps: Steps, draw: np.random.Generator) -> Coded:
    """The first decision in each case, by the suspect's age at the heaviest offence; minors have their own alignment."""
    p, cases, charges, people = steps.parameters.prosecution, steps.tables["cases"], steps.tables["charges"], steps.people
    years = age(people.born_on[cases.person], charges.days("offence_on")[cases.links["charges"]])
    bands = tuple(p.decisions)
    from_age = np.array([int(b[:2]) for b in bands if b[0].isdigit()])
    band = np.maximum(np.searchsorted(from_age, years, side="right") - 1, 0)
    band = np.where(people.is_entity[cases.person], bands.index("entity"), band)
    received, minor = cases.days("received_on"), cases.numbers("minor").astype(bool)
    factors = {
        word: steps.aligned(name, received) * np.where(minor, steps.aligned(f"{name}.minor", received), 1.0)
        for word, name in p.aligned.items()
    }
    strata = calendar_year(received) * len(bands) + band
    decision = mix_by(draw, Coded(bands, band), p.decisions, factors, within=strata)
    words = tuple(dict.fromkeys([*decision.words, p.from_objection.decision]))
    objected = cases.coded("origin").is_in([p.from_objection.origin]) & happens(draw, p.from_objection.share, len(cases))
    return Coded(words, np.where(objected, words.index(p.from_objection.decision), decision.codes))


def _reopened(steps: Steps, draw: np.random.Generator, first: Coded, decided: Days) -> tuple[Ints, Coded, Days]:
    """The cases that are decided on again, why, and when. The reasons compete: whichever would happen first does."""
    p, n = steps.parameters.prosecution, len(decided)
    soonest, why = np.full(n, NEVER), np.full(n, -1)
    for place, reason in enumerate(p.reopened.values()):
        may = first.is_in(reason.after)
        day = decided + reason.draw(draw, n)
        chance = odds(np.where(may, reason.share, 0.0), steps.aligned("reopened", day))
        sooner = happens(draw, chance, n, within=calendar_year(day) * 2 + may) & (np.isnat(soonest) | (day < soonest))
        soonest, why = np.where(sooner, day, soonest), np.where(sooner, place, why)
    case = np.flatnonzero(why >= 0)
    return case, Coded(tuple(p.reopened), why[case]), soonest[case]
