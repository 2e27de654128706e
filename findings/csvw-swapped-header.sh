#!/usr/bin/env bash
# csvw 4.1.1: a CSV file whose columns are in another order than its metadata is valid,
# and the two readers of the package then give different figures for the same cell.
# CSVW.to_json() goes by position, Table.iterdicts() by the names in the header row, and
# neither is_valid nor the command csvwvalidate compares the header with the titles.
# Expected: the CSVW recommendation makes the check of column titles against the header
# part of validation; this package does it only for columns that have no name.
# For a publisher of CSV + CSVW: a green validation says nothing about swapped columns,
# so compare the header row yourself before a file leaves the building.
set -euo pipefail
tmp="$(mktemp -d)"
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet --disable-pip-version-check --no-compile 'csvw==4.1.1'
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import json
import pathlib
import subprocess
import sys
import warnings
from importlib.metadata import version

from csvw import CSVW
from csvw.metadata import NAMESPACES, Table

print("csvw", version("csvw"))
CONTEXT = NAMESPACES["csvw"].rstrip("#")
COLUMNS = [
    {"name": "region", "titles": "Region"},
    {"name": "suspects", "titles": "Suspects", "datatype": "integer"},
    {"name": "convicted", "titles": "Convicted", "datatype": "integer"},
]


def write(name, header, columns=COLUMNS):
    pathlib.Path(f"{name}.csv").write_text(f"{header}\nNorth,3,10\n")
    path = pathlib.Path(f"{name}.csv-metadata.json")
    path.write_text(json.dumps(
        {"@context": CONTEXT, "url": f"{name}.csv", "tableSchema": {"columns": columns}}))
    return str(path)


def look(name, header):
    metadata = write(name, header)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        whole = CSVW(metadata, validate=True)
        valid = whole.is_valid
        by_position = dict(whole.to_json(minimal=True)[0])
    command = subprocess.run(
        [str(pathlib.Path(sys.executable).parent / "csvwvalidate"), metadata],
        capture_output=True, text=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of header names that it does not know
        by_name = dict(next(Table.from_file(metadata).iterdicts()))
    print(f"\nheader {header!r}")
    print("  is_valid:", valid, "| csvwvalidate:", command.stdout.strip(), "| exit", command.returncode,
          "| warnings:", len(caught))
    print("  CSVW.to_json()   :", by_position)
    print("  Table.iterdicts():", by_name)
    assert valid and command.returncode == 0 and not caught, "validation now looks at the header"
    return by_position, by_name


# The file: 3 suspects and 10 convicted in the row, told by the header of each case.
position, name = look("same", "Region,Suspects,Convicted")
assert position == name == {"region": "North", "suspects": 3, "convicted": 10}

position, name = look("swapped", "Region,Convicted,Suspects")
assert name == {"region": "North", "suspects": 10, "convicted": 3}
assert position == {"region": "North", "suspects": 3, "convicted": 10}, "to_json() now reads the header"

position, name = look("unrelated", "Foo,Bar,Baz")
assert position == {"region": "North", "suspects": 3, "convicted": 10}
# Control: without names the header is compared with the titles, and the swap is found.
nameless = [{key: value for key, value in column.items() if key != "name"} for column in COLUMNS]
with warnings.catch_warnings(record=True):
    warnings.simplefilter("always")  # the package counts its own warnings as errors
    found = not CSVW(write("nameless", "Region,Convicted,Suspects", nameless), validate=True).is_valid
print("\nswapped header, columns with titles only: is_valid", not found)
assert found, "the control no longer finds the swap"
print("\nconfirmed: swapped and unrelated headers are valid, and two readers disagree by column")
PY
