"""Making the tables of the chain in order, as the assets do."""

from __future__ import annotations

from das_pipeline.chain import build_events, build_flows, build_spells
from das_pipeline.run import Produced, Run, produce


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
