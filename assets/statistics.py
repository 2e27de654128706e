"""Statistics: confidential base cubes, counted once from events; every table is a roll-up of them."""

from __future__ import annotations

from assets.stages import table_asset
from checks.statistics import CUBES
from das_pipeline import statistics

cubes = table_asset("statistics/cubes", CUBES, statistics.build_cubes, ["chain/events", "chain/flows", "terminology/concepts"])
