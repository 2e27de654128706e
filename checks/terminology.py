"""What must be true of codes, mappings and concepts."""

from __future__ import annotations

from das_pipeline.rules import rules_of

CONCEPTS = rules_of("terminology/concepts")
RECORDS = rules_of("terminology/records")
EXTERNAL = rules_of("terminology/external")
