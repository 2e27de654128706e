#!/usr/bin/env bash
# lifelines 0.30.3: Kaplan-Meier with late entry counts a spell that starts and ends at the same time
# as an event, but never as a person at risk. In a small risk set the curve falls to zero while
# somebody is still waiting, and the package's own event table shows another number at risk.
# Expected: numerator and denominator hold the same people, as without entry=, where a spell of
# length zero counts in both; or a refusal, as for a spell that ends before it starts. The
# documentation of entry= says nothing about it, and no warning is given.
# For durations of cases (transfers, backlogs): a case settled on the day it comes in is routine, and
# each one pulls the curve and the median down. Let such a case end half a day later.
set -euo pipefail
tmp="$(mktemp -d)"
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet --disable-pip-version-check --no-compile 'lifelines==0.30.3' 'pandas==2.3.3'
cd "$tmp"
MPLCONFIGDIR="$tmp" "$tmp/venv/bin/python" -W error::RuntimeWarning - <<'PY'
from importlib.metadata import version

from lifelines import KaplanMeierFitter

print("lifelines", version("lifelines"), "| pandas", version("pandas"))


def fit(spells):
    return KaplanMeierFitter().fit([end for _, end in spells], [True] * len(spells),
                                   entry=[start for start, _ in spells])


def survival(model):
    return {float(day): round(float(value), 4) for day, value in model.survival_function_.iloc[:, 0].items()}


# Three cases: (day it came in, day it was settled). The second came in and was settled on day 2.
model = fit([(0, 2), (2, 2), (0, 5)])
curve, table = survival(model), model.event_table
print("\nspells (0,2) (2,2) (0,5)")
print(table[["entrance", "observed", "at_risk"]])
print("survival:", curve)
print("at risk on day 5:", int(table.loc[5.0, "at_risk"]), "| survival after day 2:", curve[2.0])
assert int(table.loc[5.0, "at_risk"]) == 1
assert curve[2.0] == 0.0, "the case of day 5 is now counted: the finding is out of date"
assert (int(table.loc[2.0, "observed"]), int(table.loc[2.0, "at_risk"])) == (2, 3)

# By the package's own table it would be 1 - 2/3; without the same-day case 1 - 1/2.
print("by the printed table:", round(1 - 2 / 3, 4), "| without that case:", survival(fit([(0, 2), (0, 5)]))[2.0])

# Nudging the end by half a day puts the case on both sides of the fraction.
nudged = survival(fit([(0, 2), (2, 2.5), (0, 5)]))
print("ended half a day later:", nudged)
assert nudged[2.5] > 0

# Without late entry a spell of length zero counts on both sides.
zero = survival(KaplanMeierFitter().fit([0, 0, 1, 2], [True] * 4))
print("durations 0, 0, 1, 2 without entry=:", zero)
assert zero[0.0] == 0.5

# More cases: the same-day one moves the median.
base = [(0, 2), (0, 3), (1, 4), (0, 6), (3, 7)]
without, with_it = fit(base), fit([*base, (2, 2), (3, 3)])
print("median without and with two same-day cases:", without.median_survival_time_, with_it.median_survival_time_)
assert with_it.median_survival_time_ < without.median_survival_time_

try:
    fit([(3, 2)])
except ValueError as error:
    print("a spell that ends before it starts:", error)
else:
    raise AssertionError("a negative spell is now accepted")
print("confirmed: a same-day case is an event that nobody was at risk of")
PY
