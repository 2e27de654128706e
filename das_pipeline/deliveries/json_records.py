"""Lines that are JSON objects: the names of their values, and how deep they go."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from das_pipeline.deliveries.cells import compute
from das_pipeline.deliveries.unpacking import Growth, NotReadable

_DEEPEST = 100  # values inside values of JSON; readers that go down by calling themselves fail somewhere above this
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def require_shallow(lines: pa.Array, start: int) -> None:
    """Raise NotReadable when a line of JSON holds values inside values deeper than _DEEPEST. The first line has the number `start`."""
    opened = compute.add(compute.count_substring(lines, "{"), compute.count_substring(lines, "["))
    for place in np.flatnonzero(compute.greater(opened, _DEEPEST).to_numpy(zero_copy_only=False)):
        depth = deepest = 0
        for letter in _JSON_STRING.sub("", lines[place].as_py()):
            depth += (letter in "{[") - (letter in "}]")
            deepest = max(deepest, depth)
        if deepest > _DEEPEST:
            raise NotReadable("I03", f"holds values inside values, {deepest:,} deep, on line {start + place:,}. Ask for plain records.")


def require_lines(lines: pa.Array) -> None:
    """Raise NotReadable when the first lines are of one JSON document, and no object each."""
    first = next((line for line in lines.slice(0, 100).to_pylist() if line.strip()), "").strip()
    if first == "{" or first.startswith("["):
        raise NotReadable("I05", "is one JSON document. Ask for an object on a line of its own for each row, without brackets around them.")


def names_in(lines: Iterable[str], growth: Growth) -> tuple[str, ...] | None:
    """The paths of all values in some lines, None when there are none; a line that is not JSON has none."""
    names: set[str] = set()
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        size = 0
        for path in _paths(record):
            size += len(path)
            growth.require_line(size)
            names.add(path)
    return tuple(sorted(names)) or None


def _paths(value: object, above: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _paths(part, f"{above}/{name}" if above else name)
    elif above:
        yield above
