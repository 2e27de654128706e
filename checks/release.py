"""What must be true of the finished candidate, site included, before it goes live."""

from __future__ import annotations

from das_pipeline.rules import rules_of

DECISION = rules_of("release/decision")
