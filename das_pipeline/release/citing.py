"""How a release is cited, in the forms that reference managers, repositories and registries of identifiers read.

A release has an address of its own that never changes, which a candidate does not know: these files are made when it gets its name.
They follow from that name and the data package, so persons sign them with the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import yaml

from das_pipeline.lake import canonical
from das_pipeline.publication.releases import CITED

LATEX = re.compile(r"[&%$#_{}]")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")  # of every BibTeX style


def citation_files(release: str, package: Mapping[str, Any], previous: str | None) -> dict[str, bytes]:
    """Return CITATION.cff, citation.bib, citation.ris and datacite.json of `release`, by name.

    `package` is its data package, `previous` the release that it follows. A package of an earlier version of this code does not say where
    releases are served: it gives no files.
    """
    if "homepage" not in package:
        return {}
    return dict(zip(CITED, _written(release, package, previous), strict=True))


def _written(release: str, package: Mapping[str, Any], previous: str | None) -> Iterable[bytes]:
    title = f"{'Simulated figures: ' if package['is_simulated'] else ''}{package['title']}"
    publisher, licence = package["contributors"][0]["title"], package["licenses"][0]
    day, version, address = date.fromisoformat(package["as_of"]), package["version"], _address(package, release)
    cff = {
        "cff-version": "1.2.0",
        "message": "Cite these figures with their release, since later releases may revise them.",
        "type": "dataset",
        "title": title,
        "authors": [{"name": publisher}],
        "version": version,
        "date-released": day.isoformat(),
        "license": licence["name"],
        "url": address,
    }
    yield yaml.safe_dump(cff, sort_keys=False, allow_unicode=True, width=1000).encode()
    fields = {
        "author": f"{{{_latex(publisher)}}}",
        "title": f"{{{_latex(title)}}}",
        "year": str(day.year),
        "month": MONTHS[day.month - 1],
        "edition": version,
        "publisher": _latex(publisher),
        "url": address,
    }
    shown = (f"  {name} = {text if name == 'month' else f'{{{text}}}'},\n" for name, text in fields.items())
    yield f"@misc{{{package['name']}-{release},\n{''.join(shown)}}}\n".encode()
    lines = [("TY", "DATA"), ("AU", publisher), ("TI", title), ("PY", str(day.year)), ("DA", day.strftime("%Y/%m/%d")), ("ET", version)]
    lines += [("PB", publisher), ("UR", address), ("ER", "")]
    yield "".join(f"{tag}  - {text}\r\n" for tag, text in lines).encode()
    follows = {"relationType": "IsNewVersionOf", "relatedIdentifierType": "URL"}
    datacite = {
        "schemaVersion": "http://datacite.org/schema/kernel-4",
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Statistical tables"},
        "creators": [{"name": publisher, "nameType": "Organizational"}],
        "titles": [{"title": title}],
        "publisher": {"name": publisher},
        "publicationYear": str(day.year),
        "dates": [{"date": day.isoformat(), "dateType": "Issued"}],
        "version": version,
        "rightsList": [{"rights": licence["title"], "rightsUri": licence["path"], "rightsIdentifier": licence["name"]}],
        "url": address,
        "relatedIdentifiers": [follows | {"relatedIdentifier": _address(package, previous)}] if previous else [],
    }
    yield canonical(datacite, indent=1) + b"\n"


def _address(package: Mapping[str, Any], release: str) -> str:
    return f"{package['homepage']}releases/{release}/site/index.html"


def _latex(text: str) -> str:
    return LATEX.sub(r"\\\g<0>", text)
