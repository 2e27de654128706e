"""Statistics: confidential base cubes, counted once from events; every table is a roll-up of them."""

from __future__ import annotations

from checks.statistics import CUBES
from das_pipeline import statistics
from orchestration.table_assets import table_asset

cubes = table_asset(
    "statistics/cubes", CUBES, statistics.build_cubes, ["chain/events", "chain/flows", "chain/spells", "terminology/concepts"]
)
