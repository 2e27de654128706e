"""Figures about real people: rules that only warn of simulated ones refuse them."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml

from das_pipeline.disclosure import build_leaves
from das_pipeline.gate import GateFailed, Verdict
from das_pipeline.lake import Draft
from das_pipeline.run import Run, produce
from das_pipeline.terminology import build_concepts
from tests.conftest import TOY
from tests.installation import real_installation
from tests.methods import MONTHS, OFFENCES, write
from tests.toy_deliveries import DAYS, WATCH, take_in_all, watch_csv, write_delivery

pytestmark = [pytest.mark.slow]
STRICT = {  # limits that the few records of the toy break
    "attack": {"block": 0.05, "min_rows": 1, "reason": "a test"},
    "deduction": {"width": 50, "min_rows": 1, "reason": "a test"},
    "insider": {"share": 0, "reason": "a test"},
}
RULES = ("D22", "D24")


def strict(toy: Path) -> Path:
    """The jurisdiction in the folder `toy`, with these limits."""
    path = toy / "policy.yaml"
    policy = yaml.safe_load(path.read_text(encoding="utf-8"))
    policy["disclosure"] |= STRICT
    path.write_text(yaml.safe_dump(policy), encoding="utf-8")
    return toy


@pytest.mark.breaks("D22", "D24")
@pytest.mark.parametrize("is_simulated", [False, True])
def test_one_real_delivery_is_enough_to_refuse_figures_that_call_themselves_simulated(tmp_path: Path, is_simulated: bool) -> None:
    """As every table does that is made from simulated deliveries too. Of nothing but simulated ones the rules warn."""
    made = real_installation(tmp_path / "real", strict(Path(shutil.copytree(TOY, tmp_path / "toy"))))
    files = {"reports": ("reports.csv", watch_csv(WATCH[DAYS[0]]))}
    write_delivery(made.inbox, "watch", DAYS[0], 1, files, is_simulated=is_simulated)
    take_in_all(made.settings())
    run = Run.start(made.settings(), DAYS[-1])
    produce(run, "terminology/concepts", build_concepts)
    produce(run, "statistics/cubes", count_of_simulated)
    make = partial(produce, run, "disclosure/leaves", build_leaves, inputs=["statistics/cubes", "terminology/concepts"])
    if is_simulated:
        failed = {v["rule"]: v["severity"] for v in make().version.verdicts if not v["passed"]}
        assert failed == dict.fromkeys(RULES, "warn")
    else:
        with pytest.raises(GateFailed) as refused:
            make()
        assert [rule for rule in RULES if f"{rule} " not in str(refused.value)] == []
        assert run.lake.current("disclosure/leaves") is None


def count_of_simulated(run: Run, draft: Draft) -> list[Verdict]:
    """Small counts, of cubes that say they are simulated."""
    draft.facts["is_simulated"] = True
    random = np.random.default_rng(4)
    months = [{"offence": o, "period_kind": "month", "period": m, "n": int(random.integers(1, 4))} for o in OFFENCES for m in MONTHS]
    years = []
    for offence in OFFENCES:
        n = sum(row["n"] for row in months if row["offence"] == offence)
        years.append({"offence": offence, "sex": "male", "age": "adult", "period_kind": "year", "period": "2024", "n": n})
    write(draft, "reports_month", months)
    write(draft, "reports_year", years)
    write(draft, "rulings_month", [{"ruling": "guilty", "period_kind": "month", "period": "2024-01", "n": 40}])
    return []
