"""The execution of sanctions outside prison: sums of money to collect, and the work of the probation service."""

from __future__ import annotations

import numpy as np

from simulation.draws import NEVER, Coded, Days, Ints, happens, mix_by, odds
from simulation.world.appeal import irrevocable
from simulation.world.tables import ONE, Steps, Table, calendar_year, whole_days


def executions(steps: Steps) -> Table:
    """Sums of money to collect: fines and damages of the courts once irrevocable, penal orders and transactions of the prosecutor."""
    p, draw = steps.parameters.execution, steps.stream("executions")
    sanctions, decisions, cases = steps.tables["sanctions"], steps.tables["decisions"], steps.tables["cases"]
    executable = irrevocable(steps)[sanctions.links["trials"]]
    unconditional = ~sanctions.coded("modality").is_in([p.conditional]) & ~np.isnat(executable)
    imposed = np.flatnonzero(sanctions.coded("sanction").is_in(p.from_sanction) & unconditional)
    ordered = np.flatnonzero(decisions.coded("decision").is_in(p.from_decision) & ~np.isnan(decisions.numbers("amount")))
    kinds = [
        sanctions.coded("sanction").at(imposed).translated(p.from_sanction),
        decisions.coded("decision").at(ordered).translated(p.from_decision),
    ]
    words = tuple(dict.fromkeys(w for kind in kinds for w in kind.words))
    codes = np.concatenate([kind.among(words).codes for kind in kinds])
    sources = [sanctions.coded("sanction").at(imposed), decisions.coded("decision").at(ordered)]
    source_words = tuple(dict.fromkeys(w for source in sources for w in source.words))
    source = np.concatenate([source.among(source_words).codes for source in sources])
    fixed_on = np.concatenate([executable[imposed], decisions.days("decided_on")[ordered]])
    undone_on = np.concatenate([np.full(len(imposed), NEVER), _undone(decisions)[ordered]])
    case = np.concatenate([sanctions.links["cases"][imposed], decisions.links["cases"][ordered]])
    amount = np.concatenate([sanctions.numbers("amount")[imposed], decisions.numbers("amount")[ordered]])
    received = fixed_on + p.verdict_to_collection.draw(draw, len(fixed_on))
    order = np.argsort(received, kind="stable")
    order = order[~(undone_on <= received)[order]]
    kind, received, case, amount, undone = Coded(words, codes[order]), received[order], case[order], amount[order], undone_on[order]
    settled = received + ONE + whole_days(p.collection_days.draw(draw, len(order)))
    result = mix_by(draw, kind, p.results, within=calendar_year(settled) * len(words) + kind.codes)
    settled = np.where(np.isnat(undone), settled, undone)
    return Table(
        columns={
            "execution_no": steps.number("execution", received),
            **cases.at(case, "case_no"),
            "sanction": kind,
            "imposed_as": Coded(source_words, source[order]),
            "received_on": received,
            "amount": amount,
            "settled_on": settled,
            "result": Coded(result.words, np.where(np.isnat(undone), result.codes, result.words.index(p.undone))),
        },
        entry=received,
        person=cases.person[case],
        case=cases.case[case],
        links={"cases": case},
        known_with={"result": ("settled_on", None)},
        last=settled,
    )


def _undone(decisions: Table) -> Days:
    """For each decision, the day on which a later decision in the same case replaces it."""
    case, day = decisions.links["cases"], decisions.days("decided_on")
    later = np.r_[case[1:] == case[:-1], False][: len(case)]
    return np.where(later, np.r_[day[1:], day[:1]], NEVER)


