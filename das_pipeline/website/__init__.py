"""The website: static pages next to the tables they show, in each language, complete without JavaScript."""

from das_pipeline.website.build import build_site, static_files
from das_pipeline.website.texts import load_words

__all__ = ["build_site", "load_words", "static_files"]
