"""D15: published figures about quality are coarse: a maximum over one cell is its exact error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from das_pipeline.auditor.findings import verdict
from das_pipeline.auditor.release import Published
from das_pipeline.gate import Verdict


def quality_is_coarse(release: Published, least: int) -> Verdict:
    """D15: figures about rounding are in halves and over at least `least` cells: a maximum over one cell is its exact error."""
    levels = list(_levels(release.quality))
    fine = [any(isinstance(figure, float) and 2 * figure % 1 != 0 for figure in level.values()) for level in levels]
    faults = {"quality.json": sum(level["cells"] < least or is_fine for level, is_fine in zip(levels, fine, strict=True))}
    fix = "Take the figures from the quality sheet of disclosure control as they are."
    return verdict("D15", "Quality figures are too coarse to tell of a cell", len(levels), faults, fix)


def _levels(content: Any) -> Iterator[dict[str, Any]]:
    """Every group of figures with the number of cells that it covers."""
    if isinstance(content, dict):
        if "cells" in content and "mad" in content:
            yield content
        for value in content.values():
            yield from _levels(value)
    elif isinstance(content, list):
        for value in content:
            yield from _levels(value)
