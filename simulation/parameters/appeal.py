"""Parameters of appeals."""

from __future__ import annotations

from simulation.parameters.parts import Block, Delay, Shares


class Appeal(Block):
    """Appeals: against which judgments, where, how long they take and how they end."""

    term_days: int  # for an appeal, and for cassation after it
    share: Shares  # of judgments, by kind of judge
    verdicts: Shares  # the part of that share with which each verdict is appealed against
    lodged_to_received: Delay
    outcomes: dict[str, Shares]  # by verdict
    outcome_days: Shares
    outcome_sigma: float
    acquitted: str
    final: list[str]  # outcomes against which there is no cassation
    courts: dict[str, list[str]]  # the district courts of each court of appeal
    court_codes: dict[str, str]
