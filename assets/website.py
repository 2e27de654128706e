"""The website inside the finished candidate, and the last step, which makes it the live release or holds it."""

import dagster as dg

from assets.publish import Published, publish
from assets.resources import Das
from assets.stages import asset_of, table_asset
from checks.website import LIVE, SITE
from das_pipeline import live, website

site = table_asset("website/site", SITE, website.build_site, ["publication/candidate", "terminology/concepts"], kinds=("html", "svg"))


@asset_of("website/live", LIVE, deps=["website/site"], kinds=("folder",))
def released(context: dg.AssetExecutionContext, das: Das) -> Published:
    """Audit the finished folder; then release it or hold it, as the release policy says."""
    run = das.start()
    yield from publish(context, "website/live", LIVE, lambda: live.go_live(run))
