"""What must be true of the finished pages: every count is that of the release, and no link is broken."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lxml import etree

from das_pipeline.gate import Verdict
from das_pipeline.publication.releases import CITATIONS, CITED, feed_name
from das_pipeline.website.cells import PublishedTable


class _Page:
    """The links, anchors and counts of one page."""

    def __init__(self, path: Path) -> None:
        tree: Any = etree.parse(str(path), etree.HTMLParser(encoding="utf-8"))
        elements = list(tree.iter(etree.Element))
        self.links = [e.get(name) for e in elements for name in ("href", "src") if name in e.attrib and e.tag != "use"]
        self.anchors = {e.get("id") for e in elements if "id" in e.attrib}
        self.counts = [(e.get("data-table"), e.get("data-cell"), e.get("data-value")) for e in elements if "data-value" in e.attrib]


def pages(folder: Path) -> list[Path]:
    """The pages of a finished candidate or release."""
    return sorted((folder / "site").rglob("*.html"))


def broken_links(folder: Path, languages: Iterable[str]) -> list[str]:
    """The relative links of the pages whose file, or whose place in it, does not exist; other hosts are not visited.

    What lies beside releases, as a feed in each of the `languages`, and by which one is cited is there once the candidate is a release.
    """
    read = {path.resolve(): _Page(path) for path in pages(folder)}
    root = folder.resolve()
    of_releases = {root.parent / name for name in (CITATIONS, *map(feed_name, languages))} | {root / name for name in CITED}
    broken = []
    for path, page in read.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchored = read.get(target)
            if target in of_releases:
                continue
            if not target.is_file() or (parts.fragment and anchored is not None and parts.fragment not in anchored.anchors):
                broken.append(f"{path.relative_to(folder.resolve()).as_posix()}: {link}")
    return broken


def numbers_are_released(folder: Path) -> Verdict:
    """D03: every count on a page is that of its cell in the tables beside it."""
    tables = {p.stem: PublishedTable(p) for p in sorted((folder / "tables").glob("*.parquet"))}
    counts = [count for path in pages(folder) for count in _Page(path).counts]
    wrong = 0
    for table, key, value in counts:
        cells = [tables[table].cells.get(tuple(k.split("|"))) if table in tables else None for k in key.split(" ")]
        wrong += None in cells or str(sum(cell.n for cell in cells if cell)) != value
    sentence = (
        f"All {len(counts)} counts on the pages are those of the tables."
        if not wrong
        else f"{wrong} of {len(counts)} counts on the pages are not those of the tables: build the site again from this candidate."
    )
    return Verdict("D03", not wrong, sentence, facts={"counts": len(counts), "wrong": wrong})
