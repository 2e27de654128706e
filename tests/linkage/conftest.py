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
from tests.toy_deliveries import take_in_all, write_toy_deliveries


@pytest.fixture
def delivered(settings: Settings) -> Settings:
    """An installation with the toy deliveries taken in."""
    write_toy_deliveries(settings.inbox)
    take_in_all(settings)
    return settings


def link_as_of(run: Run) -> Version:
    """The live links as known on the run's date, and everything before them."""
    deliveries = [f"deliveries/{partner}" for partner in partners_in(run)]
    produce(run, "terminology/concepts", terminology.build_concepts)
    produce(run, "terminology/records", terminology.build_records, inputs=["terminology/concepts", *deliveries])
    produce(run, "identifying/entities", build_entities, inputs=["terminology/records", *deliveries], encrypted=True)
    return produce(run, "linkage/links", build_links, inputs=["identifying/entities", *deliveries], chained=True).version


@pytest.fixture
def link(delivered: Settings, start: Callable[[date], Run]) -> Callable[[date], Version]:
    return lambda as_of: link_as_of(start(as_of))
