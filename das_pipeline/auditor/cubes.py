"""D18 in JSON-stat files: every key is one of the standard, and every text, code and number beside the figures is of the table."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from das_pipeline.auditor.release import Table

Check = Callable[[Any], bool]
KEYS = {"version", "class", "label", "note", "source", "updated", "id", "size", "role", "dimension", "value", "status", "extension"}


def wrong(table: Table, as_of: str, is_text: Check, is_name: Check) -> int:
    """The number of faults in the file of `table`. Its figures are compared cell by cell elsewhere (D03)."""
    path = table.path.with_suffix(".json")
    try:
        raw = path.read_bytes()
        cube = json.loads(raw)
        return int(raw != json.dumps(cube, ensure_ascii=False, separators=(",", ":")).encode()) + _wrong(
            cube, table, as_of, is_text, is_name
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # not there, or not of this shape
        return 1


def _wrong(cube: dict[str, Any], table: Table, as_of: str, is_text: Check, is_name: Check) -> int:
    names, dimensions, extension = [*table.facts["dims"], "period"], cube["dimension"], cube["extension"]
    size = [len(dimensions[name]["category"]["index"]) for name in names]
    fixed = {"version": "2.0", "class": "dataset", "updated": as_of, "id": names, "size": size, "role": {"time": ["period"]}}
    faults = sum(cube[key] != value for key, value in fixed.items()) + (cube.keys() != KEYS) + (dimensions.keys() != set(names))
    for name in names:
        category, used = dimensions[name]["category"], set(table.rows[name].unique().to_pylist())
        labels, codes = category["label"], category["index"]
        faults += dimensions[name].keys() != {"label", "category"} or category.keys() != {"index", "label"} or list(labels) != codes
        faults += set(codes) != used or not is_text(dimensions[name]["label"])
        faults += sum(label != code if name == "period" else not is_text(label) for code, label in labels.items())
    faults += sum(not is_text(text) for text in (cube["label"], cube["source"], *cube["note"], extension["unit"], extension["licence"]))
    faults += len(cube["value"]) != math.prod(size) or any(not is_name(status) for status in cube["status"].values())
    faults += any(not place.isdigit() or str(int(place)) != place or int(place) >= len(cube["value"]) for place in cube["status"])
    faults += extension.keys() != {"unit", "status", "licence", "is_simulated"} or extension["is_simulated"] != table.facts["is_simulated"]
    return faults + sum(not is_name(code) or not is_text(label) for code, label in extension["status"].items())
