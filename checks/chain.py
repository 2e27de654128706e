"""What must be true of events, spells, stocks and flows."""

from __future__ import annotations

from das_pipeline.rules import rules_of

EVENTS = rules_of("chain/events")
SPELLS = rules_of("chain/spells")
FLOWS = rules_of("chain/flows")
