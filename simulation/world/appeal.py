"""Appeals against judgments in first instance, and the day from which a sanction may be executed."""

from __future__ import annotations

import numpy as np

from simulation.draws import NEVER, Days, days_of, happens, mix_by, odds, text_of
from simulation.world.tables import ONE, Steps, Table, calendar_year


def appeals(steps: Steps) -> Table:
    """Cases before a court of appeal: one for each judgment that the suspect or the prosecutor appeals against."""
    p, draw, trials = steps.parameters.appeal, steps.stream("appeals"), steps.tables["trials"]
    decided, judge = trials.days("decided_on"), trials.coded("judge")
    chance = judge.numbers(p.share) * trials.coded("verdict").numbers(p.verdicts)
    chance = odds(chance, steps.aligned("appeal", decided))
    trial = np.flatnonzero(happens(draw, chance, len(trials), within=calendar_year(decided) * len(judge.words) + judge.codes))
    received = decided[trial] + draw.integers(1, p.term_days + 1, len(trial)) * ONE + p.lodged_to_received.draw(draw, len(trial))
    order = np.argsort(received, kind="stable")
    trial, received = trial[order], received[order]
    outcome = mix_by(draw, trials.coded("verdict").at(trial), p.outcomes)
    until = received + ONE + days_of(draw, outcome.numbers(p.outcome_days), p.outcome_sigma, len(trial))
    court = trials.coded("district").at(trial).translated({d: court for court, ds in p.courts.items() for d in ds})
    return Table(
        columns={
            "appeal_no": steps.number("appeal", received, court=text_of(court.translated(p.court_codes))),
            **trials.at(trial, "trial_no", "case_no", "offence", "offence_on"),
            "appeal_court": court,
            "received_on": received,
            "decided_on": until,
            "outcome": outcome,
        },
        entry=received,
        person=trials.person[trial],
        case=trials.case[trial],
        links={"cases": trials.links["cases"][trial], "trials": trial},
        known_with={"outcome": ("decided_on", None)},
        last=until,
    )


def irrevocable(steps: Steps) -> Days:
    """By trial, the day from which its sanctions may be executed, as no appeal is possible any more (Sv 6:1:16); none if acquitted."""
    p, trials, appeals = steps.parameters.appeal, steps.tables["trials"], steps.tables["appeals"]
    term = p.term_days * ONE
    day = trials.days("decided_on") + term
    outcome = appeals.coded("outcome")
    after = appeals.days("decided_on") + np.where(outcome.is_in(p.final), 0 * ONE, term)  # otherwise cassation is possible: Sv 432
    day[appeals.links["trials"]] = np.where(outcome.is_in([p.acquitted]), NEVER, after)
    return day
