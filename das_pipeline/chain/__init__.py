"""Chain: what every partner's rows say, in one language of events, spells, flows and stocks."""

from das_pipeline.chain.events import build_events
from das_pipeline.chain.flows import build_flows
from das_pipeline.chain.model import ChainModel, Unit, load_chain
from das_pipeline.chain.spells import build_spells

__all__ = ["ChainModel", "Unit", "build_events", "build_flows", "build_spells", "load_chain"]
