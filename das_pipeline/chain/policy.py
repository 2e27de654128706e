"""The limits of this stage, from the jurisdiction's policy.yaml, each with its reason."""

from __future__ import annotations

from pydantic import BaseModel

from das_pipeline.jurisdiction import Jurisdiction


class BlockingShare(BaseModel, extra="forbid"):
    """A share that blocks above `block`, when at least `min_rows` rows fail."""

    block: float
    min_rows: int
    reason: str


class WarningShare(BaseModel, extra="forbid"):
    """A share that warns above `warn`."""

    warn: float
    reason: str


class ChainPolicy(BaseModel, extra="forbid"):
    """The part `chain` of policy.yaml: forbidden transitions (C04), dates out of order (C01), overlapping spells (C06)."""

    forbidden_share: BlockingShare
    order_share: WarningShare
    overlap_share: WarningShare


class Policy(BaseModel):
    """What this stage reads of policy.yaml."""

    chain: ChainPolicy


def load_policy(jurisdiction: Jurisdiction) -> ChainPolicy:
    return jurisdiction.load("policy.yaml", Policy).chain
