"""The parts that blocks of parameters are made of."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, Field

from simulation.draws import Ints, Spans, days_of, happens

Shares = dict[str, float]


class Block(BaseModel, extra="forbid"):
    """A block of parameters and the source of its figures."""

    source: str = Field(min_length=10)


class Delay(BaseModel, extra="forbid"):
    """Days between two events: none for a share of them, log-normal for the others."""

    same_day: float = 0.0
    median_days: float
    sigma: float

    def draw(self, stream: np.random.Generator, n: int) -> Spans:
        """`n` delays in whole days."""
        drawn = days_of(stream, self.median_days, self.sigma, n) + np.timedelta64(1, "D")
        return np.where(happens(stream, self.same_day, n), np.timedelta64(0, "D"), drawn)


class Size(BaseModel, extra="forbid"):
    """A log-normal amount of at most `most`."""

    median: float
    sigma: float
    most: float = 1e7

    def draw(self, stream: np.random.Generator, n: int) -> Ints:
        """`n` amounts, whole and at least 1."""
        return np.maximum(1, np.minimum(np.exp(stream.normal(0.0, self.sigma, n)) * self.median, self.most)).astype(np.int64)
