"""The job that replays a partner, through real Dagster: the version that goes live is recorded for every delivery in it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.installation import Installation, installation
from tests.toy_deliveries import write_toy_deliveries

pytestmark = [pytest.mark.slow]

# Takes in what waits, without the chain; then replays watch when asked to.
SCRIPT = """
import json, sys
import dagster as dg
from das_pipeline.settings import Settings
from orchestration.runs import Operator, instance, waiting

with instance(Settings.from_environment()) as store:
    operator = Operator(store)
    while ready := [d for d in waiting() if d.state == "ready" and d.partner == "watch"]:
        operator.intake(ready[0])
    succeeded = operator.run("replay_watch", "replay") if "replay" in sys.argv else True
    key = dg.AssetKey(["deliveries", "watch"])
    records = store.fetch_materializations(key, limit=10).records
    newest = {r.partition_key: r.asset_materialization.tags["dagster/data_version"] for r in reversed(records)}
    print(json.dumps({"succeeded": succeeded, "versions": newest, "failed": operator.report.failed}))
"""


def last_line(printed: str) -> dict:
    return json.loads(printed.strip().splitlines()[-1])


def test_a_replay_in_dagster_records_the_version_that_goes_live(tmp_path: Path) -> None:
    made = installation(tmp_path / "made")
    wrong = Installation(made.root, str(tmp_path / "wrong"))
    path = Path(shutil.copytree(made.jurisdiction, wrong.jurisdiction)) / "contracts" / "watch" / "reports.yaml"
    contract = yaml.safe_load(path.read_text(encoding="utf-8"))
    next(c for c in contract["columns"] if c["name"] == "damage")["range"] = [0, 99]
    path.write_text(yaml.safe_dump(contract, allow_unicode=True), encoding="utf-8")
    write_toy_deliveries(made.inbox)
    assert len(last_line(wrong.python("-W", "ignore", "-c", SCRIPT))["versions"]) == 3
    before = made.live("deliveries/watch").id
    done = last_line(made.python("-W", "ignore", "-c", SCRIPT, "replay"))
    after = made.live("deliveries/watch").id
    assert (done["succeeded"], after != before) == (True, True), done["failed"]
    assert done["versions"] == dict.fromkeys(("2024-01-31.1", "2024-02-29.1", "2024-03-31.1"), after)


def test_the_command_line_replays_and_says_what_is_next(tmp_path: Path) -> None:
    made = installation(tmp_path / "made")
    write_toy_deliveries(made.inbox)
    made.python("-W", "ignore", "-c", SCRIPT)
    assert "watch: 2 deliveries are taken in again" in made.das("replay", "watch", "--from", "2024-02-29.1")
    assert "There is no partner witch. Did you mean watch?" in made.das("replay", "witch", code=1)
    assert "was never landed" in made.das("replay", "watch", "--from", "2025-01-01.1", code=1)
