"""What must be true of protected cubes."""

from __future__ import annotations

from das_pipeline.rules import rules_of

LEAVES = rules_of("disclosure/leaves")
