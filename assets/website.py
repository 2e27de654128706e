"""The website inside the finished candidate."""

from __future__ import annotations

from checks.website import SITE
from das_pipeline import website
from orchestration.table_assets import FRESH, table_asset

site = table_asset(
    "website/site",
    SITE,
    website.build_site,
    ["publication/candidate", "terminology/concepts"],
    kinds=("html", "svg"),
    freshness=FRESH,
)
