"""D18 in the files by which a release is cited: its name, version and day, and declared texts. D10 in its sums: these are true."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import yaml

from das_pipeline.auditor.release import Published

CFF, BIBTEX, RIS, DATACITE, SUMS = "CITATION.cff", "citation.bib", "citation.ris", "datacite.json", "SHA256SUMS"
CITED = {CFF, BIBTEX, RIS, DATACITE}
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


def wrong(release: Published) -> dict[str, int]:
    """Whether each of these files that is there has other bytes than the manifest and the data package, which are judged, give."""
    there = CITED & set(release.paths)
    try:
        expected = _expected(release) if there else {}
    except (KeyError, TypeError, AttributeError, IndexError, ValueError):  # no manifest, or not of this shape
        return dict.fromkeys(there, 1)
    return {name: int((release.folder / name).read_bytes() != expected[name]) for name in there}


def sums_differ(release: Published) -> bool:
    """Whether the file of sums, if it is there, has another line than one for each other file, in order of their names."""
    if SUMS not in release.paths:
        return False
    others = [name for name in release.paths if name != SUMS]
    lines = [f"{hashlib.sha256((release.folder / name).read_bytes()).hexdigest()}  {name}\n" for name in others]
    return (release.folder / SUMS).read_text(encoding="utf-8", errors="replace") != "".join(lines)


def _expected(release: Published) -> dict[str, bytes]:
    package, manifest, previous = release.package, release.json("manifest.json"), release.changes.get("previous")
    name, as_of, version, base = manifest["release"], manifest["as_of"], manifest["version"], package["homepage"]
    year, month, _ = as_of.split("-")
    address = f"{base}releases/{name}/site/index.html"
    title = ("Simulated figures: " if package["is_simulated"] else "") + package["title"]
    who, licence = package["contributors"][0]["title"], package["licenses"][0]
    cff = {"cff-version": "1.2.0", "message": "Cite these figures with their release, since later releases may revise them."}
    cff |= {"type": "dataset", "title": title, "authors": [{"name": who}], "version": version, "date-released": as_of}
    cff |= {"license": licence["name"], "url": address}
    bibtex = [f"@misc{{{package['name']}-{name},", f"  author = {{{{{_plain(who)}}}}},", f"  title = {{{{{_plain(title)}}}}},"]
    bibtex += [f"  year = {{{year}}},", f"  month = {MONTHS[int(month) - 1]},", f"  edition = {{{version}}},"]
    bibtex += [f"  publisher = {{{_plain(who)}}},", f"  url = {{{address}}},", "}", ""]
    ris = ["TY  - DATA", f"AU  - {who}", f"TI  - {title}", f"PY  - {year}", f"DA  - {as_of.replace('-', '/')}", f"ET  - {version}"]
    ris += [f"PB  - {who}", f"UR  - {address}", "ER  - ", ""]
    related = {"relatedIdentifier": f"{base}releases/{previous}/site/index.html", "relatedIdentifierType": "URL"}
    datacite: dict[str, Any] = {
        "creators": [{"name": who, "nameType": "Organizational"}],
        "dates": [{"date": as_of, "dateType": "Issued"}],
        "publicationYear": year,
        "publisher": {"name": who},
        "relatedIdentifiers": [related | {"relationType": "IsNewVersionOf"}] if previous else [],
        "rightsList": [{"rights": licence["title"], "rightsIdentifier": licence["name"], "rightsUri": licence["path"]}],
        "schemaVersion": "http://datacite.org/schema/kernel-4",
        "titles": [{"title": title}],
        "types": {"resourceType": "Statistical tables", "resourceTypeGeneral": "Dataset"},
        "url": address,
        "version": version,
    }
    return {
        CFF: yaml.safe_dump(cff, sort_keys=False, allow_unicode=True, width=1000).encode(),
        BIBTEX: "\n".join(bibtex).encode(),
        RIS: "\r\n".join(ris).encode(),
        DATACITE: f"{json.dumps(datacite, sort_keys=True, ensure_ascii=False, indent=1)}\n".encode(),
    }


def _plain(text: str) -> str:
    """The text as BibTeX takes it literally."""
    return "".join(f"\\{letter}" if letter in "&%$#_{}" else letter for letter in text)
