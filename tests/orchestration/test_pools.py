"""One run of each partner and one of the chain at a time: also in a home that has never run."""

from __future__ import annotations

import pytest

from das_pipeline.settings import Settings
from orchestration.definitions import defs
from orchestration.runs import instance

pytestmark = [pytest.mark.slow]


def test_every_pool_has_its_limit_before_the_first_run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")  # set by instance(), and given back to the tests after this
    pools = {spec.pool for spec in (node for a in defs.resolve_asset_graph().assets_defs for node in [a.op])}
    with instance(settings) as store:
        assert {limit.name: limit.limit for limit in store.event_log_storage.get_pool_limits()} == dict.fromkeys(pools, 1)
    assert "chain" in pools
