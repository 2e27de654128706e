"""Cases at the prosecutor: one suspect each, with one or more charges and a decision."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from das_pipeline.simulation.draws import NEVER, Coded, compute, days_of, happens, mix, mix_by, position_within, take, text_of
from das_pipeline.simulation.tables import ENTITY, NATURAL, Steps, Table, age, amounts

FIRST, AGAIN = "first", "again"


def cases(steps: Steps) -> Table:
    """Episodes that the police handed over, and cases that came another way: from other services, or back after an objection."""
    p, draw, people = steps.parameters.prosecution, steps.stream("cases"), steps.people
    suspicions, episodes = steps.tables["suspicions"], steps.tables["episodes"]
    sent = np.flatnonzero(episodes.coded("follow_up").is_in([steps.parameters.suspects.to_prosecutor]))
    received = episodes.days("handed_on")[sent] + p.police_to_intake.draw(draw, len(sent))
    grown_up = np.flatnonzero(people.born_on + np.timedelta64(20 * 365, "D") < steps.days[0])
    other = round(len(sent) * p.other_origin / (1 - p.other_origin)) if len(grown_up) else 0
    person = np.concatenate([episodes.person[sent], draw.choice(grown_up, other)])
    received = np.concatenate([received, draw.choice(received, other)])
    case = np.concatenate([sent, len(episodes) + np.arange(other)])
    lead = np.concatenate([episodes.links["suspicions"][sent], np.full(other, -1)])
    order = np.argsort(received, kind="stable")
    person, received, case, lead = person[order], received[order], case[order], lead[order]
    n, region = len(order), suspicions.coded("region")
    place = Coded(region.words, np.where(lead < 0, draw.integers(0, len(region.words), n), region.codes[lead]))
    district = mix_by(draw, place, {r: dict.fromkeys(ds, 1.0) for r, ds in p.districts.items()})
    report = take(suspicions.columns["report_no"], np.maximum(lead, 0))
    return Table(
        columns={
            "case_no": steps.number("case", received, district=text_of(district.translated(p.district_codes))),
            "report_no": compute.if_else(pa.array(lead < 0), pa.scalar(None, pa.string()), report),
            "suspect_kind": Coded((NATURAL, ENTITY), people.is_entity[person].astype(np.int64)),
            "received_on": received,
            "inflow": Coded((FIRST, AGAIN), happens(draw, p.again, n).astype(np.int64)),
            "district": district,
            "fast_track": happens(draw, p.fast_track, n),
        },
        entry=received,
        person=person,
        case=case,
        links={"suspicions": lead},
    )


def charges(steps: Steps) -> Table:
    """One charge for each registration in a case's episode, and one for a case that came another way."""
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
    principal = by_weight[np.unique(case[by_weight], return_index=True)[1]]  # each case's heaviest charge, then its first
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
    """What the prosecutor decides: one decision a case, by the suspect's age at the heaviest offence."""
    p, draw, cases, charges = steps.parameters.prosecution, steps.stream("decisions"), steps.tables["cases"], steps.tables["charges"]
    n, people = len(cases), steps.people
    years = age(people.born_on[cases.person], charges.days("offence_on")[cases.links["charges"]])
    bands = tuple(p.decisions)
    from_age = np.array([int(b[:2]) for b in bands if b[0].isdigit()])
    band = np.maximum(np.searchsorted(from_age, years, side="right") - 1, 0)
    band = np.where(people.is_entity[cases.person], bands.index("entity"), band)
    decision = mix_by(draw, Coded(bands, band), p.decisions)
    words = tuple(dict.fromkeys([*decision.words, p.from_objection.decision]))
    objected = (cases.links["suspicions"] < 0) & happens(draw, p.from_objection.share, n)
    decision = Coded(words, np.where(objected, words.index(p.from_objection.decision), decision.codes))
    decided = cases.days("received_on") + days_of(draw, decision.numbers(p.decision_days), p.decision_sigma, n)
    in_money = happens(draw, decision.numbers({w: p.fined.get(w, 0.0) for w in words}), n)
    cases.last = decided
    return Table(
        columns={
            "case_no": cases.columns["case_no"],
            "decision_no": np.ones(n, dtype=np.int64),
            "decision": decision,
            "decided_on": decided,
            "summoned_on": np.where(decision.is_in(p.to_court), decided, NEVER),
            "amount": np.where(in_money, amounts(p.fine.draw(draw, n), 10), np.nan),
        },
        entry=decided,
        person=cases.person,
        case=cases.case,
        links={"cases": np.arange(n)},
        belongs_to="cases",
    )
