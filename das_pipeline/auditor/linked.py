"""D18 in the data of a page for search engines: what is told of each table that it shows follows from the table and the data package."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from das_pipeline.auditor.database import days_of
from das_pipeline.auditor.release import Published, Table

TYPE = "application/ld+json"


def differs(text: str, release: Published, shown: Sequence[str], address: str, language: str, is_text: Callable[[str], bool]) -> bool:
    """Whether a block of data has other characters than it should on the page `address`, as `site/x.html`, with the tables `shown` on it.

    The publisher's name and the mark of simulated figures are in no table: they are declared texts.
    """
    try:
        told = json.loads(text)["@graph"]
        publisher = told[0]["publisher"]["name"] if told else ""
        tables = [release.tables[name] for name in shown]
        marks = [d["name"].removesuffix(t.facts["title"][language]) for d, t in zip(told, tables, strict=True)]
        if not (is_text(publisher) or not told) or any(bool(m) != t.facts["is_simulated"] for m, t in zip(marks, tables, strict=True)):
            return True
        if not all(m == "" or (m.endswith(": ") and is_text(m)) for m in marks):
            return True
        graph = [_dataset(t, release, m, publisher, address, language) for t, m in zip(tables, marks, strict=True)]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):  # not of this shape
        return True
    written = json.dumps({"@context": "https://schema.org/", "@graph": graph}, ensure_ascii=False, sort_keys=True)
    return text != written.replace("<", "\\u003c")


def _dataset(table: Table, release: Published, mark: str, publisher: str, address: str, language: str) -> dict[str, Any]:
    package, facts = release.package, table.facts
    base = f"{package['homepage']}current/"
    edges = [days_of(period) for period in table.rows["period"].unique().to_pylist()]
    resources = [r for r in package["resources"] if r["path"].startswith(f"tables/{table.name}.")]
    whole = {"@type": "Dataset", "@id": f"{base}catalog.ttl#catalog", "name": package.get(f"title_{language}", package["title"])}
    dataset = {
        "@type": "Dataset",
        "@id": f"{base}catalog.ttl#{table.name}",
        "creator": {"@type": "Organization", "name": facts["source"][language]},
        "dateModified": release.as_of,
        "description": f"{facts['description'][language]} {facts['notes'][language]}",
        "inLanguage": language,
        "isAccessibleForFree": True,
        "isPartOf": whole | {"version": package["version"], "datePublished": release.as_of},
        "license": resources[0]["licenses"][0]["path"],
        "name": mark + facts["title"][language],
        "publisher": {"@type": "Organization", "name": publisher},
        "temporalCoverage": f"{min(e['starts_on'] for e in edges)}/{max(e['ends_on'] for e in edges)}",
        "url": f"{base}{address}#{table.name}",
        "version": package["version"],
    }
    dataset["distribution"] = [
        {"@type": "DataDownload", "contentUrl": base + r["path"], "encodingFormat": r["mediatype"], "name": r["path"].split("/")[1]}
        for r in resources
    ]
    return dataset
