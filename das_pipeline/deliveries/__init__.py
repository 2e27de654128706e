"""Deliveries: what partners hand over becomes accepted records, quarantined rows and a closed account."""

from das_pipeline.deliveries.contract import (
    Column,
    Concept,
    Contract,
    Partner,
    contract_schema,
    load_contracts,
    load_partners,
)

__all__ = ["Column", "Concept", "Contract", "Partner", "contract_schema", "load_contracts", "load_partners"]
