"""Publication: what leaves the alliance. The candidate's tables with their metadata, and the existing releases."""

from das_pipeline.publication.candidate import build_candidate, descriptors_of
from das_pipeline.publication.changes import TableChanges, compare
from das_pipeline.publication.consequences import Consequence, consequences
from das_pipeline.publication.definitions import table_kinds, table_methods
from das_pipeline.publication.explain import explain
from das_pipeline.publication.formats import readers
from das_pipeline.publication.releases import Release, current_release, release_folders, releases
from das_pipeline.publication.texts import table_texts

__all__ = [
    "Consequence",
    "Release",
    "TableChanges",
    "build_candidate",
    "compare",
    "consequences",
    "current_release",
    "descriptors_of",
    "explain",
    "readers",
    "release_folders",
    "releases",
    "table_kinds",
    "table_methods",
    "table_texts",
]
