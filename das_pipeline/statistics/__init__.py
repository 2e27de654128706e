"""Statistics: confidential base cubes of what the chain counts, from definitions that are data."""

from das_pipeline.statistics.counting import not_followed_from
from das_pipeline.statistics.cubes import build_cubes
from das_pipeline.statistics.declarations import Method, Rate, Share
from das_pipeline.statistics.loading import load_statistics
from das_pipeline.statistics.model import (
    AMOUNTS,
    CLOSING,
    CORRECTIONS,
    ENDED,
    FOLLOW_UP,
    HALF,
    INFLOW,
    LINES,
    MEDIAN,
    MOVEMENT,
    OPENING,
    OUTFLOW,
    STILL_OPEN,
    WEEKS,
    Cube,
    Statistics,
    Table,
    counts_of,
)

__all__ = [
    "AMOUNTS",
    "CLOSING",
    "CORRECTIONS",
    "ENDED",
    "FOLLOW_UP",
    "HALF",
    "INFLOW",
    "LINES",
    "MEDIAN",
    "MOVEMENT",
    "OPENING",
    "OUTFLOW",
    "STILL_OPEN",
    "WEEKS",
    "Cube",
    "Method",
    "Rate",
    "Share",
    "Statistics",
    "Table",
    "build_cubes",
    "counts_of",
    "load_statistics",
    "not_followed_from",
]
