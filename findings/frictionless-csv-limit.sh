#!/usr/bin/env bash
# frictionless 5.21.0: once it has looked at one CSV file, Python's own csv module no longer refuses an endless field.
# csv stops at a field of 131,072 characters, which keeps a quote that is never closed from taking the rest of
# a file into one field. The first CSV resource that the package opens sets that limit to 2,147,483,646 for the whole
# process, and nothing sets it back: every other reader in the process that relies on the limit changes.
# Expected: a package that needs longer fields gives them to its own reader. Its documentation names no such effect.
# For a pipeline that reads deliveries and validates its data packages in one process: the same file is refused or
# accepted depending on what was validated before it. State a limit of your own, and measure the field yourself.
set -euo pipefail
tmp="$(mktemp -d)"
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet --disable-pip-version-check --no-compile 'frictionless==5.21.0'
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import csv
import io
from importlib.metadata import version

# A register whose first row opens a quote and never closes it: 20,000 rows follow.
FILE = 'case,remark\n1,"no remark\n' + "".join(f"{n},none\n" for n in range(2, 20_002))


def read() -> str:
    try:
        rows = list(csv.reader(io.StringIO(FILE)))
    except csv.Error as error:
        return f"refused: {error}"
    return f"accepted: {len(rows)} rows, the last field has {len(rows[-1][-1]):,} characters"


before, outcome = csv.field_size_limit(), read()
print("limit at the start:  ", f"{before:,}", "|", outcome)
assert before == 131_072 and outcome.startswith("refused"), outcome

import frictionless  # noqa: E402

print("frictionless", version("frictionless"), "imported:", f"{csv.field_size_limit():,}")
with open("small.csv", "w", encoding="utf-8") as small:
    small.write("case,remark\n1,none\n")
report = frictionless.validate("small.csv")
assert report.valid
after, outcome = csv.field_size_limit(), read()
print("a file of two lines validated:", f"{after:,}", "|", outcome)
assert after == 2_147_483_646, "the limit is left alone now"
assert outcome.startswith("accepted: 2 rows"), outcome

print("\nconfirmed: validating one small file lifts a limit of the standard library for the whole process")
PY
