"""What waits to be taken in, in which order; and a sentence for everything that somebody must do something about."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from das_pipeline.deliveries.contract_files import load_partners
from das_pipeline.deliveries.inbox import read_inbox, shown
from das_pipeline.deliveries.landing import Accepted, accepted, all_landed, is_copy, is_refused, landed, record_unusable, refusal
from das_pipeline.deliveries.manifest import Manifest
from das_pipeline.deliveries.order import impossible, is_delta, known_on, latest_day, order
from das_pipeline.errors import DeliveryRefused
from das_pipeline.policy import Deliveries, load_policy
from das_pipeline.run import Run


@dataclass(frozen=True)
class PendingDelivery:
    """A delivery that is not in force yet, in the inbox or landed."""

    manifest: Manifest
    state: Literal["ready", "waiting"]
    known_on: date  # the day on which it can become known
    reason: str = ""  # what it waits for
    impossible: str = ""  # why it will be refused: its date or number must be a mistake

    @property
    def partner(self) -> str:
        return self.manifest.partner

    @property
    def delivery(self) -> str:
        return self.manifest.delivery

    @property
    def sequence(self) -> int:
        return self.manifest.sequence


@dataclass(frozen=True)
class _Arrived:
    manifest: Manifest
    on: date
    decided_on: date


def pending(run: Run) -> list[PendingDelivery]:
    """Return what arrived by `run.as_of` and is neither in force nor refused, in the order in which it became known.

    `ready` ones can be taken in, in this order; a `waiting` one says for what. A folder of the inbox that cannot be taken in at all is
    recorded as a refused delivery, and looked at again the next time.
    """
    inbox = read_inbox(run)
    for unusable in inbox.unusable:
        if not unusable.is_unfinished:
            record_unusable(run, unusable)
    decided_on = run.decided_on()
    arrivals = {(m.partner, m.delivery): _Arrived(m, date.today(), decided_on) for m in inbox.manifests}
    for partner in load_partners(run.jurisdiction):
        arrivals.update(
            {
                (partner, original.manifest.delivery): _Arrived(original.manifest, original.landed_on, max(decided_on, original.decided_on))
                for original in all_landed(run, partner)
            }
        )
    limits = load_policy(run.jurisdiction).deliveries
    deliveries: list[PendingDelivery] = []
    for partner in load_partners(run.jurisdiction):
        deliveries += _pending_of(run, partner, [a for (p, _), a in arrivals.items() if p == partner], limits)
    return sorted(deliveries, key=lambda d: (d.known_on, d.partner, d.sequence, d.delivery))


def _pending_of(run: Run, partner: str, arrivals: list[_Arrived], limits: Deliveries) -> list[PendingDelivery]:
    """What waits of one partner, in the order of its sequence numbers."""
    before = accepted(run, partner)
    in_force = {a.delivery for a in before}
    sequence_before = before[-1].sequence if before else 0
    deliveries = []
    for arrived in sorted(arrivals, key=lambda a: (a.manifest.sequence, a.manifest.delivered_on, a.manifest.delivery)):
        manifest = arrived.manifest
        if manifest.delivery in in_force or is_refused(run, partner, manifest.delivery):
            continue
        latest = latest_day(manifest, before, arrived.on, limits)
        day = known_on(manifest, before, latest, arrived.decided_on)
        if day > run.as_of:
            continue
        if mistake := impossible(manifest, latest, sequence_before, limits):
            deliveries.append(PendingDelivery(manifest, "ready", day, impossible=mistake))
            continue
        sequence_before = max(sequence_before, manifest.sequence)
        place, reason = order(manifest, before, is_delta=is_delta(run, manifest))
        if place == "next":  # what comes after it may count on it
            before = [*before, Accepted(manifest.delivery, manifest.sequence, manifest.reference_on, day, "")]
        deliveries.append(PendingDelivery(manifest, "waiting" if place == "gap" else "ready", day, reason if place == "gap" else ""))
    return deliveries


def next_deliveries(run: Run) -> list[PendingDelivery]:
    """Return the delivery of each partner that can be taken in now: the ones after it count on it, and wait."""
    following: dict[str, PendingDelivery] = {}
    for delivery in pending(run):
        if delivery.state == "ready":
            following.setdefault(delivery.partner, delivery)
    return list(following.values())


@dataclass(frozen=True)
class Refusal:
    """A refused delivery, what it lacked, and whether a later delivery made it good."""

    manifest: Manifest
    rules: tuple[str, ...]
    reasons: str
    is_made_good: bool

    @property
    def partner(self) -> str:
        return self.manifest.partner

    @property
    def delivery(self) -> str:
        return self.manifest.delivery


def refusals(run: Run) -> list[Refusal]:
    """Return every refused delivery, by partner.

    One is made good by what is accepted after it: with its sequence, or a later one of a partner that sends wholes; or, when the number was
    the mistake, with its reference date. What was in force before, such as the delivery that it was to replace, does not make it good.
    """
    refused = []
    for partner in load_partners(run.jurisdiction):
        in_force = accepted(run, partner)
        newest, days = max((a.sequence for a in in_force), default=0), {a.reference_on for a in in_force}
        last = in_force[-1].delivery if in_force else None
        for manifest in (original.manifest for original in all_landed(run, partner)):
            record = refusal(run, partner, manifest.delivery)
            if record is not None:
                failed = [v for v in record["verdicts"] if not v["passed"] and v["severity"] == "block"]
                has_followed = last != record.get("in_force", manifest.replaces)  # records from before December 2026 do not have it
                is_made_good = has_followed and (manifest.sequence <= newest or manifest.reference_on in days)
                rules = tuple(sorted({v["rule"] for v in failed}))
                refused.append(Refusal(manifest, rules, " ".join(v["sentence"] for v in failed), is_made_good))
    return refused


def problems(run: Run) -> list[str]:
    """Return a sentence for everything in the inbox that is not taken in by itself, and for each refusal that is not corrected yet."""
    inbox = read_inbox(run)
    sentences = [*inbox.sentences, *(unusable.sentence for unusable in inbox.unusable)]
    for manifest in inbox.manifests:
        original = landed(run, manifest.partner, manifest.delivery)
        folder = run.settings.inbox / manifest.partner / manifest.delivery
        if original is None:
            continue
        again = "under the next number, with replaces."
        if is_refused(run, manifest.partner, manifest.delivery):
            sentences.append(f"{shown(folder)}: this delivery was refused. Deliver the corrected one {again}")
        elif not is_copy(folder, original):
            sentences.append(f"{shown(folder)}: this delivery came before with other content. Deliver it {again}")
        elif not os.access(folder, os.W_OK, effective_ids=True):
            sentences.append(f"{shown(folder)}: this delivery is landed, but its folder may not be changed. Remove it.")
    for refused in (r for r in refusals(run) if not r.is_made_good):
        name = f"{refused.partner} {refused.delivery}, sequence {refused.manifest.sequence},"
        sentences.append(f"{name} was refused and is not corrected. {refused.reasons}")
    return sentences


def arrived(run: Run, partner: str, delivery: str) -> PendingDelivery:
    """Return the delivery with this name, wherever it is in its life; DeliveryRefused when it never arrived."""
    for candidate in pending(replace(run, as_of=date.max)):
        if (candidate.partner, candidate.delivery) == (partner, delivery):
            return candidate
    original = landed(run, partner, delivery)
    if original is None:
        raise DeliveryRefused(f"{partner} {delivery} is not in the inbox {run.settings.inbox} and was never landed.")
    return PendingDelivery(original.manifest, "ready", original.manifest.delivered_on)
