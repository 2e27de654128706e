"""Publication: the candidate release, tables and metadata, from protected leaves alone."""

from __future__ import annotations

from assets.deliveries import DELIVERED
from checks.publication import CANDIDATE
from das_pipeline import publication
from orchestration.table_assets import FRESH, table_asset

candidate = table_asset(
    "publication/candidate",
    CANDIDATE,
    publication.build_candidate,
    ["disclosure/leaves", "terminology/concepts", "terminology/records", "terminology/external", "linkage/links"],
    when_live=DELIVERED,
    kinds=(*publication.readers(), "duckdb"),
    freshness=FRESH,
)
