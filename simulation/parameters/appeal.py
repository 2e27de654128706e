"""Parameters of appeals."""

from __future__ import annotations

from simulation.parameters.parts import Block, Delay, Shares


class Appeal(Block):
    """Appeals: against which judgments, at which court, how long they take and how they end."""

    term_days: int  # for an appeal, and for the cassation after it
    share: Shares  # of judgments, by kind of judge
    verdicts: Shares  # by verdict: what that share is multiplied by
    lodged_to_received: Delay
    outcomes: dict[str, Shares]  # by verdict
    outcome_days: Shares
    outcome_sigma: float
    acquitted: str
    final: list[str]  # outcomes against which there is no cassation
    courts: dict[str, list[str]]  # the district courts of each court of appeal
    court_codes: dict[str, str]
