"""What must be true of a candidate release."""

from __future__ import annotations

from das_pipeline.rules import rules_of

CANDIDATE = rules_of("publication/candidate")
