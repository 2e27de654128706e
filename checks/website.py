"""What must be true of the pages of a candidate."""

from __future__ import annotations

from das_pipeline.rules import rules_of

SITE = rules_of("website/site")
