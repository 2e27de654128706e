#!/usr/bin/env bash
# vl-convert-python 1.9.0.post1: the bytes of an SVG depend on what the process drew before.
# The ids of clip paths and gradients are numbered through the life of the process (a PNG counts too),
# so one specification gives other bytes the second time; and two charts drawn in two processes carry
# the same id, which clashes when both are put into one page.
# Expected: the same input gives the same output; nothing in the interface speaks of state. Vega has a
# call that resets the numbering, vl-convert does not offer it.
# For a site of many charts: one more chart changes the bytes of all later ones, and a chart can be
# clipped by the frame of another. Rewrite the ids after drawing, from the name of the chart.
set -euo pipefail
tmp="$(mktemp -d)"
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet --disable-pip-version-check --no-compile 'vl-convert-python==1.9.0.post1'
cd "$tmp"
cat > draw.py <<'PY'
import hashlib
import re
import sys

import vl_convert


def spec(width):
    return {
        "width": width,
        "height": 60,
        "data": {"values": [{"month": 1, "cases": 20}, {"month": 2, "cases": 35}]},
        "mark": {"type": "line", "clip": True},
        "encoding": {"x": {"field": "month", "type": "quantitative"},
                     "y": {"field": "cases", "type": "quantitative"}},
    }


def draw(width):
    return vl_convert.vegalite_to_svg(spec(width), vl_version="6.4")


def ids(svg):
    return re.findall(r'\bid="([^"]+)"', svg)


def digest(svg):
    return hashlib.sha256(svg.encode()).hexdigest()[:12]


def plain(svg):
    return re.sub(r"clip\d+", "clip", svg)


if __name__ == "__main__":
    print(draw(int(sys.argv[1])))
PY
"$tmp/venv/bin/python" draw.py 200 > narrow.svg
"$tmp/venv/bin/python" draw.py 400 > wide.svg
"$tmp/venv/bin/python" - <<'PY'
import pathlib
from importlib.metadata import version

import vl_convert
from draw import digest, draw, ids, plain, spec

print("vl-convert-python", version("vl-convert-python"))

first, second = draw(200), draw(200)
vl_convert.vegalite_to_png(spec(200), vl_version="6.4")
third = draw(200)
print("\none process, one specification, three times (a PNG before the third):")
for svg in (first, second, third):
    print("  sha256", digest(svg), "ids", ids(svg))
assert plain(first) == plain(second) == plain(third), "they differ in more than the ids"
assert first != second != third, "the ids no longer drift: the finding is out of date"
assert ids(third)[0] not in (ids(first)[0], ids(second)[0])

narrow, wide = (pathlib.Path(f"{name}.svg").read_text() for name in ("narrow", "wide"))
print("two processes, two charts of other width:", ids(narrow), ids(wide))
assert ids(narrow) == ids(wide) and plain(narrow) != plain(wide), "ids are unique now"
print("confirmed: bytes depend on the history of the process, and ids clash between processes")
PY
