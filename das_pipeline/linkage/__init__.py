"""Linkage: which records are about the same person and the same case. No other stage reads a name or a number of a person.

Which records are one person is decided in `guarded`, `probabilistic` and `merge`; person ids and case ids are given in `ids`.
"""

from das_pipeline.linkage.entities import build_entities
from das_pipeline.linkage.ids import TABLE as LINKS
from das_pipeline.linkage.links import build_links
from das_pipeline.linkage.named import count_identifying_words
from das_pipeline.linkage.sources import delivered_contracts
from das_pipeline.linkage.training import train_model

__all__ = ["LINKS", "build_entities", "build_links", "count_identifying_words", "delivered_contracts", "train_model"]
