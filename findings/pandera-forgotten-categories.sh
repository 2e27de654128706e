#!/usr/bin/env bash
# pandera 0.35.0 (pandas 3.1.1): a schema saved with to_yaml() or to_json() forgets the
# categories of a categorical column and their order. Loaded again, it accepts any code and
# sorts the codes by the alphabet. Nothing is said when it is saved or loaded.
# Expected: the documentation offers both calls to store a schema and read it back, and
# warns of custom checks only; the dtype with its code list is the whole check here.
# For a pipeline that keeps its contracts as files: a code list enforced by the Python
# schema is open in the stored one. Write code lists as Check.isin, which survives.
set -euo pipefail
tmp="$(mktemp -d)"
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet --disable-pip-version-check --no-compile \
  'pandera[pandas,io]==0.35.0' 'pandas==3.1.1' 'numpy==2.4.6'
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import warnings
from importlib.metadata import version

import pandas as pd
import pandera.pandas as pa

print("pandera", version("pandera"), "| pandas", pd.__version__)

levels = pd.CategoricalDtype(["low", "middle", "high"], ordered=True)
schema = pa.DataFrameSchema({
    "level": pa.Column(levels, coerce=True),
    "checked": pa.Column(str, pa.Check.isin(["low", "middle", "high"])),
})
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    text = schema.to_yaml()
    stored = {"as written in Python": schema,
              "from to_yaml()": pa.DataFrameSchema.from_yaml(text),
              "from to_json()": pa.DataFrameSchema.from_json(schema.to_json())}
print("warnings while saving and loading:", len([w for w in caught if "categor" in str(w.message).lower()]))
print(text)

valid = pd.DataFrame({"level": ["middle", "low", "high"], "checked": ["middle", "low", "high"]})
bad_dtype = valid.assign(level=["middle", "low", "unheard of"])
bad_check = valid.assign(checked=["middle", "low", "unheard of"])


def accepts(candidate, frame):
    try:
        candidate.validate(frame)
    except (pa.errors.SchemaError, pa.errors.SchemaErrors):
        return False
    return True


print(f"{'':22}{'unknown category':18}{'unknown in isin':17}sorted")
seen = {}
for name, candidate in stored.items():
    order = candidate.validate(valid).sort_values("level")["level"].tolist()
    seen[name] = (accepts(candidate, bad_dtype), accepts(candidate, bad_check), order)
    print(f"{name:22}{'accepted' if seen[name][0] else 'refused':18}"
          f"{'accepted' if seen[name][1] else 'refused':17}{order}")

assert seen["as written in Python"] == (False, False, ["low", "middle", "high"])
for name in ("from to_yaml()", "from to_json()"):
    assert seen[name] == (True, False, ["high", "low", "middle"]), f"{name}: the categories are kept now"
print("confirmed: the stored schema has lost the code list and its order")
PY
