"""Linkage: which records are about the same person and the same case. Nothing else in the product sees a name or a number of a person."""

from das_pipeline.linkage.entities import build_entities
from das_pipeline.linkage.ids import TABLE as LINKS
from das_pipeline.linkage.links import build_links
from das_pipeline.linkage.sources import delivered_contracts
from das_pipeline.linkage.training import train_model

__all__ = ["LINKS", "build_entities", "build_links", "delivered_contracts", "train_model"]
