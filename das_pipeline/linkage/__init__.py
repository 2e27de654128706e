"""Linkage: which records are about the same person and the same case. No other stage reads a name or a number of a person.

Which records are one person is decided in `guarded`, `probabilistic` and `merge`, and by persons in `decisions`; person ids and case ids
are given in `ids`.
"""

from das_pipeline.linkage.decisions import TABLE as DECISIONS
from das_pipeline.linkage.decisions import Record, decisions
from das_pipeline.linkage.entities import build_entities
from das_pipeline.linkage.explain import explain_link, profiles
from das_pipeline.linkage.ids import TABLE as LINKS
from das_pipeline.linkage.ids import ages_of, links_of
from das_pipeline.linkage.links import build_links
from das_pipeline.linkage.named import count_identifying_words
from das_pipeline.linkage.probabilistic import dump_model
from das_pipeline.linkage.review import REASONS, build_review, decide_on, items
from das_pipeline.linkage.review import TABLE as REVIEW
from das_pipeline.linkage.sources import delivered_contracts
from das_pipeline.linkage.training import Drift, model_drift, next_model, train_model

__all__ = [
    "DECISIONS",
    "LINKS",
    "REASONS",
    "REVIEW",
    "Drift",
    "Record",
    "ages_of",
    "build_entities",
    "build_links",
    "build_review",
    "count_identifying_words",
    "decide_on",
    "decisions",
    "delivered_contracts",
    "dump_model",
    "explain_link",
    "items",
    "links_of",
    "model_drift",
    "next_model",
    "profiles",
    "train_model",
]