def assignments(steps: Steps) -> Table:
    """Work of the probation service for adults: community service, supervision, and advice to the court."""
    p, draw, cases = steps.parameters.execution, steps.stream("assignments"), steps.tables["cases"]
    sanctions, trials, decisions = steps.tables["sanctions"], steps.tables["trials"], steps.tables["decisions"]
    served, ordered, watched, advised = _assigned(steps, draw)
    n = [len(served) + len(ordered), len(watched), len(advised)]
    executable, summoned = irrevocable(steps)[sanctions.links["trials"]], trials.days("received_on")[advised]
    fixed_on = np.concatenate([executable[served], decisions.days("decided_on")[ordered]])
    started = np.concatenate(
        [
            fixed_on + whole_days(p.service_wait_days.draw(draw, n[0])),
            executable[watched] + ONE,
            summoned + whole_days(draw.integers(0, 10, n[2])),
        ]
    )
    until = np.concatenate([p.service_days.draw(draw, n[0]), p.supervision_days.draw(draw, n[1]), np.zeros(n[2], dtype=np.int64)])
    ended = started + whole_days(until)
    ended[n[0] + n[1] :] = np.maximum(trials.days("heard_on")[advised] - np.timedelta64(7, "D"), started[n[0] + n[1] :] + ONE)
    of_sanctions = sanctions.links["cases"]
    case = [of_sanctions[served], decisions.links["cases"][ordered], of_sanctions[watched], trials.links["cases"][advised]]
    hours = [sanctions.numbers("hours")[served], p.ordered_hours.draw(draw, len(ordered)), np.zeros(n[1] + n[2])]
    kind = Coded((p.assignments.service, p.assignments.supervision, p.assignments.advice), np.repeat(np.arange(3), n))
    result = _results(steps, draw, kind, ended)
    again, restarted, reended = _again(steps, draw, kind, result, ended)
    first = np.concatenate([np.arange(len(ended)), again])
    codes = np.concatenate([result.codes, _results(steps, draw, kind.at(again), reended).codes])
    codes[again] = result.words.index(p.assignments.withdrawn)
    started, ended = np.concatenate([started, restarted]), np.concatenate([ended, reended])
    order = np.argsort(started, kind="stable")
    started, ended, result, first = started[order], ended[order], Coded(result.words, codes[order]), first[order]
    kind, case, hours = kind.at(first), np.concatenate(case)[first], np.concatenate(hours)[first]
    return Table(
        columns={
            "assignment_no": steps.number("assignment", started),
            **cases.at(case, "case_no"),
            "kind": kind,
            "started_on": started,
            "ended_on": ended,
            "result": result,
            "hours": hours,
        },
        entry=started,
        person=cases.person[case],
        case=cases.case[case],
        links={"cases": case},
        known_with={"result": ("ended_on", None)},
        last=ended,
    )


def _results(steps: Steps, draw: np.random.Generator, kind: Coded, ended: Days) -> Coded:
    """The result of each assignment; community service has an alignment."""
    p = steps.parameters.execution
    service = kind.is_in([p.assignments.service])
    factors = {p.assignments.completed: np.where(service, steps.aligned("service_completed", ended), 1.0)}
    return mix_by(draw, kind, p.assignment_results, factors, within=calendar_year(ended) * len(kind.words) + kind.codes)


def _again(steps: Steps, draw: np.random.Generator, kind: Coded, result: Coded, ended: Days) -> tuple[Ints, Days, Days]:
    """Community service that failed and is offered once more after an objection to detention (Sr 22g, Sv 6:6:23), and when."""
    p = steps.parameters.execution
    back = np.flatnonzero(kind.is_in([p.assignments.service]) & ~result.is_in([p.assignments.completed]))
    restarted = ended[back] + whole_days(p.service_wait_days.draw(draw, len(back)))
    reended = restarted + whole_days(p.service_days.draw(draw, len(back)))
    chance = odds(p.offered_again, steps.aligned("offered_again", reended))
    again = happens(draw, chance, len(back), within=calendar_year(reended))
    return back[again], restarted[again], reended[again]


def _assigned(steps: Steps, draw: np.random.Generator) -> tuple[Ints, Ints, Ints, Ints]:
    """Rows of the sanctions and of the prosecutor's decisions that are community service, of sanctions with supervision, and of trials with
    advice.
    """
    p, court, sanctions, trials = steps.parameters.execution, steps.parameters.court, steps.tables["sanctions"], steps.tables["trials"]
    adult = ~trials.numbers("minor").astype(bool)
    executable = irrevocable(steps)[sanctions.links["trials"]]
    of_adults, year = adult[sanctions.links["trials"]] & ~np.isnat(executable), calendar_year(sanctions.days("decided_on"))
    kind, modality = sanctions.coded("sanction"), sanctions.coded("modality")
    served = of_adults & kind.is_in([court.served]) & ~modality.is_in([p.conditional])
    served &= happens(draw, p.service_begins, len(sanctions), within=year * 2 + served)
    on_condition = of_adults & kind.is_in([court.custody, court.served]) & modality.is_in([p.conditional, p.partly_conditional])
    chance = odds(p.supervised, steps.aligned("supervision", executable))
    watched = on_condition & happens(draw, chance, len(sanctions), within=year * 2 + on_condition)
    advised = adult & happens(draw, p.advised, len(trials), within=calendar_year(trials.days("received_on")))
    return np.flatnonzero(served), _ordered_service(steps), np.flatnonzero(watched), np.flatnonzero(advised)


def _ordered_service(steps: Steps) -> Ints:
    """The prosecutor's decisions that impose work, not money, on adults and were not replaced."""
    decisions, cases = steps.tables["decisions"], steps.tables["cases"]
    case = decisions.links["cases"]
    adult = ~cases.numbers("minor").astype(bool) & ~steps.people.is_entity[cases.person]
    work = decisions.coded("decision").is_in(steps.parameters.execution.from_decision) & np.isnan(decisions.numbers("amount"))
    return np.flatnonzero(work & adult[case] & np.isnat(_undone(decisions)))
