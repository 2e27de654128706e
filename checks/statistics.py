"""What must be true of the confidential base cubes."""

from __future__ import annotations

CUBES = ("F05", "F06", "F07", "F08")
