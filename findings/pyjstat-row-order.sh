#!/usr/bin/env bash
# pyjstat 2.4.0: a data frame written as JSON-stat puts the values in other cells.
# In JSON-stat the place of a value tells its cell (row-major over the categories). Dataset.read(frame)
# lists the categories in order of first appearance but copies the values in the order of the rows;
# if a combination is missing, there are fewer values than cells. No error is raised.
# Expected: a frame of keys and values means the same in any row order, and the format asks for as
# many values as the product of its sizes.
# For a statistical publisher: the result of GROUP BY has no row order, so a region can get another
# region's figure. Sort and complete the grid first, and read the file back.
set -euo pipefail
tmp="$(mktemp -d)"
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet --disable-pip-version-check --no-compile \
  'pyjstat==2.4.0' 'pandas==3.1.1' 'numpy==2.4.6'
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import json
from importlib.metadata import version
from math import prod

import pandas as pd
from pyjstat import pyjstat

print("pyjstat", version("pyjstat"), "| pandas", pd.__version__)

cells = {("2023", "North"): 1, ("2024", "South"): 2, ("2024", "North"): 3, ("2023", "South"): 4}


def frame(keys):
    return pd.DataFrame([(year, region, cells[year, region]) for year, region in keys],
                        columns=["year", "region", "value"])


def as_cells(table):
    return {(row.year, row.region): int(row.value) for row in table.itertuples()}


unsorted = frame(list(cells))
assert as_cells(unsorted) == cells
back = as_cells(pyjstat.Dataset.read(unsorted).write("dataframe"))
print("\ncell               frame  JSON-stat")
for key, value in cells.items():
    print(f"{key!s:20}{value:4}{back[key]:10}", "" if back[key] == value else "  <- another cell's value")
assert back != cells, "the values now follow their cells: the finding is out of date"
assert back["2023", "South"] == 2 and back["2024", "South"] == 4

ordered = frame(sorted(cells))
assert as_cells(pyjstat.Dataset.read(ordered).write("dataframe")) == cells
print("rows sorted first: every value in its own cell")

incomplete = frame(sorted(cells)[:3])
document = json.loads(pyjstat.Dataset.read(incomplete).write())
places = prod(document["size"])
print(f"one combination missing: {places} cells by size, {len(document['value'])} values, no error")
assert (places, len(document["value"])) == (4, 3), "missing combinations are now filled"
print("confirmed: the order of the rows decides which cell a value belongs to")
PY
