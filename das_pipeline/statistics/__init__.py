"""Statistics: confidential base cubes of what the chain counts, from definitions that are data."""

from das_pipeline.statistics.cubes import build_cubes
from das_pipeline.statistics.loading import load_statistics
from das_pipeline.statistics.model import Cube, Statistics, Table

__all__ = ["Cube", "Statistics", "Table", "build_cubes", "load_statistics"]
