"""What must be true of a delivery before its rows are in force."""

from __future__ import annotations

from das_pipeline.rules import OF_PARTNER, OF_SOURCE, rules_of

INTAKE = rules_of(OF_PARTNER)
EXTERNAL = rules_of(OF_SOURCE)
