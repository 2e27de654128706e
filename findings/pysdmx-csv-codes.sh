#!/usr/bin/env bash
# pysdmx 1.21.0: read_sdmx() changes codes when the message is SDMX-CSV. "01" and "1" both come
# back as "1", "1E3" and "1000" as "1000.0"; whether "01" survives depends on the other rows
# (one "_T" in the column and it does). All three versions of SDMX-CSV, no error, no warning.
# Expected: codes are strings in SDMX; the same package keeps them when it writes and reads
# the same observations as SDMX-ML, and the CSV reader itself returns only strings.
# For a statistical pipeline: offence, region and age codes are often numbers with leading
# zeros. Two classes fall into one, a filtered file reads otherwise than the whole, and the
# keys of two deliveries no longer meet. Read SDMX-CSV as plain text, or exchange SDMX-ML.
set -euo pipefail
tmp="$(mktemp -d)"
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet --disable-pip-version-check --no-compile \
  'pysdmx[data,xml]==1.21.0' 'pandas==3.1.1' 'numpy==2.4.6'
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
from importlib.metadata import version

import pandas as pd
from pysdmx.io import read_sdmx, write_sdmx
from pysdmx.io.format import Format
from pysdmx.io.pd import PandasDataset
from pysdmx.model import Component, Components, Concept, Role, Schema

print("pysdmx", version("pysdmx"), "| pandas", pd.__version__)


def component(name, role):
    return Component(name, required=True, role=role, concept=Concept(name))


schema = Schema("dataflow", "NSO", "CRIME", Components([
    component("OFFENCE", Role.DIMENSION),
    component("TIME_PERIOD", Role.DIMENSION),
    component("OBS_VALUE", Role.MEASURE),
]), version="1.0")


def through(codes, file_format):
    frame = pd.DataFrame({"OFFENCE": codes, "TIME_PERIOD": "2024",
                          "OBS_VALUE": [str(10 * n) for n in range(1, len(codes) + 1)]})
    message = write_sdmx(PandasDataset(structure=schema, data=frame), file_format)
    return message, read_sdmx(message, validate=True).data[0].data["OFFENCE"].tolist()


cases = [  # codes written, codes read from SDMX-CSV
    (["01", "1"], ["1", "1"]),
    (["01", "1", "_T"], ["01", "1", "_T"]),
    (["1E3", "1000"], ["1000.0", "1000.0"]),
    (["007", "1.10"], ["7.0", "1.1"]),
]
formats = [Format.DATA_SDMX_CSV_1_0_0, Format.DATA_SDMX_CSV_2_0_0, Format.DATA_SDMX_CSV_2_1_0]
print(f"\n{'written':22}{'SDMX-ML 3.0':22}SDMX-CSV")
for codes, seen in cases:
    _, from_xml = through(codes, Format.DATA_SDMX_ML_3_0)
    from_csv = None
    for file_format in formats:
        message, from_csv = through(codes, file_format)
        assert all(f",{code}," in message for code in codes), "the code is already lost in the file"
        assert from_csv == seen, f"{file_format.name}: the codes are read otherwise now"
    print(f"{codes!s:22}{from_xml!s:22}{from_csv}", "" if from_csv == codes else "  <- changed")
    assert from_xml == codes
print("confirmed: the file holds the codes, the CSV reader returns others")
PY
