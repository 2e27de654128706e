"""Taking a delivery in: landed → opened → checked → split → accounted → acknowledged, as one version of `deliveries/<partner>`."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from das_pipeline import engine
from das_pipeline.deliveries import landing
from das_pipeline.deliveries.account import FileAccount, create_account, store_accounts
from das_pipeline.deliveries.calendar import load_schedule
from das_pipeline.deliveries.contract import Contract
from das_pipeline.deliveries.contract_files import contracts_on, load_contracts, load_partners
from das_pipeline.deliveries.delivery_rules import judge_form, judge_header, judge_manifest, judge_order, judge_repeat, judge_set
from das_pipeline.deliveries.drift import NO_DRIFT, find_drift, judge_drift, summary
from das_pipeline.deliveries.file import take_in_file
from das_pipeline.deliveries.landing import Landed
from das_pipeline.deliveries.lost_parents import facts_of, find_lost_parents, judge_lost_parents
from das_pipeline.deliveries.manifest import Manifest
from das_pipeline.deliveries.months import merge_months
from das_pipeline.deliveries.opened import Intake, Opened
from das_pipeline.deliveries.order import is_delta, known_on, latest_day, order
from das_pipeline.deliveries.pending import PendingDelivery
from das_pipeline.deliveries.plausibility import judge_plausibility
from das_pipeline.deliveries.profile import create_profile
from das_pipeline.deliveries.receipt import receipt_of, receipt_page
from das_pipeline.deliveries.row_rules import judge_rows
from das_pipeline.deliveries.state import show_state, write_state
from das_pipeline.errors import DasError, DeliveryRefused
from das_pipeline.gate import GateFailed, Verdict, blocking
from das_pipeline.lake import Draft, Version, canonical
from das_pipeline.policy import load_policy
from das_pipeline.run import Produced, Run, produce
from das_pipeline.waivers import waived

KEPT = ("content/", "direct/", "opened/", "closed/", "keys/", "profiles/", "quarantine/", "receipts/")
"""Where each delivery adds files; those of earlier deliveries are shared with the version before."""


def take_in(run: Run, delivery: PendingDelivery) -> Produced:
    """The live version of the partner's deliveries with this one in it.

    A delivery that is in force already changes nothing. One whose turn it is not, or that was refused before, raises DeliveryRefused and
    stays where it is. One that fails a blocking rule raises GateFailed, and the refusal is recorded so that it is not tried again.
    """
    table = f"deliveries/{delivery.partner}"
    with run.lake.lock(table), engine.errors_of_engine(table):  # from reading what is in force to making this one live
        return _take_in(run, delivery)


def _take_in(run: Run, delivery: PendingDelivery) -> Produced:
    manifest = delivery.manifest
    table = f"deliveries/{manifest.partner}"
    before = landing.accepted(run, manifest.partner)
    live = run.lake.current(table)
    if live is not None and any(a.delivery == manifest.delivery for a in before):
        landing.land(run, manifest)
        return Produced(live, is_new=False)
    if landing.is_refused(run, manifest.partner, manifest.delivery):
        raise DeliveryRefused(
            f"{manifest.partner} {manifest.delivery} was refused. Deliver the corrected one under the next number, with replaces; or, when "
            f"the contract was corrected, run das replay {manifest.partner}."
        )
    place, reason = order(manifest, before, is_delta=is_delta(run, manifest))
    if place == "gap" and not delivery.impossible:
        raise DeliveryRefused(f"{manifest.partner} {manifest.delivery} is not taken in yet. {reason}")
    original = landing.land(run, manifest)
    if original.removed:
        raise DeliveryRefused(f"{manifest.partner} {manifest.delivery} {original.removed} Ask the partner to deliver it again.")
    original = landing.defer(run, original)
    receipt: dict[str, Any] = {}

    def build(run: Run, draft: Draft) -> list[Verdict]:
        verdicts, written = _intake(run, draft, original, delivery.impossible)
        receipt.update(written)
        return verdicts

    try:
        # A version is as known on the day on which its delivery became known, whenever it is taken in.
        latest = latest_day(manifest, before, original.landed_on, load_policy(run.jurisdiction).deliveries)
        at = replace(run, as_of=known_on(manifest, before, latest, original.decided_on))
        return produce(at, table, build, salt=original.hash, chained=True)
    except GateFailed as failure:
        landing.record_refusal(run, manifest, failure.verdicts, receipt)
        raise


def _intake(run: Run, draft: Draft, original: Landed, impossible: str) -> tuple[list[Verdict], dict[str, Any]]:
    """Judge a landed delivery and write what becomes of it into the draft; return the verdicts and the receipt."""
    manifest = original.manifest
    partner = load_partners(run.jurisdiction)[manifest.partner]
    contracts = contracts_on(run.jurisdiction, partner.partner, manifest.reference_on)
    every = [c for (p, _), c in load_contracts(run.jurisdiction).items() if p == partner.partner]
    limits = load_policy(run.jurisdiction).deliveries
    live = draft.live
    before = landing.accepted(run, partner.partner)
    compared = before[-limits.repeated_changes.deliveries :]
    earlier = (k.manifest for a in compared if (k := landing.landed(run, partner.partner, a.delivery)) is not None)
    verdicts = [
        judge_order(manifest, before, impossible, is_delta=is_delta(run, manifest)),
        judge_manifest(original, contracts),
        judge_set(original, contracts),
        judge_repeat(manifest, earlier, contracts, limits.repeated_changes),
    ]
    opened: list[Opened] = []
    drift = NO_DRIFT
    if live is not None:
        for prefix in KEPT:
            draft.adopt(live, prefix)
    if not blocking(verdicts):
        with run.connect(identifying=True) as connection:
            if sum(file.lines for file in manifest.files) < engine.ROW_GROUP:
                engine.use_threads(connection, 1)
            if live is not None:
                merge_months(connection, draft, live.facts["deliveries"], run.as_of)
            show_state(connection, every, draft)
            create_profile(connection)
            intake = Intake(run, connection, draft, original, live, contracts, before, limits)
            opened, fault = _take_in_files(intake)
            verdicts += [*fault, *judge_form(opened), judge_header(opened)]
            if not blocking(verdicts):
                lost = find_lost_parents(intake, every)
                draft.facts["without_parent"] = facts_of(lost, run.as_of.isoformat())
                drift = find_drift(intake)
                verdicts += [
                    *judge_rows(opened, limits, manifest.replaces if before and manifest.replaces == before[-1].delivery else None),
                    *judge_lost_parents(lost),
                    *judge_plausibility(intake, opened),
                    judge_drift(drift),
                ]
                verdicts = waived(run.jurisdiction, draft.table, verdicts, run.as_of)
                for unit in sorted({c.unit for c in every}):
                    write_state(connection, draft, "keys", unit, manifest.delivery, f"SELECT * FROM new_keys_{unit}")
                _write_counts(connection, draft, manifest, run.as_of, [o.account for o in opened], live)
    schedule = load_schedule(run.jurisdiction, partner.partner)
    receipt = receipt_of(manifest, schedule, contracts, [o.account for o in opened], verdicts) | {"drift": drift}
    draft.path(f"receipts/{manifest.delivery}.json").write_bytes(canonical(receipt, indent=1))
    draft.path(f"receipts/{manifest.delivery}.html").write_text(receipt_page(receipt), encoding="utf-8")
    accepted_before = list(live.facts["deliveries"]) if live is not None else []
    draft.facts["deliveries"] = [*accepted_before, _accepted(original, run.as_of, contracts)]
    if live is not None and "replayed" in live.facts:
        draft.facts["replayed"] = live.facts["replayed"]
    draft.facts["drift"] = summary(drift)
    if manifest.is_simulated or (live is not None and live.facts.get("is_simulated")):
        draft.facts["is_simulated"] = True  # and so has every table that is made from it
    draft.facts["account"] = {o.contract.file: _counts(o.account) for o in opened}
    return verdicts, receipt


def _take_in_files(intake: Intake) -> tuple[list[Opened], list[Verdict]]:
    """Take in every file of a delivery; return what was found in them, or the fault that nobody foresaw.

    What may pass by itself (no memory, no disk, a missing key, a damaged original) is an error of this installation, and the delivery is
    tried again. Whatever else its files raise is a fault of the delivery: it is refused, and other deliveries go on.
    """
    partner = intake.original.manifest.partner
    try:
        return [take_in_file(intake, contract) for contract in intake.contracts], []
    except (DasError, OSError, MemoryError, duckdb.OutOfMemoryException, duckdb.IOException):
        raise
    except Exception as error:  # the boundary of one delivery; its own text may quote a value
        frame = traceback.extract_tb(error.__traceback__)[-1]
        sentence = (
            f"Its files cannot be read: {type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}. Ask the sender whether they "
            f"have the form of the contract. When they have, report this, and once it is corrected run das replay {partner}."
        )
        return [], [Verdict("I03", False, sentence)]


def _accepted(original: Landed, known_on: date, contracts: Sequence[Contract]) -> dict[str, Any]:
    manifest = original.manifest
    return {
        "delivery": manifest.delivery,
        "sequence": manifest.sequence,
        "reference_on": manifest.reference_on.isoformat(),
        "known_on": known_on.isoformat(),
        "landed": original.hash,
        "contracts": {contract.file: contract.version for contract in contracts},
        "shapes": {contract.file: contract.shape for contract in contracts},
    }


def _counts(account: FileAccount) -> dict[str, int]:
    return {"read": account.read, "accepted": account.accepted, "quarantined": account.quarantined}


def _write_counts(
    connection: duckdb.DuckDBPyConnection,
    draft: Draft,
    manifest: Manifest,
    known_on: date,
    accounts: Sequence[FileAccount],
    live: Version | None,
) -> None:
    """Write the profile of the delivery, and the accounts as they are after it."""
    profile = f"profiles/{manifest.delivery}.parquet"
    draft.rows[profile] = engine.write_parquet(
        connection, "SELECT * FROM profile", draft.path(profile), order_by='file, "column", code NULLS FIRST', encrypted=True
    )
    create_account(connection, engine.parquet([live.path("account.parquet")]) if live is not None else None)
    store_accounts(connection, manifest, known_on, accounts)
    draft.rows["account.parquet"] = engine.write_parquet(
        connection, "SELECT * FROM account", draft.path("account.parquet"), order_by="sequence, delivery, file"
    )
