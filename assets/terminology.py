"""Terminology: one concept for every value of every partner, the raw value beside it."""

from __future__ import annotations

from assets.deliveries import DELIVERED, FIGURES
from checks.terminology import CONCEPTS, EXTERNAL, RECORDS
from das_pipeline import terminology
from orchestration.table_assets import table_asset

concepts = table_asset("terminology/concepts", CONCEPTS, terminology.build_concepts, (), kinds=("csv", "parquet"))
records = table_asset("terminology/records", RECORDS, terminology.build_records, ["terminology/concepts"], when_live=DELIVERED)
external = table_asset("terminology/external", EXTERNAL, terminology.build_external, ["terminology/concepts", *FIGURES])
