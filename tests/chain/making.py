"""Making the tables of the chain in order, as the assets do."""

from __future__ import annotations

from das_pipeline.chain import build_events, build_flows, build_spells
from das_pipeline.linkage import build_entities, build_links
from das_pipeline.run import Produced, Run, produce
from das_pipeline.settings import Settings
from das_pipeline.statistics import build_cubes
from das_pipeline.terminology import build_concepts, build_records
from tests.toy_deliveries import DAYS, take_in_all, write_toy_deliveries


def make_events(run: Run) -> Produced:
    return produce(run, "chain/events", build_events, inputs=["terminology/records", "linkage/links"])


def make_spells(run: Run) -> Produced:
    return produce(run, "chain/spells", build_spells, inputs=["chain/events"])


def make_flows(run: Run) -> Produced:
    return produce(run, "chain/flows", build_flows, inputs=["chain/events", "chain/spells"])


def make_chain(run: Run) -> Produced:
    """Make the flows and everything that they are made from."""
    make_events(run)
    make_spells(run)
    return make_flows(run)


def make_cubes(settings: Settings) -> Run:
    """Take the toy deliveries through every stage up to the cubes."""
    write_toy_deliveries(settings.inbox)
    take_in_all(settings)
    run = Run.start(settings, DAYS[-1])
    delivered = [f"deliveries/{partner}" for partner in run.jurisdiction.partners]
    produce(run, "terminology/concepts", build_concepts)
    produce(run, "terminology/records", build_records, inputs=["terminology/concepts", *delivered])
    produce(run, "identifying/entities", build_entities, inputs=["terminology/records", *delivered])
    produce(run, "linkage/links", build_links, inputs=["identifying/entities", *delivered], chained=True)
    make_chain(run)
    produce(run, "statistics/cubes", build_cubes, inputs=["chain/events", "chain/spells", "terminology/concepts"])
    return run
