"""The jobs: intake, one for each partner, and the chain, from the external sources to the live release."""

from __future__ import annotations

import dagster as dg

from assets.deliveries import EXTERNALS, PARTNERS
from orchestration.table_assets import key

CHAIN_GROUPS = ("terminology", "linkage", "chain", "statistics", "disclosure", "publication", "website", "release")

INTAKE = [
    dg.define_asset_job(
        f"intake_{partner}",
        selection=dg.AssetSelection.assets(key(f"deliveries/{partner}")),
        description=f"Take in one delivery of {partner}: the partition is the delivery's reference date and number.",
    )
    for partner in PARTNERS
]
CHAIN = dg.define_asset_job(
    "chain",
    selection=dg.AssetSelection.groups(*CHAIN_GROUPS) | dg.AssetSelection.assets(*(key(f"deliveries/{source}") for source in EXTERNALS)),
    description="Everything after intake, as known on one day, which is the partition: external sources, terminology, linkage, chain, "
    "statistics, disclosure control, candidate, website, and the decision to release or hold.",
)
