"""What must be true of protected cubes."""

from __future__ import annotations

LEAVES = ("D01", "D03", "D05", "D09", "D10")
