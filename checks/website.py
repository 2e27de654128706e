"""What must be true of the finished candidate, site included, before it goes live."""

from __future__ import annotations

SITE = ("D03",)
LIVE = ("D01", "D03", "D05", "D10", "D15")
