"""What must be true of events, spells, stocks and flows."""

from __future__ import annotations

EVENTS = ("C01", "C04")
SPELLS = ("C06",)
FLOWS = ("F01", "F02")
