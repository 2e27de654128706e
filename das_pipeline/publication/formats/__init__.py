"""The formats in which every table is published: a module each. A new one is a module here, and a line in FORMATS."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from das_pipeline.publication.formats import csv, jsonstat, parquet
from das_pipeline.publication.formats.format import Format, Reader

FORMATS: tuple[Format, ...] = (  # in the order of descriptors and download links; the first has the table's own name in the data package
    csv.FORMAT,
    parquet.FORMAT,
    jsonstat.FORMAT,
)

__all__ = ["FORMATS", "Format", "extensions", "format_of", "readers"]


def readers() -> dict[str, Reader]:
    """Return how to read a published file, by its extension: for the auditor, which compares every copy of a table with the table."""
    return {form.extension: form.read for form in FORMATS}


def extensions(languages: Iterable[str]) -> list[str]:
    """Return the extensions of the files of every table: a file in each format, and one for people in each language."""
    return [form.extension for form in FORMATS] + [f"{language}.csv" for language in languages]


def format_of(path: Path) -> Format | None:
    """Return the format of a published file, by its extension; None when it is in none of them."""
    return next((form for form in FORMATS if form.extension == path.suffix.removeprefix(".")), None)
