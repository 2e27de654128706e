"""Publication: what leaves the alliance. Tables with their metadata, releases that never change, one pointer for tables and site."""

from das_pipeline.publication.candidate import build_candidate
from das_pipeline.publication.changes import TableChanges, compare
from das_pipeline.publication.explain import explain
from das_pipeline.publication.release import (
    Decision,
    Release,
    current_release,
    next_release,
    previous_release,
    publish_release,
    release_decision,
    release_folders,
    releases,
    verify_release,
)
from das_pipeline.publication.texts import table_texts

__all__ = [
    "Decision",
    "Release",
    "TableChanges",
    "build_candidate",
    "compare",
    "current_release",
    "explain",
    "next_release",
    "previous_release",
    "publish_release",
    "release_decision",
    "release_folders",
    "releases",
    "table_texts",
    "verify_release",
]
