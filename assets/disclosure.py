"""Disclosure control: base cubes become protected leaves; nothing after this stage sees a true count."""

from __future__ import annotations

from checks.disclosure import LEAVES
from das_pipeline import disclosure
from orchestration.table_assets import table_asset

leaves = table_asset(
    "disclosure/leaves",
    LEAVES,
    disclosure.build_leaves,
    ["statistics/cubes", "terminology/concepts"],
    memory=["disclosure/ledger"],
    kinds=("numpy", "parquet"),
)
