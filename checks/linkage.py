"""What must be true of persons and cases, and of what leaves the identifying zone."""

from __future__ import annotations

from das_pipeline.rules import rules_of

LINKS = rules_of("linkage/links")
