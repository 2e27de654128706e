"""Deliveries: what partners hand over becomes accepted records, quarantined rows and a closed account."""

from das_pipeline.deliveries.calendar import Expected, Schedule, expected_deliveries, load_schedule
from das_pipeline.deliveries.checking import mask_pattern, passes
from das_pipeline.deliveries.column import CheckDigits, Column, Concept
from das_pipeline.deliveries.contract import Contract, contract_schema
from das_pipeline.deliveries.contract_files import Partner, contracts_on, load_contracts, load_partners, load_versions
from das_pipeline.deliveries.external import ExternalSource, build_external, external_sources, load_external, take_in_external
from das_pipeline.deliveries.fields import normal_form
from das_pipeline.deliveries.intake import take_in
from das_pipeline.deliveries.manifest import Manifest
from das_pipeline.deliveries.pending import PendingDelivery, Refusal, arrived, next_deliveries, pending, problems, refusals
from das_pipeline.deliveries.readers import (
    AccountRow,
    PartnerState,
    QuarantineRows,
    account_rows,
    completeness,
    covered_until,
    deliveries_known,
    has_calendar,
    is_real,
    is_simulated,
    judge_completeness,
    lost_parents,
    newest_vintage,
    partners_in,
    quarantine_summary,
    register_records,
    state_of,
    vintages,
)
from das_pipeline.deliveries.replay import Replayed, replay
from das_pipeline.deliveries.state import touched_since

__all__ = [
    "AccountRow",
    "CheckDigits",
    "Column",
    "Concept",
    "Contract",
    "Expected",
    "ExternalSource",
    "Manifest",
    "Partner",
    "PartnerState",
    "PendingDelivery",
    "QuarantineRows",
    "Refusal",
    "Replayed",
    "Schedule",
    "account_rows",
    "arrived",
    "build_external",
    "completeness",
    "contract_schema",
    "contracts_on",
    "covered_until",
    "deliveries_known",
    "expected_deliveries",
    "external_sources",
    "has_calendar",
    "is_real",
    "is_simulated",
    "judge_completeness",
    "load_contracts",
    "load_external",
    "load_partners",
    "load_schedule",
    "load_versions",
    "lost_parents",
    "mask_pattern",
    "newest_vintage",
    "next_deliveries",
    "normal_form",
    "partners_in",
    "passes",
    "pending",
    "problems",
    "quarantine_summary",
    "refusals",
    "register_records",
    "replay",
    "state_of",
    "take_in",
    "take_in_external",
    "touched_since",
    "vintages",
]
