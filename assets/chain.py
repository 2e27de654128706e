"""The chain: events and spells of every unit, stocks and flows of every partner."""

from __future__ import annotations

from checks.chain import EVENTS, FLOWS, SPELLS
from das_pipeline import chain
from orchestration.table_assets import table_asset

events = table_asset("chain/events", EVENTS, chain.build_events, ["terminology/records", "linkage/links"])
spells = table_asset("chain/spells", SPELLS, chain.build_spells, ["chain/events"])
flows = table_asset("chain/flows", FLOWS, chain.build_flows, ["chain/events", "chain/spells"])
