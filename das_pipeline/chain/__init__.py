"""Chain: what every partner's rows mean, in one language of events, spells, flows and stocks.

Which transitions are allowed is data: `spells` in chain.yaml. `events.sql` applies them (step `transitions`); `judging` decides how many
forbidden ones are too many.
"""

from das_pipeline.chain.changes import create_event_changes, create_spell_changes, is_built_on
from das_pipeline.chain.declarations import Spell
from das_pipeline.chain.events import build_events
from das_pipeline.chain.flows import build_flows
from das_pipeline.chain.loading import load_chain
from das_pipeline.chain.model import ChainModel, Unit
from das_pipeline.chain.spells import build_spells

__all__ = [
    "ChainModel",
    "Spell",
    "Unit",
    "build_events",
    "build_flows",
    "build_spells",
    "create_event_changes",
    "create_spell_changes",
    "is_built_on",
    "load_chain",
]
