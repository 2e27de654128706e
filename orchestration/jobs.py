"""The jobs: intake, one for each partner; the external sources; and the chain from terminology to the live release."""

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
EXTERNAL = [
    dg.define_asset_job(
        f"external_{source}",
        selection=dg.AssetSelection.assets(key(f"deliveries/{source}")),
        description=f"Take in the figures of {source}, an external source that comes with the jurisdiction.",
    )
    for source in EXTERNALS
]
CHAIN = dg.define_asset_job(
    "chain",
    selection=dg.AssetSelection.groups(*CHAIN_GROUPS),
    description="Everything after intake, as known on one date: terminology, linkage, chain, statistics, disclosure control, candidate, "
    "website, and the decision to release or hold. Set resources.das.config.as_of to choose the date.",
)
