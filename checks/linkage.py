"""What must be true of persons and cases, and of what leaves the identifying zone."""

from __future__ import annotations

LINKS = ("L01", "L04", "L05", "L08", "L14")
