"""What must be true of a candidate release."""

from __future__ import annotations

CANDIDATE = ("D01", "D03", "D10")
