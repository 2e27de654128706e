"""The order of a partner's deliveries: which one is next, on which day it becomes known, and what a wrong date or number is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal

from das_pipeline.deliveries.contract_files import contracts_on
from das_pipeline.deliveries.landing import Accepted
from das_pipeline.deliveries.manifest import Manifest
from das_pipeline.policy import Deliveries
from das_pipeline.run import Run


def order(manifest: Manifest, before: Sequence[Accepted], *, is_delta: bool) -> tuple[Literal["next", "gap", "past"], str]:
    """Return whether a delivery is the next one of its partner, with a sentence when it is not (rule I09).

    A delta needs every delivery before it; a snapshot only must not be older than what is in force.
    """
    last = before[-1] if before else None
    if last is None:
        is_gap = is_delta and manifest.sequence > 1
        return ("gap", "It waits for sequence 1, which has not been accepted.") if is_gap else ("next", "")
    if manifest.reference_on < last.reference_on:
        return "past", f"It is about {manifest.reference_on}, before {last.delivery}, which is in force."
    if manifest.sequence == last.sequence and manifest.replaces == last.delivery:
        return "next", ""
    if manifest.sequence <= last.sequence:
        return "past", f"Sequence {manifest.sequence} is taken by an earlier delivery; a correction of {last.delivery} must say replaces."
    if is_delta and manifest.sequence > last.sequence + 1:
        return "gap", f"It waits for sequence {last.sequence + 1}, which has not been accepted."
    return "next", ""


def latest_day(manifest: Manifest, before: Sequence[Accepted], arrived_on: date, limits: Deliveries) -> date:
    """Return the last day on which a delivery can have been delivered.

    A real one cannot come from the future. Simulated ones have a calendar of their own: what is known of its present is the reference
    date and the delivery before.
    """
    limit = limits.delivery_day
    if not manifest.is_simulated:
        return arrived_on + timedelta(days=limit.ahead_days)
    present = min(manifest.reference_on, before[-1].known_on) if before else manifest.reference_on
    return present + timedelta(days=limit.simulated_days)


def known_on(manifest: Manifest, before: Sequence[Accepted], latest: date, decided_on: date) -> date:
    """Return the day on which a delivery becomes known.

    It is no later than the delivery can have been made, no earlier than the one before it, and after the last day whose figures were
    decided on when it arrived: those were made without it.
    """
    day = max(min(manifest.delivered_on, latest), _after(decided_on))
    return max(day, before[-1].known_on) if before else day


def _after(day: date) -> date:
    return day if day == date.min else day + timedelta(days=1)


def impossible(manifest: Manifest, latest: date, sequence_before: int, limits: Deliveries) -> str:
    """Return why the date or number of a delivery must be a mistake; an empty text when both are possible (rule I09)."""
    again = "Deliver it with the right one under the next delivery number."
    if manifest.delivered_on > latest:
        return f"delivered_on is {manifest.delivered_on}, and a day after {latest} is not possible. {again}"
    if manifest.sequence > sequence_before + limits.sequence_gap.deliveries:
        digits = f"{manifest.sequence:,}" if manifest.sequence < 10**9 else f"a number of {len(str(manifest.sequence))} digits"
        return f"sequence is {digits}, and the one before it is {sequence_before:,}: the gap is too large to be right. {again}"
    return ""


def is_delta(run: Run, manifest: Manifest) -> bool:
    """Whether a partner delivers changes in any of its files on the reference date, so that no delivery can be left out."""
    return any(c.delivery.mode == "delta" for c in contracts_on(run.jurisdiction, manifest.partner, manifest.reference_on))
