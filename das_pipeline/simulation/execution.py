"""What becomes of sanctions outside prison: sums of money to collect, and the work of the probation service."""

from __future__ import annotations

import numpy as np

from das_pipeline.simulation.draws import Coded, Ints, happens, mix_by
from das_pipeline.simulation.tables import ONE, Steps, Table, whole_days


def executions(steps: Steps) -> Table:
    """Sums of money to collect: fines and damages of the courts, penal orders and transactions of the prosecutor."""
    p, draw = steps.parameters.execution, steps.stream("executions")
    sanctions, decisions, cases = steps.tables["sanctions"], steps.tables["decisions"], steps.tables["cases"]
    imposed = np.flatnonzero(sanctions.coded("sanction").is_in(p.from_sanction) & ~sanctions.coded("modality").is_in([p.conditional]))
    ordered = np.flatnonzero(decisions.coded("decision").is_in(p.from_decision) & ~np.isnan(decisions.numbers("amount")))
    kinds = [
        sanctions.coded("sanction").at(imposed).translated(p.from_sanction),
        decisions.coded("decision").at(ordered).translated(p.from_decision),
    ]
    words = tuple(dict.fromkeys(w for kind in kinds for w in kind.words))
    codes = np.concatenate([kind.among(words).codes for kind in kinds])
    fixed_on = np.concatenate([sanctions.days("decided_on")[imposed], decisions.days("decided_on")[ordered]])
    case = np.concatenate([sanctions.links["cases"][imposed], decisions.links["cases"][ordered]])
    amount = np.concatenate([sanctions.numbers("amount")[imposed], decisions.numbers("amount")[ordered]])
    received = fixed_on + p.verdict_to_collection.draw(draw, len(fixed_on))
    order = np.argsort(received, kind="stable")
    kind, received, case, amount = Coded(words, codes[order]), received[order], case[order], amount[order]
    settled = received + ONE + whole_days(p.collection_days.draw(draw, len(order)))
    return Table(
        columns={
            "execution_no": steps.number("execution", received),
            **cases.at(case, "case_no"),
            "sanction": kind,
            "received_on": received,
            "amount": amount,
            "settled_on": settled,
            "result": mix_by(draw, kind, p.results),
        },
        entry=received,
        person=cases.person[case],
        case=cases.case[case],
        links={"cases": case},
        known_with={"result": ("settled_on", None)},
        last=settled,
    )


def assignments(steps: Steps) -> Table:
    """Work of the probation service for adults: community service, supervision, and advice to the court."""
    p, draw, cases = steps.parameters.execution, steps.stream("assignments"), steps.tables["cases"]
    sanctions, trials = steps.tables["sanctions"], steps.tables["trials"]
    served, watched, advised = _assigned(steps, draw)
    n = [len(served), len(watched), len(advised)]
    verdict, summoned = sanctions.days("decided_on"), trials.days("received_on")[advised]
    started = np.concatenate(
        [
            verdict[served] + whole_days(p.service_wait_days.draw(draw, n[0])),
            verdict[watched] + np.timedelta64(15, "D"),
            summoned + whole_days(draw.integers(0, 10, n[2])),
        ]
    )
    until = np.concatenate([p.service_days.draw(draw, n[0]), p.supervision_days.draw(draw, n[1]), np.zeros(n[2], dtype=np.int64)])
    ended = started + whole_days(until)
    ended[n[0] + n[1] :] = np.maximum(trials.days("heard_on")[advised] - np.timedelta64(7, "D"), started[n[0] + n[1] :] + ONE)
    case = np.concatenate([sanctions.links["cases"][served], sanctions.links["cases"][watched], trials.links["cases"][advised]])
    hours = np.concatenate([sanctions.numbers("hours")[served], np.zeros(n[1] + n[2])])
    codes = np.repeat(np.arange(3), n)
    order = np.argsort(started, kind="stable")
    kind = Coded((p.assignments.service, p.assignments.supervision, p.assignments.advice), codes[order])
    case, started, ended = case[order], started[order], ended[order]
    return Table(
        columns={
            "assignment_no": steps.number("assignment", started),
            **cases.at(case, "case_no"),
            "kind": kind,
            "started_on": started,
            "ended_on": ended,
            "result": mix_by(draw, kind, p.assignment_results),
            "hours": hours[order],
        },
        entry=started,
        person=cases.person[case],
        case=cases.case[case],
        links={"cases": case},
        known_with={"result": ("ended_on", None)},
        last=ended,
    )


def _assigned(steps: Steps, draw: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """The sanctions that are community service, those under supervision, and the trials in which advice is asked."""
    p, court, sanctions, trials = steps.parameters.execution, steps.parameters.court, steps.tables["sanctions"], steps.tables["trials"]
    adult = ~trials.numbers("minor").astype(bool)
    of_adults = adult[sanctions.links["trials"]]
    kind, modality = sanctions.coded("sanction"), sanctions.coded("modality")
    served = of_adults & kind.is_in([court.served]) & ~modality.is_in([p.conditional])
    on_condition = of_adults & kind.is_in([court.custody]) & modality.is_in([p.conditional, p.partly_conditional])
    watched = on_condition & happens(draw, p.supervised, len(sanctions))
    advised = adult & happens(draw, p.advised, len(trials))
    return np.flatnonzero(served), np.flatnonzero(watched), np.flatnonzero(advised)
