"""The website: static pages next to the tables they show, in each language, complete without JavaScript."""

from das_pipeline.website.build import build_site, pages_of, static_files

__all__ = ["build_site", "pages_of", "static_files"]
