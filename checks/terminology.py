"""What must be true of codes, mappings and concepts."""

from __future__ import annotations

CONCEPTS = ("T03", "T04", "T05", "T10")
RECORDS = ("I10", "T01", "T02", "T03", "T06")
EXTERNAL = ("F05", "T02")
