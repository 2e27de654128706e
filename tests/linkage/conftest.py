"""The toy chain up to linkage."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from das_pipeline import terminology
from das_pipeline.deliveries import partners_in
from das_pipeline.lake import Version
from das_pipeline.linkage import build_entities, build_links
from das_pipeline.run import Run, produce
from das_pipeline.settings import Settings
from tests.conftest import toy_settings
from tests.toy_deliveries import DAYS, take_in_all, write_toy_deliveries


def link_as_of(run: Run) -> Version:
    """The live links as known on the run's date, and everything before them."""
    deliveries = [f"deliveries/{partner}" for partner in partners_in(run)]
    produce(run, "terminology/concepts", terminology.build_concepts)
    produce(run, "terminology/records", terminology.build_records, inputs=["terminology/concepts", *deliveries])
    produce(run, "identifying/entities", build_entities, inputs=["terminology/records", *deliveries])
    return produce(run, "linkage/links", build_links, inputs=["identifying/entities", *deliveries], chained=True).version


@pytest.fixture(scope="session")
def linked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, dict[date, Version]]:
    """An installation in which the toy deliveries were taken in and linked day by day, and the links of each day. Not to be changed."""
    root = tmp_path_factory.mktemp("linked")
    settings = toy_settings(root)
    write_toy_deliveries(settings.inbox)
    take_in_all(settings)
    return settings, {day: link_as_of(Run.start(settings, day)) for day in DAYS}


@pytest.fixture
def links(linked: tuple[Settings, dict[date, Version]]) -> Callable[[date], Version]:
    return lambda day: linked[1][day]
