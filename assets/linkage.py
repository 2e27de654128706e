"""Linkage: which records are about the same person and the same case. The only reader of identifying columns."""

from __future__ import annotations

from assets.deliveries import DELIVERED
from checks.linkage import LINKS
from das_pipeline import linkage
from orchestration.table_assets import table_asset

entities = table_asset(
    "identifying/entities",
    (),
    linkage.build_entities,
    ["terminology/records"],
    when_live=DELIVERED,
    memory=[linkage.DECISIONS],
    kinds=("duckdb", "splink", "parquet"),
)
links = table_asset("linkage/links", LINKS, linkage.build_links, ["identifying/entities"], when_live=DELIVERED, chained=True)
review = table_asset(linkage.REVIEW, (), linkage.build_review, ["identifying/entities", "linkage/links"])
