"""What a page tells search engines of data sets: each table that it shows as a Dataset of schema.org, with its files.

A block of data in the page, which no browser executes and no content policy stops. A Dataset has the address that the catalogue gives it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup

from das_pipeline.periods import first_day, last_day
from das_pipeline.publication.catalog import FILES
from das_pipeline.website.figures import Figure
from das_pipeline.website.language import Language


def datasets(figures: Iterable[Figure], package: Mapping[str, Any], publisher: str, language: Language, slug: str) -> Markup:
    """Return the data of the tables that the page `slug` shows, as JSON-LD; `package` is the data package of the candidate."""
    graph = [_dataset(figure, package, publisher, language, slug) for figure in figures]
    content = json.dumps({"@context": "https://schema.org/", "@graph": graph}, ensure_ascii=False, sort_keys=True)
    return Markup(content.replace("<", "\\u003c"))  # nothing in it ends the block


def _dataset(figure: Figure, package: Mapping[str, Any], publisher: str, language: Language, slug: str) -> dict[str, Any]:
    table, current = figure.table, f"{package['homepage']}current/"
    files = [r for r in package["resources"] if r["path"].removeprefix("tables/").partition(".")[0] == table.name]
    periods = [period for kind in table.kinds for period in table.periods(kind)]
    folder = "" if language.is_first else f"{language.code}/"
    catalogue = f"{current}{FILES[0]}#"
    return {
        "@type": "Dataset",
        "@id": f"{catalogue}{table.name}",
        "name": f"{language.say('simulated_figures')}: {figure.title}" if table.facts["is_simulated"] else figure.title,
        "description": f"{language.text(table.facts['description'])} {figure.notes}",
        "url": f"{current}site/{folder}{slug}.html#{table.name}",
        "inLanguage": language.code,
        "license": files[0]["licenses"][0]["path"],
        "isAccessibleForFree": True,
        "temporalCoverage": f"{min(map(first_day, periods))}/{max(map(last_day, periods))}",
        "version": package["version"],
        "dateModified": package["as_of"],
        "creator": {"@type": "Organization", "name": figure.source},
        "publisher": {"@type": "Organization", "name": publisher},
        "isPartOf": {
            "@type": "Dataset",
            "@id": f"{catalogue}catalog",
            "name": package.get(f"title_{language.code}", package["title"]),
            "version": package["version"],
            "datePublished": package["as_of"],
        },
        "distribution": [
            {"@type": "DataDownload", "name": r["path"].removeprefix("tables/"), "encodingFormat": r["mediatype"]}
            | {"contentUrl": f"{current}{r['path']}"}
            for r in files
        ],
    }
