"""What lies beside the releases: a feed of them in each language, for readers of news, and how each is cited, for reference managers.

Both follow from the releases on disk and are written again whenever they differ, so what a killed process left out comes with the next run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lxml import etree

from das_pipeline.disk import replace_file
from das_pipeline.publication.releases import CITATIONS, MANIFEST, Release, feed_name, number_of, read_release, releases_root
from das_pipeline.publication.texts import TableTexts, load_words, table_texts
from das_pipeline.release.approvals import Signature
from das_pipeline.run import Run
from das_pipeline.website.language import Language

ATOM = "{http://www.w3.org/2005/Atom}"


def write_feeds(run: Run) -> None:
    """Write the feeds and citations into the folder of releases."""
    root = releases_root(run)
    for name, content in feeds(run).items():
        path = root / name
        if not path.exists() or path.read_bytes() != content:
            replace_file(path, content)
            path.chmod(0o644)


def feeds(run: Run) -> dict[str, bytes]:
    """Return `feed.<language>.atom` (Atom 1.0) and `citations.json` (CSL-JSON), newest release first; nothing before the first."""
    root, texts, words = releases_root(run), table_texts(run.jurisdiction), load_words(run.jurisdiction)
    found = [read_release(path.parent) for path in root.glob(f"[0-9]*/{MANIFEST}")]
    found.sort(key=lambda r: (r.as_of, number_of(r.id)), reverse=True)
    if not found:
        return {}
    files = {feed_name(code): _feed(found, texts, Language(code, words)) for code in words.languages}
    files[CITATIONS] = _citations(
        [r for r in found if not r.is_withdrawn], run.jurisdiction.name, texts, Language(next(iter(words.languages)), words)
    )
    return files


def _feed(found: Sequence[Release], texts: TableTexts, language: Language) -> bytes:
    address = texts.catalogue.address
    feed: Any = etree.Element(f"{ATOM}feed", {"{http://www.w3.org/XML/1998/namespace}lang": language.code}, {None: ATOM.strip("{}")})  # type: ignore[dict-item]
    _add(feed, "id", f"{address}{feed_name(language.code)}")
    _add(feed, "title", language.text(texts.dataset))
    _add(feed, "subtitle", language.text(texts.catalogue.description))
    _add(feed, "updated", max(_updated(release) for release in found))
    _add(feed, "link", rel="self", href=f"{address}{feed_name(language.code)}", type="application/atom+xml")
    _add(feed, "link", rel="alternate", href=f"{address}current/site/index.html", type="text/html")
    author = _add(feed, "author")
    _add(author, "name", language.text(texts.publisher))
    _add(author, "email", texts.catalogue.email)
    _add(feed, "rights", texts.licence.title)
    for release in found:
        place = f"{address}releases/{release.id}/"
        entry = _add(feed, "entry")
        _add(entry, "id", place)
        _add(entry, "title", _title(release, texts, language))
        _add(entry, "updated", _updated(release))
        _add(
            entry,
            "link",
            rel="alternate",
            href=f"{place}site/{'' if language.is_first else f'{language.code}/'}index.html",
            type="text/html",
        )
        _add(entry, "summary", _summary(release, texts, language))
    return etree.tostring(feed, encoding="utf-8", xml_declaration=True, pretty_print=True)


def _add(parent: Any, name: str, text: str | None = None, **attributes: str) -> Any:
    element = etree.SubElement(parent, f"{ATOM}{name}", attributes)
    element.text = text
    return element


def _title(release: Release, texts: TableTexts, language: Language) -> str:
    edition = language.say("edition", day=language.date(release.as_of), version=release.manifest["version"])
    simulated = f"{language.say('simulated_figures')}: " if release.manifest["is_simulated"] else ""
    return f"{simulated}{language.text(texts.dataset)}. {edition}"


def _updated(release: Release) -> str:
    """When there was last something to tell of a release: the day of its figures, or that of its withdrawal. No clock is asked."""
    if release.is_withdrawn:
        return f"{_withdrawal(release).statement.at[:10]}T00:00:00Z"
    return f"{release.as_of}T00:00:00Z"


def _summary(release: Release, texts: TableTexts, language: Language) -> str:
    if release.is_withdrawn:
        told = _withdrawal(release).statement
        return language.text(texts.withdrawn).format(release=release.id, day=told.at[:10], reason=told.reason)
    changes: Mapping[str, Any] = json.loads((release.folder / "changes.json").read_bytes())
    return language.say("first_edition") if changes["previous"] is None else language.edition(changes)


def _withdrawal(release: Release) -> Signature:
    return Signature.parse(release.manifest["withdrawn"])


def _citations(found: Sequence[Release], jurisdiction: str, texts: TableTexts, language: Language) -> bytes:
    """Return every release as a dataset in CSL-JSON, which reference managers read."""
    publisher = language.text(texts.publisher)
    items = [
        {
            "id": f"das-{jurisdiction}-{release.id}",
            "type": "dataset",
            "title": _title(release, texts, language),
            "author": [{"literal": publisher}],
            "publisher": publisher,
            "issued": {"date-parts": [[release.as_of.year, release.as_of.month, release.as_of.day]]},
            "version": release.manifest["version"],
            "URL": f"{texts.catalogue.address}releases/{release.id}/site/index.html",
            "language": language.code,
        }
        for release in found
    ]
    return json.dumps(items, ensure_ascii=False, indent=1).encode() + b"\n"
