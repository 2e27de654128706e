"""Release: the auditor reads the finished candidate, then it goes live or is held, as the release policy says."""

import dagster as dg

from checks.release import DECISION
from das_pipeline import release
from orchestration.days import DAYS
from orchestration.publish import Published, publish
from orchestration.resources import Das
from orchestration.table_assets import FRESH, asset_of


@asset_of(release.DECISION, DECISION, deps=["website/site"], kinds=("folder",), partitions_def=DAYS, freshness=FRESH)
def decision(context: dg.AssetExecutionContext, das: Das) -> Published:
    """Audit the finished folder; then release it or hold it."""
    run = das.known_on(context.partition_key)
    yield from publish(context, release.DECISION, DECISION, lambda: release.go_live(run))
