"""What must be true of the confidential base cubes."""

from __future__ import annotations

from das_pipeline.rules import rules_of

CUBES = rules_of("statistics/cubes")
